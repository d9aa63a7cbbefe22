//! A signed file that arrives in pieces: signatures are checked and content is read at once, and the content stays
//! shut until the signatures are known to be good.

use crate::json::{Event, Path, Scanner, Sink, Span, Step, TOKEN};
use crate::metadata::{Entry, EnvelopeReader};
use crate::{Error, Length, Role, Sha256, Sha256Hash, told};

/// Who checks the signatures.
pub(super) trait Signatures {
    /// The next entry of `signatures`.
    fn entry(&mut self, entry: &Entry);
    /// The next bytes of what was signed.
    fn update(&mut self, bytes: &[u8]);
}

/// Who reads the content.
pub(super) trait Body {
    /// A value in `signed`.
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, span: Span) -> Result<(), Error>;
}

/// The content of a file, shut until its signatures are known to be good.
pub(super) struct Shut<B>(B);

/// A [`Shut`] content, whatever its kind, as the stream alone sees it.
pub(super) trait Closing {
    /// Who reads it.
    fn body(&mut self) -> &mut dyn Body;
}

impl<B: Body> Closing for Shut<B> {
    fn body(&mut self) -> &mut dyn Body {
        &mut self.0
    }
}

impl<B> Shut<B> {
    pub(super) fn new(body: B) -> Self {
        Self(body)
    }

    /// What becomes of it, which stays shut.
    pub(super) fn map<C>(&mut self, form: impl FnOnce(&mut B) -> C) -> Shut<C> {
        Shut(form(&mut self.0))
    }
}

/// The file so far. Who checks its signatures and who reads its content stands beside it and is named in every call: it
/// is the same code for all kinds of file, and nothing large is moved about on a small stack.
pub(super) struct FileStream {
    role: Role,
    limit: u64,
    received: u64,
    scanner: Scanner<TOKEN>,
    envelope: EnvelopeReader,
    sha256: Sha256Hash,
    /// What is wrong with the content. It is told only once the signatures are good, as when the file is at hand.
    fault: Option<Error>,
    /// Why the file was refused. It stays refused, even for a caller that goes on.
    refused: Option<Error>,
}

impl FileStream {
    #[inline(never)]
    pub(super) fn new(role: Role, limit: u64) -> Self {
        Self {
            role,
            limit,
            received: 0,
            scanner: Scanner::new(),
            envelope: EnvelopeReader::default(),
            sha256: Sha256Hash::default(),
            fault: None,
            refused: None,
        }
    }

    #[inline(never)]
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        signatures: &mut dyn Signatures,
        body: &mut dyn Closing,
    ) -> Result<(), Error> {
        if self.refused.is_none() {
            self.refused = self.take(bytes, signatures, body.body()).err();
        }
        self.check_refused()
    }

    fn check_refused(&self) -> Result<(), Error> {
        self.refused.map_or(Ok(()), Err)
    }

    fn take(&mut self, bytes: &[u8], signatures: &mut dyn Signatures, body: &mut dyn Body) -> Result<(), Error> {
        self.received = self.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.received > self.limit {
            return Err(Error::TooLong { role: told(self.role), limit: told(Length::new(self.limit)?) });
        }
        self.sha256.update(bytes);
        let Self { scanner, envelope, fault, .. } = self;
        scanner.feed(bytes, &mut Frame { envelope, signatures, body, fault })
    }

    /// Says that the file is complete.
    #[inline(never)]
    pub(super) fn finish(&mut self, signatures: &mut dyn Signatures, body: &mut dyn Closing) -> Result<Closed, Error> {
        self.check_refused()?;
        let body = body.body();
        let Self { scanner, envelope, sha256, fault, .. } = self;
        scanner.end_here(&mut Frame { envelope, signatures, body, fault })?;
        envelope.finish()?;
        Ok(Closed { fault: *fault, sha256: sha256.take() })
    }
}

/// The file is complete, and its content still shut.
pub(super) struct Closed {
    fault: Option<Error>,
    sha256: Sha256,
}

impl Closed {
    /// Gives the content to whoever found the signatures good.
    pub(super) fn open<'b, E, B>(&self, verified: Result<E, Error>, body: &'b Shut<B>) -> Result<&'b B, Error> {
        // What comes is evidence alone, and it ends here.
        let _evidence = verified?;
        self.fault.map_or(Ok(&body.0), Err)
    }

    /// SHA-256 of the file.
    pub(super) fn sha256(&self) -> Sha256 {
        self.sha256
    }
}

/// Hears the scanner.
struct Frame<'f> {
    envelope: &'f mut EnvelopeReader,
    signatures: &'f mut dyn Signatures,
    body: &'f mut dyn Body,
    fault: &'f mut Option<Error>,
}

impl Sink for Frame<'_> {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        let steps = path.steps();
        if let Some(entry) = self.envelope.event(steps, event)? {
            self.signatures.entry(entry);
        }
        if let ([Step::Key("signed"), rest @ ..], None) = (steps, *self.fault) {
            *self.fault = self.body.event(rest, event, span).err();
        }
        Ok(())
    }

    fn signed(&mut self, bytes: &[u8]) {
        self.signatures.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    struct Nobody;

    impl Signatures for Nobody {
        fn entry(&mut self, _: &Entry) {}
        fn update(&mut self, _: &[u8]) {}
    }

    impl Body for Nobody {
        fn event(&mut self, _: &[Step<'_>], _: Event<'_>, _: Span) -> Result<(), Error> {
            Ok(())
        }
    }

    const FILE: &[u8] = br#"{"signatures":[],"signed":{}}"#;

    /// What a stream says of each of these pieces, and at the end.
    fn read(pieces: &[&[u8]]) -> (Vec<Result<(), Error>>, Result<(), Error>) {
        let (mut stream, mut body) = (FileStream::new(Role::Targets, 64), Shut::new(Nobody));
        let said = pieces.iter().map(|piece| stream.feed(piece, &mut Nobody, &mut body)).collect();
        (said, stream.finish(&mut Nobody, &mut body).map(|_| ()))
    }

    #[test]
    fn a_stream_takes_a_whole_file() {
        assert_eq!(read(&[FILE]), (vec![Ok(())], Ok(())));
    }

    #[test]
    fn a_stream_that_refused_a_byte_refuses_the_file_to_a_caller_that_goes_on() {
        let refused = Err(Error::NotCanonical { at: 0 });
        assert_eq!(read(&[b" ", FILE]), (vec![refused, refused], refused));
    }
}
