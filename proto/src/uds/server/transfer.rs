//! The transfer of a file: 31, 34, 36 and 37.

use uptane::{Length, TransactionId};

use super::{Call, Handler, Server, Work};
use crate::secondary::{File, Refusal, Reply, Request};
use crate::uds::answer::{Failure, Outcome, done, exactly, put_routine, unexpected};
use crate::uds::codec::{
    ADDRESS_AND_LENGTH, BLOCK_HEAD, BLOCK_LENGTH_FORMAT, Nrc, PLAIN_DATA, POSITIVE, Reader, Writer, file, routine,
    service,
};

#[derive(Clone, Copy, Debug)]
pub(super) enum Transfer {
    /// No file is under way.
    None,
    /// Blocks of a file are expected.
    Open(Open),
    /// The block with this counter was refused, which ended the transfer. Repeated, it is refused alike.
    Refused { counter: u8, refusal: Refusal },
    /// All blocks are here.
    Exited,
    /// What became of the file.
    Closed(Result<(), Refusal>),
}

/// A block with this counter is expected, whose data belongs at `next`. `next` is also the answer to the block before, if
/// there was one. None is longer than `longest`; the file has `length` bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    file: File,
    length: Length,
    pub(super) next: Length,
    counter: u8,
    any: bool,
    longest: u32,
}

impl Open {
    /// Goes on to the block after this one.
    fn go_on(&mut self, next: Length) {
        (self.next, self.counter, self.any) = (next, self.counter.wrapping_add(1), true);
    }

    /// The answer to the block before.
    fn answer(&self, writer: &mut Writer<'_>) {
        let counter = self.counter.wrapping_sub(1);
        writer.put(&[service::DATA + POSITIVE, counter]).put(&self.next.get().to_be_bytes());
    }
}

/// Data bytes of a block of a patch. They may make thousands of bytes of the new image, so each block is announced, and
/// kept until its turn: it is as long as the memory for that is worth. With its head it fills whole frames of ISO-TP, 36 of
/// 8 bytes and four of 64, as long as addresses take no byte of them.
pub(super) const MAX_PATCH_DATA: usize = 249;

/// The block of a patch whose turn is yet to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    data: [u8; MAX_PATCH_DATA],
    length: usize,
}

impl Block {
    pub(super) const NONE: Self = Self { data: [0; MAX_PATCH_DATA], length: 0 };

    /// Keeps these bytes, unless they are too many.
    fn keep(&mut self, bytes: &[u8]) -> Option<()> {
        self.data.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.length = bytes.len();
        Some(())
    }

    fn data(&self) -> &[u8] {
        self.data.get(..self.length).unwrap_or_default()
    }
}

impl<const GROUP: bool> Server<GROUP> {
    /// Which routine stands before what is to be done with it (ISO 14229-1, RoutineControl).
    pub(super) fn routine(&mut self, call: Call<'_>, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let (id, record) = call.record.split_first_chunk().ok_or(Nrc::IncorrectLength)?;
        match (*id, call.sub) {
            (routine::BEGIN, routine::START) => {
                let transaction = TransactionId(exactly(record)?);
                self.transfer = Transfer::None;
                let outcome = done(handler.handle(Request::Begin(transaction)))?;
                put_routine(writer, call.sub, routine::BEGIN, outcome);
                Ok(())
            }
            (routine::CLOSE, routine::START | routine::RESULTS) => {
                let [] = exactly(record)?;
                match (self.transfer, call.sub) {
                    (Transfer::Exited, routine::START) => Err(self.announce(Work::Close)),
                    (Transfer::Closed(outcome), routine::RESULTS) => {
                        put_routine(writer, call.sub, routine::CLOSE, outcome);
                        Ok(())
                    }
                    _ => Err(Nrc::RequestSequenceError.into()),
                }
            }
            (routine::BROADCAST, _) if GROUP => {
                let next = self.next();
                self.hearing.routine(call.sub, record, next, writer)
            }
            (routine::BEGIN | routine::CLOSE, _) => Err(Nrc::SubFunctionNotSupported.into()),
            _ => Err(Nrc::RequestOutOfRange.into()),
        }
    }

    pub(super) fn close(&mut self, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let outcome = done(handler.handle(Request::Close))?;
        self.transfer = Transfer::Closed(outcome);
        put_routine(writer, routine::START, routine::CLOSE, outcome);
        Ok(())
    }

    pub(super) fn download(
        &mut self,
        parameters: &[u8],
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let (&[format, widths], range) = parameters.split_first_chunk().ok_or(Nrc::IncorrectLength)?;
        if range.len() != usize::from(widths >> 4) + usize::from(widths & 0x0f) {
            return Err(Nrc::IncorrectLength.into());
        }
        if (format, widths) != (PLAIN_DATA, ADDRESS_AND_LENGTH) {
            return Err(Nrc::RequestOutOfRange.into());
        }
        let mut range = Reader::new(range);
        let file = range.array().and_then(file).ok_or(Nrc::RequestOutOfRange)?;
        let length = range.length().ok_or(Nrc::RequestOutOfRange)?;
        self.transfer = Transfer::None;
        if matches!(file, File::Image | File::Patch) {
            // A bank may have to be erased first.
            return Err(self.announce(Work::Offer(file, length)));
        }
        self.offer(file, length, handler, writer)
    }

    pub(super) fn offer(
        &mut self,
        file: File,
        length: Length,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let reply = handler.handle(Request::Offer(file, length));
        let Reply::Ready(next, chunk) = reply else {
            return Err(unexpected(reply));
        };
        let most = if file == File::Patch { MAX_PATCH_DATA.saturating_add(BLOCK_HEAD) } else { self.max_request };
        let [head, most] = [BLOCK_HEAD, most.min(self.max_request)].map(|len| u32::try_from(len).unwrap_or(u32::MAX));
        let longest = chunk.saturating_add(head).min(most);
        self.transfer = Transfer::Open(Open { file, length, next, counter: 1, any: false, longest });
        self.hearing.offer(length, chunk);
        writer.put(&[service::DOWNLOAD + POSITIVE, BLOCK_LENGTH_FORMAT]).put(&longest.to_be_bytes());
        Ok(())
    }

    pub(super) fn block(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let Some((&counter, data @ [_, ..])) = parameters.split_first() else {
            return Err(Nrc::IncorrectLength.into());
        };
        self.hearing.end();
        let open = match &self.transfer {
            Transfer::Open(open) => open,
            Transfer::Refused { counter: refused, refusal } if *refused == counter => {
                return Err(Failure::Refused(*refusal));
            }
            Transfer::None | Transfer::Refused { .. } | Transfer::Exited | Transfer::Closed(_) => {
                return Err(Nrc::RequestSequenceError.into());
            }
        };
        if u32::try_from(data.len() + BLOCK_HEAD).map_or(true, |len| len > open.longest) {
            return Err(Nrc::IncorrectLength.into());
        }
        if counter == open.counter {
            if open.file == File::Patch {
                self.block.keep(data).ok_or(Nrc::IncorrectLength)?;
                return Err(self.announce(Work::Patch));
            }
            let next = open.next;
            return self.taken(handler.handle(Request::Chunk(next, data)), writer);
        }
        if !open.any || counter != open.counter.wrapping_sub(1) {
            return Err(Nrc::WrongBlockCounter.into());
        }
        // The response to this block was lost: it is given again, and nothing is written.
        open.answer(writer);
        Ok(())
    }

    /// The block of a patch that was announced.
    pub(super) fn patch(&mut self, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let next = self.next().ok_or(Nrc::RequestSequenceError)?;
        let reply = handler.handle(Request::Chunk(next, self.block.data()));
        self.taken(reply, writer)
    }

    /// Goes on behind a block that was taken. Nothing but that keeps the transfer open.
    #[inline(never)]
    fn taken(&mut self, reply: Reply<'_>, writer: &mut Writer<'_>) -> Outcome {
        let Transfer::Open(open) = &mut self.transfer else {
            return Err(Nrc::RequestSequenceError.into());
        };
        if let Reply::Taken(next) = reply {
            open.go_on(next);
            open.answer(writer);
            return Ok(());
        }
        let (counter, failure) = (open.counter, unexpected(reply));
        self.transfer = match failure {
            Failure::Refused(refusal) => Transfer::Refused { counter, refusal },
            Failure::Code(_) => Transfer::None,
        };
        Err(failure)
    }

    pub(super) fn exit(&mut self, parameters: &[u8], writer: &mut Writer<'_>) -> Outcome {
        let [] = exactly(parameters)?;
        match self.transfer {
            // Whoever asks for it too early ends nothing: what is on its way goes on.
            Transfer::Open(Open { length, next, .. }) if next != length => return Err(Nrc::RequestSequenceError.into()),
            // The second time, the response was lost.
            Transfer::Open(_) | Transfer::Exited => self.transfer = Transfer::Exited,
            Transfer::None | Transfer::Refused { .. } | Transfer::Closed(_) => {
                return Err(Nrc::RequestSequenceError.into());
            }
        }
        writer.put(&[service::EXIT + POSITIVE]);
        Ok(())
    }
}
