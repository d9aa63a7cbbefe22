//! QEMU's board `mps2-an386`: a process with the bus on its standard input and output, flash in one file and what is
//! measured in another.

use std::fs::File;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto::can::{Frame, MAX_DATAGRAM};

/// A board that is switched on. Dropped, it loses its power at once.
pub(super) struct Board {
    qemu: Child,
    bus: ChildStdin,
    frames: Receiver<Frame>,
    trace: File,
}

/// The file that is the board's flash. QEMU wants one for all of its PSRAM.
pub(super) const FLASH: &str = "flash";
pub(super) const PSRAM: u64 = 16 * 1024 * 1024;
const TRACE: &str = "trace";

impl Board {
    /// Switches it on, with the flash of this folder.
    pub(super) fn power_on(program: &Path, folder: &Path) -> Result<Self> {
        let (flash, trace) = (folder.join(FLASH), folder.join(TRACE));
        let (flash, serial) = (flash.display(), trace.display());
        // Should this process be killed, QEMU is too.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "qemu-system-arm", "-nodefaults", "-display", "none", "-monitor", "none"]);
        command.args(["-machine", "mps2-an386,memory-backend=psram", "-icount", "shift=0"]);
        command.args(["-object", &format!("memory-backend-file,id=psram,size={PSRAM},share=on,mem-path={flash}")]);
        command.args(["-serial", "stdio", "-serial", &format!("file:{serial}"), "-kernel"]).arg(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        File::create(&trace)?;
        let mut qemu = command.spawn().context("cannot start setpriv")?;
        let bus = qemu.stdin.take().context("its input is piped")?;
        let output = qemu.stdout.take().context("its output is piped")?;
        let (sender, frames) = channel();
        thread::spawn(move || hear(output, &sender));
        Ok(Self { qemu, bus, frames, trace: File::open(&trace)? })
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, frame: &Frame) -> Result<()> {
        let mut datagram = [0; MAX_DATAGRAM];
        self.bus.write_all(frame.encode(&mut datagram))?;
        Ok(self.bus.flush()?)
    }

    /// The next frame, if one comes in this time.
    pub(super) fn receive(&self, wait: Duration) -> Result<Option<Frame>> {
        match self.frames.recv_timeout(wait) {
            Ok(frame) => Ok(Some(frame)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("QEMU has ended, or the board sent what is no frame"),
        }
    }

    /// What it has measured since this was asked last. It says so before it answers.
    pub(super) fn trace(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.trace.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// Passes frames on until the board is off, or says what is no frame.
fn hear(mut output: ChildStdout, frames: &Sender<Frame>) {
    while let Some(frame) = next(&mut output) {
        if frames.send(frame).is_err() {
            return;
        }
    }
}

fn next(output: &mut impl Read) -> Option<Frame> {
    let mut head = [0; HEAD];
    output.read_exact(&mut head).ok()?;
    let [_, _, _, _, _, length] = head;
    let mut data = vec![0; length.into()];
    output.read_exact(&mut data).ok()?;
    Frame::decode(&[&head[..], &data].concat()).ok()
}

const HEAD: usize = 6;
