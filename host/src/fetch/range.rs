//! Going on with a download that broke off.

use std::io;

use reqwest::header::{CONTENT_RANGE, HeaderMap};
use uptane::Length;

use super::FetchError;

/// Takes a download.
pub trait Sink {
    /// The next bytes are those from `offset` on: zero, or where [`Resume`] said; what lies beyond is void. A download
    /// that breaks off can be resumed with `entity_tag`, if the server has one.
    fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> io::Result<()>;

    /// The next bytes.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
}

/// Where to go on, and with which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Bytes already held.
    pub offset: Length,
    /// What the server called the file then ([`Sink::start`]).
    pub entity_tag: String,
}

/// Bytes of an entity tag worth keeping.
pub(super) const MAX_ENTITY_TAG: usize = 256;

/// The offset of a partial answer (RFC 9110 §14.4), which must be what was asked for and reach to the end.
pub(super) fn offset(headers: &HeaderMap, length: Length, resume: Option<&Resume>) -> Result<u64, FetchError> {
    let asked = resume.ok_or(FetchError::BadRange)?.offset.get();
    let stated = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let last = length.get().checked_sub(1).ok_or(FetchError::BadRange)?;
    let expected = [format!("bytes {asked}-{last}/{length}"), format!("bytes {asked}-{last}/*")];
    let is_expected = stated.is_some_and(|stated| expected.iter().any(|expected| expected == stated));
    is_expected.then_some(asked).ok_or(FetchError::BadRange)
}
