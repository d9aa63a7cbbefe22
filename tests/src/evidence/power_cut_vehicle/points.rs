//! Where power can fail in an update of the vehicle, and the scenarios in which it does.

use std::fmt::{self, Write as _};
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use simulator::runs::Recipe;
use simulator::world::run::Ended;

/// What the new images are like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Series {
    /// All of them boot.
    Good,
    /// That of the door resets before it votes.
    Crashes,
    /// That of the battery votes against itself.
    VotesSick,
}

impl Series {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Good, Self::Crashes, Self::VotesSick];

    fn fault(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Good => None,
            Self::Crashes => Some(("door", "crashes")),
            Self::VotesSick => Some(("battery", "votes-sick")),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Good => "every new image boots",
            Self::Crashes => "the door's new image crashes",
            Self::VotesSick => "the battery's new image votes sick",
        })
    }
}

/// Something an ECU does that power can fail at, and how often it does in an update without a cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) node: &'static str,
    kind: &'static str,
    pub(super) what: &'static str,
    pub(super) count: u64,
}

/// One cut.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    site: Site,
    number: u64,
    torn: Option<&'static str>,
    /// Whether the whole vehicle loses power, or this ECU alone.
    pub(super) whole: bool,
}

impl Site {
    fn all() -> Vec<Self> {
        let of = |kind, what, nodes: &[&'static str]| {
            nodes.iter().map(|node| Self { node, kind, what, count: 0 }).collect::<Vec<_>>()
        };
        let disks = of("disk-cut", "operations of the disk", &["gateway", "display"]);
        let flashes = of("flash-cut", "operations of the flash", &["display", "battery", "door"]);
        let messages = of("message-cut", "messages sent and taken", &["gateway", "display", "battery", "door"]);
        [disks, flashes, messages].concat()
    }

    /// Whether it changes what is kept.
    pub(super) fn is_durable(&self) -> bool {
        self.kind != "message-cut"
    }

    /// Every cut here: each operation before it begins and in its middle, each message before it is sent or taken; of this
    /// ECU alone, and of the whole vehicle.
    pub(super) fn cuts(&self) -> Vec<Cut> {
        let torn: &[Option<&'static str>] = if self.is_durable() { &[Some("before"), Some("half")] } else { &[None] };
        let of = |number, torn, whole| Cut { site: self.clone(), number, torn, whole };
        let numbers = (1..=self.count).flat_map(|number| torn.iter().map(move |torn| (number, *torn)));
        numbers.flat_map(|(number, torn)| [false, true].map(|whole| of(number, torn, whole))).collect()
    }
}

impl Cut {
    /// As a scenario has it.
    pub(super) fn text(&self) -> String {
        let Self { site: Site { node, kind, .. }, number, torn, whole } = self;
        let torn = torn.map(|torn| format!("torn = \"{torn}\"\n")).unwrap_or_default();
        let reach = if *whole { "vehicle" } else { "node" };
        format!(
            "[[fault]]\nkind = \"{kind}\"\nnode = \"{node}\"\nat = \"300 ms\"\nnumber = {number}\n{torn}reach = \"{reach}\"\nlasts = \"3 s\"\n"
        )
    }
}

/// The update, for so long at most, in which these faults happen.
pub(super) fn recipe(series: Series, limit: Duration, faults: &str, seed: u64) -> Recipe {
    let mut scenario = SCENARIO.replacen("LIMIT", &format!("{} ns", limit.as_nanos()), 1);
    if let Some((ecu, sickness)) = series.fault() {
        // Writing to a string does not fail.
        let _written = write!(
            scenario,
            "[[fault]]\nkind = \"sick-image\"\necu = \"{ecu}\"\nrelease = \"r2\"\nsickness = \"{sickness}\"\n"
        );
    }
    scenario.push_str(faults);
    Recipe {
        file: "power-cut-vehicle.toml".to_owned(),
        scenario,
        vehicle: include_str!("vehicle.toml").to_owned(),
        seed,
        outside: None,
    }
}

/// Runs it to its end.
pub(super) fn run(recipe: &Recipe) -> Result<Ended> {
    let scenario = recipe.scenario()?;
    Ok(recipe.world(&scenario)?.run()?)
}

/// Runs the update without a cut, and counts: until the vehicle rests, or has gone back for the first time. It is offered
/// the same update again and again then.
pub(super) fn sites(series: Series, seed: u64) -> Result<(Ended, Vec<Site>)> {
    let never = |site: &Site| Cut { site: site.clone(), number: NEVER, torn: None, whole: false }.text();
    let mut sites = Site::all();
    let probes: String = sites.iter().map(never).collect();
    let ended = run(&recipe(series, LIMIT, &probes, seed))?;
    // A fault is known by its number in the order of time; those of one moment stand in the order of the file.
    let before = usize::from(series.fault().is_some());
    let counted = match (series, ended.closed.first()) {
        (Series::Good, _) => ended.counted.clone(),
        (Series::Crashes | Series::VotesSick, Some(closed)) => {
            run(&recipe(series, closed.at.since_start(), &probes, seed))?.counted
        }
        (Series::Crashes | Series::VotesSick, None) => bail!("{series}: no transaction was closed"),
    };
    for (number, site) in sites.iter_mut().enumerate() {
        site.count = counted.get(&(number + before)).copied().unwrap_or_default();
        ensure!(site.count > 0, "{series}: {} has no {}", site.node, site.what);
    }
    Ok((ended, sites))
}

/// One release for all four ECUs, assigned before the Primary has started; each image is of three chunks or more.
const SCENARIO: &str = r#"
name = "power-cut-vehicle"
about = "one release for four ECUs, and power that fails"
vehicle = "four-ecus"
limit = "LIMIT"

[[release]]
name = "r2"
at = "100 ms"
images = [{ ecus = "all", size = "10 KiB" }]

[[campaign]]
name = "spring"
release = "r2"
at = "200 ms"

[[must]]
ecus = "all"
runs = "r2"

[[must]]
ecus = "all"
runs = "factory"
"#;
/// How long the world may go on after a cut.
pub(super) const LIMIT: Duration = Duration::from_secs(1_800);
/// More than an update ever does.
const NEVER: u64 = 1_000_000_000;
