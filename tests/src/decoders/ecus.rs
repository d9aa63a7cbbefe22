//! Files of ECUs, whole; commands also in pieces.

use ed25519_dalek::SigningKey;
use std::sync::LazyLock;
use uptane::json::Document;
use uptane::metadata::{Command, Envelope};
use uptane::verify::{self, partial::CommandStream};
use uptane::{EcuId, Error, Length, PublicKey, Role, Sha256, TransactionId, VehicleId};

use super::signed::{as_ecu, file, is_genuine, key, number, vector, with_rare};
use super::{Decoder, Run};

fn judge(run: &mut Run, input: &[u8], role: Role, verify: fn(&[u8], &PublicKey) -> Result<(), Error>) {
    let (file, is_signed) = file(run, input, role, &[&PRIMARY], as_ecu);
    if run.decode(|| verify(&file, &public())).is_ok() {
        run.accept(is_signed || is_genuine(&file, role));
    }
}

fn public() -> PublicKey {
    PublicKey::Ed25519(PRIMARY.verifying_key().to_bytes())
}

pub(super) const REPORT: Decoder = Decoder {
    name: "report",
    run: |run, input| judge(run, input, Role::Report, |file, key| verify::report(file, key).map(|_| ())),
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/report.rs", "verify/report.rs", "verify/ecu.rs"],
    seeds: || with_rare(vec![vector!("report.json").to_vec()]),
};

pub(super) const MANIFEST: Decoder = Decoder {
    name: "manifest",
    run: |run, input| judge(run, input, Role::Manifest, manifest),
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/manifest.rs", "verify/manifest.rs", "verify/ecu.rs"],
    seeds: || {
        let manifest = String::from_utf8_lossy(vector!("manifest.json"));
        let unreachable = r#""unreachable":{"ecu-001":"2026-12-01T00:00:00Z"},"vehicle""#;
        let unreachable = manifest.replacen("\"vehicle\"", unreachable, 1).into_bytes();
        with_rare(vec![manifest.into_owned().into_bytes(), unreachable])
    },
};

fn manifest(file: &[u8], key: &PublicKey) -> Result<(), Error> {
    let verified = verify::manifest(file, key)?;
    let said = verified.view();
    let _seen = (said.attack(), said.counter(), said.director(), said.primary(), said.vehicle(), verified.sha256());
    said.unreachable().for_each(drop);
    for report in said.reports() {
        // Whether they verify is asked of each by itself; that each is a file is known.
        Envelope::decode(report)?;
    }
    Ok(())
}

pub(super) const CHECK_IN: Decoder = Decoder {
    name: "check-in",
    run: |run, input| judge(run, input, Role::CheckIn, |file, key| verify::check_in(file, key).map(|_| ())),
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/check_in.rs", "verify/check_in.rs", "verify/ecu.rs"],
    seeds: || with_rare(vec![vector!("check-in.json").to_vec()]),
};

pub(super) const COMMAND: Decoder = Decoder {
    name: "command",
    run: command,
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/command.rs", "verify/partial/command.rs", "verify/ecu.rs", "verify/stream.rs"],
    seeds: || with_rare(vec![vector!("command.json").to_vec()]),
};

/// In pieces and as a whole.
fn command(run: &mut Run, input: &[u8]) {
    let (file, is_signed) = file(run, input, Role::Command, &[&PRIMARY], as_ecu);
    let judge = |size: usize| {
        let ecu = EcuId::parse("ecu-001")?;
        let mut stream = CommandStream::new(public(), ecu, VehicleId(*b"test vehicle 001"));
        file.chunks(size.max(1)).try_for_each(|piece| stream.feed(piece))?;
        stream.finish()
    };
    let whole = run.decode(|| judge(file.len()));
    let pieces = run.decode(|| judge(1 + number(input) % 90));
    assert_eq!(pieces, whole, "pieces are judged otherwise than the whole");
    let decode = || {
        let document = Document::read(Role::Command, &file, Length::new(1 << 20)?)?;
        Command::decode(Envelope::decode(document.bytes())?.signed())
    };
    let said = run.decode(decode);
    if let Ok(command) = whole {
        let of = |said: Command| command.action_in(said.transaction, said.targets) == Ok(said.action);
        assert!(said.is_ok_and(of), "another command was verified");
        assert_eq!(said.map(|said| said.transaction), Ok(command.transaction()), "of another transaction");
        command.action_in(TransactionId([0; 16]), Sha256([0; 32])).ok();
        run.accept(is_signed || is_genuine(&file, Role::Command));
    }
}

static PRIMARY: LazyLock<SigningKey> = LazyLock::new(|| key("ecu ecu-000"));
