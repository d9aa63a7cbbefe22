//! The frame of every signed file: `{"signatures":[…],"signed":{…}}` (§5.2.1).

use super::fields::required;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::limits::MAX_SIGNATURES;
use crate::{Error, KeyId, Sha256, Signature};

/// A signed file, taken apart: who claims to have signed, and what.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    signatures: &'a [u8],
    signed: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// A file whose two members lie here.
    #[cfg(feature = "alloc")]
    pub(crate) fn of(signatures: &'a [u8], signed: &'a [u8]) -> Self {
        Self { signatures, signed }
    }

    /// Decodes a file in canonical wire form.
    pub fn decode(file: &'a [u8]) -> Result<Self, Error> {
        let mut places =
            Places { reader: EnvelopeReader::default(), signatures: Span::default(), signed: Span::default() };
        read(file, &mut places)?;
        places.reader.finish()?;
        Ok(Self { signatures: places.signatures.of(file), signed: places.signed.of(file) })
    }

    /// The signatures, not yet judged. Entries whose key id no key can have are left out (trap T20).
    pub fn signatures(&self) -> impl Iterator<Item = Signature<'a>> + use<'a> {
        walk::elements(self.signatures).filter_map(signature)
    }

    /// The entries of `signatures`, read as a stream reads them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> + use<'a> {
        walk::elements(self.signatures).filter_map(|value| {
            let mut entry = Entry::default();
            read(value, &mut entry).ok().map(|()| entry)
        })
    }

    /// The wire form of what was signed.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// Gives the bytes that were signed, piece by piece: control characters stand in them unescaped (design D1).
    pub fn hash_signed_into(&self, mut update: impl FnMut(&[u8])) {
        let mut rest = self.signed;
        // Most files have no escape at all, and finding that out is quicker than looking for the first.
        if !rest.contains(&b'\\') {
            return update(rest);
        }
        while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
            let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, b""));
            update(plain);
            rest = give_escape(escape, &mut update);
        }
        update(rest);
    }
}

fn signature(entry: &[u8]) -> Option<Signature<'_>> {
    let field = |name| walk::member(entry, name).and_then(walk::text);
    Some(Signature { key: KeyId::parse(field("keyid")?).ok()?, hex: field("sig")? })
}

/// Gives what a canonical escape stands for in the signed bytes, and returns what follows it.
fn give_escape<'a>(escape: &'a [u8], update: &mut impl FnMut(&[u8])) -> &'a [u8] {
    let (given, length): (&[u8], usize) = match escape {
        [_, b'b', ..] => (b"\x08", 2),
        [_, b't', ..] => (b"\t", 2),
        [_, b'n', ..] => (b"\n", 2),
        [_, b'f', ..] => (b"\x0c", 2),
        [_, b'r', ..] => (b"\r", 2),
        [_, b'u', b'0', b'0', high, low, ..] => {
            let digit = |byte: u8| if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'a' - 10) };
            update(&[digit(*high) << 4 | digit(*low)]);
            (b"", 6)
        }
        // `\"` and `\\` stay escaped in the signed form.
        _ => (escape.get(..2).unwrap_or_default(), 2),
    };
    update(given);
    escape.get(length..).unwrap_or_default()
}

/// One entry of `signatures`, as a stream tells of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Entry {
    /// The key it claims; none if no key can have that id.
    pub(crate) key: Option<KeyId>,
    /// The signature's bytes; none if it is not of Ed25519's length, or not hex.
    pub(crate) bytes: Option<[u8; 64]>,
    /// The digest it is over, in a file of an ECU.
    pub(crate) hash: Option<Sha256>,
    is_method: bool,
    is_function: bool,
    has: (bool, bool),
}

impl Entry {
    fn field(&mut self, field: &str, event: Event<'_>) -> Result<(), Error> {
        match (field, event) {
            ("keyid", Event::Text(text)) => (self.key, self.has.0) = (KeyId::parse(text).ok(), true),
            ("sig", Event::Text(text)) => {
                let mut bytes = [0; 64];
                self.bytes = crate::hex::decode(text, &mut bytes).map(|()| bytes);
                self.has.1 = true;
            }
            // Longer than any id or Ed25519 signature: of an algorithm to come, so not evaluated (trap T20).
            ("keyid", Event::Part { .. }) => self.has.0 = true,
            ("sig", Event::Part { .. }) => self.has.1 = true,
            ("keyid", _) => return Err(Error::Schema { field: "keyid" }),
            ("sig", _) => return Err(Error::Schema { field: "sig" }),
            ("hash", Event::Text(text)) => self.hash = Sha256::parse(text).ok(),
            ("hash_function", Event::Text(text)) => self.is_function = text == HASH_FUNCTION,
            ("method", Event::Text(text)) => self.is_method = text == METHOD,
            _ => {}
        }
        Ok(())
    }

    /// The digest the signature is over, if it is of a method and digest function that can be evaluated.
    pub(crate) fn ecu_hash(&self) -> Option<Sha256> {
        self.hash.filter(|_| self.is_method && self.is_function)
    }
}

impl Sink for Entry {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        match path.steps() {
            [Step::Key(field)] => self.field(field, event),
            _ => Ok(()),
        }
    }
}

/// Reads the frame, and gives every signature entry once it is complete.
#[derive(Default)]
pub(crate) struct EnvelopeReader {
    entry: Entry,
    entries: usize,
    has: (bool, bool),
}

impl EnvelopeReader {
    /// Takes an event outside `signed`.
    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<Option<Entry>, Error> {
        match steps {
            [] => event.object("signed")?,
            [Step::Key("signatures")] => {
                event.array("signatures")?;
                self.has.0 = true;
            }
            [Step::Key("signed")] => {
                event.object("signed")?;
                self.has.1 = true;
            }
            [Step::Key("signatures"), Step::Item] => return self.item(event),
            [Step::Key("signatures"), Step::Item, Step::Key(field)] => self.entry.field(field, event)?,
            _ => {}
        }
        Ok(None)
    }

    fn item(&mut self, event: Event<'_>) -> Result<Option<Entry>, Error> {
        event.object("signatures")?;
        if let Event::Begin(_) = event {
            self.entries += 1;
            self.entry = Entry::default();
            return match self.entries > MAX_SIGNATURES {
                true => Err(Error::Limit { what: "signatures" }),
                false => Ok(None),
            };
        }
        required(self.entry.has.0.then_some(()), "keyid")?;
        required(self.entry.has.1.then_some(()), "sig")?;
        Ok(Some(self.entry))
    }

    pub(crate) fn finish(&self) -> Result<(), Error> {
        required(self.has.0.then_some(()), "signatures")?;
        required(self.has.1.then_some(()), "signed")
    }
}

/// Remembers where the two members lie.
struct Places {
    reader: EnvelopeReader,
    signatures: Span,
    signed: Span,
}

impl Sink for Places {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        match (path.steps(), event) {
            ([Step::Key("signatures")], Event::End(_)) => self.signatures = span,
            ([Step::Key("signed")], Event::End(_)) => self.signed = span,
            _ => {}
        }
        self.reader.event(path.steps(), event).map(|_| ())
    }
}

/// The one method of ECU signatures: plain Ed25519, over the digest's bytes.
const METHOD: &str = "ed25519";
/// The one digest function of ECU signatures.
const HASH_FUNCTION: &str = "sha256";
