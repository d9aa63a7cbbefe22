//! What both verifiers make of a case.

use std::collections::{BTreeMap, BTreeSet};

use uptane::verify::image::Permits as _;
use uptane::verify::{Approved, Mapping, MetadataFile, Refresh, Refreshed, Step, Wanted, agree};
use uptane::{Director, EcuId, Error, Image, ImageLine, ReleaseCounter, Repository, RepositoryName};

use super::case::Case;
use super::world::{Whose, World};
use crate::oracle::{self, Audience, Oracle, Refused, Served, sha256};

/// What a verifier made of a case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// The top-level files of the changed repository it asked for, in order; the last one is where it stopped.
    fetched: Vec<String>,
    /// The delegated files it asked for.
    delegated: BTreeSet<String>,
    /// Whether Snapshot and Targets are new; nothing, if it refused them.
    is_new: Option<(bool, bool)>,
    /// The delegated files it would store, by role, and their digests.
    stored: BTreeMap<String, String>,
    /// The digest of the file in which each image was found.
    found: BTreeMap<oracle::Wanted, Option<String>>,
    /// What each ECU is to run; nothing, if it refused.
    approved: Option<Vec<oracle::Approved>>,
}

/// What `uptane` makes of it, and the name of the check that failed.
pub(super) fn ours(world: &World, case: &Case) -> (Judgement, Option<&'static str>) {
    let mut judgement = Judgement::default();
    let judged = match case.whose {
        Whose::Director => director(world, &case.served, &mut judgement),
        Whose::Image => image(world, &case.served, &mut judgement),
    };
    judgement.approved = judged.as_ref().ok().cloned();
    (judgement, judged.as_ref().err().map(Error::name))
}

type Judged = Result<Vec<oracle::Approved>, Error>;

fn director(world: &World, served: &Served, judgement: &mut Judgement) -> Judged {
    let vehicle = &world.vehicle;
    let refresh = Refresh::director(vehicle.director.clone(), vehicle.vehicle, Some(&vehicle.ecus), vehicle.now);
    let director = drive(refresh, served, judgement)?;
    judgement.is_new = Some(is_new(&director));
    if !world.searches {
        return approve(world, &director, &world.ours.1);
    }
    let refresh = Refresh::image(vehicle.image.clone(), vehicle.now).looking_for(director.wanted()?);
    let mut of_image = Judgement::default();
    let image = drive(refresh, &world.image.served, &mut of_image)?;
    judgement.delegated = of_image.delegated;
    tell_found(&director, &image, judgement)?;
    approve(world, &director, &image)
}

fn image(world: &World, served: &Served, judgement: &mut Judgement) -> Judged {
    let director = &world.ours.0;
    let wanted = if world.searches { director.wanted()? } else { Vec::new() };
    let refresh = Refresh::image(world.vehicle.image.clone(), world.vehicle.now).looking_for(wanted);
    let image = drive(refresh, served, judgement)?;
    judgement.is_new = Some(is_new(&image));
    if world.searches {
        tell_found(director, &image, judgement)?;
    }
    approve(world, director, &image)
}

fn is_new<R: Repository>(refreshed: &Refreshed<R>) -> (bool, bool) {
    (refreshed.commit().snapshot.is_some(), refreshed.commit().targets.is_some())
}

fn tell_found(
    director: &Refreshed<Director>,
    image: &Refreshed<Image>,
    judgement: &mut Judgement,
) -> Result<(), Error> {
    for wanted in director.wanted()? {
        let found = image.find(&wanted).ok().map(|found| found.file().sha256().to_string());
        judgement.found.insert(in_words(&wanted), found);
    }
    let stored = image.commit().delegated.iter();
    judgement.stored = stored.map(|(role, file)| (role.to_string(), sha256(file))).collect();
    Ok(())
}

fn in_words(wanted: &Wanted) -> oracle::Wanted {
    (wanted.name().to_owned(), wanted.hardware().map(|hardware| hardware.to_string()).unwrap_or_default())
}

fn drive<R: Repository>(
    mut refresh: Refresh<R>,
    served: &Served,
    judgement: &mut Judgement,
) -> Result<Refreshed<R>, Error> {
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                let bytes = find(served, file);
                match (bytes, file) {
                    (None, _) => {}
                    (Some(_), MetadataFile::Delegated(..)) => drop(judgement.delegated.insert(file.file_name())),
                    (Some(_), _) => judgement.fetched.push(file.file_name()),
                }
                refresh.supply(bytes.map(|bytes| bytes.clone().into()))?;
                refresh.keep();
            }
            Step::Refused(error) => return Err(error),
            Step::Done => break,
        }
    }
    Ok(refresh.finish().unwrap_or_else(|refresh| unreachable!("done, and not finished: {refresh:?}")))
}

/// What is served under a name.
fn find(served: &Served, file: MetadataFile) -> Option<&Vec<u8>> {
    match file {
        MetadataFile::Root(version) => served.roots.get(&version.get()),
        MetadataFile::Timestamp => Some(&served.timestamp),
        MetadataFile::Snapshot(_) => Some(&served.snapshot),
        MetadataFile::Targets(_) => Some(&served.targets),
        MetadataFile::Delegated(role, _) => served.delegated.get(role.as_str()),
    }
}

fn approve(
    world: &World,
    director: &Refreshed<Director>,
    image: &Refreshed<Image>,
) -> Result<Vec<oracle::Approved>, Error> {
    let counters = &world.vehicle.counters;
    let accepted = |ecu: EcuId, line: ImageLine| counters.get(&(ecu, line)).copied().unwrap_or(ReleaseCounter::ZERO);
    let vouching = [(RepositoryName::of::<Image>(), image.targets())];
    Ok(listed(&agree(&Mapping::basic(), &director.targets(), &vouching, accepted)?))
}

/// What was approved, in the oracle's words.
fn listed(approved: &Approved) -> Vec<oracle::Approved> {
    let entry = |entry: &uptane::verify::ApprovedEntry| {
        let image = entry.image().image();
        let sha256 = image.hashes.sha256().map(|digest| digest.to_string());
        oracle::Approved {
            ecu: entry.ecu().to_string(),
            hardware: entry.hardware_id().to_string(),
            order: entry.order().map(u64::from),
            image: (image.name.to_string(), image.length.get(), sha256, image.release_counter.get()),
            fallback: entry.fallback().map(|fallback| fallback.image().name.to_string()),
        }
    };
    let mut listed: Vec<_> = approved.entries().iter().map(entry).collect();
    listed.sort();
    listed
}

/// What the oracle makes of it, and why it refused.
pub(super) fn theirs(oracle: &mut Oracle, world: &World, case: &Case) -> (Judgement, Option<&'static str>) {
    let mut judgement = Judgement::default();
    let judged = judge(oracle, world, case, &mut judgement);
    judgement.approved = judged.as_ref().ok().cloned();
    (judgement, judged.err().map(|refused| refused.0))
}

fn judge(
    oracle: &mut Oracle,
    world: &World,
    case: &Case,
    judgement: &mut Judgement,
) -> Result<Vec<oracle::Approved>, Refused> {
    let (vehicle, ecus) = world.audience(case.whose);
    let audience = match case.whose {
        Whose::Director => Audience::Vehicle(&vehicle, ecus),
        Whose::Image => Audience::Everybody,
    };
    let (held, now) = (&world.side(case.whose).held, world.vehicle.now.unix());
    let refreshed = oracle.refresh(held, &case.served, audience, now, &mut judgement.fetched)?;
    judgement.is_new = Some(refreshed.is_new);
    let (director, image, served) = match case.whose {
        Whose::Director => (&refreshed, &world.theirs.1, &world.image.served),
        Whose::Image => (&world.theirs.0, &refreshed, &case.served),
    };
    let held = &world.image.held;
    let found = oracle.look_up(image, &director.wanted()?, held, served, now, &mut judgement.delegated);
    if world.searches {
        let digest = |(wanted, file): (&oracle::Wanted, Option<&[u8]>)| (wanted.clone(), file.map(sha256));
        judgement.found = found.files().map(digest).collect();
        let stored = found.good.iter().filter(|(role, file)| image.forgot || held.delegated.get(*role) != Some(file));
        judgement.stored = stored.map(|(role, file)| (role.clone(), sha256(file))).collect();
    }
    let counters = &world.vehicle.counters;
    director.agree(&found, |ecu: &str, line: &str| {
        let known = counters.iter().find(|((e, l), _)| e.as_str() == ecu && l.as_str() == line);
        known.map_or(0, |(_, counter)| counter.get())
    })
}
