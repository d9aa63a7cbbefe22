//! How to resolve delegations (§5.4.4.7, §5.4.4.8; TUF 1.0.34 §5.6.7).
//!
//! [`search`] walks the tree of delegations; [`covers`] says which names a delegation covers; [`multi_role`] counts the
//! roles that agree; [`files`] judges each file by the keys of the delegator that leads to it in this look-up.
//! When a file is missing the walk stops, and begins anew once the file has come: what is at hand is not judged
//! twice, so the walk itself is all there is to repeat.

mod covers;
mod files;
mod held;
mod multi_role;
mod search;

use alloc::string::String;

pub(super) use files::check;
pub(super) use held::Held;
pub(super) use search::Search;

use crate::{HardwareId, TargetName};

/// What is looked for in the Image repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub(super) name: String,
    pub(super) hardware: Option<HardwareId>,
}

impl Wanted {
    /// An image for an ECU that is this hardware (§5.4.4.2 step 10.1).
    pub fn image(name: TargetName<'_>, hardware: HardwareId) -> Self {
        Self { name: name.as_str().into(), hardware: Some(hardware) }
    }

    /// A file, as a TUF client looks for it. To it a delegation that is limited to some hardware applies to all.
    pub fn file(name: &str) -> Self {
        Self { name: name.into(), hardware: None }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The hardware it is for.
    pub fn hardware(&self) -> Option<HardwareId> {
        self.hardware
    }
}
