//! The Secondary's side.

use core::time::Duration;

use uptane::{Length, Nonce, TransactionId};

use super::answer::{Failure, Outcome, done, exactly, put_routine, put_value, timer, unexpected};
use super::codec::{
    ADDRESS_AND_LENGTH, BLOCK_HEAD, BLOCK_LENGTH_FORMAT, DEFAULT_SESSION, NEGATIVE, Nrc, PLAIN_DATA, POSITIVE,
    PROGRAMMING_SESSION, Reader, SUPPRESS, Writer, did, file, put_outcome, routine, service,
};
use super::{P2, P2_EXTENDED, S3};
use crate::secondary::{File, Refusal, Reply, Request};

/// Who answers the requests: the Secondary.
pub trait Handler {
    /// Answers a request, with the reply its documentation names or a refusal.
    fn handle(&mut self, request: Request<'_>) -> Reply<'_>;
}

impl<F: FnMut(Request<'_>) -> Reply<'static>> Handler for F {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self(request)
    }
}

/// Turns messages into requests, and replies into messages.
///
/// For each message that arrives, call [`Server::handle`] and send what it writes. Once that has left, call
/// [`Server::poll`] and send what it writes: work that takes longer than P2 allows is announced first and done then.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    max_request: usize,
    session: Session,
    transfer: Transfer,
    nonce: Option<Nonce>,
    refusal: Option<Refusal>,
    pending: Option<Work>,
}

#[derive(Clone, Copy, Debug)]
enum Session {
    Default,
    /// The last request came at this time.
    Programming(Duration),
}

#[derive(Clone, Copy, Debug)]
enum Transfer {
    /// No file is under way.
    None,
    /// A block with this counter is expected, whose data belongs at `next`. `next` is also the answer to the block
    /// before, if there was one.
    Open { next: Length, counter: u8, any: bool },
    /// The block with this counter was refused, which ended the transfer. Repeated, it is refused alike.
    Refused { counter: u8, refusal: Refusal },
    /// All blocks are here.
    Exited,
    /// What became of the file.
    Closed(Result<(), Refusal>),
}

/// What was announced as pending.
#[derive(Clone, Copy, Debug)]
enum Work {
    Offer(File, Length),
    Close,
}

impl Server {
    /// In the default session. `max_request` is the longest message the carrier takes.
    pub fn new(max_request: usize) -> Self {
        Self {
            max_request,
            session: Session::Default,
            transfer: Transfer::None,
            nonce: None,
            refusal: None,
            pending: None,
        }
    }

    /// Takes a message and writes the response into `out`, of which at least 3 bytes are needed. Gives its length; 0 if
    /// none is to be sent.
    pub fn handle(&mut self, message: &[u8], now: Duration, handler: &mut impl Handler, out: &mut [u8]) -> usize {
        let Some((&service, parameters)) = message.split_first() else {
            return 0;
        };
        self.keep_session(now);
        let mut writer = Writer::new(out);
        let outcome = match self.pending {
            Some(_) => Err(Nrc::BusyRepeatRequest.into()),
            None => self.dispatch(service, parameters, now, handler, &mut writer),
        };
        self.finish(service, outcome, &mut writer)
    }

    /// Does the work that was announced as pending, and writes the response. `None` if there is none.
    pub fn poll(&mut self, now: Duration, handler: &mut impl Handler, out: &mut [u8]) -> Option<usize> {
        let work = self.pending.take()?;
        self.keep_session(now);
        let mut writer = Writer::new(out);
        let (service, outcome) = match work {
            Work::Offer(file, length) => (service::DOWNLOAD, self.offer(file, length, handler, &mut writer)),
            Work::Close => (service::ROUTINE, self.close(handler, &mut writer)),
        };
        Some(self.finish(service, outcome, &mut writer))
    }

    /// Whether [`Server::poll`] has work to do.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// A session without requests ends, and with it what was under way.
    fn keep_session(&mut self, now: Duration) {
        if let Session::Programming(last) = &mut self.session {
            if now > *last + S3 {
                self.session = Session::Default;
                self.end_transfer();
            } else {
                *last = now;
            }
        }
    }

    /// What became of a file is kept until the next offer, for a client that did not get the response.
    fn end_transfer(&mut self) {
        self.transfer = match self.transfer {
            Transfer::Closed(outcome) => Transfer::Closed(outcome),
            Transfer::None | Transfer::Open { .. } | Transfer::Refused { .. } | Transfer::Exited => Transfer::None,
        };
    }

    /// The length of the response, which is negative if there was a failure or the positive one does not fit.
    fn finish(&mut self, service: u8, outcome: Outcome, writer: &mut Writer<'_>) -> usize {
        let written = outcome.and_then(|()| writer.written().ok_or(Nrc::ResponseTooLong.into()));
        let nrc = match written {
            Ok(len) => return len,
            Err(Failure::Code(nrc @ (Nrc::ResponsePending | Nrc::BusyRepeatRequest))) => nrc,
            Err(Failure::Code(nrc)) => {
                self.refusal = Some(self.refusal_of(nrc));
                nrc
            }
            Err(Failure::Refused(refusal)) => {
                self.refusal = Some(refusal);
                Nrc::of(refusal)
            }
        };
        writer.clear();
        writer.put(&[NEGATIVE, service, nrc.code()]);
        writer.written().unwrap_or_default()
    }

    /// What a message that was not right is in the words of the vocabulary.
    fn refusal_of(&self, nrc: Nrc) -> Refusal {
        match (nrc, self.transfer) {
            (Nrc::ConditionsNotCorrect, _) => Refusal::Phase,
            (Nrc::WrongBlockCounter | Nrc::RequestSequenceError, Transfer::Open { next, .. }) => Refusal::Offset(next),
            (Nrc::RequestSequenceError | Nrc::NotInActiveSession, _) => Refusal::Offset(Length::ZERO),
            _ => Refusal::Malformed,
        }
    }

    fn dispatch(
        &mut self,
        service: u8,
        parameters: &[u8],
        now: Duration,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        match service {
            service::SESSION => self.change_session(parameters, now, writer),
            service::READ => self.read(parameters, handler, writer),
            service::WRITE => self.write(parameters, writer),
            service::PRESENT => present(parameters, writer),
            service::ROUTINE | service::DOWNLOAD | service::DATA | service::EXIT => match self.session {
                Session::Default => Err(Nrc::NotInActiveSession.into()),
                Session::Programming(_) => self.change(service, parameters, handler, writer),
            },
            _ => Err(Nrc::ServiceNotSupported.into()),
        }
    }

    /// Services that change something, which only the programming session may.
    fn change(
        &mut self,
        service: u8,
        parameters: &[u8],
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        match service {
            service::ROUTINE => self.routine(parameters, handler, writer),
            service::DOWNLOAD => self.download(parameters, handler, writer),
            service::DATA => self.block(parameters, handler, writer),
            _ => self.exit(parameters, writer),
        }
    }

    fn change_session(&mut self, parameters: &[u8], now: Duration, writer: &mut Writer<'_>) -> Outcome {
        let [sub] = exactly(parameters)?;
        self.session = match sub & !SUPPRESS {
            DEFAULT_SESSION => Session::Default,
            PROGRAMMING_SESSION => Session::Programming(now),
            _ => return Err(Nrc::SubFunctionNotSupported.into()),
        };
        self.end_transfer();
        if sub & SUPPRESS == 0 {
            writer.put(&[service::SESSION + POSITIVE, sub]);
            writer.put(&timer(P2.as_millis())).put(&timer(P2_EXTENDED.as_millis() / 10));
        }
        Ok(())
    }

    fn read(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let did = exactly(parameters)?;
        writer.put(&[service::READ + POSITIVE]).put(&did);
        match did {
            did::IDENTITY => put_value(handler.handle(Request::Identify), writer),
            did::TIME_NONCE => put_value(handler.handle(Request::TimeNonce), writer),
            did::REPORT => {
                let nonce = self.nonce.ok_or(Nrc::ConditionsNotCorrect)?;
                put_value(handler.handle(Request::Report(nonce)), writer)
            }
            did::PROGRESS => match self.transfer {
                Transfer::Open { next, .. } => {
                    writer.put(&next.get().to_be_bytes());
                    Ok(())
                }
                Transfer::None | Transfer::Refused { .. } | Transfer::Exited | Transfer::Closed(_) => {
                    Err(Nrc::ConditionsNotCorrect.into())
                }
            },
            did::REFUSAL => {
                put_outcome(writer, self.refusal.map_or(Ok(()), Err));
                Ok(())
            }
            _ => Err(Nrc::RequestOutOfRange.into()),
        }
    }

    fn write(&mut self, parameters: &[u8], writer: &mut Writer<'_>) -> Outcome {
        let (did, nonce) = parameters.split_first_chunk().ok_or(Nrc::IncorrectLength)?;
        if *did != did::REPORT_NONCE {
            return Err(Nrc::RequestOutOfRange.into());
        }
        self.nonce = Some(Nonce(exactly(nonce)?));
        writer.put(&[service::WRITE + POSITIVE]).put(did);
        Ok(())
    }

    fn routine(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let (&[sub, high, low], record) = parameters.split_first_chunk().ok_or(Nrc::IncorrectLength)?;
        match ([high, low], sub) {
            (routine::BEGIN, routine::START) => {
                let transaction = TransactionId(exactly(record)?);
                self.transfer = Transfer::None;
                let outcome = done(handler.handle(Request::Begin(transaction)))?;
                put_routine(writer, sub, routine::BEGIN, outcome);
                Ok(())
            }
            (routine::CLOSE, routine::START | routine::RESULTS) => {
                let [] = exactly(record)?;
                match (self.transfer, sub) {
                    (Transfer::Exited, routine::START) => Err(self.announce(Work::Close)),
                    (Transfer::Closed(outcome), routine::RESULTS) => {
                        put_routine(writer, sub, routine::CLOSE, outcome);
                        Ok(())
                    }
                    _ => Err(Nrc::RequestSequenceError.into()),
                }
            }
            (routine::BEGIN | routine::CLOSE, _) => Err(Nrc::SubFunctionNotSupported.into()),
            _ => Err(Nrc::RequestOutOfRange.into()),
        }
    }

    fn close(&mut self, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let outcome = done(handler.handle(Request::Close))?;
        self.transfer = Transfer::Closed(outcome);
        put_routine(writer, routine::START, routine::CLOSE, outcome);
        Ok(())
    }

    fn download(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let [format, widths, range @ ..]: [u8; 18] = exactly(parameters)?;
        if (format, widths) != (PLAIN_DATA, ADDRESS_AND_LENGTH) {
            return Err(Nrc::RequestOutOfRange.into());
        }
        let mut range = Reader::new(&range);
        let file = range.array().and_then(file).ok_or(Nrc::RequestOutOfRange)?;
        let length = range.length().ok_or(Nrc::RequestOutOfRange)?;
        self.transfer = Transfer::None;
        if file == File::Image {
            // A bank may have to be erased first.
            return Err(self.announce(Work::Offer(file, length)));
        }
        self.offer(file, length, handler, writer)
    }

    fn offer(&mut self, file: File, length: Length, handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let reply = handler.handle(Request::Offer(file, length));
        let Reply::Ready(next, chunk) = reply else {
            return Err(unexpected(reply));
        };
        self.transfer = Transfer::Open { next, counter: 1, any: false };
        let head = u32::try_from(BLOCK_HEAD).unwrap_or_default();
        let block = chunk.saturating_add(head).min(u32::try_from(self.max_request).unwrap_or(u32::MAX));
        writer.put(&[service::DOWNLOAD + POSITIVE, BLOCK_LENGTH_FORMAT]).put(&block.to_be_bytes());
        Ok(())
    }

    fn block(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let Some((&counter, data @ [_, ..])) = parameters.split_first() else {
            return Err(Nrc::IncorrectLength.into());
        };
        let (next, expected, any) = match self.transfer {
            Transfer::Open { next, counter, any } => (next, counter, any),
            Transfer::Refused { counter: refused, refusal } if refused == counter => {
                return Err(Failure::Refused(refusal));
            }
            Transfer::None | Transfer::Refused { .. } | Transfer::Exited | Transfer::Closed(_) => {
                return Err(Nrc::RequestSequenceError.into());
            }
        };
        let taken = if counter == expected {
            self.chunk(counter, next, data, handler)?
        } else if any && counter == expected.wrapping_sub(1) {
            next // The response to this block was lost: it is given again, and nothing is written.
        } else {
            return Err(Nrc::WrongBlockCounter.into());
        };
        self.transfer = Transfer::Open { next: taken, counter: counter.wrapping_add(1), any: true };
        writer.put(&[service::DATA + POSITIVE, counter]).put(&taken.get().to_be_bytes());
        Ok(())
    }

    fn chunk(
        &mut self,
        counter: u8,
        offset: Length,
        data: &[u8],
        handler: &mut impl Handler,
    ) -> Result<Length, Failure> {
        let reply = handler.handle(Request::Chunk(offset, data));
        self.transfer = Transfer::None;
        match reply {
            Reply::Taken(taken) => return Ok(taken),
            Reply::Refused(refusal) => self.transfer = Transfer::Refused { counter, refusal },
            Reply::Identity(_) | Reply::TimeNonce(_) | Reply::Ready(..) | Reply::Done | Reply::Report(_) => {}
        }
        Err(unexpected(reply))
    }

    fn exit(&mut self, parameters: &[u8], writer: &mut Writer<'_>) -> Outcome {
        let [] = exactly(parameters)?;
        match self.transfer {
            // The second time, the response was lost.
            Transfer::Open { .. } | Transfer::Exited => self.transfer = Transfer::Exited,
            Transfer::None | Transfer::Refused { .. } | Transfer::Closed(_) => {
                return Err(Nrc::RequestSequenceError.into());
            }
        }
        writer.put(&[service::EXIT + POSITIVE]);
        Ok(())
    }

    fn announce(&mut self, work: Work) -> Failure {
        self.pending = Some(work);
        Nrc::ResponsePending.into()
    }
}

fn present(parameters: &[u8], writer: &mut Writer<'_>) -> Outcome {
    match exactly(parameters)? {
        [0] => _ = writer.put(&[service::PRESENT + POSITIVE, 0]),
        [SUPPRESS] => {}
        _ => return Err(Nrc::SubFunctionNotSupported.into()),
    }
    Ok(())
}
