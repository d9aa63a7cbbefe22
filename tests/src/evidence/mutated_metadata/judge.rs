//! What both verifiers make of a case.

use uptane::verify::image::Permits as _;
use uptane::verify::{Approved, Mapping, Refresh, Refreshed, Step, agree};
use uptane::{Director, EcuId, Error, Image, ImageLine, ReleaseCounter, Repository, RepositoryName};

use super::case::Case;
use super::world::{Whose, World};
use crate::oracle::{self, Audience, Oracle, Served};

/// What a verifier made of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// The files it asked for, in order; the last one is where it stopped.
    pub(super) fetched: Vec<String>,
    /// Whether Snapshot and Targets are new, and what each ECU is to run; nothing, if it refused.
    pub(super) accepted: Option<((bool, bool), Vec<oracle::Approved>)>,
}

/// What `uptane` makes of it, and the name of the check that failed.
pub(super) fn ours(world: &World, case: &Case) -> (Judgement, Option<&'static str>) {
    let mut fetched = Vec::new();
    let accepted = match case.whose {
        Whose::Director => director(world, &case.served, &mut fetched),
        Whose::Image => image(world, &case.served, &mut fetched),
    };
    let error = accepted.as_ref().err().map(Error::name);
    (Judgement { fetched, accepted: accepted.ok() }, error)
}

type Accepted = ((bool, bool), Vec<oracle::Approved>);

fn director(world: &World, served: &Served, fetched: &mut Vec<String>) -> Result<Accepted, Error> {
    let vehicle = &world.vehicle;
    let refresh = Refresh::director(vehicle.director.clone(), vehicle.vehicle, Some(&vehicle.ecus), vehicle.now);
    let director = drive(refresh, served, fetched)?;
    let approved = approve(world, &director, &world.ours.1)?;
    Ok((is_new(&director), approved))
}

fn image(world: &World, served: &Served, fetched: &mut Vec<String>) -> Result<Accepted, Error> {
    let image = drive(Refresh::image(world.vehicle.image.clone(), world.vehicle.now), served, fetched)?;
    let approved = approve(world, &world.ours.0, &image)?;
    Ok((is_new(&image), approved))
}

fn is_new<R: Repository>(refreshed: &Refreshed<R>) -> (bool, bool) {
    (refreshed.commit().snapshot.is_some(), refreshed.commit().targets.is_some())
}

fn drive<R: Repository>(
    mut refresh: Refresh<R>,
    served: &Served,
    fetched: &mut Vec<String>,
) -> Result<Refreshed<R>, Error> {
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                let bytes = find(served, &file.file_name());
                if bytes.is_some() {
                    fetched.push(file.file_name());
                }
                refresh.supply(bytes.map(|bytes| bytes.to_vec().into()))?;
                refresh.keep();
            }
            Step::Refused(error) => return Err(error),
            Step::Done => break,
        }
    }
    Ok(refresh.finish().unwrap_or_else(|refresh| unreachable!("done, and not finished: {refresh:?}")))
}

/// What is served under a name.
fn find<'s>(served: &'s Served, name: &str) -> Option<&'s [u8]> {
    match name.split_once('.') {
        Some(("timestamp", _)) => Some(&served.timestamp),
        Some((_, "snapshot.json")) => Some(&served.snapshot),
        Some((_, "targets.json")) => Some(&served.targets),
        Some((number, "root.json")) => served.roots.get(&number.parse().ok()?).map(Vec::as_slice),
        _ => None,
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
    let mut fetched = Vec::new();
    let (vehicle, ecus) = world.audience(case.whose);
    let audience = match case.whose {
        Whose::Director => Audience::Vehicle(&vehicle, ecus),
        Whose::Image => Audience::Everybody,
    };
    let held = &world.side(case.whose).held;
    let refreshed = oracle.refresh(held, &case.served, audience, world.vehicle.now.unix(), &mut fetched);
    let counters = &world.vehicle.counters;
    let accepted = |ecu: &str, line: &str| {
        let known = counters.iter().find(|((e, l), _)| e.as_str() == ecu && l.as_str() == line);
        known.map_or(0, |(_, counter)| counter.get())
    };
    let accepted = refreshed.and_then(|refreshed| {
        let approved = match case.whose {
            Whose::Director => refreshed.agree(&world.theirs.1, accepted),
            Whose::Image => world.theirs.0.agree(&refreshed, accepted),
        };
        Ok((refreshed.is_new, approved?))
    });
    let why = accepted.as_ref().err().map(|refused| refused.0);
    (Judgement { fetched, accepted: accepted.ok() }, why)
}
