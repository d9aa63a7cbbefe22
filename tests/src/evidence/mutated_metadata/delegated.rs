//! Worlds whose Image repository delegates, and one whose roles sign with ECDSA.

use anyhow::{Context, Result};
use uptane::metadata::Covers;
use uptane::sign::{BinsBuilder, DelegationBuilder, KeySet};
use uptane::testing::{Draft, Next, Repo, Vehicle, role_keys, signer};
use uptane::{HardwareId, PublicKey, Role, RoleName};

use super::world::World;

/// Labels of the keys that speak for delegated roles.
pub(super) const LABELS: [&str; 9] = ["brakes", "pads", "doors", "rest", "one", "two", "three", "bins", "any"];

/// What makes a repository delegate.
type Grow = fn(&mut Next) -> Result<()>;

/// Every world.
pub(super) fn all() -> Result<Vec<World>> {
    let mut worlds = Vec::new();
    let grown_by: [(_, _, Grow); 3] = [
        ("delegations, first update", "delegations", tree),
        ("roles that agree, first update", "roles that agree", set),
        ("bins, first update", "bins", bins),
    ];
    for (first, next, grow) in grown_by {
        let (repo, vehicle) = grown(grow)?;
        worlds.push(World::new(first, vehicle.clone(), &repo)?);
        worlds.push(later(next, repo, vehicle, grow)?);
    }
    let (repo, vehicle) = grown(ecdsa)?;
    worlds.push(later("ECDSA keys", repo, vehicle, |next| signed_with_ecdsa(next).map(|_| ()))?);
    Ok(worlds)
}

/// A repository that was changed once, and a vehicle that has not seen it.
fn grown(grow: impl FnOnce(&mut Next) -> Result<()>) -> Result<(Repo, Vehicle)> {
    let mut repo = Repo::seeded(3);
    let vehicle = Vehicle::provisioned(&repo);
    let mut grew = Ok(());
    repo.publish(|next| grew = grow(next));
    grew.map(|()| (repo, vehicle))
}

/// The vehicle holds what it saw before a new release.
fn later(name: &'static str, mut repo: Repo, mut vehicle: Vehicle, signed: Grow) -> Result<World> {
    vehicle.update(&repo)?;
    let mut done = Ok(());
    repo.publish(|next| {
        next.release();
        done = signed(next);
    });
    done?;
    World::new(name, vehicle, &repo)
}

fn role(name: &str) -> Result<RoleName> {
    Ok(RoleName::parse(name)?)
}

fn paths(paths: &[&str]) -> Covers {
    Covers::Paths(paths.iter().map(|path| (*path).into()).collect())
}

fn to(name: &str, covered: &[&str]) -> Result<DelegationBuilder> {
    Ok(DelegationBuilder::role(role(name)?, role_keys(name), paths(covered)))
}

/// A chain with a circle in it, a terminating role, and one for some hardware alone.
fn tree(next: &mut Next) -> Result<()> {
    let digits = ('0'..='9').chain('a'..='f').map(|digit| digit.to_string()).collect();
    let rest = DelegationBuilder::role(role("rest")?, role_keys("rest"), Covers::HashPrefixes(digits));
    let image = &mut next.image;
    image.redelegate(
        "targets",
        [
            to("brakes", &["fw/ecu-000-*", "fw/x*"])?,
            to("doors", &["fw/ecu-001-?.bin"])?.terminating(),
            rest.for_hardware([HardwareId::parse("hw-2")?, HardwareId::parse("hw-3")?]),
        ],
    );
    image.redelegate("brakes", [to("pads", &["fw/*-1.bin", "fw/*-2.bin"])?]);
    image.redelegate("pads", [to("brakes", &["fw/*"])?]);
    for (role, ecus) in [("brakes", [].as_slice()), ("pads", &[0]), ("doors", &[1]), ("rest", &[2])] {
        image.supply(role, ecus);
    }
    Ok(())
}

/// Two of three roles must agree; where they do not, another is asked.
fn set(next: &mut Next) -> Result<()> {
    let names = ["one", "two", "three"];
    let members = names.map(|name| Ok((role(name)?, role_keys(name))));
    let members = members.into_iter().collect::<Result<Vec<_>>>()?;
    let image = &mut next.image;
    let set = DelegationBuilder::roles(role("set")?, 2, members, paths(&["fw/*"]));
    image.redelegate("targets", [set, to("any", &["fw/*-1.bin", "fw/*-2.bin"])?]);
    for (role, ecus) in [("one", [0, 1].as_slice()), ("two", &[0, 2]), ("three", &[1, 2]), ("any", &[0, 1, 2])] {
        image.supply(role, ecus);
    }
    Ok(())
}

fn bins(next: &mut Next) -> Result<()> {
    let image = &mut next.image;
    let keys = role_keys("bins");
    image.delegate_to_bins("targets", BinsBuilder { name_prefix: "bins".into(), bit_length: 2, keys });
    for bin in ["bins-0", "bins-1", "bins-2", "bins-3"] {
        image.supply(bin, &[0, 1, 2]);
        image.signed_by(bin, &["image bins 0"]);
    }
    Ok(())
}

/// Roles of both repositories that sign online have keys of ECDSA P-256, and so have two delegated ones.
fn ecdsa(next: &mut Next) -> Result<()> {
    let keys = signed_with_ecdsa(next)?;
    let mut online = keys.iter();
    for draft in [&mut next.director, &mut next.image] {
        for (role, key) in TOP.into_iter().zip(online.by_ref()) {
            appoint(draft, role, key)?;
        }
    }
    let delegation = |name, key: &PublicKey| {
        let keys = KeySet::new([key.clone()], 1)?;
        Ok::<_, anyhow::Error>(DelegationBuilder::role(role(name)?, keys, paths(&["fw/*"])))
    };
    let [.., brakes, doors] = keys.as_slice() else { anyhow::bail!("a key for each role") };
    next.image.redelegate("targets", [delegation("brakes", brakes)?, delegation("doors", doors)?.terminating()]);
    next.image.supply("brakes", &[0, 1]);
    next.image.supply("doors", &[2]);
    Ok(())
}

const TOP: [Role; 3] = [Role::Timestamp, Role::Snapshot, Role::Targets];

/// Has them sign; their keys, in order.
fn signed_with_ecdsa(next: &mut Next) -> Result<Vec<PublicKey>> {
    let mut keys = Vec::new();
    for (draft, repository) in [(&mut next.director, "director"), (&mut next.image, "image")] {
        for role in TOP {
            let label = format!("ecdsa {repository} {} 0", role.type_name());
            draft.signed_by(role, &[&label]);
            keys.push(public(&label));
        }
    }
    for role in ["brakes", "doors"] {
        let label = format!("ecdsa image {role} 0");
        next.image.signed_by(role, &[&label]);
        keys.push(public(&label));
    }
    Ok(keys)
}

fn public(label: &str) -> PublicKey {
    use uptane::sign::Signer as _;
    signer(label).public_key()
}

/// Has Root give a role this key alone.
fn appoint(draft: &mut Draft, role: Role, key: &PublicKey) -> Result<()> {
    let (id, _) = KeySet::new([key.clone()], 1)?.keys().next().context("one key")?;
    let id = id.to_string();
    let public = serde_json::json!({ "public": key.to_string() });
    let key = serde_json::json!({ "keytype": "ecdsa", "keyval": public, "scheme": "ecdsa-sha2-nistp256" });
    draft.set(Role::Root, &["keys", &id], key);
    let appointed = serde_json::json!({ "keyids": [id], "threshold": 1 });
    draft.set(Role::Root, &["roles", role.type_name()], appointed);
    Ok(())
}
