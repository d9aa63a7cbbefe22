//! Closed vocabularies of signed files.

use core::fmt;

/// The attack a refusal points to, as reports carry it (§5.4.4.2, last paragraph). A closed vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Attack {
    /// Software or metadata nobody authorised.
    ArbitrarySoftware,
    /// The Director says what it never may.
    DirectorMisuse,
    /// Requests are dropped.
    DropRequest,
    /// More data than metadata allows.
    EndlessData,
    /// Old files are presented as current.
    Freeze,
    /// An image for other hardware.
    IncompatibleImage,
    /// Files that do not belong together.
    MixAndMatch,
    /// Only part of a bundle can be had.
    PartialBundle,
    /// Something valid, presented again or elsewhere.
    Replay,
    /// An older file or image.
    Rollback,
    /// A download below the speed limit.
    SlowRetrieval,
}

impl Attack {
    /// Every attack, with the word that reports carry.
    pub const WORDS: [(Self, &'static str); 11] = [
        (Self::ArbitrarySoftware, "arbitrary-software"),
        (Self::DirectorMisuse, "director-misuse"),
        (Self::DropRequest, "drop-request"),
        (Self::EndlessData, "endless-data"),
        (Self::Freeze, "freeze"),
        (Self::IncompatibleImage, "incompatible-image"),
        (Self::MixAndMatch, "mix-and-match"),
        (Self::PartialBundle, "partial-bundle"),
        (Self::Replay, "replay"),
        (Self::Rollback, "rollback"),
        (Self::SlowRetrieval, "slow-retrieval"),
    ];

    /// The word that reports carry.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

    /// The attack of a word; `None` for one that is not in the vocabulary.
    pub fn from_word(word: &str) -> Option<Self> {
        of_word(&Self::WORDS, word)
    }
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// How the last update ended, as reports carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ResultCode {
    /// The new image was refused or failed on trial before it ran.
    ActivationFailed,
    /// The image could not be fetched.
    DownloadFailed,
    /// The assigned image runs.
    Installed,
    /// There was no update yet.
    None,
    /// The new image ran and was given up; the old one runs.
    RolledBack,
    /// Flash or disk failed.
    StorageFailed,
    /// The ECU did not answer its Primary.
    Unreachable,
    /// Nothing new was assigned.
    UpToDate,
    /// A check failed; the attack word says which kind.
    VerificationFailed,
}

impl ResultCode {
    /// Every code, with the word that reports carry.
    pub const WORDS: [(Self, &'static str); 9] = [
        (Self::ActivationFailed, "activation-failed"),
        (Self::DownloadFailed, "download-failed"),
        (Self::Installed, "installed"),
        (Self::None, "none"),
        (Self::RolledBack, "rolled-back"),
        (Self::StorageFailed, "storage-failed"),
        (Self::Unreachable, "unreachable"),
        (Self::UpToDate, "up-to-date"),
        (Self::VerificationFailed, "verification-failed"),
    ];

    /// The word that reports carry.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

    /// The code of a word; `None` for one that is not in the vocabulary.
    pub fn from_word(word: &str) -> Option<Self> {
        of_word(&Self::WORDS, word)
    }
}

impl fmt::Display for ResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a signed command tells a Secondary to do (design D8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Run the staged image on trial.
    Activate,
    /// Retire the old image.
    Commit,
    /// Return to the old image.
    Rollback,
}

impl Action {
    /// Every action, with its word.
    pub const WORDS: [(Self, &'static str); 3] =
        [(Self::Activate, "activate"), (Self::Commit, "commit"), (Self::Rollback, "rollback")];

    /// The word that commands carry.
    pub fn word(self) -> &'static str {
        word_of(&Self::WORDS, self)
    }

    /// The action of a word; `None` for one that is not in the vocabulary.
    pub fn from_word(word: &str) -> Option<Self> {
        of_word(&Self::WORDS, word)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

fn word_of<T: PartialEq>(words: &[(T, &'static str)], value: T) -> &'static str {
    // The tables list every value.
    words.iter().find(|(known, _)| *known == value).map_or("unknown", |(_, word)| word)
}

fn of_word<T: Copy>(words: &[(T, &'static str)], word: &str) -> Option<T> {
    words.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Debug;
    use std::format;

    use super::*;

    /// The variants of an enum of this file, in their order.
    fn variants(of: &str) -> Vec<&'static str> {
        let (_, rest) = include_str!("words.rs").split_once(&format!("pub enum {of} {{")).unwrap();
        let (lines, _) = rest.split_once("\n}").unwrap();
        lines.lines().filter_map(|line| line.trim().strip_suffix(',')).filter(|line| !line.contains(' ')).collect()
    }

    fn check_table<T: Debug>(of: &str, words: &[(T, &'static str)]) {
        let listed: Vec<String> = words.iter().map(|(value, _)| format!("{value:?}")).collect();
        assert_eq!(listed, variants(of), "{of}");
        let different: BTreeSet<&str> = words.iter().map(|(_, word)| *word).collect();
        assert_eq!(different.len(), words.len(), "{of}");
    }

    #[test]
    fn every_variant_stands_once_in_its_table_with_a_word_of_its_own() {
        check_table("Attack", &Attack::WORDS);
        check_table("ResultCode", &ResultCode::WORDS);
        check_table("Action", &Action::WORDS);
    }

    #[test]
    fn every_word_reads_back_as_its_value() {
        for (attack, word) in Attack::WORDS {
            assert_eq!((attack.word(), Attack::from_word(word)), (word, Some(attack)));
        }
        for (code, word) in ResultCode::WORDS {
            assert_eq!((code.word(), ResultCode::from_word(word)), (word, Some(code)));
        }
        for (action, word) in Action::WORDS {
            assert_eq!((action.word(), Action::from_word(word)), (word, Some(action)));
        }
        assert_eq!(Action::from_word("Activate"), None);
    }
}
