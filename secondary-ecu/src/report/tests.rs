use uptane::sign::{InstalledImage, MemorySigner, ReportBuilder, Signer};
use uptane::{ImageLine, KeyId, Length, ReleaseCounter, TargetName};

use alloc::vec::Vec;

use super::*;

struct Key(MemorySigner);

struct LongestId(Key);

impl EcuKey for LongestId {
    fn key_id(&self) -> KeyId {
        KeyId::parse(&"x".repeat(uptane::limits::MAX_KEY_ID)).unwrap()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.0.sign(digest)
    }
}

impl EcuKey for Key {
    fn key_id(&self) -> KeyId {
        self.0.key_id()
    }

    fn sign(&mut self, digest: &Sha256) -> Option<[u8; 64]> {
        self.0.sign(&digest.0).ok()?.try_into().ok()
    }
}

fn image() -> Descriptor {
    Descriptor {
        name: TargetName::parse("brake/fw-2.bin").unwrap().to_buf(),
        length: Length::new(262_144).unwrap(),
        sha256: Sha256([9; 32]),
        line: ImageLine::parse("brake").unwrap(),
        counter: ReleaseCounter::new(2).unwrap(),
    }
}

fn report(image: &Descriptor) -> Report<'_> {
    Report {
        ecu: EcuId::parse("brake-ecu").unwrap(),
        hardware: HardwareId::parse("brake-hw").unwrap(),
        vehicle: VehicleId([4; 16]),
        counter: Counter::new(17).unwrap(),
        time: Time::from_unix(1_800_000_000).unwrap(),
        image,
        result: ResultCode::VerificationFailed,
        attack: Some(Attack::Rollback),
        targets: Version::new(12).ok(),
        nonce: Nonce([5; 16]),
        transaction: Some(TransactionId([6; 16])),
    }
}

fn built(report: &Report<'_>, signer: &MemorySigner) -> Vec<u8> {
    let Descriptor { name, length, sha256, line: _, counter: release_counter } = *report.image;
    ReportBuilder {
        ecu: report.ecu,
        hardware_id: report.hardware,
        vehicle: report.vehicle,
        counter: report.counter,
        time: report.time,
        image: InstalledImage { name, length, sha256, release_counter },
        result: report.result,
        attack: report.attack,
        targets_version: report.targets,
        nonce: Some(report.nonce),
        transaction: report.transaction,
        campaign: None,
    }
    .sign(signer)
    .unwrap()
}

#[test]
fn a_report_is_byte_for_byte_what_the_builder_makes() {
    let image = image();
    let first = report(&image);
    let second = Report { attack: None, targets: None, transaction: None, result: ResultCode::None, ..first };
    for report in [first, second] {
        let signer = MemorySigner::from_seed(&[7; 32]);
        let expected = built(&report, &signer);
        let mut buffer = [0; 2_048];
        let length = report.write(&mut Key(signer), &mut buffer).unwrap();
        assert_eq!(core::str::from_utf8(&buffer[..length]), core::str::from_utf8(&expected));
    }
}

#[test]
fn the_longest_report_fits_the_buffer() {
    let longest = |n| "x".repeat(n);
    let image = Descriptor { name: TargetName::parse(&longest(255)).unwrap().to_buf(), ..image() };
    let report = Report {
        ecu: EcuId::parse(&longest(64)).unwrap(),
        hardware: HardwareId::parse(&longest(64)).unwrap(),
        counter: Counter::new(uptane::limits::MAX_INTEGER).unwrap(),
        ..report(&image)
    };
    let mut key = LongestId(Key(MemorySigner::from_seed(&[7; 32])));
    let length = report.write(&mut key, &mut [0; crate::BUFFER_SIZE]).unwrap();
    assert!(length <= crate::MAX_REPORT, "{length}");
}

#[test]
fn a_report_that_does_not_fit_is_a_fault_not_a_torn_file() {
    let image = image();
    let report = report(&image);
    assert_eq!(report.write(&mut Key(MemorySigner::from_seed(&[7; 32])), &mut [0; 100]), Err(Fault::Storage));
}
