//! What goes wrong on the buses, each as a scenario has it.

use std::fmt::Write as _;

use simulator::world::chance::Chance;
use simulator::world::time::Moment;

use super::runs::Base;

/// What is to become of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It completes in its first attempt, however long that takes.
    Completes,
    /// The vehicle may go back, all old and with a reason that the Director hears, and completes once there is peace.
    MayGoBack,
    /// The vehicle goes back so at least once.
    GoesBack,
}

/// A kind of trouble; a seed says when exactly.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) wanted: Wanted,
    /// The faults, beside a run without them.
    pub(super) faults: fn(&Base, &mut Chance) -> String,
}

/// A Secondary, its bus, and the identifiers of what it is asked and of what it says.
struct Victim {
    ecu: &'static str,
    bus: &'static str,
    request: u32,
    response: u32,
}

const VICTIMS: [Victim; 4] = [
    Victim { ecu: "battery", bus: "powertrain", request: 0x710, response: 0x718 },
    Victim { ecu: "engine", bus: "powertrain", request: 0x711, response: 0x719 },
    Victim { ecu: "door", bus: "body", request: 0x720, response: 0x728 },
    Victim { ecu: "seat", bus: "body", request: 0x721, response: 0x729 },
];
const PRIMARY: &str = "gateway";
const BUSES: [&str; 2] = ["powertrain", "body"];

/// All of them.
pub(super) const CASES: &[Case] = &[
    case("bit error rate 1e-7", Wanted::Completes, |_, _| rate("0.00001 %")),
    case("bit error rate 1e-6", Wanted::Completes, |_, _| rate("0.0001 %")),
    case("bit error rate 1e-5", Wanted::Completes, |_, _| rate("0.001 %")),
    case("bit error rate 1e-4", Wanted::Completes, |_, _| rate("0.01 %")),
    case("bus-off, each Secondary once", Wanted::Completes, |base, chance| each(base, chance, 1, bus_off)),
    case("bus-off, each Secondary five times", Wanted::Completes, |base, chance| each(base, chance, 5, bus_off)),
    case("bus-off, the Primary once", Wanted::Completes, |base, chance| primary(base, chance, 1, bus_off)),
    case("bus-off, the Primary five times", Wanted::Completes, |base, chance| primary(base, chance, 5, bus_off)),
    case("overrun, each Secondary once for 20 ms", Wanted::Completes, |base, chance| each(base, chance, 1, overrun)),
    case("overrun, each Secondary twenty times", Wanted::Completes, |base, chance| each(base, chance, 20, overrun)),
    case("overrun, the Primary twenty times", Wanted::Completes, |base, chance| primary(base, chance, 20, overrun)),
    case("reset, each Secondary once amid its transfer", Wanted::Completes, |base, chance| {
        each(base, chance, 1, reset)
    }),
    case("reset, each Secondary three times", Wanted::Completes, |base, chance| each(base, chance, 3, reset)),
    case("reset, the Primary amid all transfers", Wanted::Completes, |base, chance| primary(base, chance, 1, reset)),
    case("flood, no other frame for 2 s", Wanted::Completes, |base, chance| silence(base, chance, 2)),
    case("flood, no other frame for 10 s", Wanted::Completes, |base, chance| silence(base, chance, 10)),
    case("flood, no other frame for 10 min", Wanted::GoesBack, |base, chance| silence(base, chance, 600)),
    case("flood, a quarter of the time", Wanted::Completes, |_, _| {
        BUSES.map(|bus| flood(bus, 0x001, "anything", "1 ms", START, 600)).concat()
    }),
    case("flood, random frames as each Secondary, 50 a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Secondary, "anything", "20 ms")
    }),
    case("flood, without pause as each Secondary", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Secondary, "anything", "100 us")
    }),
    case("flood, responses as each Secondary, 50 a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Secondary, "responses", "20 ms")
    }),
    case("impostor, random frames as the Primary, 50 a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Primary, "anything", "20 ms")
    }),
    case("impostor, parts of messages as the Primary, 50 a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Primary, "iso-tp", "20 ms")
    }),
    case("impostor, requests as the Primary, 50 a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Primary, "requests", "20 ms")
    }),
    case("impostor, requests as the Primary, two a second", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Primary, "requests", "500 ms")
    }),
    case("impostor, without pause as the Primary", Wanted::MayGoBack, |base, chance| {
        posing(base, chance, As::Primary, "requests", "100 us")
    }),
];

const fn case(name: &'static str, wanted: Wanted, faults: fn(&Base, &mut Chance) -> String) -> Case {
    Case { name, wanted, faults }
}

/// Both buses have this bit error rate from the beginning on.
fn rate(share: &str) -> String {
    let of = |bus| {
        format!(
            "[[fault]]\nkind = \"bit-error-rate\"\nbus = \"{bus}\"\nat = \"300 ms\"\nshare = \"{share}\"\nlasts = \"10 min\"\n"
        )
    };
    BUSES.map(of).concat()
}

/// Each Secondary so often while it receives.
fn each(base: &Base, chance: &mut Chance, times: u32, fault: fn(&str, Moment) -> String) -> String {
    let mut text = String::new();
    for victim in &VICTIMS {
        (0..times).for_each(|_| text.push_str(&fault(victim.ecu, base.amid(victim.ecu, chance))));
    }
    text
}

/// The Primary so often while some Secondary receives.
fn primary(base: &Base, chance: &mut Chance, times: u32, fault: fn(&str, Moment) -> String) -> String {
    let mut text = String::new();
    for _ in 0..times {
        let victim = chance.choose(&VICTIMS).map_or(PRIMARY, |victim| victim.ecu);
        text.push_str(&fault(PRIMARY, base.amid(victim, chance)));
    }
    text
}

fn bus_off(node: &str, at: Moment) -> String {
    format!("[[fault]]\nkind = \"bus-off\"\nnode = \"{node}\"\nat = \"{} ns\"\n", at.nanos())
}

fn overrun(node: &str, at: Moment) -> String {
    format!("[[fault]]\nkind = \"overrun\"\nnode = \"{node}\"\nat = \"{} ns\"\nlasts = \"20 ms\"\n", at.nanos())
}

fn reset(node: &str, at: Moment) -> String {
    format!("[[fault]]\nkind = \"reset\"\nnode = \"{node}\"\nat = \"{} ns\"\n", at.nanos())
}

/// Frames that win against all others, one after the other, on both buses while they are in use.
fn silence(base: &Base, chance: &mut Chance, seconds: u64) -> String {
    let of = |(bus, ecu): (&str, &str)| flood(bus, 0, "anything", "100 us", base.amid(ecu, chance), seconds);
    [("powertrain", "battery"), ("body", "door")].map(of).concat()
}

/// Whom an intruder pretends to be.
enum As {
    Primary,
    Secondary,
}

/// An intruder on the identifier of each Secondary, or on that on which the Primary speaks to it, from some moment of its
/// transfer on.
fn posing(base: &Base, chance: &mut Chance, pose: As, says: &str, every: &str) -> String {
    let mut text = String::new();
    for victim in &VICTIMS {
        let id = match pose {
            As::Primary => victim.request,
            As::Secondary => victim.response,
        };
        text.push_str(&flood(victim.bus, id, says, every, base.amid(victim.ecu, chance), POSING));
    }
    text
}

fn flood(bus: &str, id: u32, says: &str, every: &str, at: Moment, seconds: u64) -> String {
    let mut text = format!("[[fault]]\nkind = \"flood\"\nbus = \"{bus}\"\nid = {id:#x}\nsays = \"{says}\"\n");
    // Writing to a string does not fail.
    let _written = write!(text, "every = \"{every}\"\nat = \"{} ns\"\nlasts = \"{seconds} s\"\n", at.nanos());
    text
}

/// Before the first frame.
const START: Moment = Moment::from_nanos(300_000_000);
/// For how long an intruder stays, in seconds.
const POSING: u64 = 120;
