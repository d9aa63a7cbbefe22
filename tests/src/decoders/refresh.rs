//! A whole refresh, with one file of an attacker's choice.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use uptane::verify::{MetadataFile, Refresh, Refreshed, Step, StoredFiles, Trusted};
use uptane::{Director, Error, Role, Sha256, Time, VehicleId};

use super::roles::KEYS;
use super::signed::{as_role, file, is_genuine, signed_of, vector};
use super::{Decoder, Run};

pub(super) const REFRESH: Decoder = Decoder {
    name: "refresh",
    run: refresh,
    bound: (65_536, 80),
    is_signed: true,
    sources: &[
        "verify/refresh.rs",
        "verify/root.rs",
        "verify/timestamp.rs",
        "verify/snapshot.rs",
        "verify/targets.rs",
        "verify/offered.rs",
        "verify/freshness.rs",
        "verify/cycle.rs",
    ],
    seeds: || {
        let root = String::from_utf8_lossy(vector!("director/1.root.json")).replace("\"version\":1}", "\"version\":2}");
        let files: [(u8, &[u8]); 4] = [
            (b'r', root.as_bytes()),
            (b't', vector!("director/timestamp.json")),
            (b's', vector!("director/2.snapshot.json")),
            (b'i', vector!("director/2.targets.json")),
        ];
        files.into_iter().map(|(which, file)| [&[which], file].concat()).collect()
    },
};

/// The files that are served.
struct Served {
    root: Option<Vec<u8>>,
    timestamp: Vec<u8>,
    snapshot: Vec<u8>,
    targets: Vec<u8>,
}

/// The first byte chooses the file, the rest is it. What is signed again is listed again by its parents.
fn refresh(run: &mut Run, input: &[u8]) {
    let Some((which, chosen)) = input.split_first() else { return };
    let mut served = Served {
        root: None,
        timestamp: vector!("director/timestamp.json").to_vec(),
        snapshot: vector!("director/2.snapshot.json").to_vec(),
        targets: vector!("director/2.targets.json").to_vec(),
    };
    let (role, signers): (Role, &[&SigningKey]) = match which % 4 {
        2 => (Role::Root, &[&KEYS.root[0], &KEYS.root[1]]),
        0 => (Role::Timestamp, &[&KEYS.timestamp]),
        3 => (Role::Snapshot, &[&KEYS.snapshot]),
        _ => (Role::Targets, &[&KEYS.targets]),
    };
    let (file, is_signed) = file(run, chosen, role, signers, as_role);
    let is_ours = is_signed || is_genuine(&file, role);
    let resigned = run.resigned;
    serve(&mut served, role, file, resigned);
    let is_root = role == Role::Root;
    // What stands before the chosen file is settled already, unless its parents are others now.
    let [nothing, with_timestamp, with_snapshot] = &*TRUSTED;
    let trusted = match (resigned, role == Role::Snapshot, role == Role::Targets) {
        (false, true, _) => with_timestamp,
        (false, _, true) => with_snapshot,
        (true, ..) | (false, false, false) => nothing,
    };
    let accepted = run.decode(|| drive(trusted.clone(), &served));
    match accepted {
        Ok((refreshed, root_was_taken)) => {
            let taken = refreshed.root().file().version().get() == 2;
            assert_eq!(root_was_taken, taken, "a Root is trusted that nobody took");
            assert!(refreshed.commit().is_empty() != refreshed.changed() || !refreshed.changed());
            run.accept(is_ours || (is_root && !taken));
        }
        Err(root_was_taken) => assert!(!(root_was_taken && is_root && !is_ours), "a forged Root is trusted"),
    }
}

fn serve(served: &mut Served, role: Role, file: Vec<u8>, resigned: bool) {
    let place = if role == Role::Root {
        served.root.insert(Vec::new())
    } else if role == Role::Timestamp {
        &mut served.timestamp
    } else if role == Role::Snapshot {
        &mut served.snapshot
    } else {
        &mut served.targets
    };
    *place = file;
    if resigned && role == Role::Targets {
        served.snapshot = listing(&served.snapshot, Role::Snapshot, &KEYS.snapshot, &served.targets);
    }
    if resigned && (role == Role::Targets || role == Role::Snapshot) {
        served.timestamp = listing(&served.timestamp, Role::Timestamp, &KEYS.timestamp, &served.snapshot);
    }
}

/// A parent that lists another child.
fn listing(parent: &[u8], role: Role, key: &SigningKey, child: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(signed_of(parent)).into_owned();
    let replace = |text: String, from: &str, until: char, to: &str| match text.split_once(from) {
        Some((before, after)) => {
            let rest = after.find(until).and_then(|at| after.get(at..)).unwrap_or_default();
            format!("{before}{from}{to}{rest}")
        }
        None => text,
    };
    let text = replace(text, "\"sha256\":\"", '"', &Sha256::of(child).to_string());
    let text = replace(text, "\"length\":", ',', &child.len().to_string());
    as_role(text.as_bytes(), role, &[key])
}

/// What came of it, and whether a new Root was taken on the way.
fn drive(trusted: Trusted<Director>, served: &Served) -> Result<(Refreshed<Director>, bool), bool> {
    let vehicle = VehicleId(*b"test vehicle 001");
    let mut refresh = Refresh::director(trusted, vehicle, None, *NOW);
    let mut taken = false;
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                let bytes = match file {
                    MetadataFile::Root(version) => served.root.as_ref().filter(|_| version.get() == 2),
                    MetadataFile::Timestamp => Some(&served.timestamp),
                    MetadataFile::Snapshot(_) => Some(&served.snapshot),
                    MetadataFile::Targets(_) | MetadataFile::Delegated(..) => Some(&served.targets),
                };
                let is_root = matches!(file, MetadataFile::Root(_)) && bytes.is_some();
                let supplied = refresh.supply(bytes.map(|bytes| bytes.clone().into()));
                taken |= is_root && supplied.is_ok();
                refresh.keep();
                supplied.map_err(|_| taken)?;
            }
            Step::Refused(_) => return Err(taken),
            Step::Done => break,
        }
    }
    match refresh.finish() {
        Ok(refreshed) => Ok((refreshed, taken)),
        Err(refresh) => unreachable!("done, and not finished: {refresh:?}"),
    }
}

/// What a vehicle trusts: Root; and Timestamp; and Snapshot.
static TRUSTED: LazyLock<[Trusted<Director>; 3]> = LazyLock::new(|| {
    let root = vector!("director/1.root.json");
    let timestamp = Some(vector!("director/timestamp.json").as_slice());
    let snapshot = Some(vector!("director/2.snapshot.json").as_slice());
    let nothing = StoredFiles { root, ..StoredFiles::default() };
    let with_timestamp = StoredFiles { timestamp, ..nothing };
    [nothing, with_timestamp, StoredFiles { snapshot, ..with_timestamp }].map(|stored| {
        let trusted = Trusted::reload(stored).map(|reloaded| reloaded.trusted);
        trusted.unwrap_or_else(|error: Error| unreachable!("the vector is good: {error}"))
    })
});

static NOW: LazyLock<Time> = LazyLock::new(|| Time::parse("2026-12-01T00:00:00Z").unwrap_or(Time::EPOCH));
