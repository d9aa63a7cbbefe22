//! Progress bars while the vehicle updates.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use primary_ecu::status::{EcuStatus, Status};

use crate::Error;
use crate::live::{System, all_run};

/// Shows every ECU's progress until all run the target `name`.
pub(super) fn until_updated(system: &mut System, name: &str, limit: Duration) -> Result<Status, Error> {
    let bars = Bars::new(&system.ecus().map(|ecu| ecu.id).collect::<Vec<_>>());
    let status = system.wait("the update of all ECUs", limit, |status| {
        bars.show(status);
        all_run(status, name).then(|| status.clone())
    })?;
    bars.finish();
    Ok(status)
}

/// One bar for each ECU.
struct Bars {
    all: MultiProgress,
    bars: Vec<(&'static str, ProgressBar)>,
}

impl Bars {
    fn new(ecus: &[&'static str]) -> Self {
        let all = MultiProgress::new();
        let bar = |ecu: &&'static str| {
            (*ecu, all.add(ProgressBar::new(0).with_style(style()).with_prefix(format!("{ecu:>10}"))))
        };
        let bars = ecus.iter().map(bar).collect();
        Self { all, bars }
    }

    fn show(&self, status: &Status) {
        for (name, bar) in &self.bars {
            if let Some(ecu) = status.ecus.iter().find(|ecu| ecu.ecu == *name) {
                show_one(bar, ecu);
            }
        }
    }

    fn finish(self) {
        for (_, bar) in &self.bars {
            bar.finish();
        }
        drop(self.all);
    }
}

fn show_one(bar: &ProgressBar, ecu: &EcuStatus) {
    if let Some(update) = &ecu.update {
        bar.set_length(update.total);
        bar.set_position(update.done);
    }
    bar.set_message(ecu.phase.clone());
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {bar:30} {bytes:>10} of {total_bytes:<10} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
