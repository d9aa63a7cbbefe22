//! Root (§5.2.2).

use super::content::ContentReader;
use super::fields::required;
use super::header::{Header, HeaderReader};
use super::key_reader::{KeyReader, KeyTable, RoleReader, read_keys};
use super::place::{Holds, Place, WHOLE, find};
use super::{Origin, RoleKeys, RootRole};
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read, walk};
use crate::limits::MAX_ROOT_KEYS;
use crate::{Error, KeyId, PublicKey, Role, Time, Version};

/// A view of Root.
#[derive(Clone, Debug)]
pub struct Root<'a> {
    signed: &'a [u8],
    said: RootSays,
}

impl<'a> Root<'a> {
    /// Decodes the `signed` of a file.
    pub fn decode(signed: &'a [u8]) -> Result<Self, Error> {
        let mut reader = RootReader::new();
        read(signed, &mut reader)?;
        Ok(Self { signed, said: reader.says()? })
    }

    /// The view of `signed`, which was read before.
    #[cfg(feature = "alloc")]
    pub(crate) fn of(signed: &'a [u8], said: RootSays) -> Self {
        Self { signed, said }
    }

    /// The bytes this is a view of.
    pub fn signed(&self) -> &'a [u8] {
        self.signed
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.said.header.version
    }

    /// When it expires.
    pub fn expires(&self) -> Time {
        self.said.header.expires
    }

    /// When it was made, where it says so: the floor of attested time after a time-key rotation (design D14).
    pub fn not_before(&self) -> Option<Time> {
        self.said.header.not_before
    }

    /// The repository it says it is of.
    pub fn repository(&self) -> Option<Origin> {
        self.said.header.origin
    }

    /// Whether files of the repository have their version, and targets their digest, in their name (TUF 1.0.34 §7); the
    /// Standard demands it (§5.2.7), so only a plain TUF client asks.
    pub fn consistent_snapshot(&self) -> bool {
        walk::member(self.signed, "consistent_snapshot") == Some(b"true")
    }

    /// The keys of a role.
    pub fn role_keys(&self, role: RootRole) -> RoleKeys {
        self.said.role(role).clone()
    }

    /// The keys of the time attestations (design D14).
    pub fn time_keys(&self) -> Option<RoleKeys> {
        self.said.time.clone()
    }

    /// Every key of the file that can be evaluated, under its id.
    pub fn keys(&self) -> impl Iterator<Item = (KeyId, PublicKey)> + use<'a> {
        read_keys(walk::member(self.signed, "keys").unwrap_or_default())
    }
}

/// What a Root file says, without the file.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct RootSays {
    pub(crate) header: Header,
    roles: [RoleKeys; 4],
    pub(crate) time: Option<RoleKeys>,
}

impl RootSays {
    pub(crate) fn role(&self, role: RootRole) -> &RoleKeys {
        let [root, snapshot, targets, timestamp] = &self.roles;
        match role {
            RootRole::Root => root,
            RootRole::Snapshot => snapshot,
            RootRole::Targets => targets,
            RootRole::Timestamp => timestamp,
        }
    }
}

/// The roles that every Root appoints, in the order of their names.
const ROLES: [&str; 4] = ["root", "snapshot", "targets", "timestamp"];

const KEYS: u8 = 1;
const KEY: u8 = 2;
const APPOINTED: u8 = 4;
const TIME: u8 = 6;

/// A Root, but for what is of the header, of a key or of a role.
const PLACES: [Place; 7] = [
    Place::whole("signed", Holds::Anything),
    Place::member(KEYS, WHOLE, "keys", Holds::Object),
    Place::members(KEY, KEYS, "keys", Holds::Another),
    Place::member(3, WHOLE, "roles", Holds::Object),
    Place::members(APPOINTED, 3, "roles", Holds::Another),
    Place::member(5, WHOLE, "uptane", Holds::Anything),
    Place::member(TIME, 5, "time", Holds::Another),
];

/// Reads the `signed` of a Root file.
#[cfg_attr(not(feature = "alloc"), expect(unreachable_pub, reason = "only full verification names it"))]
pub struct RootReader {
    header: HeaderReader,
    keys: KeyTable<MAX_ROOT_KEYS>,
    key: KeyReader,
    has_keys: bool,
    /// Of each role what it lists; its keys are looked up at the end, so that each of them is here once.
    roles: [Option<RoleReader>; 4],
    time: Option<RoleReader>,
    role: RoleReader,
}

impl RootReader {
    #[inline(never)]
    pub(crate) fn new() -> Self {
        Self {
            header: HeaderReader::new(Role::Root),
            keys: KeyTable::new(),
            key: KeyReader::default(),
            has_keys: false,
            roles: [const { None }; 4],
            time: None,
            role: RoleReader::default(),
        }
    }

    pub(crate) fn step(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let at = find(&PLACES, WHOLE, steps, event)?.at;
        let (name, within) =
            if let [_, Step::Key(name), within @ ..] = steps { (*name, within) } else { ("", &[][..]) };
        match at {
            KEYS => self.has_keys = true,
            KEY => return self.key(name, within, event),
            APPOINTED | TIME => {
                if self.role(within, event)? {
                    self.appoint(at, name);
                }
            }
            _ => return self.header.event(steps, event),
        }
        Ok(())
    }

    fn key(&mut self, id: &str, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match (steps, event) {
            ([], Event::End(_)) => {
                let key = self.key.finish()?;
                self.keys.define(id, key)
            }
            ([], _) => {
                self.key = KeyReader::default();
                event.object("keys")
            }
            _ => self.key.event(steps, event),
        }
    }

    fn appoint(&mut self, at: u8, name: &str) {
        let place = match at {
            TIME => Some(&mut self.time),
            _ => ROLES.iter().position(|role| *role == name).and_then(|place| self.roles.get_mut(place)),
        };
        if let Some(place) = place {
            *place = Some(self.role);
        }
    }

    /// Reads a role; whether it has closed.
    fn role(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<bool, Error> {
        match (steps, event) {
            ([], Event::End(_)) => self.role.check().map(|_| true),
            ([], _) => {
                self.role = RoleReader::default();
                event.object("roles").map(|()| false)
            }
            _ => self.role.event(steps, event).map(|()| false),
        }
    }

    /// What the file says of itself, once it is complete.
    #[inline(never)]
    pub(crate) fn finish(&self) -> Result<Header, Error> {
        let header = self.header.finish()?;
        required(self.has_keys.then_some(()), "keys")?;
        self.roles.iter().zip(ROLES).try_for_each(|(role, field)| required(role.as_ref(), field).map(|_| ()))?;
        Ok(header)
    }

    /// The keys of a role.
    #[inline(never)]
    pub(crate) fn keys_of(&self, role: RootRole) -> Result<RoleKeys, Error> {
        let [root, snapshot, targets, timestamp] = &self.roles;
        let role = match role {
            RootRole::Root => root,
            RootRole::Snapshot => snapshot,
            RootRole::Targets => targets,
            RootRole::Timestamp => timestamp,
        };
        required(role.as_ref(), "roles")?.keys(&self.keys)
    }

    /// The keys of the time attestations.
    pub(crate) fn time_keys(&self) -> Result<Option<RoleKeys>, Error> {
        self.time.map(|time| time.keys(&self.keys)).transpose()
    }

    fn says(&self) -> Result<RootSays, Error> {
        let header = self.finish()?;
        let [root, snapshot, targets, timestamp] =
            [RootRole::Root, RootRole::Snapshot, RootRole::Targets, RootRole::Timestamp].map(|role| self.keys_of(role));
        Ok(RootSays { header, roles: [root?, snapshot?, targets?, timestamp?], time: self.time_keys()? })
    }
}

impl ContentReader for RootReader {
    type Says = RootSays;

    fn new() -> Self {
        Self::new()
    }

    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(steps, event)
    }

    fn finish(&self) -> Result<RootSays, Error> {
        self.says()
    }
}

impl Sink for RootReader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(path.steps(), event)
    }
}
