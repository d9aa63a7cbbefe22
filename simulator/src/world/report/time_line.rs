//! The time line: a row for each ECU, a stretch for each phase, a mark for each fault.

use super::markup::Escaped;
use super::scale::{Axis, Length, duration};
use super::{Fired, Phase, Run};

/// The drawing, as inline SVG.
pub(super) fn draw(run: &Run) -> String {
    let axis = Axis::new(run.end, Length::pixels(PLOT));
    let rows = u64::try_from(run.ecus.len()).unwrap_or(u64::MAX);
    let plot = rows.saturating_mul(ROW);
    let height = plot.saturating_add(AXIS);
    let mut svg = format!(
        "<svg class=\"plot\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Time line of every ECU\">\n"
    );
    svg += &format!("<g transform=\"translate({NAMES} 0)\">\n");
    for (x, text) in axis.marks() {
        svg += &format!("<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{plot}\"/>");
        svg += &format!("<text class=\"mark\" x=\"{x}\" y=\"{}\">{}</text>\n", plot.saturating_add(16), Escaped(&text));
    }
    svg += "</g>\n";
    for (row, ecu) in (0_u64..).zip(&run.ecus) {
        let y = row.saturating_mul(ROW);
        svg += &format!("<text class=\"name\" x=\"{}\" y=\"{}\">{}</text>\n", NAMES - 8, y + 14, Escaped(&ecu.ecu));
        svg += &format!("<g transform=\"translate({NAMES} {y})\">\n");
        for stretch in &ecu.phases {
            let (x, end) = (axis.at(stretch.begin), axis.at(stretch.end));
            let width = Length(end.0.saturating_sub(x.0).max(LEAST_WIDTH.0));
            let phase = stretch.phase.word();
            let title = format!("{}: {phase} for {}", ecu.ecu, duration(stretch.end - stretch.begin));
            svg += &format!("<rect class=\"{phase}\" x=\"{x}\" y=\"4\" width=\"{width}\" height=\"{}\">", ROW - 8);
            svg += &format!("<title>{}</title></rect>\n", Escaped(&title));
        }
        for fault in run.faults.iter().filter(|fault| fault.place == ecu.ecu) {
            svg += &mark(fault, axis);
        }
        svg += "</g>\n";
    }
    svg + "</svg>\n"
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
/// What is shorter is still seen.
const LEAST_WIDTH: Length = Length(8);
