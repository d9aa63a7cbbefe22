//! Delegations of the Image repository (§5.2.3.2; TAP 3; TAP 15).
//!
//! Everything in them is inspected when they are decoded, so that a delegation whose form is not known, or not sound,
//! refuses the file it stands in: passed over, it could hand its images to a delegation of lower priority.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::RoleKeys;
use super::delegation::{EntryReader, SuccinctReader};
use super::fields::required;
#[cfg(feature = "sign")]
use super::key_reader::read_keys;
use super::key_reader::{KeyReader, KeyTable, RoleReader};
#[cfg(feature = "sign")]
use crate::json::walk;
use crate::json::{Event, Path, Sink, Span, Step, Whole as _, read};
use crate::limits::{MAX_DELEGATION_KEYS, MAX_DELEGATION_PATHS, MAX_DELEGATIONS};
use crate::{Error, HardwareId, RoleName};
#[cfg(feature = "sign")]
use crate::{KeyId, PublicKey};

/// What a Targets file delegates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delegations {
    /// To roles, in order of priority: the first is trusted before the second (§5.1.2.1).
    Listed(Vec<Delegation>),
    /// To hashed bins (TAP 15).
    Succinct(Bins),
}

/// One delegation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delegation {
    pub(super) covers: Covers,
    pub(super) hardware_ids: Option<Vec<HardwareId>>,
    pub(super) terminating: bool,
    pub(super) to: Delegatee,
}

/// The names a delegation covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covers {
    /// Those that match one of these patterns.
    Paths(Vec<String>),
    /// Those whose SHA-256, in hex, begins with one of these.
    HashPrefixes(Vec<String>),
}

/// To whom is delegated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delegatee {
    /// To one role.
    Role(DelegatedRole),
    /// To several, of which some must say the same (TAP 3).
    Roles(MultiRole),
}

/// A role, and the keys that speak for it wherever this delegation is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegatedRole {
    pub(super) name: RoleName,
    pub(super) keys: Arc<RoleKeys>,
}

/// Several roles with a threshold of agreement (§5.4.4.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiRole {
    pub(super) name: RoleName,
    pub(super) needed: usize,
    pub(super) roles: Vec<DelegatedRole>,
}

/// Roles that share the names evenly, and keys (TAP 15).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    pub(super) name_prefix: String,
    pub(super) bit_length: u32,
    pub(super) keys: Arc<RoleKeys>,
}

impl Delegations {
    /// Decodes the member `delegations` of a Targets file, which is canonical JSON.
    pub fn decode(delegations: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::default();
        read(delegations, &mut reader)?;
        reader.finish()
    }

    /// A role of this name, with the keys the delegation gives it; the first, where it is delegated to more than once.
    pub fn role(&self, name: RoleName) -> Option<DelegatedRole> {
        match self {
            Self::Listed(list) => list.iter().flat_map(Delegation::roles).find(|role| role.name == name).cloned(),
            Self::Succinct(bins) => bins.has(name).then(|| DelegatedRole::bin(name, bins)),
        }
    }

    /// The name of every role it delegates to, those of a set among them; at most `limit` names.
    pub fn names(&self, limit: usize) -> Result<Vec<RoleName>, Error> {
        let (names, all): (Vec<_>, u64) = match self {
            Self::Listed(list) => {
                let names: Vec<_> = list.iter().flat_map(Delegation::roles).map(DelegatedRole::name).collect();
                let all = names.len().try_into().unwrap_or(u64::MAX);
                (names, all)
            }
            Self::Succinct(bins) => (bins.roles().take(limit).collect(), bins.count()),
        };
        match u64::try_from(limit).is_ok_and(|limit| all <= limit) {
            true => Ok(names),
            false => Err(Error::Limit { what: "delegated roles of a file" }),
        }
    }
}

/// Every key of `delegations`, which is canonical JSON, that can be evaluated, under its id.
#[cfg(feature = "sign")]
pub(crate) fn delegation_keys(delegations: &[u8]) -> impl Iterator<Item = (KeyId, PublicKey)> + use<'_> {
    read_keys(walk::member(delegations, "keys").unwrap_or_default())
}

impl Delegation {
    /// The roles it delegates to: one, or those of a set.
    pub fn roles(&self) -> &[DelegatedRole] {
        match &self.to {
            Delegatee::Role(role) => core::slice::from_ref(role),
            Delegatee::Roles(set) => &set.roles,
        }
    }

    /// The names it covers.
    pub fn covers(&self) -> &Covers {
        &self.covers
    }

    /// The hardware it covers; `None` is any (trap T10).
    pub fn hardware_ids(&self) -> Option<&[HardwareId]> {
        self.hardware_ids.as_deref()
    }

    /// Whether nobody after it is asked about what it covers.
    pub fn is_terminating(&self) -> bool {
        self.terminating
    }

    /// To whom it delegates.
    pub fn to(&self) -> &Delegatee {
        &self.to
    }
}

impl Covers {
    /// How many patterns or prefixes it has.
    pub fn count(&self) -> usize {
        match self {
            Self::Paths(paths) | Self::HashPrefixes(paths) => paths.len(),
        }
    }
}

impl Delegatee {
    /// The name of the role, or of the set of roles.
    pub fn name(&self) -> RoleName {
        match self {
            Self::Role(role) => role.name,
            Self::Roles(set) => set.name,
        }
    }
}

impl Delegatee {
    /// Every role with a file of its own.
    pub fn roles(&self) -> &[DelegatedRole] {
        match self {
            Self::Role(role) => core::slice::from_ref(role),
            Self::Roles(set) => &set.roles,
        }
    }
}

impl DelegatedRole {
    /// The bin of this name.
    pub(crate) fn bin(name: RoleName, bins: &Bins) -> Self {
        Self { name, keys: Arc::clone(&bins.keys) }
    }

    /// Its name.
    pub fn name(&self) -> RoleName {
        self.name
    }

    /// The keys that speak for it.
    pub fn keys(&self) -> &Arc<RoleKeys> {
        &self.keys
    }
}

impl MultiRole {
    /// The name of the set, which has no file.
    pub fn name(&self) -> RoleName {
        self.name
    }

    /// How many of the roles must say the same.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// The roles, in order of priority.
    pub fn roles(&self) -> &[DelegatedRole] {
        &self.roles
    }
}

impl Bins {
    /// What the name of each bin begins with.
    pub fn name_prefix(&self) -> &str {
        &self.name_prefix
    }

    /// How many bits of a digest choose the bin.
    pub fn bit_length(&self) -> u32 {
        self.bit_length
    }

    /// The name of the bin of this number.
    pub fn name(&self, number: u32) -> Result<RoleName, Error> {
        RoleName::parse(&alloc::format!("{}-{number:0digits$x}", self.name_prefix, digits = self.digits()))
    }

    /// Whether a role of this name is one of them.
    pub fn has(&self, role: RoleName) -> bool {
        let digits = role.as_str().strip_prefix(self.name_prefix.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = number.filter(|number| u64::from(*number) >> self.bit_length == 0);
        number.is_some_and(|number| self.name(number).is_ok_and(|name| name == role))
    }

    /// How many bins there are.
    pub fn count(&self) -> u64 {
        1 << self.bit_length
    }

    /// The roles of all bins, in their order.
    pub fn roles(&self) -> impl Iterator<Item = RoleName> + '_ {
        // Decoding made sure that every name is one.
        (0..self.count()).filter_map(|number| self.name(u32::try_from(number).ok()?).ok())
    }

    /// How many hex digits the number of a bin has in its name.
    pub fn digits(&self) -> usize {
        usize::try_from(self.bit_length.div_ceil(4)).unwrap_or_default()
    }

    /// The keys that speak for every bin.
    pub fn keys(&self) -> &Arc<RoleKeys> {
        &self.keys
    }
}

/// Reads `delegations`. Canonical order puts `keys` before the roles that refer to them.
#[derive(Default)]
struct Reader {
    keys: Keys,
    key: KeyReader,
    has: (bool, bool),
    entry: EntryReader,
    list: Vec<Delegation>,
    names: BTreeSet<RoleName>,
    paths: usize,
    succinct: Option<SuccinctReader>,
}

impl Reader {
    fn step(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("delegations"),
            [Step::Key("keys")] => {
                self.has.0 = true;
                event.object("keys")
            }
            [Step::Key("keys"), Step::Key(id), rest @ ..] => self.key(id, rest, event),
            [Step::Key("roles")] => {
                self.has.1 = true;
                event.array("roles")
            }
            [Step::Key("roles"), Step::Item, rest @ ..] => self.entry(rest, event),
            [Step::Key("succinct_roles"), rest @ ..] => self.succinct.get_or_insert_default().event(rest, event),
            _ => Ok(()),
        }
    }

    fn key(&mut self, id: &str, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match (steps, event) {
            ([], Event::Begin(_)) => {
                self.key = KeyReader::default();
                event.object("keys")
            }
            ([], Event::End(_)) => self.keys.known.define(id, self.key.finish()?),
            ([], _) => Err(Error::Schema { field: "keys" }),
            _ => self.key.event(steps, event),
        }
    }

    fn entry(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match (steps, event) {
            ([], Event::Begin(_)) => {
                self.entry = EntryReader::default();
                event.object("roles")
            }
            ([], Event::End(_)) => {
                let entry = core::mem::take(&mut self.entry);
                self.paths += entry.paths();
                let delegation = entry.finish(&mut self.keys)?;
                self.add(delegation)
            }
            ([], _) => Err(Error::Schema { field: "roles" }),
            _ => self.entry.event(steps, event, &mut self.keys),
        }
    }

    fn add(&mut self, delegation: Delegation) -> Result<(), Error> {
        if self.paths > MAX_DELEGATION_PATHS {
            return Err(Error::Limit { what: "paths of a file's delegations" });
        }
        if self.list.len() >= MAX_DELEGATIONS {
            return Err(Error::Limit { what: "delegations of a file" });
        }
        // One name for two delegations would have two sets of keys speak for one file.
        if !self.names.insert(delegation.to.name()) {
            return Err(Error::Duplicate { what: "role of a file's delegations" });
        }
        self.list.push(delegation);
        Ok(())
    }

    fn finish(mut self) -> Result<Delegations, Error> {
        let (has_keys, has_roles) = self.has;
        required(has_keys.then_some(()), "keys")?;
        match (has_roles, self.succinct) {
            (true, None) => Ok(Delegations::Listed(self.list)),
            (false, Some(succinct)) => succinct.finish(&mut self.keys).map(Delegations::Succinct),
            (true, Some(_)) | (false, None) => Err(Error::Schema { field: "roles" }),
        }
    }
}

impl Sink for Reader {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, _: Span) -> Result<(), Error> {
        self.step(path.steps(), event)
    }
}

/// The keys of all delegatees of a file.
pub(super) struct Keys {
    known: Box<KeyTable<MAX_DELEGATION_KEYS>>,
    /// The keys of the role before, which the next one often shares.
    last: Option<Arc<RoleKeys>>,
}

impl Default for Keys {
    fn default() -> Self {
        Self { known: Box::new(KeyTable::new()), last: None }
    }
}

impl Keys {
    /// Resolves the ids of a role.
    pub(super) fn resolve(&mut self, role: &RoleReader) -> Result<Arc<RoleKeys>, Error> {
        let keys = role.keys(&self.known)?;
        let shared = self.last.take().filter(|last| **last == keys).unwrap_or_else(|| Arc::new(keys));
        self.last = Some(Arc::clone(&shared));
        Ok(shared)
    }
}
