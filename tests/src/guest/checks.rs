//! The port on a CAN interface, over a real kernel: each check has an interface of its own.

use std::future::Future;
use std::pin::Pin;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use host::Error;
use host::can::{Arrival, Event, FramePort as _, Interest, SocketCan};
use proto::can::{Format, Frame, Id};
use tokio::time::timeout;

use super::{error_frame, ip};
use crate::programs;

/// The word for it on the command line.
pub const NAME: &str = "checks";

type Check = fn(&'static str) -> Pin<Box<dyn Future<Output = Result<()>>>>;

/// Each check with its name, which is the sentence that is true.
const CHECKS: [(&str, Check); 9] = [
    ("every_frame_of_either_format_comes_whole_and_in_order", |on| Box::pin(whole(on))),
    ("only_the_identifiers_asked_for_come", |on| Box::pin(filters(on))),
    ("what_we_send_comes_to_others_and_not_back", |on| Box::pin(no_echo(on))),
    ("a_reader_that_slept_is_told_how_much_it_lost", |on| Box::pin(overflow(on))),
    ("error_frames_come_as_events", |on| Box::pin(errors(on))),
    ("an_interface_may_go_down_and_come_up", |on| Box::pin(down_and_up(on))),
    ("an_interface_may_vanish_and_come_back", |on| Box::pin(gone_and_back(on))),
    ("a_full_queue_is_waited_for", |on| Box::pin(full_queue(on))),
    ("what_cannot_be_joined_is_named", |on| Box::pin(refusals(on))),
];

/// Interfaces that the checks take, `vcan0` and so on.
pub const INTERFACES: u32 = 9;

/// The names of all checks.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}

/// Runs all of them, and prints the name of each that holds.
pub(super) fn run() -> Result<()> {
    host::serve::runtime()?.block_on(async {
        for (number, (name, check)) in CHECKS.into_iter().enumerate() {
            let interface: &'static str = format!("vcan{number}").leak();
            timeout(LIMIT, check(interface)).await.context("it does not end").flatten().context(name)?;
            println!("{name}");
        }
        Ok(())
    })
}

/// More than one check takes.
const LIMIT: Duration = Duration::from_secs(20);

fn id(raw: u16) -> Result<Id> {
    Ok(Id::standard(raw)?)
}

fn interest(identifiers: &[Id]) -> Interest {
    Interest { identifiers: identifiers.to_vec(), format: Format::Fd }
}

/// A node that sends as 1, and one that listens to 1.
fn pair(interface: &str) -> Result<(SocketCan, SocketCan)> {
    let sender = SocketCan::join(interface, &interest(&[id(2)?]))?;
    Ok((sender, SocketCan::join(interface, &interest(&[id(1)?]))?))
}

async fn frame(port: &mut SocketCan) -> Result<Frame> {
    match port.receive().await? {
        Arrival::Frame(frame) => Ok(frame),
        Arrival::Event(event) => anyhow::bail!("{event:?} instead of a frame"),
    }
}

async fn event(port: &mut SocketCan) -> Result<Event> {
    match port.receive().await? {
        Arrival::Event(event) => Ok(event),
        Arrival::Frame(frame) => anyhow::bail!("{frame:?} instead of an event"),
    }
}

/// Nothing is there, though the kernel has delivered everything: on a virtual interface that is before `send` returns.
async fn silent(port: &mut SocketCan) -> Result<()> {
    let came = timeout(Duration::from_millis(1), port.receive()).await;
    ensure!(came.is_err(), "{came:?} came");
    Ok(())
}

/// Frames of both formats and lengths of identifier, told apart by what is in them.
fn assorted(number: u32) -> Result<Frame> {
    let extended = Id::extended(0x18da_10f1)?;
    let id = if number.is_multiple_of(2) { id(1)? } else { extended };
    let counter = number.to_be_bytes();
    Ok(match number % 4 {
        0 | 1 => Frame::classical(id, &[counter, counter].concat())?,
        _ => Frame::fd(id, &counter.repeat(16))?,
    })
}

async fn whole(interface: &str) -> Result<()> {
    const FRAMES: u32 = 2_000;
    let mut sender = SocketCan::join(interface, &interest(&[id(2)?]))?;
    let mut reader = SocketCan::join(interface, &interest(&[id(1)?, Id::extended(0x18da_10f1)?]))?;
    let send = async {
        for number in 0..FRAMES {
            sender.send(&assorted(number)?).await?;
        }
        anyhow::Ok(())
    };
    let read = async {
        for number in 0..FRAMES {
            let (came, expected) = (frame(&mut reader).await?, assorted(number)?);
            ensure!(came == expected, "{came:?} instead of {expected:?}");
        }
        anyhow::Ok(())
    };
    tokio::try_join!(send, read).map(drop)
}

async fn filters(interface: &str) -> Result<()> {
    let mut sender = SocketCan::join(interface, &interest(&[]))?;
    let mut reader = SocketCan::join(interface, &interest(&[id(0x123)?]))?;
    // The same number with 29 bits, its neighbours, and a request for it.
    let others = [Frame::classical(Id::extended(0x123)?, &[1])?, Frame::classical(id(0x122)?, &[2])?];
    let others = others.into_iter().chain([Frame::fd(id(0x133)?, &[3])?, Frame::remote(id(0x123)?, 1)?]);
    for other in others {
        sender.send(&other).await?;
    }
    let ours = Frame::classical(id(0x123)?, &[4])?;
    sender.send(&ours).await?;
    ensure!(frame(&mut reader).await? == ours, "something else came first");
    silent(&mut reader).await
}

async fn no_echo(interface: &str) -> Result<()> {
    let mut one = SocketCan::join(interface, &interest(&[id(1)?]))?;
    let mut other = SocketCan::join(interface, &interest(&[id(1)?]))?;
    let sent = Frame::fd(id(1)?, &[7; 64])?;
    one.send(&sent).await?;
    ensure!(frame(&mut other).await? == sent, "another frame came");
    silent(&mut one).await
}

/// More frames than fit into 8 MiB, the double of what a port asks for, at some 750 bytes each.
async fn overflow(interface: &str) -> Result<()> {
    const FRAMES: u32 = 12_000;
    let (mut sender, mut reader) = pair(interface)?;
    let sent = Frame::fd(id(1)?, &[0; 64])?;
    for _ in 0..FRAMES {
        sender.send(&sent).await?;
    }
    let mut came = 0;
    while let Ok(arrival) = timeout(Duration::from_millis(1), reader.receive()).await {
        ensure!(arrival? == Arrival::Frame(sent), "something else came");
        came += 1;
    }
    ensure!(came < FRAMES, "all {came} frames fitted");
    // The kernel tells with the next frame that it could deliver.
    sender.send(&sent).await?;
    let told = event(&mut reader).await?;
    ensure!(told == Event::Overflow { frames: FRAMES - came }, "{told:?} though {} are missing", FRAMES - came);
    ensure!(frame(&mut reader).await? == sent, "the frame after the gap is missing");
    Ok(())
}

async fn errors(interface: &str) -> Result<()> {
    let (mut sender, mut reader) = pair(interface)?;
    let told = [
        (0x004, 0x20, Event::Passive),
        (0x004, 0x01, Event::Overrun),
        (0x040, 0, Event::BusOff),
        (0x100, 0, Event::Restarted),
        (0x004, 0x40, Event::Active),
    ];
    for (class, controller, expected) in told {
        // Disturbed bits are not asked for.
        error_frame(interface, 0x008, 0)?;
        error_frame(interface, class, controller)?;
        let event = event(&mut reader).await?;
        ensure!(event == expected, "{event:?} instead of {expected:?}");
    }
    let sent = Frame::classical(id(1)?, &[])?;
    sender.send(&sent).await?;
    ensure!(frame(&mut reader).await? == sent, "a frame after errors is missing");
    Ok(())
}

/// Both ends see it go and come; what is sent in between is lost, and nothing after it.
async fn outage(interface: &str, go: &[String], come: &[String]) -> Result<()> {
    let (mut sender, mut reader) = pair(interface)?;
    let sent = Frame::classical(id(1)?, &[1])?;
    go.iter().try_for_each(|words| ip(words))?;
    ensure!(event(&mut sender).await? == Event::Down, "the sender does not see it");
    ensure!(event(&mut reader).await? == Event::Down, "the reader does not see it");
    sender.send(&sent).await?;
    come.iter().try_for_each(|words| ip(words))?;
    ensure!(event(&mut sender).await? == Event::Up, "the sender stays down");
    ensure!(event(&mut reader).await? == Event::Up, "the reader stays down");
    let sent = Frame::classical(id(1)?, &[2])?;
    sender.send(&sent).await?;
    ensure!(frame(&mut reader).await? == sent, "another frame came");
    Ok(())
}

async fn down_and_up(interface: &str) -> Result<()> {
    outage(interface, &[format!("link set {interface} down")], &[format!("link set {interface} up")]).await
}

async fn gone_and_back(interface: &str) -> Result<()> {
    let back = [format!("link add dev {interface} type vcan"), format!("link set {interface} mtu 72 up")];
    outage(interface, &[format!("link del {interface}")], &back).await
}

/// A queue of two frames, from which one goes every 5 ms: most sends find it full.
async fn full_queue(interface: &str) -> Result<()> {
    const FRAMES: u8 = 20;
    let words = format!("qdisc add dev {interface} root netem delay 5ms limit 2");
    programs::output(Command::new("tc").args(words.split_whitespace()))?;
    let (mut sender, mut reader) = pair(interface)?;
    for number in 0..FRAMES {
        sender.send(&Frame::classical(id(1)?, &[number])?).await?;
    }
    for number in 0..FRAMES {
        let came = frame(&mut reader).await?;
        ensure!(came.data() == [number], "{came:?} instead of number {number}");
    }
    Ok(())
}

async fn refusals(interface: &str) -> Result<()> {
    ip(&format!("link set {interface} down"))?;
    ip(&format!("link set {interface} mtu 16"))?;
    let fd = SocketCan::join(interface, &interest(&[]));
    ensure!(matches!(&fd, Err(Error::NoCanFd { interface: named }) if named == interface), "{fd:?}");
    let missing = SocketCan::join("vcan99", &interest(&[]));
    ensure!(matches!(&missing, Err(Error::NoCanInterface { .. })), "{missing:?}");
    let other = SocketCan::join("lo", &Interest { identifiers: vec![], format: Format::Classical });
    ensure!(matches!(&other, Err(Error::NoCanInterface { .. })), "{other:?}");
    // One that is down can be waited for.
    let classical = Interest { identifiers: vec![id(1)?], format: Format::Classical };
    let mut port = SocketCan::join(interface, &classical)?;
    ensure!(event(&mut port).await? == Event::Down, "it is not down");
    ip(&format!("link set {interface} up"))?;
    ensure!(event(&mut port).await? == Event::Up, "it stays down");
    Ok(())
}
