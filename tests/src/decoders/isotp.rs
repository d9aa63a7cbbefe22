//! ISO-TP: a script says what happens to a port with one session and a group.

use std::time::Duration;

use proto::can::{Format, Frame, Id};
use proto::isotp::{Address, Addressing, Config, Framing, Functional, Party, Port, Priority, Separation};

use super::wire::{operation, script};
use super::{Decoder, Run};

pub(super) const ISOTP: Decoder = Decoder {
    name: "isotp",
    run,
    bound: (0, 0),
    is_signed: false,
    sources: &[
        "isotp.rs",
        "isotp/addressing.rs",
        "isotp/caution.rs",
        "isotp/control.rs",
        "isotp/flight.rs",
        "isotp/functional.rs",
        "isotp/link.rs",
        "isotp/port.rs",
        "isotp/receiver.rs",
        "isotp/sender.rs",
    ],
    seeds,
};

/// The longest message either way.
const ROOM: usize = 300;

// What an operation does, by its number.
const HEARS: u8 = 0;
const SENDS: u8 = 1;
const WAITS: u8 = 2;
const SEPARATES: u8 = 3;
const HAS_ROOM: u8 = 4;
const LOSES: u8 = 5;
const CONFIRMS: u8 = 6;
const HEARS_AS_GROUP: u8 = 7;
const SENDS_TO_GROUP: u8 = 8;
const OPERATIONS: u8 = 9;

fn run(run: &mut Run, input: &[u8]) {
    let Some((kind, input)) = input.split_first() else { return };
    let Ok([config, _]) = ends(*kind) else { return };
    let Ok(mut port) = port(config) else { return };
    run.decode(|| {
        let (mut now, mut last) = (Duration::ZERO, None);
        for (operation, bytes) in script(input) {
            apply(&mut port, config, operation % OPERATIONS, bytes, &mut now, last.as_ref());
            loop {
                match port.poll(now) {
                    Ok(Some(frame)) => {
                        assert!(
                            [config.addressing.send().id().raw(), GROUP.into()].contains(&frame.id().raw()),
                            "a frame with another identifier"
                        );
                        last = Some(frame);
                    }
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
            let _state =
                (port.deadline(), port.link(0).map(|link| (link.is_sending(), link.is_receiving(), link.flow())));
        }
    });
    run.accepted = true;
}

fn apply(
    port: &mut Port<1, ROOM, ROOM>,
    config: Config,
    operation: u8,
    bytes: &[u8],
    now: &mut Duration,
    last: Option<&Frame>,
) {
    let (Some(link), Ok(group)) = (port.link_mut(0), Id::standard(GROUP)) else { return };
    match operation {
        HEARS => hear(port, config.addressing.receive().id(), bytes, *now),
        SENDS => drop(link.send(bytes, *now)),
        WAITS => *now += Duration::from_millis(10 * u64::try_from(bytes.len()).unwrap_or_default()),
        SEPARATES => drop(Separation::from_byte(bytes.first().copied().unwrap_or_default()).time()),
        HAS_ROOM => link.set_ready(!bytes.is_empty()),
        LOSES => port.overrun(),
        CONFIRMS => last.into_iter().for_each(|frame| port.confirm(frame, *now)),
        HEARS_AS_GROUP => hear(port, group, bytes, *now),
        SENDS_TO_GROUP => drop(port.functional_mut().map(|functional| functional.send(bytes, *now))),
        _ => {}
    }
}

fn hear(port: &mut Port<1, ROOM, ROOM>, id: Id, bytes: &[u8], now: Duration) {
    let format = if bytes.len() > 8 { Format::Fd } else { Format::Classical };
    let Ok(frame) = Frame::new(id, format, bytes) else { return };
    if let Ok(Some(heard)) = port.handle(&frame, now) {
        let most = if heard.party == Party::Functional { 62 } else { ROOM };
        assert!(heard.message.len() <= most, "a message longer than its place");
    }
}

/// How the two ends of a script of this kind talk: three framings, five addressing formats, and block sizes, every other
/// one with a driver that confirms.
fn ends(kind: u8) -> Result<[Config; 2], proto::Error> {
    let framing = match kind % 3 {
        0 => Framing::CLASSICAL,
        1 => Framing::FD.unpadded(),
        _ => Framing::fd(16)?.padded(0),
    };
    let (there, back) = (Id::standard(0x7e0)?, Id::standard(0x7e8)?);
    let end = |send, receive, own, peer| {
        let (priority, extension) = (Priority::DEFAULT, 0x99);
        let addressing = match kind / 3 % 5 {
            0 => Addressing::Normal { send, receive },
            1 => Addressing::NormalFixed { priority, own, peer },
            2 => Addressing::Extended { send, receive, own, peer },
            3 => Addressing::Mixed11 { send, receive, extension },
            _ => Addressing::Mixed29 { priority, own, peer, extension },
        };
        let (block_size, confirms) = (kind / 15, kind / 15 % 2 == 1);
        Config { block_size, confirms, adaptive: true, ..Config::with(framing, addressing) }
    };
    Ok([end(there, back, 0x10, 0xf1), end(back, there, 0xf1, 0x10)])
}

fn port(config: Config) -> Result<Port<1, ROOM, ROOM>, proto::Error> {
    Port::new([config], Some(Functional::new(config.framing, Address::normal(Id::standard(GROUP)?))))
}

/// One end sends to another; what it sends, and what is answered, are the scripts.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for kind in 0..60 {
        for length in [5_usize, 60, 200] {
            seeds.extend(exchange(kind, &vec![7; length]).into_iter().flatten());
        }
    }
    let asked =
        [operation(HAS_ROOM, &[]), operation(HEARS_AS_GROUP, &[2, 0x3e, 0x80]), operation(SENDS_TO_GROUP, &[1])];
    seeds.push([&[0][..], &asked.concat()].concat());
    seeds
}

/// The script of the end that hears a message, and of the one that sends it.
fn exchange(kind: u8, message: &[u8]) -> Result<[Vec<u8>; 2], proto::Error> {
    let [listening, sending] = ends(kind)?;
    let (mut one, mut other) = (port(sending)?, port(listening)?);
    let mut heard = vec![kind];
    let mut sent = [&[kind][..], &operation(SENDS, message)].concat();
    one.link_mut(0).map_or(Ok(()), |link| link.send(message, Duration::ZERO))?;
    for step in 0..80 {
        let now = Duration::from_millis(step);
        relay([&mut one, &mut other], [&mut sent, &mut heard], now);
        relay([&mut other, &mut one], [&mut heard, &mut sent], now);
    }
    Ok([heard, sent])
}

/// Every frame that is due at the first port goes to the second, and into both scripts.
fn relay([from, to]: [&mut Port<1, ROOM, ROOM>; 2], [said, heard]: [&mut Vec<u8>; 2], now: Duration) {
    while let Ok(Some(frame)) = from.poll(now) {
        said.extend(operation(CONFIRMS, &[]));
        from.confirm(&frame, now);
        heard.extend(operation(HEARS, frame.data()));
        to.handle(&frame, now).ok();
    }
}

/// Identifier of the group.
const GROUP: u16 = 0x7df;
