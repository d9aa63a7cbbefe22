//! A small vehicle for the unit tests: a Primary and a brake, with keys from seeds.

use host::provisioning::Banks;
use proto::secondary::Verification;
use uptane::sign::{MemorySigner, Signer as _};
use uptane::{
    EcuId, HardwareId, Hashes, ImageLine, Length, ReleaseCounter, Sha256, TargetNameBuf, Time, VehicleId, Version,
};

use crate::epoch::{ContentSeq, Epoch, RoleKeyIds};
use crate::facts::{Desired, Ecu, Facts, ImageTarget, Installed, Vehicle};
use crate::keys::{AnySigner, OnlineKeys};

pub(crate) const PRIMARY_SEED: [u8; 32] = [11; 32];
pub(crate) const BRAKE_SEED: [u8; 32] = [12; 32];
pub(crate) const VEHICLE: VehicleId = VehicleId([1; 16]);

pub(crate) fn at(seconds: u64) -> Time {
    Time::from_unix(seconds).unwrap()
}

pub(crate) fn ecu_id(id: &str) -> EcuId {
    EcuId::parse(id).unwrap()
}

pub(crate) fn online_keys() -> OnlineKeys {
    let key = |seed| -> AnySigner { Box::new(MemorySigner::from_seed(&[seed; 32])) };
    OnlineKeys::new((1..=4).map(key).collect())
}

pub(crate) fn epoch() -> Epoch {
    let id = |seed| MemorySigner::from_seed(&[seed; 32]).key_id();
    let keys = RoleKeyIds { timestamp: id(1), snapshot: id(2), targets: id(3), time: id(4) };
    Epoch::first(Version::FIRST, keys, at(1_000_000))
}

pub(crate) fn image(release: u64) -> ImageTarget {
    ImageTarget {
        name: TargetNameBuf::parse(&format!("brake/fw-{release}.bin")).unwrap(),
        length: Length::new(20).unwrap(),
        hashes: Hashes::of(&release.to_be_bytes()),
        hardware: vec![HardwareId::parse("brake-hw").unwrap()],
        line: ImageLine::parse("brake").unwrap(),
        counter: ReleaseCounter::new(release).unwrap(),
    }
}

pub(crate) fn installed(release: u64) -> Installed {
    let ImageTarget { name, length, hashes, line, counter, .. } = image(release);
    Installed { name, length, sha256: hashes.sha256().unwrap(), line: Some(line), counter }
}

fn ecu(id: &str, hardware: &str, seed: [u8; 32]) -> Ecu {
    Ecu {
        id: ecu_id(id),
        hardware: HardwareId::parse(hardware).unwrap(),
        verification: Verification::Full,
        banks: Banks::Two,
        key: MemorySigner::from_seed(&seed).public_key(),
        installed: Some(installed(1)),
        last_report: None,
        unreachable: None,
        desired: None,
    }
}

/// A vehicle whose brake shall run release 2.
pub(crate) fn facts() -> Facts {
    let mut brake = ecu("brake", "brake-hw", BRAKE_SEED);
    brake.desired = Some(Desired { image: image(2), listed: true, fallback: None, delta: None });
    let vehicle = Vehicle {
        id: VEHICLE,
        vin: None,
        certificate: Sha256([7; 32]),
        primary: ecu_id("primary"),
        registered: at(1_000_000),
        content_seq: ContentSeq::new(5).unwrap(),
        manifest: None,
        seen: None,
    };
    let ecus = vec![brake, ecu("primary", "primary-hw", PRIMARY_SEED)];
    Facts { vehicle, ecus, epoch: epoch(), image_generation: 1, patch_generation: 1 }
}
