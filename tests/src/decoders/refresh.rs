//! A whole refresh, with one file of an attacker's choice.

use std::sync::LazyLock;

use ed25519_dalek::SigningKey;
use uptane::verify::{MetadataFile, Refresh, Refreshed, Step, StoredFiles, Trusted, Wanted};
use uptane::{Director, EcuId, Error, HardwareId, Image, Repository, Role, Sha256, TargetName, Time, VehicleId};

use super::roles::{KEYS, Keys};
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
        let (mut seeds, next) = (Vec::new(), |file: &[u8]| {
            String::from_utf8_lossy(file)
                .replace("\"version\":1}", "\"version\":2}")
                .replace("\"version\":2}", "\"version\":3}")
        });
        for mode in [b'`', b'@', b' ', 0] {
            let files = if mode < b'@' { &IMAGE.files } else { &DIRECTOR.files };
            for (which, file) in [2_u8, 0, 3, 1].into_iter().zip(files) {
                seeds.extend([[&[mode + which], *file].concat(), [&[mode + which], next(file).as_bytes()].concat()]);
            }
        }
        let root = String::from_utf8_lossy(vector!("director/1.root.json")).replace("\"version\":1}", "\"version\":2}");
        seeds.extend([[b"b", root.as_bytes()].concat(), b"`".to_vec(), b"A".to_vec()]);
        seeds
    },
};

/// One repository: Root, Timestamp, Snapshot and Targets, who signs them, and what may be trusted of it already:
/// Root; and Timestamp; and Snapshot; and Targets.
struct Half<R> {
    files: [&'static [u8]; 4],
    keys: Keys,
    trusted: [Trusted<R>; 4],
}

impl<R: Repository> Half<R> {
    fn new(files: [&'static [u8]; 4], keys: Keys) -> Self {
        let [root, timestamp, snapshot, targets] = files;
        let nothing = StoredFiles { root, ..StoredFiles::default() };
        let with_timestamp = StoredFiles { timestamp: Some(timestamp), ..nothing };
        let with_snapshot = StoredFiles { snapshot: Some(snapshot), ..with_timestamp };
        let with_targets = StoredFiles { targets: Some(targets), ..with_snapshot };
        let trusted = [nothing, with_timestamp, with_snapshot, with_targets].map(|stored| {
            let trusted = Trusted::reload(stored).map(|reloaded| reloaded.trusted);
            trusted.unwrap_or_else(|error: Error| unreachable!("the vector is good: {error}"))
        });
        Self { files, keys, trusted }
    }
}

/// The files that are served.
struct Served {
    root: Option<Vec<u8>>,
    timestamp: Option<Vec<u8>>,
    snapshot: Option<Vec<u8>>,
    targets: Option<Vec<u8>>,
}

/// The first byte chooses who looks at what and the file, the rest is the file; nothing, if there is no rest.
fn refresh(run: &mut Run, input: &[u8]) {
    let Some((which, chosen)) = input.split_first() else { return };
    match which >> 5 {
        0 => judge(run, &IMAGE, *which, false, chosen, (|trusted| Refresh::tuf(trusted, *NOW), look)),
        1 => judge(run, &IMAGE, *which, false, chosen, (image, look)),
        2 => judge(run, &DIRECTOR, *which, true, chosen, (director, want)),
        _ => judge(run, &DIRECTOR, *which, false, chosen, (director, want)),
    }
}

fn director(trusted: Trusted<Director>) -> Refresh<Director> {
    let ecus: Vec<EcuId> = ["ecu-000", "ecu-001", "ecu-002"].iter().filter_map(|ecu| EcuId::parse(ecu).ok()).collect();
    Refresh::director(trusted, VehicleId(*b"test vehicle 001"), Some(&ecus), *NOW)
}

fn image(trusted: Trusted<Image>) -> Refresh<Image> {
    Refresh::image(trusted, *NOW).looking_for(WANTED.clone())
}

/// Asks what the Director wants of the Image repository.
fn want(refreshed: Refreshed<Director>, _: &Served) -> Refreshed<Director> {
    let ecu = EcuId::parse("ecu-001");
    let _wanted = (refreshed.wanted(), ecu.map(|ecu| refreshed.wanted_for(ecu)));
    refreshed
}

/// Looks for images once more.
fn look(refreshed: Refreshed<Image>, served: &Served) -> Refreshed<Image> {
    let Ok((refreshed, _)) = drive(refreshed.search(WANTED.clone()), served) else { unreachable!("only looks") };
    WANTED.iter().for_each(|wanted| drop(refreshed.find(wanted)));
    refreshed
}

/// How a refresh begins, and what is done with what it ends in.
type Course<R> = (fn(Trusted<R>) -> Refresh<R>, fn(Refreshed<R>, &Served) -> Refreshed<R>);

/// What is signed again is listed again by its parents.
fn judge<R: Repository>(
    run: &mut Run,
    half: &Half<R>,
    which: u8,
    holds_all: bool,
    chosen: &[u8],
    (begin, go_on): Course<R>,
) {
    let roles = [Role::Timestamp, Role::Targets, Role::Root, Role::Snapshot];
    let role = roles.get(usize::from(which % 4)).copied().unwrap_or(Role::Root);
    let signers: Vec<&SigningKey> = half.keys.of(role);
    let (file, is_signed) = file(run, chosen, role, &signers, as_role);
    let is_ours = is_signed || is_genuine(&file, role);
    let resigned = run.resigned;
    let served = serve(half, role, (!chosen.is_empty()).then_some(file), resigned);
    // What stands before the chosen file is settled already, unless its parents are others now.
    let [nothing, with_timestamp, with_snapshot, with_targets] = &half.trusted;
    let trusted = match (holds_all, resigned, role == Role::Snapshot, role == Role::Targets) {
        (true, ..) => with_targets,
        (_, false, true, _) => with_timestamp,
        (_, false, _, true) => with_snapshot,
        (_, true, ..) | (_, false, false, false) => nothing,
    };
    let is_root = role == Role::Root;
    match run.decode(|| drive(begin(trusted.clone()), &served)) {
        Ok((refreshed, root_was_taken)) => {
            let taken = refreshed.root().file().version().get() == 2;
            assert_eq!(root_was_taken, taken, "a Root is trusted that nobody took");
            // A TUF client has stored it on the way.
            assert!(which >> 5 == 0 || !refreshed.changed() || !refreshed.commit().is_empty(), "a change is not kept");
            let _seen = (refreshed.snapshot().view(), refreshed.timestamp().view(), refreshed.targets().view());
            let refreshed = go_on(refreshed, &served);
            let kept = if which & 16 == 0 { refreshed.into_trusted() } else { refreshed.into_trusted_before() };
            drop(kept);
            run.accept(is_ours || (is_root && !taken) || holds_all && !resigned);
        }
        Err(root_was_taken) => assert!(!(root_was_taken && is_root && !is_ours), "a forged Root is trusted"),
    }
}

fn serve<R>(half: &Half<R>, role: Role, file: Option<Vec<u8>>, resigned: bool) -> Served {
    let [_, timestamp, snapshot, targets] = half.files.map(|file| Some(file.to_vec()));
    let mut served = Served { root: None, timestamp, snapshot, targets };
    let place = if role == Role::Root {
        &mut served.root
    } else if role == Role::Timestamp {
        &mut served.timestamp
    } else if role == Role::Snapshot {
        &mut served.snapshot
    } else {
        &mut served.targets
    };
    *place = file;
    if resigned && role == Role::Targets {
        served.snapshot = listing(served.snapshot, Role::Snapshot, &half.keys.snapshot, served.targets.as_deref());
    }
    if resigned && (role == Role::Targets || role == Role::Snapshot) {
        served.timestamp = listing(served.timestamp, Role::Timestamp, &half.keys.timestamp, served.snapshot.as_deref());
    }
    served
}

/// A parent that lists another child.
fn listing(parent: Option<Vec<u8>>, role: Role, key: &SigningKey, child: Option<&[u8]>) -> Option<Vec<u8>> {
    let (Some(parent), Some(child)) = (&parent, child) else { return parent };
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
    Some(as_role(text.as_bytes(), role, &[key]))
}

/// What came of it, and whether a new Root was taken on the way.
fn drive<R: Repository>(mut refresh: Refresh<R>, served: &Served) -> Result<(Refreshed<R>, bool), bool> {
    let mut taken = false;
    loop {
        match refresh.next() {
            Step::Fetch { file, .. } => {
                let bytes = match file {
                    MetadataFile::Root(version) => served.root.as_ref().filter(|_| version.get() == 2),
                    MetadataFile::Timestamp => served.timestamp.as_ref(),
                    MetadataFile::Snapshot(_) => served.snapshot.as_ref(),
                    MetadataFile::Targets(_) => served.targets.as_ref(),
                    MetadataFile::Delegated(..) => None,
                };
                let is_root = matches!(file, MetadataFile::Root(_)) && bytes.is_some();
                let supplied = refresh.supply(bytes.map(|bytes| bytes.clone().into()));
                taken |= is_root && supplied.is_ok();
                refresh.keep();
                if supplied.is_err() {
                    assert!(matches!(refresh.next(), Step::Refused(_)), "refused, and goes on");
                    drop(refresh.abandon());
                    return Err(taken);
                }
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

static DIRECTOR: LazyLock<Half<Director>> = LazyLock::new(|| {
    let files = [
        vector!("director/1.root.json").as_slice(),
        vector!("director/timestamp.json"),
        vector!("director/2.snapshot.json"),
        vector!("director/2.targets.json"),
    ];
    Half::new(files, KEYS.clone())
});

static IMAGE: LazyLock<Half<Image>> = LazyLock::new(|| {
    let files = [
        vector!("image/1.root.json").as_slice(),
        vector!("image/timestamp.json"),
        vector!("image/2.snapshot.json"),
        vector!("image/2.targets.json"),
    ];
    Half::new(files, Keys::image())
});

/// What is looked for in the Image repository.
static WANTED: LazyLock<Vec<Wanted>> = LazyLock::new(|| {
    let wanted = |name, hardware| Ok(Wanted::image(TargetName::parse(name)?, HardwareId::parse(hardware)?));
    let wanted = [wanted("fw/ecu-000-1.bin", "hw-0"), wanted("fw/none", "hw-1")];
    wanted.into_iter().filter_map(|wanted: Result<Wanted, Error>| wanted.ok()).collect()
});

static NOW: LazyLock<Time> = LazyLock::new(|| Time::parse("2026-12-01T00:00:00Z").unwrap_or(Time::EPOCH));
