//! The time line: a row for each ECU, a stretch for each phase, a mark for each fault.

use super::markup::Escaped;
use super::scale::{Axis, Length, duration};
use super::{EcuRun, Fired, Phase, Run};

/// The drawing, as inline SVG.
pub(super) fn draw(run: &Run) -> String {
    let axis = Axis::new(run.end, Length::pixels(PLOT));
    let elsewhere: Vec<&Fired> = run.faults.iter().filter(|fault| is_elsewhere(fault, run)).collect();
    let mut rows: Vec<String> = run.ecus.iter().map(|ecu| row(ecu, run, axis)).collect();
    if !elsewhere.is_empty() {
        rows.push(named(ELSEWHERE, &elsewhere.iter().map(|fault| mark(fault, axis)).collect::<String>()));
    }
    let tops = (0_u64..).map(|row| row.saturating_mul(ROW));
    let plot = u64::try_from(rows.len()).unwrap_or(u64::MAX).saturating_mul(ROW);
    let rows = rows.iter().zip(tops).map(|(row, top)| format!("<g transform=\"translate(0 {top})\">\n{row}</g>\n"));
    let marks = axis.marks().into_iter().map(|(x, text)| {
        let text =
            format!("<text class=\"mark\" x=\"{x}\" y=\"{}\">{}</text>", plot.saturating_add(16), Escaped(&text));
        format!("<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{plot}\"/>{text}\n")
    });
    format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Time line of every ECU\">\n\
         <g transform=\"translate({NAMES} 0)\">\n{}</g>\n{}</svg>\n",
        plot.saturating_add(AXIS),
        marks.collect::<String>(),
        rows.collect::<String>(),
    )
}

/// An ECU's row: its name, its phases, its faults.
fn row(ecu: &EcuRun, run: &Run, axis: Axis) -> String {
    let phases = ecu.phases.iter().map(|stretch| {
        let (x, end) = (axis.at(stretch.begin), axis.at(stretch.end));
        let width = Length(end.0.saturating_sub(x.0).max(LEAST_WIDTH.0));
        let phase = stretch.phase.word();
        let title = format!("{}: {phase} for {}", ecu.ecu, duration(stretch.end - stretch.begin));
        let rect = format!("<rect class=\"{phase}\" x=\"{x}\" y=\"4\" width=\"{width}\" height=\"{}\">", ROW - 8);
        format!("{rect}<title>{}</title></rect>\n", Escaped(&title))
    });
    named(&ecu.ecu, &(phases.collect::<String>() + &marks(run, &ecu.ecu, axis)))
}

fn named(name: &str, row: &str) -> String {
    let text = format!("<text class=\"name\" x=\"{}\" y=\"14\">{}</text>", NAMES - 8, Escaped(name));
    format!("{text}\n<g transform=\"translate({NAMES} 0)\">\n{row}</g>\n")
}

/// Whether a fault has neither an ECU's row nor a bus's drawing.
fn is_elsewhere(fault: &Fired, run: &Run) -> bool {
    let has_row = run.ecus.iter().any(|ecu| ecu.ecu == fault.place);
    !has_row && !run.buses.iter().any(|bus| bus.bus == fault.place)
}

/// The faults at a place.
pub(super) fn marks(run: &Run, place: &str, axis: Axis) -> String {
    run.faults.iter().filter(|fault| fault.place == place).map(|fault| mark(fault, axis)).collect()
}

/// A fault, as a small triangle above its row.
fn mark(fault: &Fired, axis: Axis) -> String {
    let title = format!("{} s: {}", fault.at, fault.what);
    let x = axis.at(fault.at);
    format!(
        "<path class=\"fault\" transform=\"translate({x} 0)\" d=\"M-4 0H4L0 7Z\"><title>{}</title></path>\n",
        Escaped(&title)
    )
}

/// What the colours mean.
pub(super) fn legend() -> String {
    let phases: String = Phase::ALL
        .iter()
        .map(|phase| {
            let word = phase.word();
            format!(
                "<li><svg viewBox=\"0 0 14 14\"><rect class=\"{word}\" width=\"14\" height=\"14\"/></svg>{word}</li>"
            )
        })
        .collect();
    let fault = "<li><svg viewBox=\"-7 -3 14 14\"><path class=\"fault\" d=\"M-5 0H5L0 8Z\"/></svg>fault</li>";
    format!("<ul class=\"legend\">{phases}{fault}</ul>\n")
}

/// Pixels of the whole drawing, of the names at its left, of the plot, of a row, and of the axis below.
pub(super) const WIDTH: u64 = NAMES + PLOT + 30;
pub(super) const NAMES: u64 = 150;
pub(super) const PLOT: u64 = 820;
const ROW: u64 = 20;
const AXIS: u64 = 24;
/// The row of faults that have no other.
const ELSEWHERE: &str = "links, servers";
/// What is shorter is still seen.
const LEAST_WIDTH: Length = Length(8);
