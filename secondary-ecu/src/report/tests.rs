use uptane::sign::{InstalledImage, MemorySigner, ReportBuilder, Signer};
use uptane::{
    Counter, EcuId, HardwareId, ImageLine, KeyId, Length, ReleaseCounter, TargetName, TransactionId, VehicleId, Version,
};

use alloc::string::ToString as _;
use alloc::vec::Vec;

use super::*;
use crate::flash::{Bank, Side};
use crate::state::{Held, Outcome, Stage};

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

fn profile() -> Profile {
    Profile {
        ecu: EcuId::parse("brake-ecu").unwrap(),
        hardware: HardwareId::parse("brake-hw").unwrap(),
        vehicle: VehicleId([4; 16]),
        primary: uptane::PublicKey::Ed25519([0; 32]),
        max_chunk: 0,
        progress: 0,
    }
}

fn refused() -> State {
    let mut state = State::new(Bank::A, Sha256([9; 32]), Time::EPOCH);
    let version = Version::new(12).unwrap();
    state.stage = Stage::Staging(TransactionId([6; 16]));
    state.reports = Counter::new(17).unwrap();
    state.targets = Some(Held { side: Side::Left, length: 9, version, sha256: Sha256([1; 32]) });
    state.outcome = Outcome { ending: Ending::Refused, attack: Some(Attack::Rollback), check: 3 };
    state
}

fn report<'r>(profile: &'r Profile, state: &'r State, image: &'r Descriptor) -> Report<'r> {
    Report { profile, state, image, nonce: Nonce([5; 16]), time: Time::from_unix(1_800_000_000).unwrap() }
}

fn built(report: &Report<'_>, result: ResultCode, signer: &MemorySigner) -> Vec<u8> {
    let Report { profile, state, image, nonce, time } = *report;
    let Descriptor { name, length, sha256, line: _, counter: release_counter } = *image;
    ReportBuilder {
        ecu: profile.ecu,
        hardware_id: profile.hardware,
        vehicle: profile.vehicle,
        counter: state.reports,
        time,
        image: InstalledImage { name, length, sha256, release_counter },
        result,
        attack: state.outcome.attack,
        targets_version: state.targets.map(|held| held.version),
        nonce: Some(nonce),
        transaction: state.stage.transaction(),
        campaign: None,
    }
    .sign(signer)
    .unwrap()
}

#[test]
fn a_report_is_byte_for_byte_what_the_builder_makes() {
    let (profile, image) = (profile(), image());
    let first = State::new(Bank::A, Sha256([9; 32]), Time::EPOCH);
    for (state, result) in [(refused(), ResultCode::VerificationFailed), (first, ResultCode::None)] {
        let report = report(&profile, &state, &image);
        let signer = MemorySigner::from_seed(&[7; 32]);
        let expected = built(&report, result, &signer);
        let mut buffer = [0; 2_048];
        let length = report.write(&mut Key(signer), &mut buffer).unwrap();
        assert_eq!(core::str::from_utf8(&buffer[..length]), core::str::from_utf8(&expected));
    }
}

#[test]
fn the_longest_report_fits_the_buffer() {
    let longest = |n| "x".repeat(n);
    let image = Descriptor { name: TargetName::parse(&longest(255)).unwrap().to_buf(), ..image() };
    let profile = Profile {
        ecu: EcuId::parse(&longest(64)).unwrap(),
        hardware: HardwareId::parse(&longest(64)).unwrap(),
        ..profile()
    };
    let state = State { reports: Counter::new(uptane::limits::MAX_INTEGER).unwrap(), ..refused() };
    let mut key = LongestId(Key(MemorySigner::from_seed(&[7; 32])));
    let length = report(&profile, &state, &image).write(&mut key, &mut [0; crate::BUFFER_SIZE]).unwrap();
    assert!(length <= crate::MAX_REPORT, "{length}");
}

#[test]
fn a_number_is_written_as_it_is_everywhere_else() {
    for number in [0, 9, 10, 4_095, uptane::limits::MAX_INTEGER, u64::MAX] {
        let mut buffer = [0; 20];
        let mut text = Text::new(&mut buffer);
        text.number(number);
        assert_eq!(core::str::from_utf8(text.finish().unwrap()), Ok(number.to_string().as_str()));
    }
}

#[test]
fn a_report_that_does_not_fit_is_a_fault_not_a_torn_file() {
    let (profile, state, image) = (profile(), refused(), image());
    let report = report(&profile, &state, &image);
    assert_eq!(report.write(&mut Key(MemorySigner::from_seed(&[7; 32])), &mut [0; 100]), Err(Fault::Storage));
}
