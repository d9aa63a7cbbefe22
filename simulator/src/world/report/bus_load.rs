//! The load of each bus over time.

use std::time::Duration;

use super::markup::Escaped;
use super::scale::{Axis, Length};
use super::time_line::{NAMES, PLOT, WIDTH};
use super::{BusRun, Run, time_line};

/// A drawing for each bus, as inline SVG, below each other and with one axis.
pub(super) fn draw(run: &Run) -> String {
    let axis = Axis::new(run.end, Length::pixels(PLOT));
    let buses: String = run.buses.iter().map(|bus| one(bus, run, axis)).collect();
    let marks: String = axis
        .marks()
        .iter()
        .map(|(x, text)| format!("<text class=\"mark\" x=\"{x}\" y=\"14\">{}</text>", Escaped(text)))
        .collect();
    format!(
        "{buses}<svg class=\"plot\" viewBox=\"0 0 {WIDTH} 20\" aria-hidden=\"true\">\
         <g transform=\"translate({NAMES} 0)\">{marks}</g></svg>\n"
    )
}

fn one(bus: &BusRun, run: &Run, axis: Axis) -> String {
    let columns = columns(bus, run.end.since_start());
    let peak = columns.iter().copied().max().unwrap_or_default();
    let all = bus.busy.iter().fold(Duration::ZERO, |sum, busy| sum.saturating_add(*busy));
    let mean = permille(all, run.end.since_start());
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Load of bus {}\">\n",
        HEIGHT + 8,
        Escaped(&bus.bus)
    );
    svg += &format!("<text class=\"name\" x=\"{}\" y=\"22\">{}</text>", NAMES - 8, Escaped(&bus.bus));
    let figures = format!("mean {}, peak {}", percent(mean), percent(peak));
    svg += &format!("<text class=\"small\" x=\"{}\" y=\"38\">{figures}</text>\n", NAMES - 8);
    svg += &format!("<g transform=\"translate({NAMES} 4)\">\n");
    for (x, _) in axis.marks() {
        svg += &format!("<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{HEIGHT}\"/>");
    }
    svg += &format!("<line class=\"grid\" x1=\"0\" x2=\"{PLOT}\" y1=\"0\" y2=\"0\"/>");
    svg += &format!("<path class=\"load\" d=\"{}\"/>\n", outline(&columns));
    svg += &format!("<line class=\"base\" x1=\"0\" x2=\"{PLOT}\" y1=\"{HEIGHT}\" y2=\"{HEIGHT}\"/>\n");
    svg += &format!("{}</g>\n", time_line::marks(run, &bus.bus, axis));
    svg + "</svg>\n"
}

/// The busy share of each column of the drawing, in thousandths.
///
/// Where a column holds several buckets it shows their mean, where a bucket is wider than a column it fills several.
fn columns(bus: &BusRun, end: Duration) -> Vec<u64> {
    let bucket = bus.bucket.as_nanos().max(1);
    let width = end.as_nanos().div_ceil(u128::from(COLUMNS)).max(1);
    let share = |column: u64| {
        let (from, to) = (u128::from(column) * width, (u128::from(column) + 1) * width);
        let index = |nanos: u128| usize::try_from(nanos / bucket).unwrap_or(usize::MAX);
        let last = index(to.saturating_sub(1)).saturating_add(1);
        let buckets = bus.busy.get(index(from)..last.min(bus.busy.len())).unwrap_or_default();
        let busy = buckets.iter().fold(Duration::ZERO, |sum, busy| sum.saturating_add(*busy));
        let number = u32::try_from(buckets.len()).unwrap_or(u32::MAX);
        permille(busy, bus.bucket.saturating_mul(number))
    };
    (0..COLUMNS).map(share).collect()
}

/// The area under the steps.
fn outline(columns: &[u64]) -> String {
    let mut path = format!("M0 {HEIGHT}");
    let mut before = None;
    for (column, share) in (0_u64..).zip(columns) {
        if before != Some(share) {
            let y = Length(Length::pixels(HEIGHT).0.saturating_sub(Length::pixels(HEIGHT).share(*share, 1_000).0));
            path += &format!("H{}V{y}", column.saturating_mul(PLOT / COLUMNS));
        }
        before = Some(share);
    }
    path + &format!("H{PLOT}V{HEIGHT}Z")
}

fn permille(part: Duration, whole: Duration) -> u64 {
    let share = part.as_nanos().saturating_mul(1_000) / whole.as_nanos().max(1);
    u64::try_from(share).unwrap_or(u64::MAX).min(1_000)
}

fn percent(permille: u64) -> String {
    format!("{}.{} %", permille / 10, permille % 10)
}

const COLUMNS: u64 = 410;
const HEIGHT: u64 = 44;
