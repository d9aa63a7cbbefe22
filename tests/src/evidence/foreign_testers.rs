//! `foreign-testers`: what other people wrote talks to ours over CAN, in a real kernel.
//!
//! A tester made of their libraries flashes a Secondary: metadata comes from the Director and the Image repository, as a real
//! Primary fetched and accepted it; the commands are signed with that Primary's key. From there on the Secondary knows
//! nobody but the tester. And the ISO-TP of Debian's kernel exchanges messages with ours.

mod kernel;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use host::keys::KeyFile;
use simulator::live::{Connection, Ecu, Framing, Launcher, System};
use uptane::sign::CommandBuilder;
use uptane::{Action, EcuId, PublicKey, Sha256, TransactionId};

use super::Item;
use crate::guest;
use crate::programs;
use crate::record::{Limit, Record};
use crate::socketcan::{Guest, PACKAGES, QEMU_PACKAGES};

pub(super) const ITEM: Item = Item {
    name: "foreign-testers",
    promise: "python-can, can-isotp and udsoncan flash a Secondary over vcan, 64 KiB on classical CAN and 1 MiB on FD, and \
              read its report; the ISO-TP of Debian's kernel exchanges 60 messages of 4095 bytes each way with ours",
    show,
};

/// The tester.
const SCRIPT: &str = include_str!("../../python/can_tester.py");
/// What it is made of, from PyPI.
const LIBRARIES: [&str; 3] = ["python-can==4.6.1", "can-isotp==2.0.7", "udsoncan==1.26.1"];
/// Image bytes on classical CAN, and on FD.
const CLASSICAL: usize = 64 * 1024;
const FD: usize = 1024 * 1024;
/// How long one of them may take in the guest.
const SECONDS: u32 = 600;
/// The transaction the tester opens: above every number so far.
const TRANSACTION: TransactionId = TransactionId([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);

fn show(record: &mut Record) -> Result<()> {
    for package in PACKAGES.into_iter().chain(QEMU_PACKAGES).chain(["python3-venv"]) {
        programs::need_package(package)?;
    }
    let folder = tempfile::tempdir()?;
    let python = programs::python_with(folder.path(), &LIBRARIES)?;
    kernel::show(record, folder.path(), &python)?;
    for library in LIBRARIES {
        record.note(library);
    }
    for (framing, word, bytes) in [(Framing::Classical, "classical", CLASSICAL), (Framing::Fd, "fd", FD)] {
        let bench = Bench::make(&folder.path().join(word), framing, bytes)?;
        let said = bench.flash(&python, word)?;
        let value = |name: &str| guest::value(&said, name);
        let image = f64::from(u32::try_from(bytes)?);
        record.figure(format!("{word}: bytes of the image sent"), value("bytes")?, "B", Limit::Exactly(image));
        record.figure(format!("{word}: sending it"), value("seconds")?, "s", Limit::AtMost(SECONDS.into()));
        bench.judge(record, word)?;
    }
    Ok(())
}

/// A Secondary, and what a tester needs to update it.
struct Bench {
    folder: PathBuf,
    /// The Secondary's data folder.
    data: PathBuf,
    key: PublicKey,
    image: Sha256,
}

impl Bench {
    /// A vehicle is made, and its Primary asks for an update that it does not get to carry out.
    fn make(folder: &Path, framing: Framing, bytes: usize) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let connection = Connection::Can { framing, request: 0x7e0, response: 0x7e8 };
        let vehicle = [
            Ecu { id: PRIMARY, hardware: "gateway-hw", connection: Connection::Primary },
            Ecu { id: SECONDARY, hardware: "brakes-hw", connection },
        ];
        let place = folder.join("system");
        fs::create_dir(&place)?;
        let mut system = System::create(Launcher::current()?, &place, &vehicle, &image(1, bytes))?;
        system.start_primary()?;
        system.wait("a first check-in", LIMIT, |status| (status.check_ins.full > 0).then_some(()))?;
        system.kill(SECONDARY)?;
        let (new, path) = (image(2, bytes), folder.join("image.bin"));
        fs::write(&path, &new)?;
        system.publish("firmware/new.bin", &path, 2)?;
        system.assign("firmware/new.bin")?;
        system.wait("a transaction", LIMIT, |status| status.transaction.as_ref().map(drop))?;
        system.kill(PRIMARY)?;
        let bench = Self {
            folder: folder.to_owned(),
            data: system.ecu_data(SECONDARY),
            key: host::provisioning::Enrolment::read(&system.ecu_data(SECONDARY).join("enrolment.toml"))?.key,
            image: Sha256::of(&new),
        };
        bench.write_files(&system)?;
        Ok(bench)
    }

    /// The Director's Targets as the Primary accepted them, and the commands that carry them out.
    fn write_files(&self, system: &System) -> Result<()> {
        let primary = system.ecu_data(PRIMARY);
        let targets = newest_targets(&primary.join("metadata/director"))?;
        let signer = KeyFile::open_plain(&primary.join("keys/ecu.pem"))?;
        for (action, name) in [(Action::Activate, "activate.json"), (Action::Commit, "commit.json")] {
            let (vehicle, ecu) = (system.vehicle(), EcuId::parse(SECONDARY)?);
            let targets = Sha256::of(&targets);
            let command = CommandBuilder { vehicle, ecu, action, transaction: TRANSACTION, targets };
            fs::write(self.folder.join(name), command.sign(&signer)?)?;
        }
        fs::write(self.folder.join("targets.json"), targets)?;
        Ok(())
    }

    /// Boots a kernel, and in it the Secondary and the tester.
    fn flash(&self, python: &Path, framing: &str) -> Result<String> {
        let tester = self.folder.join("can_tester.py");
        fs::write(&tester, SCRIPT)?;
        let program = std::env::current_exe()?;
        let script = format!(
            // A node ends with its standard input.
            "mkfifo stays && exec 3<>stays\n\
             {program} node secondary-ecu run --data {data} --can vcan0 --{framing} \
             --request-id 0x7e0 --response-id 0x7e8 <&3 >secondary 2>&1 &\n\
             until grep -q ^listening secondary; do kill -0 $! || {{ cat secondary >&2; exit 1; }}; sleep 0.1; done\n\
             {python} {tester} vcan0 {framing} {folder} || {{ cat secondary >&2; exit 1; }}\n\
             kill $! && wait $! || true\n",
            program = program.display(),
            data = self.data.display(),
            python = python.display(),
            tester = tester.display(),
            folder = self.folder.display(),
        );
        Guest::new(&self.folder, 1).within(SECONDS).run(&script)
    }

    /// Reads what the tester brought back.
    fn judge(&self, record: &mut Record, framing: &str) -> Result<()> {
        let identity = fs::read(self.folder.join("identity.bin"))?;
        let running = identity.get(35..67) == Some(&self.image.0[..]);
        record.claim(format!("{framing}: the Secondary says that it runs the new image"), running);
        let report = uptane::verify::report(&fs::read(self.folder.join("report.json"))?, &self.key)?;
        let of_nonce = report.report().nonce.is_some_and(|nonce| nonce.0.into_iter().eq(0..16));
        record.claim(format!("{framing}: its report is signed by its key, over the tester's nonce"), of_nonce);
        let reported = report.report().image.hashes.sha256() == Some(self.image);
        record.claim(format!("{framing}: and names the new image"), reported);
        Ok(())
    }
}

/// The Targets of the highest version in the folder.
fn newest_targets(folder: &Path) -> Result<Vec<u8>> {
    let mut versions = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let version = name.to_str().and_then(|name| name.strip_suffix(".targets.json")?.parse::<u64>().ok());
        versions.extend(version);
    }
    let newest = versions.into_iter().max().context("the Primary accepted no Targets")?;
    Ok(fs::read(folder.join(format!("{newest}.targets.json")))?)
}

/// Bytes without a pattern, different for each release.
fn image(release: u64, bytes: usize) -> Vec<u8> {
    let words =
        (0..).map(|index: u64| (index + release * 1_000_003).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29));
    words.flat_map(u64::to_le_bytes).take(bytes).collect()
}

const PRIMARY: &str = "gateway";
const SECONDARY: &str = "brakes";
/// How long each step of making the system may take.
const LIMIT: Duration = Duration::from_secs(60);
