//! Which rows a run measures, and how hard.

use std::time::Duration;

use crate::cases::{Form, Measurement, Repository, Scheme, Size};
use crate::measure::Effort;

/// One line of the comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task {
    pub(crate) repository: Repository,
    pub(crate) measurement: Measurement,
    /// Every client has its turn this often, so that a slow moment of the machine is everybody's.
    pub(crate) rounds: u32,
    /// Of one round.
    pub(crate) effort: Effort,
}

const SIZES: [Size; 5] =
    [Size::Targets(10), Size::Targets(1_000), Size::Targets(10_000), Size::Targets(100_000), Size::Rotations(100)];

const LARGEST: Size = Size::Targets(100_000);

/// Everything.
pub(crate) fn all() -> Vec<Task> {
    let plain = |size| Repository { scheme: Scheme::Ed25519, form: Form::Canonical, size };
    let mut tasks = Vec::new();
    for measurement in [Measurement::Cold, Measurement::Warm, Measurement::Restart] {
        tasks.extend(SIZES.map(|size| careful(plain(size), measurement)));
    }
    tasks.push(brief(plain(LARGEST), Measurement::Memory));
    for measurement in [Measurement::LookUp, Measurement::Stored] {
        tasks.extend(SIZES.map(|size| brief(plain(size), measurement)));
    }
    let others = [(Scheme::Ed25519, Form::Pretty), (Scheme::Ecdsa, Form::Canonical), (Scheme::Ecdsa, Form::Pretty)];
    for (scheme, form) in others {
        tasks.extend(SIZES.map(|size| brief(Repository { scheme, form, size }, Measurement::Cold)));
        tasks.push(brief(Repository { scheme, form, size: LARGEST }, Measurement::Memory));
    }
    tasks
}

/// Four rounds: two seconds and eight runs at least.
fn careful(repository: Repository, measurement: Measurement) -> Task {
    Task { repository, measurement, rounds: 4, effort: Effort { at_least: Duration::from_millis(500), runs: 2 } }
}

/// Two rounds: one second and six runs at least.
fn brief(repository: Repository, measurement: Measurement) -> Task {
    Task { repository, measurement, rounds: 2, effort: Effort { at_least: Duration::from_millis(500), runs: 3 } }
}
