//! What must hold when a scenario ends.

use std::fmt;

use toml::Spanned;
use uptane::{Attack, EcuId, ResultCode};

use super::FACTORY;
use super::cast::Cast;
use crate::world::description::{Fields, Name, Notes, Word};

/// One thing that must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Must {
    /// Each of these ECUs still runs this release, and reported why.
    Keeps {
        /// The ECUs.
        ecus: Vec<EcuId>,
        /// The release they run.
        release: Name,
        /// How each says its last update ended.
        result: ResultCode,
    },
    /// Each of these ECUs refused something, and reported what kind of attack that points to.
    Refuses {
        /// The ECUs.
        ecus: Vec<EcuId>,
        /// The word of the report.
        attack: Attack,
    },
    /// These ECUs run the same one of these releases.
    Runs {
        /// The ECUs.
        ecus: Vec<EcuId>,
        /// The releases, any of which will do.
        releases: Vec<Name>,
    },
}

impl Must {
    /// Reads a `[[must]]`.
    pub(super) fn read(cast: &Cast<'_>, mut fields: Fields<'_>, notes: &mut Notes<'_>) -> Option<Self> {
        let all = cast.all();
        let ecus = if fields.has("ecus") { cast.set("ecus", &[("all", &all)], &mut fields, notes) } else { Some(all) };
        let must = match ["runs", "keeps", "refuses"].map(|key| fields.has(key)) {
            [true, false, false] => runs(cast, ecus, &mut fields, notes),
            [false, true, false] => keeps(cast, ecus, &mut fields, notes),
            [false, false, true] => {
                let attack = fields.required::<Attack>("refuses", notes);
                ecus.zip(attack).map(|(ecus, attack)| Self::Refuses { ecus, attack: attack.into_inner() })
            }
            _ => {
                let found = "it must say one thing that holds".to_owned();
                notes.impossible(fields.span(), found, "one of `runs`, `keeps`, `refuses`");
                return None;
            }
        };
        // All keys are known here, so that a slip in one is told apart from a key of another `must`.
        fields.finish(notes);
        must
    }

    /// The ECUs it speaks of.
    pub fn ecus(&self) -> &[EcuId] {
        match self {
            Self::Keeps { ecus, .. } | Self::Refuses { ecus, .. } | Self::Runs { ecus, .. } => ecus,
        }
    }
}

fn runs(cast: &Cast<'_>, ecus: Option<Vec<EcuId>>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Must> {
    let is_list = fields.raw("runs").is_some_and(|value| value.get_ref().is_array());
    let names: Vec<Spanned<Name>> = match is_list {
        true => fields.list("runs", notes).unwrap_or_default(),
        false => fields.required("runs", notes).into_iter().collect(),
    };
    let ecus = ecus?;
    for name in &names {
        if cast.has_release(name, notes) {
            covers(cast, name, &ecus, notes);
        }
    }
    if is_list && names.is_empty() {
        notes.impossible(fields.span(), "`runs` names no release".to_owned(), "one or several of them");
    }
    Some(Must::Runs { ecus, releases: names.into_iter().map(Spanned::into_inner).collect() })
}

/// A release must have an image for each ECU that must run it.
fn covers(cast: &Cast<'_>, name: &Spanned<Name>, ecus: &[EcuId], notes: &mut Notes<'_>) {
    let release = cast.releases.values().find(|release| release.name() == name.get_ref());
    let lacks = |id: &&EcuId| release.is_some_and(|release| release.image(id).is_none());
    if let Some(id) = ecus.iter().find(lacks).filter(|_| name.get_ref().as_str() != FACTORY) {
        let found = format!("ECU `{id}` can never run `{}`, which has no image for it", name.get_ref());
        notes.impossible(name.span(), found, "`ecus` that the release has images for");
    }
}

fn keeps(cast: &Cast<'_>, ecus: Option<Vec<EcuId>>, fields: &mut Fields<'_>, notes: &mut Notes<'_>) -> Option<Must> {
    let release = fields.required::<Name>("keeps", notes);
    let result = fields.required::<ResultCode>("result", notes);
    let release = release.filter(|name| cast.has_release(name, notes))?;
    Some(Must::Keeps { ecus: ecus?, release: release.into_inner(), result: result?.into_inner() })
}

impl Word for Attack {
    const WHAT: &'static str = "attack";
    const WORDS: &'static [(Self, &'static str)] = &Self::WORDS;
}

impl Word for ResultCode {
    const WHAT: &'static str = "result";
    const WORDS: &'static [(Self, &'static str)] = &Self::WORDS;
}

/// For people: `brakes, steering run r2`.
impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = Who(self.ecus());
        match self {
            Self::Keeps { release, result, .. } => write!(f, "{who}: {release} still runs, and the result is {result}"),
            Self::Refuses { attack, .. } => write!(f, "{who}: something was refused as {attack}"),
            Self::Runs { releases, .. } => {
                let names: Vec<&str> = releases.iter().map(Name::as_str).collect();
                write!(f, "{who}: {} runs", names.join(" or "))?;
                if names.len() > 1 { f.write_str(", the same on each") } else { Ok(()) }
            }
        }
    }
}

/// ECUs by name, or how many they are.
struct Who<'a>(&'a [EcuId]);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > MOST_NAMED {
            return write!(f, "{} ECUs", self.0.len());
        }
        let names: Vec<&str> = self.0.iter().map(EcuId::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

/// ECUs that are named one by one.
const MOST_NAMED: usize = 3;
