//! The logs of a simulated bus, read by tools that are not ours.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use proto::can::{BitRates, Frame, Id};
use simulator::world::can::log::{Entry, candump, pcapng::Capture};
use simulator::world::can::{Bus, Config, Message, NodeId, Traffic};
use simulator::world::chance::{Chance, PerBillion};
use simulator::world::time::Moment;

use super::number;
use crate::programs;
use crate::record::{Limit, Record};
use crate::socketcan::{Guest, PACKAGES};

/// How much of a bus's life is logged.
const LOGGED: Duration = Duration::from_millis(400);

pub(super) fn show(record: &mut Record, chance: &Chance) -> Result<()> {
    for package in PACKAGES.into_iter().chain(["can-utils", "tshark"]) {
        programs::need_package(package)?;
    }
    let entries = entries(&mut chance.split("logs"))?;
    let frames = entries.iter().filter(|(_, entry)| matches!(entry, Entry::Frame(_))).count();
    record.figure("frames logged", number(u64::try_from(frames)?)?, "", Limit::AtLeast(100.0));
    let errors = number(u64::try_from(entries.len() - frames)?)?;
    record.figure("error frames logged", errors, "", Limit::AtLeast(5.0));
    let folder = tempfile::tempdir()?;
    replay(record, folder.path(), &entries)?;
    capture(record, folder.path(), &entries)
}

/// Every kind of frame on a noisy bus: classical, remote and FD, with both lengths of identifier, and error frames.
fn entries(chance: &mut Chance) -> Result<Vec<(Moment, Entry)>> {
    let mut bus = Bus::new(BitRates::COMMON, chance.split("bus"));
    let noisy = Config { noise: PerBillion::new(150_000), mailboxes: 32, ..Config::default() };
    let nodes: Vec<NodeId> = (0..3).map(|_| bus.attach(noisy.clone())).collect();
    let [sender, other, _] = nodes.as_slice() else { return Ok(Vec::new()) };
    let message = |id, millis| Message { id, period: Duration::from_millis(millis) };
    let messages = vec![message(Id::standard(0x123)?, 5), message(Id::extended(0x18fe_f100)?, 10)];
    bus.add_traffic(*other, Traffic::periodic(messages, chance.split("traffic")))?;
    for (at, length) in [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64].into_iter().enumerate() {
        let mut data = vec![0; length];
        chance.fill(&mut data);
        bus.send(*sender, Frame::fd(Id::standard(0x200 + u16::try_from(at)?)?, &data)?, Moment::START)?;
    }
    bus.send(*sender, Frame::fd(Id::extended(0x1555_5555)?, &[0xcc; 64])?, Moment::START)?;
    bus.send(*sender, Frame::remote(Id::standard(0x300)?, 8)?, Moment::START)?;
    bus.send(*sender, Frame::remote(Id::extended(0x1234_5678)?, 0)?, Moment::START)?;
    bus.advance(Moment::START + LOGGED);
    let events = std::iter::from_fn(|| bus.poll());
    Ok(events.filter_map(|event| Some((event.at, Entry::of(&event)?))).collect())
}

/// `canplayer` sends our log to an interface of a real kernel, and `candump` writes down what comes.
fn replay(record: &mut Record, folder: &Path, entries: &[(Moment, Entry)]) -> Result<()> {
    let mut log = String::new();
    entries.iter().for_each(|(at, entry)| candump::write(&mut log, *at, "can0", entry));
    fs::write(folder.join("log"), &log)?;
    let script = format!(
        // Error frames have to be asked for. The player keeps to the times of the log.
        "candump -L -T 5000 -n {} 'vcan0,0:0,#FFFFFFFF' >heard & listener=$!\n\
         sleep 1\n\
         canplayer -I log vcan0=can0 || exit 1\n\
         wait $listener; cat heard\n",
        entries.len()
    );
    let heard = Guest::new(folder, 1).run(&script)?;
    let heard: Vec<candump::Line<'_>> = candump::lines(&heard).collect::<Result<_, _>>()?;
    let same = heard.iter().map(|line| line.entry).eq(entries.iter().map(|(_, entry)| *entry));
    let count = number(u64::try_from(heard.len())?)?;
    let all = number(u64::try_from(entries.len())?)?;
    record.figure("lines of our log that canplayer sent and candump heard", count, "", Limit::Exactly(all));
    record.claim("candump heard each as we wrote it, in order", same);
    let again: Vec<Entry> = candump::lines(&log).map(|line| Ok(line?.entry)).collect::<Result<_>>()?;
    record.claim("we read our log as we wrote it", again.iter().eq(entries.iter().map(|(_, entry)| entry)));
    Ok(())
}

/// `tshark` reads our capture.
fn capture(record: &mut Record, folder: &Path, entries: &[(Moment, Entry)]) -> Result<()> {
    let mut capture = Capture::new(&["can0"]);
    entries.iter().for_each(|(at, entry)| capture.add(0, *at, entry));
    let path = folder.join("log.pcapng");
    fs::write(&path, capture.bytes())?;
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&path).args(["-T", "fields", "-E", "separator=|"]);
    let fields =
        ["frame.time_epoch", "frame.interface_name", "_ws.col.Protocol", "can.id", "can.flags.xtd", "can.flags.rtr"];
    for field in fields.into_iter().chain(["can.len", "data.data", "can.flags.err"]) {
        tshark.args(["-e", field]);
    }
    let said = programs::output(&mut tshark)?;
    let read = said.lines().count();
    let all = number(u64::try_from(entries.len())?)?;
    record.figure("packets of our capture that tshark read", number(u64::try_from(read)?)?, "", Limit::Exactly(all));
    let mut same = 0;
    for (line, (at, entry)) in said.lines().zip(entries) {
        let expected = expected(*at, entry);
        ensure!(line.starts_with(&expected), "tshark read `{line}`, and it should be `{expected}`");
        same += 1;
    }
    record.figure("packets with time, identifier, flags and data as written", f64::from(same), "", Limit::Exactly(all));
    Ok(())
}

/// The line tshark must print; of an error frame it takes the data apart, so that only its beginning is known.
fn expected(at: Moment, entry: &Entry) -> String {
    let Entry::Frame(frame) = entry else { return format!("{at}|can0|CAN|") };
    let protocol = if frame.is_fd() { "CANFD" } else { "CAN" };
    let (id, length) = (frame.id().raw(), frame.length());
    let extended = u8::from(frame.id().is_extended());
    let remote = if frame.is_fd() { String::new() } else { u8::from(frame.is_remote()).to_string() };
    let data: String = frame.data().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{at}|can0|{protocol}|{id}|{extended}|{remote}|{length}|{data}|")
}
