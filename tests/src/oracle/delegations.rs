//! What a Targets file delegates (`docs/pouf.md` §7, "Delegations"; TUF 1.0.34 §4.5; TAP 3; TAP 15).

use std::collections::BTreeSet;

use super::Refused;
use super::file::sha256;
use super::json::Json;
use super::keys::{Appointed, Keys, appointed, keys};
use super::words::{is_hex, is_id, is_role, members, number, text};

/// All of it.
#[derive(Clone, Debug)]
pub(super) enum Delegations {
    /// In order of priority.
    Roles(Vec<Delegation>),
    /// One of these for every name.
    Bins { prefix: String, bits: u64, by: Appointed },
}

/// One delegation.
#[derive(Clone, Debug)]
pub(super) struct Delegation {
    covers: Covers,
    hardware: Option<BTreeSet<String>>,
    pub(super) terminating: bool,
    pub(super) to: To,
}

/// To whom.
#[derive(Clone, Debug)]
pub(super) enum To {
    Role(Role),
    /// So many of these must say the same.
    Roles(usize, Vec<Role>),
}

/// A role, and who speaks for it.
#[derive(Clone, Debug)]
pub(super) struct Role {
    pub(super) name: String,
    pub(super) by: Appointed,
}

#[derive(Clone, Debug)]
enum Covers {
    Paths(Vec<String>),
    Prefixes(Vec<String>),
}

impl Delegations {
    pub(super) fn read(json: &Json) -> Result<Self, Refused> {
        let keys = keys(members(json, "keys")?, 1_024)?;
        let roles = json.member("roles").map(|roles| roles.list().ok_or(Refused("roles"))).transpose()?;
        match (roles, json.member("succinct_roles")) {
            (Some(roles), None) => read_roles(roles, &keys).map(Self::Roles),
            (None, Some(bins)) => read_bins(bins, &keys),
            _ => Err(Refused("roles")),
        }
    }
}

fn read_roles(roles: &[Json], keys: &Keys) -> Result<Vec<Delegation>, Refused> {
    if roles.len() > 16_384 {
        return Err(Refused("delegations"));
    }
    let mut names = BTreeSet::new();
    let read = roles.iter().map(|role| {
        let name = role_name(role)?;
        if !names.insert(name) {
            return Err(Refused("a role twice"));
        }
        Delegation::read(role, keys)
    });
    let read: Vec<Delegation> = read.collect::<Result<_, _>>()?;
    if read.iter().map(|delegation| delegation.covers.count()).sum::<usize>() > 65_536 {
        return Err(Refused("paths of a file"));
    }
    Ok(read)
}

fn read_bins(bins: &Json, keys: &Keys) -> Result<Delegations, Refused> {
    bins.object().ok_or(Refused("succinct_roles"))?;
    check_plain(bins)?;
    let (prefix, bits) = (text(bins, "name_prefix")?.to_owned(), number(bins, "bit_length")?);
    // Every bin's name is as long, so the first stands for all.
    if !(1..=32).contains(&bits) || !is_role(&bin(&prefix, bits, "")) {
        return Err(Refused("bins"));
    }
    Ok(Delegations::Bins { prefix, bits, by: appointed(bins, keys)? })
}

/// The bin that a name falls into: as many bits of its digest as say so, as a number.
pub(super) fn bin(prefix: &str, bits: u64, name: &str) -> String {
    let digest = sha256(name.as_bytes());
    let first = digest.get(..8).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
    let digits = usize::try_from(bits.div_ceil(4)).unwrap_or_default();
    format!("{prefix}-{:0digits$x}", first >> (32 - bits))
}

fn role_name(role: &Json) -> Result<String, Refused> {
    let name = text(role, "name")?;
    if is_role(name) { Ok(name.to_owned()) } else { Err(Refused("name of a role")) }
}

/// Roles of a set, and bins, cover what the whole delegation covers.
fn check_plain(role: &Json) -> Result<(), Refused> {
    let narrows = |name| role.member(name).is_some();
    match ["paths", "path_hash_prefixes", "terminating", "uptane"].into_iter().any(narrows) {
        true => Err(Refused("narrower than its delegation")),
        false => Ok(()),
    }
}

impl Delegation {
    fn read(role: &Json, keys: &Keys) -> Result<Self, Refused> {
        let terminating = match role.member("terminating") {
            None => false,
            Some(Json::Bool(terminating)) => *terminating,
            Some(_) => return Err(Refused("terminating")),
        };
        let to = match (role.member("roles"), role.member("min_roles_in_agreement")) {
            (None, None) => To::Role(Role { name: role_name(role)?, by: appointed(role, keys)? }),
            (Some(set), Some(_)) => read_set(role, set, keys)?,
            _ => return Err(Refused("a set of roles")),
        };
        Ok(Self { covers: Covers::read(role)?, hardware: read_hardware(role)?, terminating, to })
    }

    /// Whether it is about a name, for this hardware.
    pub(super) fn applies(&self, name: &str, hardware: &str) -> bool {
        self.hardware.as_ref().is_none_or(|ids| ids.contains(hardware)) && self.covers.has(name)
    }
}

fn read_set(role: &Json, set: &Json, keys: &Keys) -> Result<To, Refused> {
    if role.member("keyids").is_some() || role.member("threshold").is_some() {
        return Err(Refused("a set of roles with keys"));
    }
    let set = set.list().ok_or(Refused("roles"))?;
    let needed = usize::try_from(number(role, "min_roles_in_agreement")?).unwrap_or(usize::MAX);
    if !(1..=16).contains(&set.len()) || !(1..=set.len()).contains(&needed) {
        return Err(Refused("a set of roles"));
    }
    let mut roles: Vec<Role> = Vec::new();
    for role in set {
        check_plain(role)?;
        let name = role_name(role)?;
        if roles.iter().any(|other| other.name == name) {
            return Err(Refused("a role twice in a set"));
        }
        roles.push(Role { name, by: appointed(role, keys)? });
    }
    Ok(To::Roles(needed, roles))
}

fn read_hardware(role: &Json) -> Result<Option<BTreeSet<String>>, Refused> {
    let Some(uptane) = role.member("uptane") else { return Ok(None) };
    let Some(ids) = uptane.object().ok_or(Refused("uptane"))?.get("hardware_ids") else { return Ok(None) };
    let ids = ids.list().filter(|ids| (1..=32).contains(&ids.len())).ok_or(Refused("hardware_ids"))?;
    let ids = ids.iter().map(|id| id.text().filter(|id| is_id(id)).map(str::to_owned));
    ids.collect::<Option<_>>().map(Some).ok_or(Refused("hardware_ids"))
}

impl Covers {
    fn read(role: &Json) -> Result<Self, Refused> {
        let list = |json: &Json| {
            let texts = json.list().filter(|list| list.len() <= 4_096).ok_or(Refused("paths"))?;
            let texts = texts.iter().map(|text| text.text().filter(|text| text.len() <= 255).map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().ok_or(Refused("paths"))
        };
        let is_prefix = |prefix: &String| (1..=64).contains(&prefix.len()) && is_hex(prefix, prefix.len());
        match (role.member("paths"), role.member("path_hash_prefixes")) {
            (Some(paths), None) => list(paths).map(Self::Paths),
            (None, Some(prefixes)) => match list(prefixes)? {
                prefixes if prefixes.iter().all(is_prefix) => Ok(Self::Prefixes(prefixes)),
                _ => Err(Refused("path_hash_prefixes")),
            },
            _ => Err(Refused("paths")),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Paths(list) | Self::Prefixes(list) => list.len(),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Paths(patterns) => patterns.iter().any(|pattern| stands_for(pattern, name)),
            Self::Prefixes(prefixes) => {
                let digest = sha256(name.as_bytes());
                prefixes.iter().any(|prefix| digest.starts_with(prefix.as_str()))
            }
        }
    }
}

/// `*` stands for any characters, `?` for one, neither for a `/`: the first `*` takes as little as it can, then more.
fn stands_for(pattern: &str, name: &str) -> bool {
    let split = |text: &str| text.chars().next().map(|first| (first, text.chars().skip(1).collect::<String>()));
    match (split(pattern), split(name)) {
        (None, None) => true,
        (Some(('*', rest)), None) => stands_for(&rest, name),
        (Some(('*', rest)), Some((first, after))) => {
            stands_for(&rest, name) || (first != '/' && stands_for(pattern, &after))
        }
        (Some(('?', rest)), Some((first, after))) => first != '/' && stands_for(&rest, &after),
        (Some((wanted, rest)), Some((first, after))) => wanted == first && stands_for(&rest, &after),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_within_a_part() {
        for (pattern, name, expected) in [
            ("fw/*", "fw/a.bin", true),
            ("fw/*", "fw/a/b", false),
            ("*", "fw/a", false),
            ("fw/?-*.bin", "fw/a-.bin", true),
            ("fw/?", "fw/", false),
            ("**", "", true),
        ] {
            assert_eq!(stands_for(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn bins_have_as_many_digits_as_their_number_may_have() {
        // SHA-256 of nothing begins with e3b0c442.
        assert_eq!(bin("b", 1, ""), "b-1");
        assert_eq!(bin("b", 5, ""), "b-1c");
        assert_eq!(bin("b", 32, ""), "b-e3b0c442");
    }
}
