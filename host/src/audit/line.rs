//! The export form: one JSON object per line.
//!
//! `{"seq":1,"at":"2027-01-31T12:00:00Z","actor":"…","action":"…","object":"…","previous":"64 hex digits","hash":"64
//! hex digits"}`, the members in this order, without spaces. A line that says the same in other bytes is refused, so
//! that exports can be compared as files.

use serde::{Deserialize, Serialize};
use uptane::{Sha256, Time};

use super::{Entry, Unfit};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    at: String,
    actor: String,
    action: String,
    object: String,
    previous: String,
    hash: String,
}

impl Entry {
    /// The entry as one line, without its end.
    pub fn to_line(&self) -> String {
        let Self { seq, at, actor, action, object, previous, hash } = self;
        let line = Line {
            seq: *seq,
            at: at.to_string(),
            actor: actor.clone(),
            action: action.clone(),
            object: object.clone(),
            previous: previous.to_string(),
            hash: hash.to_string(),
        };
        // Numbers and texts always have a form in JSON.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Reads a line of an export. Whether it is part of a log that is whole, [`verify`](super::verify) says.
    pub fn from_line(line: &str) -> Result<Self, Unfit> {
        let read = (line.len() <= MAX_LINE).then(|| serde_json::from_str(line).ok().and_then(decode)).flatten();
        read.filter(|entry| entry.to_line() == line).ok_or(Unfit::BadLine)
    }
}

fn decode(line: Line) -> Option<Entry> {
    let Line { seq, at, actor, action, object, previous, hash } = line;
    let at = Time::parse(&at).ok()?;
    let [previous, hash] = [Sha256::parse(&previous).ok()?, Sha256::parse(&hash).ok()?];
    Some(Entry { seq, at, actor, action, object, previous, hash })
}

/// Bytes of a line: six for every byte of a text, if all must be escaped, and what stands around the texts.
const MAX_LINE: usize = 6 * (super::MAX_ACTOR + super::MAX_ACTION + super::MAX_OBJECT) + 512;
