//! Whole files of the roles, and JSON of any form.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use uptane::json::Document;
use uptane::metadata::{Envelope, Origin, RoleKeys, Root, RootRole, Snapshot, Targets, TimeAttestation, Timestamp};
use uptane::verify::{Trusted, threshold, time};
use uptane::{Director, Error, Image, Length, Nonce, Role, TargetName, Time};

use super::signed::{as_role, file, is_genuine, key, number, vector, with_rare};
use super::streams::verify_plain;
use super::{Decoder, Run};

pub(super) const DOCUMENT: Decoder = Decoder {
    name: "document",
    run: document,
    bound: (8_192, 40),
    is_signed: false,
    sources: &[
        "json/scan.rs",
        "json/string.rs",
        "json/text.rs",
        "json/number.rs",
        "json/open.rs",
        "json/canonical.rs",
        "json/document.rs",
    ],
    seeds: || {
        let spaced = String::from_utf8_lossy(vector!("director/timestamp.json")).replace(':', " :\n").into_bytes();
        let strange =
            br#" {"b":[-1,true,false,null,{}],"a\u00fc\ud834\udd1e":"\/\n\u000a\u001f\"\\\b\f\r\t","A":""} "#.to_vec();
        vec![vector!("director/timestamp.json").to_vec(), vector!("image/2.targets.json").to_vec(), spaced, strange]
    },
};

/// What was made canonical stays as it is.
fn document(run: &mut Run, input: &[u8]) {
    let read = |bytes: &[u8]| Document::read(Role::Targets, bytes, limit()?).map(Document::into_bytes);
    let Ok(canonical) = run.decode(|| read(input)) else { return };
    run.accepted = true;
    assert_eq!(read(&canonical), Ok(canonical.clone()), "canonical JSON is another one");
    let again = Document::read(Role::Targets, &canonical, Length::ZERO.max(limit().unwrap_or_default()));
    assert!(again.is_ok_and(|document| document.is_canonical_as_sent()), "canonical JSON is not canonical");
}

fn limit() -> Result<Length, Error> {
    Length::new(1 << 20)
}

/// A role's file: read, looked at, and judged by its role's keys.
fn judge(
    run: &mut Run,
    input: &[u8],
    role: Role,
    signers: &[&SigningKey],
    keys: &RoleKeys,
    look: fn(&[u8]) -> Result<(), Error>,
) {
    let (file, is_signed) = file(run, input, role, signers, as_role);
    let accepted = run.decode(|| {
        let document = Document::read(role, &file, limit()?)?;
        let envelope = Envelope::decode(document.bytes())?;
        look(envelope.signed())?;
        threshold::check(role, keys, &envelope).map(|_| ())
    });
    if accepted.is_ok() {
        run.accept(is_signed || is_genuine(&file, role));
    }
}

pub(super) const ROOT: Decoder = Decoder {
    name: "root",
    run: |run, input| {
        // As a vehicle is provisioned with it.
        run.decode(|| Trusted::<Director>::provision(input).map(drop)).ok();
        judge(run, input, Role::Root, &KEYS.of(Role::Root), &ROLES.root, look_at_root);
    },
    bound: (16_384, 40),
    is_signed: true,
    sources: &[
        "metadata/envelope.rs",
        "metadata/header.rs",
        "metadata/root.rs",
        "metadata/role_keys.rs",
        "json/walk.rs",
    ],
    seeds: || with_rare(vec![vector!("director/1.root.json").to_vec(), vector!("image/1.root.json").to_vec()]),
};

pub(super) fn look_at_root(signed: &[u8]) -> Result<(), Error> {
    let root = Root::decode(signed)?;
    assert!(
        !root.repository().is_some_and(Origin::is::<Image>) || !root.repository().is_some_and(Origin::is::<Director>)
    );
    let _seen = (
        root.consistent_snapshot(),
        root.version(),
        root.expires(),
        root.not_before(),
        root.repository(),
        root.time_keys(),
        root.signed(),
    );
    for role in [RootRole::Root, RootRole::Snapshot, RootRole::Targets, RootRole::Timestamp] {
        let keys = root.role_keys(role);
        assert!(keys.threshold() > 0, "a role that nobody signs");
        assert!(keys.is_same_as(&keys), "keys are others than themselves");
        let _found = root.keys().filter(|(id, _)| keys.find(id).is_some()).count();
    }
    Ok(())
}

pub(super) const TIMESTAMP: Decoder = Decoder {
    name: "timestamp",
    run: |run, input| judge(run, input, Role::Timestamp, &[&KEYS.timestamp], &ROLES.timestamp, look_at_timestamp),
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/envelope.rs", "metadata/header.rs", "metadata/fields.rs", "metadata/timestamp.rs"],
    seeds: || with_rare(vec![vector!("director/timestamp.json").to_vec(), vector!("image/timestamp.json").to_vec()]),
};

fn look_at_timestamp(signed: &[u8]) -> Result<(), Error> {
    let said = Timestamp::decode(signed)?;
    let _seen = (said.version(), said.expires(), said.vehicle(), said.snapshot(), said.signed());
    let _is_image = said.repository().is_some_and(Origin::is::<Image>);
    Ok(())
}

pub(super) const SNAPSHOT: Decoder = Decoder {
    name: "snapshot",
    run: |run, input| judge(run, input, Role::Snapshot, &[&KEYS.snapshot], &ROLES.snapshot, look_at_snapshot),
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/envelope.rs", "metadata/header.rs", "metadata/fields.rs", "metadata/snapshot.rs"],
    seeds: || with_rare(vec![vector!("director/2.snapshot.json").to_vec(), vector!("image/2.snapshot.json").to_vec()]),
};

fn look_at_snapshot(signed: &[u8]) -> Result<(), Error> {
    let said = Snapshot::decode(signed)?;
    let _seen = (said.version(), said.expires(), said.vehicle(), said.repository(), said.signed());
    for (name, listed) in said.files() {
        // A name of letters that need no escape is found as it is told.
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            assert_eq!(said.file(name), Some(listed), "a listed file is not found");
        }
    }
    assert!(said.file("targets.json").is_some(), "a Snapshot without Targets");
    Ok(())
}

pub(super) const TARGETS: Decoder = Decoder {
    name: "targets",
    run: |run, input| {
        // As an ECU without a heap reads it.
        run.decode(|| verify_plain(input).map(drop)).ok();
        judge(run, input, Role::Targets, &KEYS.of(Role::Targets), &ROLES.targets, look_at_targets);
    },
    bound: (16_384, 40),
    is_signed: true,
    sources: &[
        "metadata/envelope.rs",
        "metadata/header.rs",
        "metadata/fields.rs",
        "metadata/target.rs",
        "metadata/delta.rs",
        "metadata/targets.rs",
        "metadata/target_file.rs",
    ],
    seeds: || with_rare(vec![vector!("director/2.targets.json").to_vec(), vector!("image/2.targets.json").to_vec()]),
};

pub(super) fn look_at_targets(signed: &[u8]) -> Result<(), Error> {
    let said = Targets::decode(signed)?;
    let _seen = (said.version(), said.expires(), said.vehicle(), said.repository(), said.campaign(), said.signed());
    assert_eq!(said.delegates(), said.delegations().is_some(), "delegations that are none");
    for target in said.targets().flatten() {
        let matching = target.matching();
        let _seen = (target.length(), target.hashes(), target.info(), matching.line(), matching.release_counter());
        assert!(matching.hardware_ids().count() > 0 && !matching.raw().is_empty(), "an image for no hardware");
        target.ecus().for_each(drop);
        assert!(said.target(target.name()).is_ok_and(|found| found.is_some()), "a listed image is not found");
        let plain = said.file(target.name().as_str())?;
        assert!(plain.is_some_and(|plain| plain.length() == target.length() && plain.hashes() == target.hashes()));
    }
    said.target(TargetName::parse("fw/none")?)?;
    said.targets_named(|name| name.starts_with("fw/")).for_each(drop);
    Ok(())
}

pub(super) const TIME: Decoder = Decoder {
    name: "time",
    run: time_attestation,
    bound: (8_192, 40),
    is_signed: true,
    sources: &["metadata/time.rs", "verify/time.rs", "verify/stream.rs", "verify/threshold.rs"],
    seeds: || with_rare(vec![vector!("time.json").to_vec()]),
};

/// In pieces and as a whole.
fn time_attestation(run: &mut Run, input: &[u8]) {
    let (file, is_signed) = file(run, input, Role::Time, &[&KEYS.time], as_role);
    let (nonce, known) = (Nonce([1; 16]), Time::parse("2026-11-30T00:00:00Z").unwrap_or(Time::EPOCH));
    let whole = run.decode(|| time::check(&file, &ROLES.time, nonce, known));
    let pieces = run.decode(|| {
        let mut check = time::TimeCheck::new(&ROLES.time, nonce, known);
        let size = 1 + number(input) % 90;
        check.read(|stream| file.chunks(size).try_for_each(|piece| stream.feed(piece)))?.verify()
    });
    assert_eq!(pieces, whole, "pieces are judged otherwise than the whole");
    run.decode(|| {
        let mut check = time::TimeCheck::new(&ROLES.time, nonce, Time::EPOCH);
        check.read(|stream| stream.feed(&file))?.verify_with_second_source(known)
    })
    .ok();
    let decode = || {
        let document = Document::read(Role::Time, &file, limit()?)?;
        let said = TimeAttestation::decode(Envelope::decode(document.bytes())?.signed())?;
        said.nonces().for_each(drop);
        Ok::<_, Error>(said.time())
    };
    let said = run.decode(decode);
    if let Ok(attested) = whole {
        assert_eq!(said, Ok(attested.time()), "another time was attested");
        run.accept(is_signed || is_genuine(&file, Role::Time));
    }
}

/// The keys of the test repositories.
#[derive(Clone)]
pub(super) struct Keys {
    pub(super) root: [SigningKey; 2],
    pub(super) timestamp: SigningKey,
    pub(super) snapshot: SigningKey,
    pub(super) targets: Vec<SigningKey>,
    pub(super) time: SigningKey,
}

impl Keys {
    /// Those of the Image repository.
    pub(super) fn image() -> Self {
        Self {
            root: [key("image root 0"), key("image root 1")],
            timestamp: key("image timestamp 0"),
            snapshot: key("image snapshot 0"),
            targets: vec![key("image targets 0"), key("image targets 1")],
            // Nobody attests the time there.
            time: key("image uptane-time 0"),
        }
    }

    /// Those of a role.
    pub(super) fn of(&self, role: Role) -> Vec<&SigningKey> {
        if role == Role::Root {
            self.root.iter().collect()
        } else if role == Role::Timestamp {
            vec![&self.timestamp]
        } else if role == Role::Snapshot {
            vec![&self.snapshot]
        } else {
            self.targets.iter().collect()
        }
    }
}

pub(super) static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys {
    root: [key("director root 0"), key("director root 1")],
    timestamp: key("director timestamp 0"),
    snapshot: key("director snapshot 0"),
    targets: vec![key("director targets 0")],
    time: key("director uptane-time 0"),
});

/// The same, as the Director's Root appoints them.
struct Roles {
    root: RoleKeys,
    timestamp: RoleKeys,
    snapshot: RoleKeys,
    targets: RoleKeys,
    time: RoleKeys,
}

static ROLES: LazyLock<Roles> = LazyLock::new(|| {
    let root = Envelope::decode(vector!("director/1.root.json")).and_then(|file| Root::decode(file.signed()));
    let root = root.unwrap_or_else(|error| unreachable!("the vector is good: {error}"));
    let role = |role| root.role_keys(role);
    Roles {
        root: role(RootRole::Root),
        timestamp: role(RootRole::Timestamp),
        snapshot: role(RootRole::Snapshot),
        targets: role(RootRole::Targets),
        time: root.time_keys().unwrap_or_else(|| unreachable!("the vector names time keys")),
    }
});
