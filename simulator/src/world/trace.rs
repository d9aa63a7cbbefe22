//! What happened, one JSON line each, and the digest of it all.
//!
//! A log is a line that says how the run begins, a line for every event, and a line that ends it:
//!
//! ```text
//! {"begin":{"format":1,"run":RUN}}
//! {"n":0,"at":1000,"event":EVENT}
//! {"n":1,"at":2500,"event":EVENT}
//! {"end":{"events":2,"sha256":"…"}}
//! ```
//!
//! `RUN` is whatever repeats the run: its seed, its scenario, its plan of faults. `at` is in nanoseconds. Fields stand in
//! the order in which their types declare them, nothing is written as a floating-point number, and lines end with one line
//! feed; so two runs are equal if their logs are, byte by byte. The digest is that of all lines before the last one.
//!
//! Types that are written must not hold hash maps: their order is nobody's.

use std::io::{self, BufRead, Read as _, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use uptane::Sha256;

use super::time::Moment;

/// The version of the log that is written and read.
pub const FORMAT: u32 = 1;
/// Bytes of the longest line.
pub const MAX_LINE: u64 = 4 * 1_024 * 1_024;

/// Writes the log of a run to `W`; to [`io::Sink`] if only its digest is asked for.
#[derive(Debug)]
pub struct Trace<W> {
    writer: W,
    digest: sha2::Sha256,
    events: u64,
    line: Vec<u8>,
}

/// What the last line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Events recorded.
    pub events: u64,
    /// The digest of all lines before the last one.
    pub digest: Sha256,
}

/// One recorded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<E> {
    /// Its number, from 0.
    pub number: u64,
    /// When it happened.
    pub at: Moment,
    /// What happened.
    pub event: E,
}

/// A log that was read back, and is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log<R, E> {
    /// What repeats the run.
    pub run: R,
    /// What happened.
    pub entries: Vec<Entry<E>>,
    /// What the last line says, which agrees with the lines before.
    pub summary: Summary,
}

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TraceError {
    /// The last line does not agree with those before.
    #[error("line {line}: {what} is {said} where the lines before give {found}")]
    Altered {
        /// The line.
        line: u64,
        /// What does not agree.
        what: &'static str,
        /// What the line says.
        said: String,
        /// What the lines before give.
        found: String,
    },
    /// A line is not what stands there in a log.
    #[error("line {line}: expected {expected}: {reason}")]
    BadLine {
        /// The line.
        line: u64,
        /// What should stand there.
        expected: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The log is of another version.
    #[error("line 1: a log of format {format} where {FORMAT} is read")]
    Format {
        /// Its version.
        format: u32,
    },
    /// The operating system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A line is longer than any that is written.
    #[error("line {line} is longer than {MAX_LINE} bytes")]
    TooLong {
        /// The line.
        line: u64,
    },
    /// The log ends before its last line: the run broke off.
    #[error("line {line}: the log ends where an event or its last line should stand")]
    Unfinished {
        /// The line that is missing.
        line: u64,
    },
    /// Something has no form in JSON.
    #[error("{what} cannot be written: {source}")]
    Unwritable {
        /// What.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First<R> {
    begin: Begin<R>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin<R> {
    format: u32,
    run: R,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Next<E> {
    n: u64,
    at: Moment,
    event: E,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    end: End,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    events: u64,
    sha256: String,
}

impl<W: Write> Trace<W> {
    /// Begins the log of the run that `run` repeats.
    pub fn begin(writer: W, run: &impl Serialize) -> Result<Self, TraceError> {
        let mut trace = Self { writer, digest: sha2::Sha256::new(), events: 0, line: Vec::new() };
        trace.write("the beginning of a run", &First { begin: Begin { format: FORMAT, run } })?;
        Ok(trace)
    }

    /// Records an event.
    pub fn record(&mut self, at: Moment, event: &impl Serialize) -> Result<(), TraceError> {
        let n = self.events;
        self.events = n.saturating_add(1);
        self.write("an event", &Next { n, at, event })
    }

    /// Events so far, and their digest: what the log would end with now.
    pub fn summary(&self) -> Summary {
        Summary { events: self.events, digest: Sha256(self.digest.clone().finalize().into()) }
    }

    /// Ends the log, and hands back what it was written to.
    pub fn end(mut self) -> Result<(Summary, W), TraceError> {
        let summary = self.summary();
        let end = End { events: summary.events, sha256: summary.digest.to_string() };
        self.write("the end of a run", &Last { end })?;
        self.writer.flush()?;
        Ok((summary, self.writer))
    }

    fn write(&mut self, what: &'static str, line: &impl Serialize) -> Result<(), TraceError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).map_err(|source| TraceError::Unwritable { what, source })?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        Ok(self.writer.write_all(&self.line)?)
    }
}

/// Reads what the first line says, which is enough to repeat the run.
pub fn read_run<R: DeserializeOwned>(reader: impl BufRead) -> Result<R, TraceError> {
    Lines::new(reader).run()
}

/// Reads a log, which must be whole and unaltered.
pub fn read<R: DeserializeOwned, E: DeserializeOwned>(reader: impl BufRead) -> Result<Log<R, E>, TraceError> {
    let mut lines = Lines::new(reader);
    let run = lines.run()?;
    let mut entries = Vec::new();
    loop {
        let digest = lines.digest.clone();
        let line = lines.next()?;
        if line.starts_with(b"{\"end\"") {
            let end = lines.parse::<Last>("the end of a run", &line)?.end;
            let digest = Sha256(digest.finalize().into());
            lines.check("the number of events", end.events, lines.number.saturating_sub(2))?;
            lines.check("the digest", end.sha256, digest.to_string())?;
            return Ok(Log { run, entries, summary: Summary { events: end.events, digest } });
        }
        let Next { n, at, event } = lines.parse("an event", &line)?;
        lines.check("the number of the event", n, lines.number.saturating_sub(2))?;
        entries.push(Entry { number: n, at, event });
    }
}

/// The lines of a log, and the digest of those read.
struct Lines<B> {
    reader: B,
    number: u64,
    digest: sha2::Sha256,
}

impl<B: BufRead> Lines<B> {
    fn new(reader: B) -> Self {
        Self { reader, number: 0, digest: sha2::Sha256::new() }
    }

    fn run<R: DeserializeOwned>(&mut self) -> Result<R, TraceError> {
        let line = self.next()?;
        // The version is looked at first: what else stands there depends on it.
        let First { begin: Begin { format, .. } } =
            self.parse::<First<serde::de::IgnoredAny>>("the beginning of a run", &line)?;
        if format != FORMAT {
            return Err(TraceError::Format { format });
        }
        Ok(self.parse::<First<R>>("the beginning of a run", &line)?.begin.run)
    }

    fn next(&mut self) -> Result<Vec<u8>, TraceError> {
        self.number = self.number.saturating_add(1);
        let mut line = Vec::new();
        let length = (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            let whole = u64::try_from(length).is_ok_and(|length| length < MAX_LINE);
            let line = self.number;
            return Err(if whole { TraceError::Unfinished { line } } else { TraceError::TooLong { line } });
        }
        self.digest.update(&line);
        Ok(line)
    }

    fn parse<T: DeserializeOwned>(&self, expected: &'static str, line: &[u8]) -> Result<T, TraceError> {
        let bad =
            |error: serde_json::Error| TraceError::BadLine { line: self.number, expected, reason: format!("{error}") };
        serde_json::from_slice(line).map_err(bad)
    }

    fn check<T: PartialEq + ToString>(&self, what: &'static str, said: T, found: T) -> Result<(), TraceError> {
        if said == found {
            return Ok(());
        }
        Err(TraceError::Altered { line: self.number, what, said: said.to_string(), found: found.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Event {
        Sent { z: u32, a: String },
        Reset,
    }

    fn written() -> (Summary, String) {
        let mut trace = Trace::begin(Vec::new(), &7_u64).unwrap();
        trace.record(Moment::from_nanos(5), &Event::Sent { z: 1, a: "x".into() }).unwrap();
        trace.record(Moment::from_nanos(6), &Event::Reset).unwrap();
        let (summary, bytes) = trace.end().unwrap();
        (summary, String::from_utf8(bytes).unwrap())
    }

    fn read_text(text: &str) -> Result<Log<u64, Event>, TraceError> {
        read(text.as_bytes())
    }

    #[test]
    fn a_log_is_written_as_its_format_says_for_ever() {
        let (summary, text) = written();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], r#"{"begin":{"format":1,"run":7}}"#);
        assert_eq!(lines[1], r#"{"n":0,"at":5,"event":{"sent":{"z":1,"a":"x"}}}"#);
        assert_eq!(lines[2], r#"{"n":1,"at":6,"event":"reset"}"#);
        assert_eq!(summary.digest, Sha256::of(format!("{}\n{}\n{}\n", lines[0], lines[1], lines[2]).as_bytes()));
        assert_eq!(lines[3], format!(r#"{{"end":{{"events":2,"sha256":"{}"}}}}"#, summary.digest));
    }

    #[test]
    fn a_log_is_read_back_as_it_was_written() {
        let (summary, text) = written();
        let log = read_text(&text).unwrap();
        assert_eq!((log.run, log.summary), (7, summary));
        let event = |number, nanos, event| Entry { number, at: Moment::from_nanos(nanos), event };
        let sent = Event::Sent { z: 1, a: "x".into() };
        assert_eq!(log.entries, [event(0, 5, sent), event(1, 6, Event::Reset)]);
        assert_eq!(read_run::<u64>(text.as_bytes()).unwrap(), 7);
    }

    #[test]
    fn the_digest_is_the_same_when_nothing_is_kept() {
        let mut trace = Trace::begin(io::sink(), &7_u64).unwrap();
        trace.record(Moment::from_nanos(5), &Event::Sent { z: 1, a: "x".into() }).unwrap();
        trace.record(Moment::from_nanos(6), &Event::Reset).unwrap();
        assert_eq!(trace.summary(), written().0);
    }

    #[test]
    fn an_altered_log_is_refused_with_its_line() {
        let text = written().1;
        for (from, to, line) in
            [("\"at\":5", "\"at\":4", 4), ("\"n\":1", "\"n\":2", 3), ("\"events\":2", "\"events\":3", 4)]
        {
            let refused = read_text(&text.replace(from, to)).unwrap_err();
            assert!(matches!(&refused, TraceError::Altered { line: at, .. } if *at == line), "{refused}");
        }
    }

    #[test]
    fn a_log_of_another_form_is_refused_with_its_line_and_what_was_expected() {
        let text = written().1;
        let refused = read_text(&text.replace("reset", "sleep")).unwrap_err();
        assert!(matches!(refused, TraceError::BadLine { line: 3, expected: "an event", .. }), "{refused}");
        let refused = read_text(&text.replace("\"format\":1", "\"format\":2")).unwrap_err();
        assert!(matches!(refused, TraceError::Format { format: 2 }));
        assert!(matches!(read_text("{}\n").unwrap_err(), TraceError::BadLine { line: 1, .. }));
    }

    #[test]
    fn a_run_that_broke_off_can_be_repeated_but_not_read() {
        let text = written().1;
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let broken = lines[..2].concat();
        assert!(matches!(read_text(&broken), Err(TraceError::Unfinished { line: 3 })));
        assert_eq!(read_run::<u64>(broken.as_bytes()).unwrap(), 7);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let endless = io::repeat(b'x');
        assert!(matches!(read_run::<u64>(io::BufReader::new(endless)), Err(TraceError::TooLong { line: 1 })));
    }
}
