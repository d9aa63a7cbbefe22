//! Does a delegation cover a name? (TUF 1.0.34 §4.5, TAP 15)

use alloc::format;
use alloc::string::String;

use super::super::path;
use crate::metadata::{Bins, Covers};
use crate::{Error, RoleName, Sha256, TargetName};

impl Covers {
    /// Whether these names include this one.
    pub fn includes(&self, name: TargetName<'_>) -> bool {
        covers(self, name.as_str(), &digest(name.as_str()))
    }
}

impl Bins {
    /// The bin that this name falls into.
    pub fn bin_of(&self, name: TargetName<'_>) -> Result<RoleName, Error> {
        bin(self, name.as_str())
    }
}

/// Whether the names a delegation covers include this one, which has this [`digest`] (§5.4.4.7 step 4.1).
pub(super) fn covers(covers: &Covers, name: &str, digest: &str) -> bool {
    match covers {
        Covers::Paths(patterns) => patterns.iter().any(|pattern| path::matches(pattern, name)),
        Covers::HashPrefixes(prefixes) => prefixes.iter().any(|prefix| digest.starts_with(prefix.as_str())),
    }
}

/// The name of the bin a target name falls into: the first bits of its digest, as a number (TAP 15).
pub(super) fn bin(bins: &Bins, name: &str) -> Result<RoleName, Error> {
    let [a, b, c, d, ..] = Sha256::of(name.as_bytes()).0;
    bins.name(u32::from_be_bytes([a, b, c, d]) >> (u32::BITS - bins.bit_length()))
}

/// The SHA-256 of a name, in hex.
pub(super) fn digest(name: &str) -> String {
    format!("{}", Sha256::of(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn hash_prefixes_are_of_the_digest_of_the_name() {
        let prefixes = |prefix: &str| Covers::HashPrefixes(vec!["0".into(), prefix.into()]);
        // SHA-256 of "fw/a.bin" in hex.
        let digest = digest("fw/a.bin");
        let (start, _) = digest.split_at(3);
        let covered = |by: &Covers, name: &str| covers(by, name, &super::digest(name));
        assert!(covered(&prefixes(start), "fw/a.bin"));
        assert!(covered(&prefixes(&digest), "fw/a.bin"));
        assert!(!covered(&prefixes(start), "fw/b.bin"));
        assert!(!covered(&Covers::HashPrefixes(Vec::new()), "fw/a.bin"));
    }
}
