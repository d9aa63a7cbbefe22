//! Several files stored as one, so that they change together; the layouts are those [`half`](super::half) names.

use uptane::RoleName;

pub(super) fn join(snapshot: &[u8], targets: &[u8]) -> Vec<u8> {
    let length = u64::try_from(snapshot.len()).unwrap_or(u64::MAX);
    [length.to_le_bytes().as_slice(), snapshot, targets].concat()
}

/// `None` where the lengths do not fit: the file is damaged.
pub(super) fn split(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = pair.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// Bytes of delegated files that are kept; with the names of their roles less than what is read back.
const MAX_DELEGATED: usize = 32 * 1024 * 1024;

pub(super) fn join_delegated<'a>(files: impl Iterator<Item = (RoleName, &'a [u8])>) -> Vec<u8> {
    let mut joined = Vec::new();
    for (role, file) in files {
        if joined.len().saturating_add(file.len()) > MAX_DELEGATED {
            // Fetched again for each look-up.
            continue;
        }
        // A role's name has at most 128 bytes.
        joined.push(u8::try_from(role.as_str().len()).unwrap_or(u8::MAX));
        joined.extend_from_slice(role.as_str().as_bytes());
        joined.extend_from_slice(&u64::try_from(file.len()).unwrap_or(u64::MAX).to_le_bytes());
        joined.extend_from_slice(file);
    }
    joined
}

pub(super) fn split_delegated(mut joined: &[u8]) -> Option<Vec<(RoleName, &[u8])>> {
    let mut files = Vec::new();
    while let Some((length, rest)) = joined.split_first() {
        let (role, rest) = rest.split_at_checked(usize::from(*length))?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (file, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        files.push((RoleName::parse(core::str::from_utf8(role).ok()?).ok()?, file));
        joined = rest;
    }
    Some(files)
}
