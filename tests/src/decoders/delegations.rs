//! Look-ups below the Targets of the Image repository, with one file of an attacker's choice.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use uptane::metadata::Covers;
use uptane::sign::{BinsBuilder, DelegationBuilder};
use uptane::testing::{Draft, Repo, Vehicle, role_keys};
use uptane::verify::{MetadataFile, Refresh, Refreshed, Step, StoredFiles, Trusted, Wanted};
use uptane::{Error, HardwareId, Image, Role, RoleName};

use super::signed::{as_role, file, key, message};
use super::{Decoder, Run};

pub(super) const DELEGATIONS: Decoder = Decoder {
    name: "delegations",
    run: delegations,
    bound: (262_144, 160),
    is_signed: true,
    sources: &[
        "verify/delegation/search.rs",
        "verify/delegation/files.rs",
        "verify/delegation/covers.rs",
        "verify/delegation/held.rs",
        "verify/delegation/multi_role.rs",
        "verify/path.rs",
        "metadata/delegations.rs",
        "metadata/delegation.rs",
    ],
    seeds: || {
        let seed = |(which, place): (u8, &Place)| [&[which], place.genuine.as_slice()].concat();
        (0..).zip(&WORLD.places).map(seed).chain([vec![0], vec![1]]).collect()
    },
};

/// A file that can be chosen: that of a delegated role, or the top-level one.
struct Place {
    role: Option<RoleName>,
    genuine: Vec<u8>,
    signers: Vec<SigningKey>,
    /// All that is trusted but this file and what is found below it alone.
    trusted: Trusted<Image>,
}

struct World {
    repo: Repo,
    wanted: Vec<Wanted>,
    places: Vec<Place>,
}

/// The first byte chooses the file and who looks, the rest is it; nothing, if there is no rest. Snapshot lists versions
/// alone, so that an attacker need not be its role.
fn delegations(run: &mut Run, input: &[u8]) {
    let Some((which, chosen)) = input.split_first() else { return };
    let number = usize::from(which % 16) % WORLD.places.len().max(1);
    let Some(place) = WORLD.places.get(number) else { return };
    let signers: Vec<&SigningKey> = place.signers.iter().collect();
    let (file, is_signed) = file(run, chosen, Role::Targets, &signers, as_role);
    let served = (!chosen.is_empty()).then_some(file.as_slice());
    let trusted = place.trusted.clone();
    let begin = if which & 16 == 0 { Refresh::image } else { Refresh::tuf };
    let refresh = begin(trusted, WORLD.repo.now()).looking_for(WORLD.wanted.clone());
    let Some(refreshed) = run.decode(|| drive(refresh, place.role, served)) else { return };
    let found = WORLD.wanted.iter().filter_map(|wanted| refreshed.find(wanted).ok());
    let found = found.filter(|found| found.file().bytes() == file).count();
    let stored = refreshed.commit().delegated.iter().any(|(_, stored)| **stored == *file);
    if found > 0 || stored || refreshed.targets().file().bytes() == file {
        run.accept(is_signed || message(&file, Role::Targets) == message(&place.genuine, Role::Targets));
    }
    drop(refreshed.search(WORLD.wanted.clone()));
}

fn drive(mut refresh: Refresh<Image>, role: Option<RoleName>, chosen: Option<&[u8]>) -> Option<Refreshed<Image>> {
    let genuine = WORLD_FILES.image();
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                let is_chosen = match role {
                    Some(role) => matches!(file, MetadataFile::Delegated(asked, _) if asked == role),
                    None => matches!(file, MetadataFile::Targets(_)),
                };
                let stays = |_: &&[u8]| !matches!(file, MetadataFile::Root(_));
                let bytes = if is_chosen { chosen } else { genuine.get(file).filter(stays) };
                refresh.supply(bytes.map(Into::into)).ok()?;
                refresh.keep();
            }
            Step::Refused(_) => return None,
            Step::Done => return refresh.finish().ok(),
        }
    }
}

/// A chain with a circle, a terminating role, roles that agree, bins.
fn grow(image: &mut Draft) -> Result<(), Error> {
    let to =
        |name: &str, covers| Ok::<_, Error>(DelegationBuilder::role(RoleName::parse(name)?, role_keys(name), covers));
    let paths = |path: &str| Covers::Paths([path.to_owned()].into());
    let member = |name: &str| Ok::<_, Error>((RoleName::parse(name)?, role_keys(name)));
    let set = [member("one")?, member("two")?].into();
    image.delegate("targets", to("brakes", paths("fw/ecu-000-*"))?);
    image.delegate("targets", to("doors", paths("fw/ecu-001-?.bin"))?.terminating());
    image.delegate("targets", DelegationBuilder::roles(RoleName::parse("set")?, 2, set, paths("fw/ecu-002-*.bin")));
    let prefixes = Covers::HashPrefixes("0123456789abcdef".chars().map(String::from).collect());
    image.delegate("targets", to("hub", prefixes)?.for_hardware([HardwareId::parse("hw-3")?]));
    image.delegate("brakes", to("pads", paths("*/*"))?);
    image.delegate("pads", to("brakes", paths("fw/*"))?);
    image.delegate_to_bins("hub", BinsBuilder { name_prefix: "bin".into(), bit_length: 1, keys: role_keys("bins") });
    let supplied: [(&str, &[usize]); 8] = [
        ("brakes", &[]),
        ("pads", &[0]),
        ("doors", &[1]),
        ("one", &[2]),
        ("two", &[2]),
        ("hub", &[]),
        ("bin-0", &[3]),
        ("bin-1", &[3]),
    ];
    for (role, ecus) in supplied {
        image.supply(role, ecus);
        let file = format!("{role}.json");
        image.set(Role::Snapshot, &["meta", &file], r#"{"version":2}"#);
        if role.starts_with("bin-") {
            image.signed_by(role, &["image bins 0"]);
        }
    }
    image.set(Role::Snapshot, &["meta", "targets.json"], r#"{"version":2}"#);
    Ok(())
}

static WORLD_FILES: LazyLock<Repo> = LazyLock::new(|| {
    let mut repo = Repo::seeded(4);
    let mut grew = Ok(());
    repo.publish(|next| grew = grow(&mut next.image));
    grew.unwrap_or_else(|error| unreachable!("the names are good: {error}"));
    repo
});

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let repo = WORLD_FILES.clone();
    let director = Vehicle::provisioned(&repo).refresh_director(repo.director());
    let wanted = director.and_then(|director| director.wanted());
    let wanted = wanted.unwrap_or_else(|error| unreachable!("the Director is good: {error}"));
    let roles = ["brakes", "pads", "doors", "one", "two", "hub", "bin-0", "bin-1"];
    let labels = |role: &str| if role.starts_with("bin-") { "image bins 0".into() } else { format!("image {role} 0") };
    let mut places: Vec<Place> = roles
        .into_iter()
        .filter_map(|name| {
            let role = RoleName::parse(name).ok()?;
            let trusted = trusted_without(&repo, role, &wanted)?;
            let genuine = repo.image().delegated(role)?.to_vec();
            Some(Place { role: Some(role), genuine, signers: vec![key(&labels(name))], trusted })
        })
        .collect();
    let (root, files) = (repo.image().first_root(), repo.image());
    let stored = StoredFiles {
        root,
        timestamp: Some(files.timestamp()),
        snapshot: Some(files.snapshot()),
        ..StoredFiles::default()
    };
    let top = Trusted::reload(stored).map(|reloaded| reloaded.trusted);
    let signers = vec![key("image targets 0"), key("image targets 1")];
    places.extend(top.ok().map(|trusted| Place { role: None, genuine: files.targets().to_vec(), signers, trusted }));
    World { repo, wanted, places }
});

/// What is trusted after an update in which the file of a role did not come.
fn trusted_without(repo: &Repo, role: RoleName, wanted: &[Wanted]) -> Option<Trusted<Image>> {
    let trusted = Vehicle::provisioned(repo).image;
    let refresh = Refresh::image(trusted, repo.now()).looking_for(wanted.to_vec());
    Some(drive(refresh, Some(role), None)?.into_trusted())
}
