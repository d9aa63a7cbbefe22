//! Reading one delegation, in any of its forms.

use alloc::string::String;
use alloc::vec::Vec;

use super::delegations::{Bins, Covers, DelegatedRole, Delegatee, Delegation, Keys, MultiRole};
use super::fields::required;
use super::key_reader::RoleReader;
use crate::json::{Event, Step, Whole as _};
use crate::limits::{MAX_AGREEING_ROLES, MAX_HARDWARE_IDS, MAX_ROLE_PATHS, MAX_TARGET_NAME};
use crate::{Error, HardwareId, RoleName};

/// Collects an element of `roles`.
#[derive(Default)]
pub(super) struct EntryReader {
    /// The role it delegates to; without keys, if it delegates to several.
    own: MemberReader,
    paths: Option<Vec<String>>,
    hash_prefixes: Option<Vec<String>>,
    hardware_ids: Option<Vec<HardwareId>>,
    terminating: bool,
    needed: Option<u64>,
    member: MemberReader,
    members: Option<Vec<DelegatedRole>>,
}

impl EntryReader {
    pub(super) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>, keys: &mut Keys) -> Result<(), Error> {
        match steps {
            [Step::Key("paths"), rest @ ..] => push_path(&mut self.paths, "paths", rest, event),
            [Step::Key("path_hash_prefixes"), rest @ ..] => {
                push_path(&mut self.hash_prefixes, "path_hash_prefixes", rest, event)
            }
            [Step::Key("terminating")] => {
                let Event::Bool(terminating) = event else { return Err(Error::Schema { field: "terminating" }) };
                self.terminating = terminating;
                Ok(())
            }
            [Step::Key("min_roles_in_agreement")] => {
                self.needed = Some(event.unsigned("min_roles_in_agreement")?);
                Ok(())
            }
            [Step::Key("roles")] => {
                self.members.get_or_insert_default();
                event.array("roles")
            }
            [Step::Key("roles"), Step::Item, rest @ ..] => self.member(rest, event, keys),
            [Step::Key("uptane")] => event.object("uptane"),
            [Step::Key("uptane"), Step::Key("hardware_ids"), rest @ ..] => self.hardware_id(rest, event),
            steps => self.own.event(steps, event),
        }
    }

    fn hardware_id(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        let ids = self.hardware_ids.get_or_insert_default();
        match steps {
            [] => event.array("hardware_ids"),
            [Step::Item] if ids.len() >= MAX_HARDWARE_IDS => Err(Error::Limit { what: "hardware ids" }),
            [Step::Item] => {
                ids.push(HardwareId::parse(event.text("hardware_ids")?)?);
                Ok(())
            }
            _ => Err(Error::Schema { field: "hardware_ids" }),
        }
    }

    fn member(&mut self, steps: &[Step<'_>], event: Event<'_>, keys: &mut Keys) -> Result<(), Error> {
        match (steps, event) {
            ([], Event::Begin(_)) => {
                self.member = MemberReader::default();
                event.object("roles")
            }
            ([], Event::End(_)) => {
                let member = self.member.finish(keys)?;
                let members = self.members.get_or_insert_default();
                // One role never has two votes.
                if members.iter().any(|other| other.name == member.name) {
                    return Err(Error::Duplicate { what: "role of a multi-role delegation" });
                }
                if members.len() >= MAX_AGREEING_ROLES {
                    return Err(Error::Limit { what: "roles of a multi-role delegation" });
                }
                members.push(member);
                Ok(())
            }
            ([], _) => Err(Error::Schema { field: "roles" }),
            _ => {
                check_narrows_nothing(steps)?;
                self.member.event(steps, event)
            }
        }
    }

    /// How many paths it has.
    pub(super) fn paths(&self) -> usize {
        self.paths.iter().chain(&self.hash_prefixes).map(Vec::len).sum()
    }

    pub(super) fn finish(self, keys: &mut Keys) -> Result<Delegation, Error> {
        let Self { own, paths, hash_prefixes, hardware_ids, terminating, needed, member: _, members } = self;
        let covers = match (paths, hash_prefixes) {
            (Some(paths), None) => Covers::Paths(paths),
            (None, Some(prefixes)) => Covers::HashPrefixes(prefixes),
            (Some(_), Some(_)) | (None, None) => return Err(Error::Schema { field: "paths" }),
        };
        if let Covers::HashPrefixes(prefixes) = &covers
            && !prefixes.iter().all(|prefix| is_hash_prefix(prefix))
        {
            return Err(Error::Schema { field: "path_hash_prefixes" });
        }
        // An empty list covers nothing, but is easily meant, and read, as "any".
        if hardware_ids.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::Schema { field: "hardware_ids" });
        }
        let to = match (members, needed) {
            (None, None) => Delegatee::Role(own.finish(keys)?),
            (Some(roles), Some(needed)) if !own.has_keys => Delegatee::Roles(own.finish_set(roles, needed)?),
            // Neither form, or both at once.
            _ => return Err(Error::Schema { field: "roles" }),
        };
        Ok(Delegation { covers, hardware_ids, terminating, to })
    }
}

/// Collects the name and the keys of a role.
#[derive(Default)]
struct MemberReader {
    name: Option<RoleName>,
    keys: RoleReader,
    has_keys: bool,
}

impl MemberReader {
    fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [Step::Key("name")] => {
                self.name = Some(RoleName::parse(event.text("name")?)?);
                Ok(())
            }
            steps => {
                self.has_keys |= matches!(steps, [Step::Key("keyids" | "threshold")]);
                self.keys.event(steps, event)
            }
        }
    }

    fn finish(&self, keys: &mut Keys) -> Result<DelegatedRole, Error> {
        Ok(DelegatedRole { name: required(self.name, "name")?, keys: keys.resolve(&self.keys)? })
    }

    fn finish_set(&self, roles: Vec<DelegatedRole>, needed: u64) -> Result<MultiRole, Error> {
        let name = required(self.name, "name")?;
        // A threshold of none would be reached by nobody, one of more than there are never.
        match usize::try_from(needed) {
            Ok(needed) if (1..=roles.len()).contains(&needed) => Ok(MultiRole { name, needed, roles }),
            _ => Err(Error::BadNumber { kind: "min_roles_in_agreement" }),
        }
    }
}

/// Collects `succinct_roles`.
#[derive(Default)]
pub(super) struct SuccinctReader {
    keys: RoleReader,
    name_prefix: Option<String>,
    bit_length: Option<u64>,
}

impl SuccinctReader {
    pub(super) fn event(&mut self, steps: &[Step<'_>], event: Event<'_>) -> Result<(), Error> {
        match steps {
            [] => event.object("succinct_roles"),
            [Step::Key("name_prefix")] => {
                self.name_prefix = Some(event.text("name_prefix")?.into());
                Ok(())
            }
            [Step::Key("bit_length")] => {
                self.bit_length = Some(event.unsigned("bit_length")?);
                Ok(())
            }
            steps => {
                check_narrows_nothing(steps)?;
                self.keys.event(steps, event)
            }
        }
    }

    pub(super) fn finish(self, keys: &mut Keys) -> Result<Bins, Error> {
        let name_prefix = required(self.name_prefix, "name_prefix")?;
        let bit_length = u32::try_from(required(self.bit_length, "bit_length")?);
        let bit_length = bit_length.ok().filter(|bits| (1..=u32::BITS).contains(bits));
        let bit_length = bit_length.ok_or(Error::BadNumber { kind: "bit_length" })?;
        let bins = Bins { name_prefix, bit_length, keys: keys.resolve(&self.keys)? };
        // Every bin's name has this length, so one that is a role's name means that all are.
        RoleName::parse(&alloc::format!("{}-{:0digits$x}", bins.name_prefix, 0, digits = bins.digits()))?;
        Ok(bins)
    }
}

/// A role of a set, or a bin, covers what the whole delegation covers. One that says otherwise is refused: passed over,
/// it would cover more than was meant.
fn check_narrows_nothing(steps: &[Step<'_>]) -> Result<(), Error> {
    match steps {
        [Step::Key("paths" | "path_hash_prefixes"), ..] => Err(Error::Schema { field: "paths" }),
        [Step::Key("terminating"), ..] => Err(Error::Schema { field: "terminating" }),
        [Step::Key("uptane"), ..] => Err(Error::Schema { field: "uptane" }),
        _ => Ok(()),
    }
}

fn push_path(
    list: &mut Option<Vec<String>>,
    field: &'static str,
    steps: &[Step<'_>],
    event: Event<'_>,
) -> Result<(), Error> {
    let list = list.get_or_insert_default();
    match steps {
        [] => event.array(field),
        [Step::Item] if list.len() >= MAX_ROLE_PATHS => Err(Error::Limit { what: "paths of a delegation" }),
        [Step::Item] => {
            let text = event.text(field)?;
            if text.len() > MAX_TARGET_NAME {
                return Err(Error::Limit { what: "characters of a path" });
            }
            list.push(text.into());
            Ok(())
        }
        _ => Err(Error::Schema { field }),
    }
}

/// Hex as a digest is written, no more of it than a digest has.
fn is_hash_prefix(prefix: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_digit)
}
