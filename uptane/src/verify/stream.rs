//! A signed file that arrives in pieces: signatures are checked and content is read at once, and the content stays
//! shut until the signatures are known to be good.

use sha2::Digest as _;

use crate::json::{Event, Path, Scanner, Sink, Span, Step, TOKEN};
use crate::metadata::{Entry, EnvelopeReader};
use crate::{Error, Length, Role, Sha256};

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

/// The file so far.
pub(super) struct FileStream<S, B> {
    role: Role,
    limit: u64,
    received: u64,
    scanner: Scanner<TOKEN>,
    frame: Frame<S, B>,
    sha256: sha2::Sha256,
    /// Why the file was refused. It stays refused, even for a caller that goes on.
    refused: Option<Error>,
}

struct Frame<S, B> {
    envelope: EnvelopeReader,
    signatures: S,
    body: B,
    /// What is wrong with the content. It is told only once the signatures are good, as when the file is at hand.
    fault: Option<Error>,
}

impl<S: Signatures, B: Body> FileStream<S, B> {
    pub(super) fn new(role: Role, limit: u64, signatures: S, body: B) -> Self {
        let frame = Frame { envelope: EnvelopeReader::default(), signatures, body, fault: None };
        let (scanner, sha256) = (Scanner::new(), sha2::Sha256::new());
        Self { role, limit, received: 0, scanner, frame, sha256, refused: None }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.check_refused()?;
        let taken = self.take(bytes);
        self.refused = taken.err();
        taken
    }

    fn check_refused(&self) -> Result<(), Error> {
        self.refused.map_or(Ok(()), Err)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.received = self.received.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.received > self.limit {
            return Err(Error::TooLong { role: self.role, limit: Length::new(self.limit)? });
        }
        self.sha256.update(bytes);
        self.scanner.feed(bytes, &mut self.frame)
    }

    pub(super) fn finish(self) -> Result<Closed<S, B>, Error> {
        self.check_refused()?;
        let Self { mut frame, scanner, sha256, .. } = self;
        scanner.finish(&mut frame)?;
        frame.envelope.finish()?;
        Ok(Closed { frame, sha256: Sha256(sha256.finalize().into()) })
    }
}

/// The file is complete, and its content still shut.
pub(super) struct Closed<S, B> {
    frame: Frame<S, B>,
    sha256: Sha256,
}

impl<S, B> Closed<S, B> {
    /// Gives the content, and SHA-256 of the file, to whoever finds the signatures good.
    pub(super) fn open<E>(self, verify: impl FnOnce(S) -> Result<E, Error>) -> Result<(E, B, Sha256), Error> {
        let Self { frame: Frame { signatures, body, fault, envelope: _ }, sha256 } = self;
        let evidence = verify(signatures)?;
        match fault {
            Some(fault) => Err(fault),
            None => Ok((evidence, body, sha256)),
        }
    }
}

impl<S: Signatures, B: Body> Sink for Frame<S, B> {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        if let Some(entry) = self.envelope.event(path.steps(), event)? {
            self.signatures.entry(entry);
        }
        if let ([Step::Key("signed"), rest @ ..], None) = (path.steps(), self.fault) {
            self.fault = self.body.event(rest, event, span).err();
        }
        Ok(())
    }

    fn signed(&mut self, bytes: &[u8]) {
        self.signatures.update(bytes);
    }
}

#[cfg(test)]
mod tests {
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

    fn stream() -> FileStream<Nobody, Nobody> {
        FileStream::new(Role::Targets, 64, Nobody, Nobody)
    }

    #[test]
    fn a_stream_takes_a_whole_file() {
        let mut stream = stream();
        assert_eq!(stream.feed(FILE), Ok(()));
        assert!(stream.finish().is_ok());
    }

    #[test]
    fn a_stream_that_refused_a_byte_refuses_the_file_to_a_caller_that_goes_on() {
        let mut stream = stream();
        let refused = Err(Error::NotCanonical { at: 0 });
        assert_eq!(stream.feed(b" "), refused);
        assert_eq!(stream.feed(FILE), refused);
        assert_eq!(stream.finish().map(|_| ()), refused);
    }
}
