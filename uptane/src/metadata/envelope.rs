//! The frame of every signed file: `{"signatures":[…],"signed":{…}}` (§5.2.1).

use super::fields::required;
use super::place::{Found, Holds, Place, WHOLE, find};
use super::role_keys::KeyHint;
use crate::json::{Event, Path, Sink, Span, Step, read, walk};
use crate::limits::{MAX_EVALUATED_SIGNATURE, MAX_SIGNATURES};
use crate::{Error, Sha256, told};

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

    /// The entries of `signatures`, not yet judged.
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

const SIGNATURES: u8 = 1;
const ENTRY: u8 = 2;
const KEYID: u8 = 3;
const SIG: u8 = 4;
const HASH: u8 = 5;
const HASH_FUNCTION: u8 = 6;
const METHOD: u8 = 7;
const SIGNED: u8 = 8;

const PLACES: [Place; 9] = [
    Place::whole("signed", Holds::Object),
    Place::member(SIGNATURES, WHOLE, "signatures", Holds::Array),
    Place::items(ENTRY, SIGNATURES, "signatures", Holds::Object),
    Place::member(KEYID, ENTRY, "keyid", Holds::Word),
    Place::member(SIG, ENTRY, "sig", Holds::Pieces),
    Place::member(HASH, ENTRY, "hash", Holds::Anything),
    Place::member(HASH_FUNCTION, ENTRY, "hash_function", Holds::Anything),
    Place::member(METHOD, ENTRY, "method", Holds::Anything),
    Place::member(SIGNED, WHOLE, "signed", Holds::Object),
];

/// One entry of `signatures`.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    /// The key it claims; none if no key can have that id.
    pub(crate) claims: KeyHint,
    #[cfg(feature = "sign")]
    pub(crate) key: Option<crate::KeyId>,
    signature: SignatureText,
    /// The digest it is over, in a file of an ECU.
    hash: Option<Sha256>,
    is_method: bool,
    is_function: bool,
    has: (bool, bool),
}

impl Entry {
    /// The one method of ECU signatures: plain Ed25519, over the digest's bytes.
    const METHOD: &str = "ed25519";
    /// The one digest function of ECU signatures.
    const HASH_FUNCTION: &str = "sha256";

    fn take(&mut self, found: &Found<'_>) {
        let text = found.text;
        match found.at {
            // What comes in pieces is longer than any id.
            KEYID => self.key(text),
            SIG => {
                self.signature.push(text);
                self.has.1 = true;
            }
            HASH => self.hash = Sha256::parse(text).ok(),
            HASH_FUNCTION => self.is_function = text == Self::HASH_FUNCTION,
            METHOD => self.is_method = text == Self::METHOD,
            _ => {}
        }
    }

    fn key(&mut self, text: &str) {
        self.claims = KeyHint::parse(text).unwrap_or(KeyHint::NONE);
        #[cfg(feature = "sign")]
        (self.key = crate::KeyId::parse(text).ok());
        self.has.0 = true;
    }

    /// The signature's bytes; none if it is not hex, or longer than any that can be evaluated (trap T20).
    pub(crate) fn signature(&self) -> Option<&[u8]> {
        self.signature.bytes()
    }

    /// The digest the signature is over, if it is of a method and digest function that can be evaluated.
    pub(crate) fn ecu_hash(&self) -> Option<Sha256> {
        self.hash.filter(|_| self.is_method && self.is_function)
    }
}

impl Sink for Entry {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.take(&find(&PLACES, ENTRY, path.steps(), event)?);
        Ok(())
    }
}

/// Hex digits that come in pieces, as bytes.
#[derive(Clone, Copy)]
struct SignatureText {
    bytes: [u8; MAX_EVALUATED_SIGNATURE],
    digits: u16,
    is_bad: bool,
}

impl SignatureText {
    fn push(&mut self, digits: &str) {
        for digit in digits.bytes() {
            let place = self.bytes.get_mut(usize::from(self.digits / 2));
            match place.zip(crate::hex::nibble(digit)) {
                Some((byte, nibble)) => *byte = *byte << 4 | nibble,
                None => self.is_bad = true,
            }
            // At most `MAX_STRING` of them.
            self.digits = self.digits.saturating_add(1);
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        let is_good = !self.is_bad && self.digits.is_multiple_of(2);
        self.bytes.get(..usize::from(self.digits / 2)).filter(|_| is_good)
    }
}

impl Default for SignatureText {
    fn default() -> Self {
        Self { bytes: [0; MAX_EVALUATED_SIGNATURE], digits: 0, is_bad: false }
    }
}

/// Reads the frame, and gives every signature entry once it is complete.
#[derive(Default)]
pub(crate) struct EnvelopeReader {
    entry: Entry,
    entries: usize,
    /// The ids so far.
    ids: [KeyHint; MAX_SIGNATURES],
    has: (bool, bool),
}

impl EnvelopeReader {
    /// Takes an event outside `signed`.
    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<Option<&Entry>, Error> {
        let found = find(&PLACES, WHOLE, steps, event)?;
        match (found.at, event) {
            (SIGNATURES, _) => self.has.0 = true,
            (SIGNED, _) => self.has.1 = true,
            (ENTRY, Event::End(_)) => return self.complete().map(Some),
            (ENTRY, _) => self.entry = Entry::default(),
            _ => self.entry.take(&found),
        }
        Ok(None)
    }

    fn complete(&mut self) -> Result<&Entry, Error> {
        required(self.entry.has.0.then_some(()), "keyid")?;
        required(self.entry.has.1.then_some(()), "sig")?;
        self.check_id()?;
        Ok(&self.entry)
    }

    /// Refuses a key id that stands twice: readers disagree which of the two counts (TUF 1.0.34 §4.2.1). What no key can
    /// have for an id claims no key, and so does no harm.
    fn check_id(&mut self) -> Result<(), Error> {
        let hint = self.entry.claims;
        if hint != KeyHint::NONE && self.ids.contains(&hint) {
            return Err(Error::Duplicate { what: told("key id of signatures") });
        }
        *self.ids.get_mut(self.entries).ok_or(Error::Limit { what: told("signatures") })? = hint;
        self.entries += 1;
        Ok(())
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
