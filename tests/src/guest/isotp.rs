//! Our ISO-TP against that of the guest's kernel: as it ships, over the port on a CAN interface.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use host::can::{Arrival, FramePort as _, Interest, SocketCan};
use proto::can::{Frame, Id};
use proto::isotp::{Addressing, Config, Framing, Heard, Port, Priority, Separation};
use tokio::time::timeout;

/// The word for it on the command line.
pub const NAME: &str = "isotp";

/// Messages each way.
pub const MESSAGES: usize = 60;
/// Bytes of each: the most that fit without the escape to 32 bits.
pub const LEN: usize = 4_095;
/// Files with what goes either way, one message after the other.
pub const OURS: &str = "ours.bin";
/// What the kernel's end sends.
pub const KERNELS: &str = "kernels.bin";

/// A way to exchange them.
pub struct Case {
    /// What it is called.
    pub name: &'static str,
    /// The same for the program at the kernel's end (`tests/python/kernel_isotp.py`).
    pub kernel: &'static str,
    config: fn() -> Result<Config>,
}

/// All of them.
pub const CASES: [Case; 4] = [
    Case {
        name: "classical, normal, 11 bits",
        kernel: "--send 7e8 --receive 7e0",
        config: || Ok(Config::new(Framing::CLASSICAL, Id::standard(0x7e0)?, Id::standard(0x7e8)?)),
    },
    Case {
        name: "classical, extended, 29 bits, blocks",
        kernel: "--send 98da10f1 --receive 98daf110 --to f1 --own 10 --block 8",
        config: || {
            let (send, receive) = (Id::extended(0x18da_f110)?, Id::extended(0x18da_10f1)?);
            let addressing = Addressing::Extended { send, receive, own: 0xf1, peer: 0x10 };
            let config = Config::with(Framing::CLASSICAL, addressing);
            Ok(Config { block_size: 16, separation: Separation::from_byte(0xf1), ..config })
        },
    },
    Case {
        name: "FD, normal, 11 bits",
        kernel: "--send 7e9 --receive 7e1 --fd",
        config: || Ok(Config::new(Framing::FD, Id::standard(0x7e1)?, Id::standard(0x7e9)?)),
    },
    Case {
        name: "FD, normal fixed, 29 bits, blocks",
        kernel: "--send 98daf122 --receive 98da22f1 --fd --block 8",
        config: || {
            let addressing = Addressing::NormalFixed { priority: Priority::DEFAULT, own: 0xf1, peer: 0x22 };
            Ok(Config { block_size: 4, ..Config::with(Framing::FD, addressing) })
        },
    },
];

/// Exchanges what lies in `folder` with the kernel, as the case of this number, and prints what it took.
pub(super) fn run(interface: &str, folder: &Path, case: &str) -> Result<()> {
    let case = CASES.get(case.parse::<usize>()?).context("there is no such case")?;
    let (ours, kernels) = (fs::read(folder.join(OURS))?, fs::read(folder.join(KERNELS))?);
    let (ours, kernels) = (messages(&ours)?, messages(&kernels)?);
    host::serve::runtime()?.block_on(async {
        let mut end = End::join(interface, (case.config)()?)?;
        let came = timeout(LIMIT, end.exchange(&ours)).await.context("it does not end")??;
        println!("seconds {:.3}", end.start.elapsed().as_secs_f64());
        println!("ours-messages {}", came.len());
        println!("ours-bytes {}", came.iter().map(Vec::len).sum::<usize>());
        println!("ours-mismatches {}", came.iter().zip(&kernels).filter(|(came, sent)| came != sent).count());
        Ok(())
    })
}

fn messages(file: &[u8]) -> Result<Vec<&[u8]>> {
    let messages: Vec<&[u8]> = file.chunks(LEN).collect();
    ensure!(file.len() == MESSAGES * LEN, "{} bytes are no {MESSAGES} messages", file.len());
    Ok(messages)
}

/// Our end of it.
struct End {
    bus: SocketCan,
    isotp: Box<Port<1, LEN, LEN>>,
    start: Instant,
}

impl End {
    fn join(interface: &str, config: Config) -> Result<Self> {
        let interest =
            Interest { identifiers: vec![config.addressing.receive().id()], format: config.framing.format() };
        let bus = SocketCan::join(interface, &interest)?;
        Ok(Self { bus, isotp: Box::new(Port::new([config], None)?), start: host::clock::stopwatch() })
    }

    /// Sends all `ours`, one right after the other, and gives what came meanwhile: as many.
    async fn exchange(&mut self, ours: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let (mut ours, mut came) = (ours.iter(), Vec::new());
        loop {
            let link = self.isotp.link_mut(0).context("there is one session")?;
            if !link.is_sending() {
                match ours.next() {
                    Some(message) => link.send(message, self.start.elapsed())?,
                    None if came.len() == MESSAGES => return Ok(came),
                    None => {}
                }
            }
            let sent = self.send_frame().await?;
            came.extend(self.take_frame(sent).await?);
        }
    }

    /// Sends the next frame that is due; false if none is.
    async fn send_frame(&mut self) -> Result<bool> {
        let Some(frame) = self.isotp.poll(self.start.elapsed())? else { return Ok(false) };
        self.bus.send(&frame).await?;
        Ok(true)
    }

    /// Takes a frame that is there or, if there is none to be sent, waits for one. Gives the message it completes.
    async fn take_frame(&mut self, hurry: bool) -> Result<Option<Vec<u8>>> {
        let now = self.start.elapsed();
        let until = if hurry { now } else { self.isotp.deadline().unwrap_or(now + LIMIT) };
        let Ok(arrival) = timeout(until.saturating_sub(now), self.bus.receive()).await else { return Ok(None) };
        match arrival? {
            Arrival::Frame(frame) => self.take(&frame),
            Arrival::Event(event) => bail!("{event:?}"),
        }
    }

    fn take(&mut self, frame: &Frame) -> Result<Option<Vec<u8>>> {
        let heard = self.isotp.handle(frame, self.start.elapsed())?;
        Ok(heard.map(|Heard { message, .. }| message.to_owned()))
    }
}

/// More than one of them takes.
const LIMIT: Duration = Duration::from_secs(300);
