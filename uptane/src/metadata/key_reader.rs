//! Reading keys and the roles they speak for, in Root and wherever else a role is appointed.

use super::RoleKeys;
use super::fields::required;
use super::place::{Found, Holds, Place, WHOLE, find};
use super::role_keys::KeyHint;
use crate::json::{Event, Path, Sink, Span, Step, read, walk};
use crate::key::Algorithm;
use crate::limits::{MAX_KEY_TEXT, MAX_ROLE_KEYS};
use crate::{Error, KeyId, PublicKey, told};

const KEYTYPE: u8 = 1;
const SCHEME: u8 = 2;
const KEYVAL: u8 = 3;
const PUBLIC: u8 = 4;

/// A key. One of an algorithm to come may hold anything (trap T20), and have a longer word for it than any that is known.
const KEY: [Place; 5] = [
    Place::whole("keys", Holds::Anything),
    Place::member(KEYTYPE, WHOLE, "keytype", Holds::Word),
    Place::member(SCHEME, WHOLE, "scheme", Holds::Word),
    Place::member(KEYVAL, WHOLE, "keyval", Holds::Anything),
    Place::member(PUBLIC, KEYVAL, "public", Holds::Anything),
];

/// Collects one key. A key of a type or scheme that cannot be evaluated is known and never counts (trap T20).
#[derive(Clone, Copy, Default)]
pub(crate) struct KeyReader {
    keytype: Option<Option<Algorithm>>,
    scheme: Option<Option<Algorithm>>,
    has_public: bool,
    public: KeyText,
}

impl KeyReader {
    /// Takes an event inside a key.
    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let Found { at, text, .. } = find(&KEY, WHOLE, steps, event)?;
        match at {
            KEYTYPE => self.keytype = Some(Algorithm::of_keytype(text)),
            SCHEME => self.scheme = Some(Algorithm::of_scheme(text)),
            PUBLIC => {
                if let Event::Text(piece) | Event::Part { piece, .. } = event {
                    self.public.push(piece);
                    self.has_public = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The key; none if it cannot be evaluated.
    pub(crate) fn finish(&self) -> Result<Option<PublicKey>, Error> {
        let (keytype, scheme) = (required(self.keytype, "keytype")?, required(self.scheme, "scheme")?);
        let (Some(algorithm), true) = (keytype, keytype == scheme) else {
            return Ok(None);
        };
        required(self.has_public.then_some(()), "public")?;
        let text = self.public.text().ok_or(Error::BadKey)?;
        PublicKey::parse(algorithm, text).map(Some)
    }
}

impl Sink for KeyReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.event(path.steps(), event)
    }
}

/// Every key of this object of keys that can be evaluated, under its id.
pub(crate) fn read_keys(keys: &[u8]) -> impl Iterator<Item = (KeyId, PublicKey)> + use<'_> {
    walk::members(keys).filter_map(|(id, key)| {
        let mut reader = KeyReader::default();
        read(key, &mut reader).ok()?;
        Some((KeyId::parse(id).ok()?, reader.finish().ok()??))
    })
}

/// The text of a key, as far as there is a key of that length.
#[derive(Clone, Copy)]
struct KeyText {
    bytes: [u8; MAX_KEY_TEXT],
    used: usize,
    fits: bool,
}

impl KeyText {
    fn push(&mut self, piece: &str) {
        let place = self.bytes.get_mut(self.used..).and_then(|free| free.get_mut(..piece.len()));
        match place {
            Some(place) => {
                place.copy_from_slice(piece.as_bytes());
                self.used += piece.len();
            }
            None => self.fits = false,
        }
    }

    fn text(&self) -> Option<&str> {
        core::str::from_utf8(self.bytes.get(..self.used)?).ok().filter(|_| self.fits)
    }
}

impl Default for KeyText {
    fn default() -> Self {
        Self { bytes: [0; MAX_KEY_TEXT], used: 0, fits: true }
    }
}

/// The keys a file defines, at most `N`, under hints of their ids.
#[derive(Clone)]
pub(crate) struct KeyTable<const N: usize>([Defined; N]);

type Defined = Option<(KeyHint, Option<PublicKey>)>;

/// Before any key. Returned as a whole it is written where it stays; as a part of something it would be moved there.
#[inline(never)]
fn no_keys<const N: usize>() -> [Defined; N] {
    [const { None }; N]
}

impl<const N: usize> KeyTable<N> {
    pub(crate) fn new() -> Self {
        Self(no_keys())
    }

    /// Adds a key; none if it cannot be evaluated. One key may have several ids (TAP 12); an id has one key.
    pub(crate) fn define(&mut self, id: &str, key: Option<PublicKey>) -> Result<(), Error> {
        let hint = KeyHint::parse(id)?;
        for place in &mut self.0 {
            match place {
                Some((known, _)) if *known == hint => return Err(Error::Duplicate { what: told("key id") }),
                Some(_) => {}
                None => {
                    *place = Some((hint, key));
                    return Ok(());
                }
            }
        }
        Err(Error::Limit { what: told("keys of a file") })
    }

    fn find(&self, hint: KeyHint) -> Option<&PublicKey> {
        self.0.iter().flatten().find(|(known, _)| *known == hint)?.1.as_ref()
    }
}

const KEYIDS: u8 = 1;
const KEYID: u8 = 2;
const THRESHOLD: u8 = 3;

/// A role; whoever reads it knows that it is an object.
const ROLE: [Place; 4] = [
    Place::whole("role", Holds::Anything),
    Place::member(KEYIDS, WHOLE, "keyids", Holds::Array),
    Place::items(KEYID, KEYIDS, "keyids", Holds::Text),
    Place::member(THRESHOLD, WHOLE, "threshold", Holds::Number),
];

/// Collects the `keyids` and the `threshold` of one role.
#[derive(Clone, Copy, Default)]
pub(crate) struct RoleReader {
    ids: [KeyHint; MAX_ROLE_KEYS],
    count: usize,
    has_ids: bool,
    threshold: Option<u8>,
}

impl RoleReader {
    /// Takes an event inside a role.
    pub(crate) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let Found { at, text, number } = find(&ROLE, WHOLE, steps, event)?;
        match at {
            KEYIDS => self.has_ids = true,
            KEYID => self.id(KeyHint::parse(text)?)?,
            THRESHOLD => self.threshold = Some(threshold(number)?),
            _ => {}
        }
        Ok(())
    }

    fn ids(&self) -> &[KeyHint] {
        self.ids.get(..self.count).unwrap_or_default()
    }

    fn id(&mut self, id: KeyHint) -> Result<(), Error> {
        if self.ids().contains(&id) {
            return Err(Error::Duplicate { what: told("key of a role") });
        }
        *self.ids.get_mut(self.count).ok_or(Error::Limit { what: told("keys of a role") })? = id;
        self.count += 1;
        Ok(())
    }

    /// Refuses a role without one of its members.
    pub(crate) fn check(&self) -> Result<u8, Error> {
        required(self.has_ids.then_some(()), "keyids")?;
        required(self.threshold, "threshold")
    }

    /// The keys of the role, from those the file defines. An id without a key, or of a key that cannot be evaluated,
    /// never counts; a threshold that cannot be reached for that, or for want of ids, is never met. Neither makes the
    /// file bad: it may be right about other roles (and TUF clients read it so).
    pub(crate) fn keys<const N: usize>(&self, keys: &KeyTable<N>) -> Result<RoleKeys, Error> {
        let threshold = self.check()?;
        let known = self.ids().iter().filter_map(|id| Some((*id, keys.find(*id)?.clone())));
        Ok(RoleKeys::known(known, threshold))
    }
}

/// How many must sign: §5.2.2, a role without a threshold would be signed by nobody.
fn threshold(number: u64) -> Result<u8, Error> {
    u8::try_from(number).ok().filter(|threshold| *threshold > 0).ok_or(Error::BadNumber { kind: told("threshold") })
}
