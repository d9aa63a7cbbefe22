//! What a piece of evidence found: figures with their limits, claims, and raw samples.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What a figure has to keep to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// The figure is this or less.
    AtMost(f64),
    /// The figure is this or more.
    AtLeast(f64),
    /// The figure is exactly this.
    Exactly(f64),
    /// The figure is shown for the reader; nothing depends on it.
    Shown,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    limit: Limit,
    holds: bool,
}

/// Everything one piece of evidence found.
#[derive(Debug, Default, Serialize)]
pub struct Record {
    figures: Vec<Figure>,
    notes: Vec<String>,
    samples: BTreeMap<String, Vec<f64>>,
    /// Why the evidence could not be completed.
    error: Option<String>,
    seed: u64,
    /// How many parts are asked for, of evidence that can be shown in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    few: Option<usize>,
    /// Print each line as it is found, for a person who waits.
    #[serde(skip)]
    aloud: bool,
}

impl Record {
    /// An empty record; `aloud` prints each figure when it is found, `seed` decides what is left to chance.
    pub fn new(aloud: bool, seed: u64) -> Self {
        Self { aloud, seed, ..Self::default() }
    }

    /// The same record of so many parts, where the evidence can be shown in part.
    #[must_use]
    pub fn of_few(self, few: Option<usize>) -> Self {
        Self { few, ..self }
    }

    /// How many parts are asked for; none says all.
    pub fn few(&self) -> Option<usize> {
        self.few
    }

    /// Decides what the evidence leaves to chance.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Whether lines are printed as they are found, so that standard output is not kept for JSON.
    pub fn is_aloud(&self) -> bool {
        self.aloud
    }

    /// Adds a figure.
    pub fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str, limit: Limit) {
        let figure = Figure { name: name.into(), value, unit, limit, holds: limit.allows(value) };
        if self.aloud {
            println!("{figure}");
        }
        self.figures.push(figure);
    }

    /// Adds a claim that is true or false: a figure of 1 or 0 that has to be 1.
    pub fn claim(&mut self, name: impl Into<String>, holds: bool) {
        self.figure(name, f64::from(u8::from(holds)), "", Limit::Exactly(1.0));
    }

    /// Adds a line for the reader.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        if self.aloud {
            println!("{text}");
        }
        self.notes.push(text);
    }

    /// Adds one raw sample to `series`, which `--json` prints.
    pub fn sample(&mut self, series: &str, value: f64) {
        self.samples.entry(series.to_owned()).or_default().push(value);
    }

    /// Records why the evidence could not be completed.
    pub fn fail(&mut self, error: String) {
        self.error = Some(error);
    }

    /// Whether there is something to show, and all of it keeps to its limits.
    pub fn holds(&self) -> bool {
        self.error.is_none() && !self.figures.is_empty() && self.figures.iter().all(|figure| figure.holds)
    }

    /// The last line: what became of the evidence `name`.
    pub fn verdict(&self, name: &str) -> String {
        let short: Vec<&str> =
            self.figures.iter().filter(|figure| !figure.holds).map(|figure| figure.name.as_str()).collect();
        match &self.error {
            Some(error) => format!("{name}: falls short: {error}"),
            None if self.figures.is_empty() => format!("{name}: falls short: it found no figure"),
            None if short.is_empty() => format!("{name}: holds, {} figures", self.figures.len()),
            None => format!("{name}: falls short: {}", short.join("; ")),
        }
    }
}

impl Limit {
    fn allows(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Exactly(limit) => value == limit,
            Self::Shown => true,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, limit, holds } = self;
        let mark = if *holds { "ok" } else { "SHORT" };
        if unit.is_empty() && *limit == Limit::Exactly(1.0) {
            return write!(f, "{mark:>5}  {name}: {}", if *holds { "yes" } else { "no" });
        }
        write!(f, "{mark:>5}  {name}: {}", Number(*value))?;
        if !unit.is_empty() {
            write!(f, " {unit}")?;
        }
        match limit {
            Limit::AtMost(limit) => write!(f, " (at most {})", Number(*limit)),
            Limit::AtLeast(limit) => write!(f, " (at least {})", Number(*limit)),
            Limit::Exactly(limit) => write!(f, " (exactly {})", Number(*limit)),
            Limit::Shown => Ok(()),
        }
    }
}

/// A number as people read it: thousands apart, decimals only where there are some.
struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if self.0.fract() == 0.0 { format!("{:.0}", self.0) } else { format!("{:.3}", self.0) };
        let (whole, decimals) = text.split_once('.').map_or((text.as_str(), None), |(a, b)| (a, Some(b)));
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) && digit != '-' && !whole.starts_with('-') {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        decimals.map_or(Ok(()), |decimals| write!(f, ".{decimals}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_past_its_limit_falls_short() {
        let mut record = Record::new(false, 1);
        record.figure("bytes", 1_501.0, "B", Limit::AtMost(1_500.0));
        assert!(!record.holds());
        assert_eq!(record.verdict("idle-cost"), "idle-cost: falls short: bytes");
    }

    #[test]
    fn evidence_without_figures_falls_short() {
        assert!(!Record::new(false, 1).holds());
    }

    #[test]
    fn evidence_that_broke_off_falls_short_whatever_it_found() {
        let mut record = Record::new(false, 1);
        record.claim("all is well", true);
        assert_eq!(record.verdict("demo"), "demo: holds, 1 figures");
        record.fail("a tool is missing".into());
        assert!(!record.holds());
        assert_eq!(record.verdict("demo"), "demo: falls short: a tool is missing");
    }

    #[test]
    fn figures_show_their_limits() {
        let figure =
            Figure { name: "state".into(), value: 12_345.5, unit: "B", limit: Limit::AtMost(16_384.0), holds: true };
        assert_eq!(figure.to_string(), "   ok  state: 12,345.500 B (at most 16,384)");
    }
}
