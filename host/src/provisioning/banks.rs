//! How many images an ECU's flash has room for.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Banks of an ECU (design D8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Banks {
    /// One: a new image goes where the old one is. Such an ECU is updated by itself, after all others.
    Single,
    /// Two: the old image stays until the new one is committed.
    #[default]
    Two,
}

impl Banks {
    /// The word for it in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Two => "two",
        }
    }

    /// Whether there is room for the old image beside the new one, as almost everywhere: such a file does not say so.
    pub(super) fn are_two(&self) -> bool {
        *self == Self::Two
    }
}

impl FromStr for Banks {
    type Err = uptane::Error;

    fn from_str(word: &str) -> Result<Self, uptane::Error> {
        let known = [Self::Single, Self::Two].into_iter().find(|known| known.word() == word);
        known.ok_or(uptane::Error::Schema { field: "banks" })
    }
}
