//! The Director's files as an ECU without a heap reads them: pieces of any size must be judged as the whole.

use std::sync::LazyLock;

use uptane::metadata::Envelope;
use uptane::verify::image::Permits as _;
use uptane::verify::partial::{
    ContentStream, Own, OwnTargets, Plain, Plus, Previous, RootStream, TargetsRules, TrustedRoot,
};
use uptane::{EcuId, Error, HardwareId, ReleaseCounter, Role, Time, VehicleId, Version};

use super::roles::{KEYS, look_at_root, look_at_targets};
use super::signed::{as_role, file, is_genuine, number, vector, with_rare};
use super::{Decoder, Run};

pub(super) const ROOT: Decoder = Decoder {
    name: "partial-root",
    run: root,
    // Nothing but the error of a refused signature, which `ed25519-dalek` boxes where there is a heap.
    bound: (64, 0),
    is_signed: true,
    sources: &["verify/partial/root.rs", "verify/stream.rs", "metadata/root.rs", "metadata/envelope.rs"],
    seeds: || with_rare(vec![vector!("director/1.root.json").to_vec(), successor()]),
};

fn root(run: &mut Run, input: &[u8]) {
    let (file, is_signed) = file(run, input, Role::Root, &KEYS.of(Role::Root), as_role);
    let whole = run.decode(|| verify_root(&file, file.len()));
    let pieces = run.decode(|| verify_root(&file, 1 + number(input) % 300));
    assert_eq!(pieces, whole, "pieces are judged otherwise than the whole");
    if let Ok(root) = whole {
        let _seen = (root.version(), root.expires(), root.sha256(), root.targets_keys(), root.time_keys());
        let read = Envelope::decode(&file).and_then(|file| look_at_root(file.signed()));
        assert_eq!(read, Ok(()), "a stream lets pass what is refused as a whole");
        let _judged = (root.check_expiry(now()), root.time_floor_after(&TRUSTED), root.rotates_targets(&TRUSTED));
        run.accept(is_signed || is_genuine(&file, Role::Root));
    }
}

/// As the Root that follows the trusted one, or as the one that was provisioned.
fn verify_root(file: &[u8], size: usize) -> Result<TrustedRoot, Error> {
    let pieces = || file.chunks(size.max(1));
    let mut stream = RootStream::learn();
    pieces().try_for_each(|piece| stream.feed(piece))?;
    let candidate = stream.finish()?;
    let follows = file.len().is_multiple_of(2);
    let mut check = match follows {
        true => {
            let mut check = TRUSTED.check_successor();
            let closed = check.read(|pass| pieces().try_for_each(|piece| pass.feed(piece)))?;
            closed.verify(&candidate)?.verify_own()
        }
        false => candidate.verify_as_provisioned(),
    };
    check.read(|pass| pieces().try_for_each(|piece| pass.feed(piece)))?.verify().cloned()
}

pub(super) const TARGETS: Decoder = Decoder {
    name: "partial-targets",
    run: targets,
    // Nothing but the error of a refused signature, which `ed25519-dalek` boxes where there is a heap.
    bound: (64, 0),
    is_signed: true,
    sources: &[
        "verify/partial/targets.rs",
        "verify/partial/content.rs",
        "verify/partial/ecus.rs",
        "verify/stream.rs",
        "metadata/targets.rs",
        "metadata/target.rs",
        "metadata/delta.rs",
    ],
    seeds: || with_rare(vec![vector!("director/2.targets.json").to_vec()]),
};

fn targets(run: &mut Run, input: &[u8]) {
    let (file, is_signed) = file(run, input, Role::Targets, &KEYS.of(Role::Targets), as_role);
    let whole = run.decode(|| verify_plus(&file, file.len()));
    let pieces = run.decode(|| verify_plus(&file, 1 + number(input) % 300));
    assert_eq!(pieces, whole, "pieces are judged otherwise than the whole");
    let Ok(targets) = whole else { return };
    let _seen = (targets.version(), targets.expires(), targets.sha256(), targets.campaign(), targets.ecu());
    if let Ok(image) = targets.image(|_| ReleaseCounter::ZERO) {
        let _seen = (image.order(), image.fallback(), image.image().length);
    }
    let read = Envelope::decode(&file).and_then(|file| look_at_targets(file.signed()));
    assert_eq!(read, Ok(()), "a stream lets pass what is refused as a whole");
    // What is verified for this vehicle is verified without its name as well.
    assert!(run.decode(|| verify_plain(&file)).is_ok(), "more checks let more pass");
    run.accept(is_signed || is_genuine(&file, Role::Targets));
}

fn verify_plus(file: &[u8], size: usize) -> Result<OwnTargets<Plus>, Error> {
    let mut check =
        TargetsRules::partial_plus(TRUSTED.fresh(own()?.now)?, VehicleId(*b"test vehicle 001")).check(own()?);
    check.read(|stream| file.chunks(size.max(1)).try_for_each(|piece| stream.feed(piece)))?.verify()
}

pub(super) fn verify_plain(file: &[u8]) -> Result<OwnTargets<Plain>, Error> {
    let mut content = ContentStream::targets();
    content.feed(file)?;
    let signed = Some(content.finish()?.signed);
    let own = Own { previous: Some(Previous { version: Version::FIRST, signed }), ..own()? };
    let mut check = TargetsRules::partial(&TRUSTED).check(own);
    check.read(|stream| stream.feed(file))?.verify()
}

fn own() -> Result<Own, Error> {
    Ok(Own { ecu: EcuId::parse("ecu-001")?, hardware_id: HardwareId::parse("hw-1")?, previous: None, now: now() })
}

fn now() -> Time {
    Time::parse("2026-12-01T00:00:00Z").unwrap_or(Time::EPOCH)
}

/// A Root that may follow the trusted one; its signatures come when it is fuzzed.
fn successor() -> Vec<u8> {
    String::from_utf8_lossy(vector!("director/1.root.json")).replace("\"version\":1}", "\"version\":2}").into_bytes()
}

static TRUSTED: LazyLock<TrustedRoot> = LazyLock::new(|| {
    let file = vector!("director/1.root.json");
    let trusted = || {
        let mut stream = RootStream::learn();
        stream.feed(file)?;
        let candidate = stream.finish()?;
        let mut check = candidate.verify_as_provisioned();
        check.read(|pass| pass.feed(file))?.verify().cloned()
    };
    trusted().unwrap_or_else(|error: Error| unreachable!("the vector is good: {error}"))
});
