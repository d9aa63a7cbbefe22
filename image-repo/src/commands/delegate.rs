//! `delegate`: who may list images besides Targets.

use host::cli::{print, table};
use serde_json::{Value, json};
use uptane::metadata::{Covers, Delegatee, Delegation, Delegations};
use uptane::sign::{BinsBuilder, DelegationBuilder, KeySet};
use uptane::{HardwareId, RoleName, Time};

use super::signatures::report;
use crate::args::{DelegateAdd, DelegateBins, DelegateList, DelegateRemove};
use crate::error::Error;
use crate::keyring;
use crate::role::RoleId;
use crate::staged::{self, Life, RoleFile, Staged, bin_number};

/// Delegates to a role, or to several that must agree.
pub(crate) fn add(args: &DelegateAdd, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    let delegation = described(args, &staged)?;
    if let Some(reason) = &args.reason {
        // Before the deed: a terminating delegation without a reason must not be found.
        staged.log(now, format_args!("{} delegates to {} as terminating: {reason}", args.role, args.name))?;
    }
    let file = staged.edit(args.role, Life::days(now, args.life.days), |targets| {
        Ok(if args.first { targets.delegate_first(delegation)? } else { targets.delegate([delegation])? })
    })?;
    report(&staged, &format!("delegated to {} in", args.name), &file, now, args.json)
}

fn described(args: &DelegateAdd, staged: &Staged) -> Result<DelegationBuilder, Error> {
    let name = role_name("NAME", &args.name)?;
    let covers = Covers::Paths(args.path.clone());
    let built = match args.needed {
        Some(needed) => DelegationBuilder::roles(name, needed, agreeing(args, staged)?, covers),
        None => DelegationBuilder::role(name, keyring::key_set(&args.repo, &args.key, args.threshold)?, covers),
    };
    let hardware = |id: &String| HardwareId::parse(id).map_err(Error::given("--hardware-id", id));
    let hardware: Vec<_> = args.hardware_id.iter().map(hardware).collect::<Result<_, _>>()?;
    let built = if hardware.is_empty() { built } else { built.for_hardware(hardware) };
    Ok(if args.terminating { built.terminating() } else { built })
}

/// The roles that must agree, with the keys that the same file gives them already.
fn agreeing(args: &DelegateAdd, staged: &Staged) -> Result<Vec<(RoleName, KeySet)>, Error> {
    let file = staged.get(args.role)?;
    let keys = |text: &String| {
        let role = role_name("--roles", text)?;
        let keys = KeySet::of_delegated(&file.targets()?, role)?;
        Ok((role, keys.ok_or_else(|| no_such(args.role, text))?))
    };
    args.roles.iter().map(keys).collect()
}

/// Delegates everything to bins.
pub(crate) fn bins(args: &DelegateBins, now: Time) -> Result<(), Error> {
    let bit_length = bin_number(args.count)?;
    let keys = keyring::key_set(&args.repo, &args.key, args.threshold)?;
    let mut staged = Staged::open(&args.repo)?;
    let life = Life::days(now, args.life.days);
    let bins = BinsBuilder { name_prefix: args.prefix.clone(), bit_length, keys };
    let file = staged.edit(RoleId::Targets, life, |targets| Ok(targets.delegate_to_bins(bins)?))?;
    make_bins(&mut staged, life)?;
    report(&staged, &format!("delegated to {} bins in", args.count), &file, now, args.json)
}

/// Every bin needs a file, as a client that finds none where a name falls cannot tell "no image" from "withheld".
fn make_bins(staged: &mut Staged, life: Life) -> Result<(), Error> {
    let Some(Delegations::Succinct(bins)) = staged.delegations(RoleId::Targets)? else { return Ok(()) };
    for number in 0..1_u32 << bins.bit_length() {
        let role = RoleId::Delegated(bins.name(number)?);
        if staged.find(role)?.is_none() {
            staged.edit(role, life, Ok)?;
        }
    }
    Ok(())
}

/// Takes a delegation back.
pub(crate) fn remove(args: &DelegateRemove, now: Time) -> Result<(), Error> {
    let mut staged = Staged::open(&args.repo)?;
    staged.get(args.role)?;
    let file = staged.edit(args.role, Life::days(now, args.life.days), |mut targets| {
        let missing = staged::Error::NoSuchDelegation { role: Box::new(args.role), name: args.name.clone() };
        if targets.undelegate(&args.name) { Ok(targets) } else { Err(missing) }
    })?;
    report(&staged, &format!("no longer delegated to {} in", args.name), &file, now, args.json)
}

/// Lists what a role delegates.
pub(crate) fn list(args: &DelegateList) -> Result<(), Error> {
    let staged = Staged::open(&args.repo)?;
    let file = staged.get(args.role)?;
    match args.json {
        true => print(as_json(&file)?),
        false => print(as_text(&file)?),
    }
    Ok(())
}

/// The delegations of a file as a table.
pub(super) fn as_text(file: &RoleFile) -> Result<String, Error> {
    Ok(match decoded(file)? {
        None => format!("{} delegates to nobody", file.role()),
        Some(Delegations::Succinct(bins)) => {
            format!("{} bins whose names begin with {}-", 1_u64 << bins.bit_length(), bins.name_prefix())
        }
        Some(Delegations::Listed(list)) => {
            table(["role", "keys", "may list", "hardware", "then"], &list.iter().map(row).collect::<Vec<_>>())
        }
    })
}

fn row(delegation: &Delegation) -> [String; 5] {
    let keys = match delegation.to() {
        Delegatee::Role(role) => format!("{} of {}", role.keys().threshold(), role.keys().keys().count()),
        Delegatee::Roles(set) => format!("{} of {}", set.needed(), names(delegation).join(",")),
    };
    let hardware = delegation.hardware_ids().map_or_else(|| "any".to_owned(), |ids| hardware(ids).join(","));
    let then = if delegation.is_terminating() { "nobody" } else { "the next" };
    [delegation.to().name().to_string(), keys, covered(delegation).join(" "), hardware, then.to_owned()]
}

/// The delegations of a file as JSON.
pub(super) fn as_json(file: &RoleFile) -> Result<Value, Error> {
    let delegation = |delegation: &Delegation| {
        let needed = match delegation.to() {
            Delegatee::Role(_) => None,
            Delegatee::Roles(set) => Some(set.needed()),
        };
        json!({
            "name": delegation.to().name().to_string(),
            "roles": names(delegation),
            "needed": needed,
            "covers": covered(delegation),
            "hardware_ids": delegation.hardware_ids().map(hardware),
            "terminating": delegation.is_terminating(),
        })
    };
    Ok(match decoded(file)? {
        None => json!([]),
        Some(Delegations::Succinct(bins)) => {
            json!({ "bins": 1_u64 << bins.bit_length(), "prefix": bins.name_prefix() })
        }
        Some(Delegations::Listed(list)) => list.iter().map(delegation).collect(),
    })
}

fn decoded(file: &RoleFile) -> Result<Option<Delegations>, Error> {
    Ok(file.targets().map_err(Error::from)?.delegations().map(Delegations::decode).transpose()?)
}

fn names(delegation: &Delegation) -> Vec<String> {
    delegation.to().roles().iter().map(|role| role.name().to_string()).collect()
}

fn hardware(ids: &[HardwareId]) -> Vec<String> {
    ids.iter().map(HardwareId::to_string).collect()
}

fn covered(delegation: &Delegation) -> Vec<String> {
    match delegation.covers() {
        Covers::Paths(paths) => paths.clone(),
        Covers::HashPrefixes(prefixes) => prefixes.iter().map(|prefix| format!("digest {prefix}…")).collect(),
    }
}

fn role_name(option: &'static str, text: &str) -> Result<RoleName, Error> {
    RoleName::parse(text).map_err(Error::given(option, text))
}

fn no_such(role: RoleId, name: &str) -> Error {
    staged::Error::NoSuchDelegation { role: Box::new(role), name: name.to_owned() }.into()
}
