//! Files before their signatures were verified: read once, judged as often as needed.

use alloc::vec::Vec;

use super::file::FileBytes;
use super::kept::Kept;
use super::kind::Kind;
use super::sealed::Unsealed;
use super::threshold::{self, ThresholdMet};
use crate::json::canonical::rewrite;
use crate::json::normal::check_nfc;
use crate::json::{Document, Event, Path, Sink, Span, Step, read};
use crate::metadata::{ContentReader, Envelope, EnvelopeReader, FileMeta, RoleKeys};
use crate::{Error, Length, Role, Sha256, Sha512};

/// A file nobody vouches for yet.
pub(super) struct Offered<K: Kind> {
    body: Body,
    /// What it says, or what is wrong with that. It is told only once signatures are known to be good.
    says: Result<K::Says, Error>,
    /// What its parent lists of it, where it has been compared with that.
    listed: Option<FileMeta>,
}

/// The bytes of a file, and where its two members lie.
#[derive(Debug)]
pub(super) struct Body {
    /// As it came: what digests and lengths are of, and what is stored.
    received: FileBytes,
    /// Its canonical form, where it came in another.
    canonical: Option<Vec<u8>>,
    signatures: Span,
    signed: Span,
}

impl<K: Kind> Offered<K> {
    /// Takes the file that its parent lists, of at most `limit` bytes. Its length and digests are checked first, so that
    /// nobody reads what no signed file vouches for.
    pub(super) fn read_listed(bytes: FileBytes, limit: Length, listed: &FileMeta) -> Result<Self, Error> {
        Self::read_listed_with::<K::Reader>(bytes, limit, listed)
    }

    /// As [`read_listed`](Self::read_listed), by a reader that looks closer.
    pub(super) fn read_listed_with<C: ContentReader<Says = K::Says>>(
        bytes: FileBytes,
        limit: Length,
        listed: &FileMeta,
    ) -> Result<Self, Error> {
        Document::check_length(K::ROLE, &bytes, limit)?;
        check_bytes(K::ROLE, &bytes, None, listed)?;
        Ok(Self { listed: Some(*listed), ..Self::read_with::<C>(bytes, limit)? })
    }

    /// Takes at most `limit` bytes (step 1 of §5.4.4.4 to §5.4.4.6, step 2.2 of §5.4.4.3). One pass finds that they are
    /// canonical, where the signatures are and what is said; only a file in another form is rewritten first.
    pub(super) fn read(bytes: FileBytes, limit: Length) -> Result<Self, Error> {
        Self::read_with::<K::Reader>(bytes, limit)
    }

    fn read_with<C: ContentReader<Says = K::Says>>(bytes: FileBytes, limit: Length) -> Result<Self, Error> {
        Document::check_length(K::ROLE, &bytes, limit)?;
        let (canonical, pass) = match Pass::<C>::over(&bytes) {
            Err(Error::NotCanonical { .. }) => {
                let canonical = rewrite(&bytes)?;
                let pass = Pass::over(&canonical)?;
                (Some(canonical), pass)
            }
            pass => (None, pass?),
        };
        let says = pass.fault.map_or_else(|| pass.content.finish(), Err);
        let body = Body { received: bytes, canonical, signatures: pass.signatures, signed: pass.signed };
        Ok(Self { body, says, listed: None })
    }

    /// What it claims to say.
    pub(super) fn says(&self) -> Result<&K::Says, Error> {
        self.says.as_ref().map_err(|error| *error)
    }

    /// Refuses a file that fewer than a threshold of these keys signed.
    pub(super) fn check_signed(&self, keys: &RoleKeys) -> Result<ThresholdMet, Error> {
        self.body.check_signed(K::ROLE, keys)
    }

    /// The file as one these keys signed.
    pub(super) fn signed_by(self, keys: &RoleKeys) -> Result<Kept<K>, Error> {
        let met = self.check_signed(keys)?;
        Ok(Kept::signed(met, keys, self.body, self.says?, self.listed))
    }

    /// The file as one a seal says these keys signed.
    pub(super) fn unsealed(self, seal: Unsealed, keys: &RoleKeys) -> Result<Kept<K>, Error> {
        let sha256 = Sha256::of(self.body.received());
        Ok(Kept::unsealed(seal, keys, self.body, self.says?, sha256))
    }
}

impl Body {
    /// A file that was read before, by this very code.
    pub(super) fn again(received: FileBytes, signatures: Span, signed: Span) -> Self {
        Self { received, canonical: None, signatures, signed }
    }

    pub(super) fn received(&self) -> &FileBytes {
        &self.received
    }

    /// The bytes its spans are offsets into.
    pub(super) fn canonical(&self) -> &[u8] {
        self.canonical.as_deref().unwrap_or(&self.received)
    }

    pub(super) fn is_canonical_as_sent(&self) -> bool {
        self.canonical.is_none()
    }

    pub(super) fn signatures(&self) -> Span {
        self.signatures
    }

    pub(super) fn signed(&self) -> Span {
        self.signed
    }

    fn envelope(&self) -> Envelope<'_> {
        let file = self.canonical();
        Envelope::of(self.signatures.of(file), self.signed.of(file))
    }

    pub(super) fn check_signed(&self, role: Role, keys: &RoleKeys) -> Result<ThresholdMet, Error> {
        threshold::check(role, keys, &self.envelope())
    }

    /// Refuses text that is not in normal form C, as it was signed: an escape is not the letters it is written with.
    pub(super) fn check_normalised(&self) -> Result<(), Error> {
        if self.envelope().signed().is_ascii() {
            return Ok(());
        }
        let mut text = Vec::new();
        self.envelope().hash_signed_into(|piece| text.extend_from_slice(piece));
        check_nfc(&text)
    }
}

/// Refuses bytes that are not those a parent lists (§5.4.4.5 step 2). Their SHA-256 is computed unless it is known.
pub(super) fn check_bytes(role: Role, bytes: &[u8], known: Option<Sha256>, listed: &FileMeta) -> Result<(), Error> {
    let wrong = |what| Err(Error::MixAndMatch { role, what });
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if listed.length.is_some_and(|listed| listed.get() != length) {
        return wrong("length");
    }
    let Some(hashes) = listed.hashes else { return Ok(()) };
    // Every digest that is listed, not just the first.
    let sha256 = hashes.sha256().is_none_or(|listed| listed == known.unwrap_or_else(|| Sha256::of(bytes)));
    let sha512 = hashes.sha512().is_none_or(|listed| listed == Sha512::of(bytes));
    if sha256 && sha512 { Ok(()) } else { wrong("hashes") }
}

/// One pass over a whole file.
struct Pass<C> {
    envelope: EnvelopeReader,
    signatures: Span,
    signed: Span,
    content: C,
    fault: Option<Error>,
}

impl<C: ContentReader> Pass<C> {
    fn over(file: &[u8]) -> Result<Self, Error> {
        let (signatures, signed) = (Span::default(), Span::default());
        let mut pass = Self { envelope: EnvelopeReader::default(), signatures, signed, content: C::new(), fault: None };
        read(file, &mut pass)?;
        pass.envelope.finish()?;
        Ok(pass)
    }
}

impl<C: ContentReader> Sink for Pass<C> {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        match (path.steps(), event) {
            ([Step::Key("signatures")], Event::End(_)) => self.signatures = span,
            ([Step::Key("signed")], Event::End(_)) => self.signed = span,
            _ => {}
        }
        self.envelope.event(path.steps(), event)?;
        if let ([Step::Key("signed"), rest @ ..], None) = (path.steps(), self.fault) {
            self.fault = self.content.event(rest, event, span).err();
        }
        Ok(())
    }

    fn descends(&self, path: &Path<'_>) -> bool {
        match path.steps() {
            [Step::Key("signed"), rest @ ..] => self.fault.is_none() && self.content.descends(rest),
            _ => true,
        }
    }
}
