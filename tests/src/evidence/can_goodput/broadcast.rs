//! One image to ten ECUs at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use proto::broadcast::Outcome;
use proto::can::BitRates;
use proto::isotp::Framing;
use simulator::world::can::Config;
use simulator::world::can::broadcast::{Broadcast, Group};
use simulator::world::chance::{Chance, PerBillion};
use simulator::world::time::Moment;

use super::super::can_golden::number;
use super::TURN_AROUND;
use crate::record::{Limit, Record};

const IMAGE: usize = 256 << 10;
const ECUS: usize = 10;

/// What is not as it should be.
struct Trouble {
    name: &'static str,
    framing: Framing,
    /// Bit errors of each node, in a billion bits.
    noise: u32,
    stalls: Option<(Duration, Duration)>,
    /// How long a chunk takes to be written, in which the CPU reads nothing.
    writing: Duration,
    /// One ECU loses power in the middle.
    dies: bool,
    limit: Limit,
}

const NONE: Trouble = Trouble {
    name: "",
    framing: Framing::CLASSICAL,
    noise: 0,
    stalls: None,
    writing: Duration::ZERO,
    dies: false,
    limit: Limit::Shown,
};

/// A CPU that is kept from its FIFO of 64 frames for 20 ms about once a second, when 15 ms fill it.
const STALLS: Option<(Duration, Duration)> = Some((Duration::from_millis(20), Duration::from_millis(2_000)));
/// Flash that takes 20 ms for 4 KiB, for a window of 1,680 bytes.
const WRITING: Duration = Duration::from_millis(8);

const LINES: [Trouble; 7] = [
    Trouble { name: "", limit: Limit::AtMost(9.5), ..NONE },
    Trouble { name: ", flash that takes 20 ms for 4 KiB", writing: WRITING, limit: Limit::AtMost(9.5), ..NONE },
    Trouble { name: ", each CPU stalled for 20 ms once a second", stalls: STALLS, ..NONE },
    Trouble { name: ", bit errors of 1 in 10^6 at each ECU", noise: 1_000, ..NONE },
    Trouble { name: ", bit errors of 1 in 10^5 at each ECU", noise: 10_000, ..NONE },
    Trouble { name: ", one of which loses power on the way", dies: true, ..NONE },
    Trouble { name: ", FD at 2 Mbit/s", framing: Framing::FD, ..NONE },
];

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    LINES.iter().try_for_each(|trouble| show_one(record, trouble, chance))
}

fn show_one(record: &mut Record, trouble: &Trouble, chance: &Chance) -> Result<()> {
    let mut image = vec![0; IMAGE];
    chance.split("image").fill(&mut image);
    let config = Config { latency: TURN_AROUND, noise: PerBillion::new(trouble.noise), ..Config::default() };
    let Trouble { framing, writing, stalls, .. } = *trouble;
    let group = Group { rates: BitRates::COMMON, framing, ecus: ECUS, config, writing, stalls };
    let mut broadcast = Broadcast::new(&group, image.clone(), &chance.split("broadcast"))?;
    if trouble.dies {
        broadcast.run_until(Moment::START + Duration::from_secs(4))?;
        broadcast.power_off(0)?;
    }
    broadcast.run()?;
    for (ecu, outcome) in broadcast.outcomes().enumerate().skip(usize::from(trouble.dies)) {
        ensure!(outcome == Outcome::Complete, "ECU {ecu}: {outcome:?}");
        ensure!(broadcast.flash(ecu) == image, "the image arrived otherwise than it was sent");
    }
    let what = format!("256 KiB to ten ECUs at 500 kbit/s{}", trouble.name);
    let took = (broadcast.now() - Moment::START).as_secs_f64();
    let load = broadcast.load();
    record.figure(what.clone(), took, "s", trouble.limit);
    record.sample(&format!("{what}: frames"), number(load.frames)?);
    record.sample(&format!("{what}: frames that found a FIFO full"), number(broadcast.overruns())?);
    record.sample(&format!("{what}: frames with errors"), number(load.failures)?);
    Ok(())
}
