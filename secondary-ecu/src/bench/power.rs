//! An update that power interrupts, once or several times.

use alloc::format;
use alloc::vec::Vec;

use proto::secondary::{File, Phase, Refusal};
use uptane::testing::{Next, Repo, TestEcu};
use uptane::{Action, ReleaseCounter, Role, Sha256, TargetName, TransactionId};

use super::kept::Kept;
use super::primary::{Key, OPEN, begin, command, length, me, phase, profile, report, send, settle};
use super::sure;
use crate::bank::Descriptor;
use crate::flash::ram::{RamFlash, Tear};
use crate::flash::{Banks, Layout, Store};
use crate::provisioning;
use crate::secondary::Running;
use crate::state::State;
use crate::{BootError, Profile, Secondary};

/// What an ECU is like, besides its flash and its verifier.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How its flash is divided.
    pub layout: Layout,
    /// Most bytes of one chunk.
    pub max_chunk: u32,
    /// Bytes between two marks of progress.
    pub progress: u32,
    /// Bytes of the image it is to be updated to.
    pub image: usize,
}

/// What becomes of the update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// The new image works, and is committed.
    Commits,
    /// The new image never votes, so that the ECU returns to the old one.
    Returns,
}

/// A kind of ECU that runs release 1, and the repositories that assign release 2 and have new Roots.
#[derive(Debug)]
pub struct Bench<K, const WRITE: usize, const ERASE: usize> {
    repo: Repo,
    shape: Shape,
    course: Course,
    old: Vec<u8>,
    image: Vec<u8>,
    /// What it is sent instead, where there is one.
    patch: Option<Vec<u8>>,
    /// Digests of release 1 and release 2: all that is signed for this ECU.
    signed: [Sha256; 2],
    flash: RamFlash<WRITE, ERASE>,
    kept: K,
}

/// The machine of such an ECU.
type Driven<'f, K, const WRITE: usize, const ERASE: usize> =
    Secondary<<K as Kept<WRITE, ERASE>>::Verifier, &'f mut RamFlash<WRITE, ERASE>, Key>;

impl<K: Kept<WRITE, ERASE>, const WRITE: usize, const ERASE: usize> Bench<K, WRITE, ERASE> {
    /// Makes the ECU and the repositories.
    pub fn new(shape: Shape) -> Self {
        Self::made(shape, None)
    }

    /// The same, with an image that comes as this patch of release 1.
    pub fn patched(shape: Shape, patch: Vec<u8>) -> Self {
        Self::made(shape, Some(patch))
    }

    fn made(shape: Shape, patch: Option<Vec<u8>>) -> Self {
        let mut repo = Repo::seeded(2);
        let (flash, kept) = provisioned(&repo, shape.layout);
        let image: Vec<u8> = me(&repo).image(2).into_iter().cycle().take(shape.image).collect();
        let old = me(&repo).image(1);
        let signed = [Sha256::of(&old), Sha256::of(&image)];
        repo.publish(|next| {
            let me = me(&Repo::seeded(2));
            let name = me.image_name(2);
            next.release();
            if shape.layout.banks == Banks::Single {
                name_fallback(next, &me, 2);
            }
            if let Some(patch) = &patch {
                name_patch(next, &me, 2, signed[0], patch);
            }
            for draft in [&mut next.director, &mut next.image] {
                draft.renew_root();
                draft.set(Role::Targets, &["targets", &name, "length"], image.len());
                draft.set(Role::Targets, &["targets", &name, "hashes"], format!("{{\"sha256\":\"{}\"}}", signed[1]));
            }
        });
        Self { repo, shape, course: Course::Commits, old, image, patch, signed, flash, kept }
    }

    /// The same, with an update of which this becomes.
    #[must_use]
    pub fn with(self, course: Course) -> Self {
        Self { course, ..self }
    }

    /// An ECU of this kind, as it is before the update.
    pub fn unit(&self) -> Unit<'_, K, WRITE, ERASE> {
        let flash = self.flash.clone();
        let kept = self.kept.apart(flash.power());
        Unit { bench: self, flash, kept, promised: Marks::default(), transactions: 0 }
    }

    /// Drives the ECU from wherever it stands to the end of the update, as a Primary would that forgot everything but which
    /// transactions it used.
    fn drive(&self, ecu: &mut Driven<'_, K, WRITE, ERASE>, transaction: TransactionId) -> Result<(), Broken> {
        for _ in 0..MAX_STEPS {
            match phase(ecu) {
                // Only an ECU with a single bank waits.
                Phase::RolledBack(_) if !ecu.running().authorised => self.give(ecu, &self.old)?,
                Phase::Trial(_) if !ecu.running().authorised => self.give(ecu, &self.image)?,
                Phase::RolledBack(_) if self.course == Course::Returns => return Ok(()),
                Phase::Idle | Phase::RolledBack(_) => begin(ecu, &self.repo, transaction)?,
                Phase::Staging(_) => {
                    K::hand_over(ecu, &self.repo)?;
                    let patch = self.patch.as_ref().map(|patch| (File::Patch, patch));
                    let (file, bytes) = patch.unwrap_or((File::Image, &self.image));
                    send(ecu, self.repo.now(), file, bytes)?;
                }
                Phase::Staged(_) => self.command(ecu, Action::Activate)?,
                Phase::Trial(_) if self.course == Course::Returns => ecu.reset()?,
                Phase::Trial(_) => return Err(Broken::Refused(Refusal::Phase)),
                Phase::Healthy(_) => self.command(ecu, Action::Commit)?,
                Phase::Committed(_) => {
                    report(ecu, self.repo.now())?;
                    return Ok(());
                }
            }
        }
        Err(Broken::Endless)
    }

    fn command(&self, ecu: &mut Driven<'_, K, WRITE, ERASE>, action: Action) -> Result<(), Broken> {
        let transaction = ecu.state().stage.transaction().unwrap_or(OPEN);
        send(ecu, self.repo.now(), File::Command, &command(&self.repo, action, transaction))?;
        self.settle(ecu)
    }

    /// Sends an image to an ECU that waits for it.
    fn give(&self, ecu: &mut Driven<'_, K, WRITE, ERASE>, image: &[u8]) -> Result<(), Broken> {
        send(ecu, self.repo.now(), File::Image, image)?;
        self.settle(ecu)
    }

    fn settle(&self, ecu: &mut Driven<'_, K, WRITE, ERASE>) -> Result<(), Broken> {
        match self.course {
            Course::Commits => settle(ecu),
            Course::Returns if ecu.wants_reset() => ecu.reset()?,
            Course::Returns => {}
        }
        Ok(())
    }

    /// Whether what boots is signed for this ECU, and is no release that a committed one has replaced. Where there is a
    /// single bank, it may be nothing.
    fn check_running(&self, running: &Running, marks: &Marks) -> Result<(), Broken> {
        let [old, new] = self.signed;
        let may_run = running.sha256 == new || (running.sha256 == old && marks.floor < RELEASE);
        let is_right = match self.shape.layout.banks {
            Banks::Single => may_run || !running.authorised,
            Banks::Two => may_run && running.authorised,
        };
        is_right.then_some(()).ok_or(Broken::Unsigned(running.sha256))
    }

    fn profile(&self) -> Profile {
        let Shape { max_chunk, progress, .. } = self.shape;
        Profile { max_chunk, progress, ..profile(&self.repo) }
    }
}

/// One ECU on the bench: what outlives its resets, and what it has promised by now.
#[derive(Debug)]
pub struct Unit<'b, K, const WRITE: usize, const ERASE: usize> {
    bench: &'b Bench<K, WRITE, ERASE>,
    flash: RamFlash<WRITE, ERASE>,
    kept: K,
    promised: Marks,
    transactions: u8,
}

impl<K: Kept<WRITE, ERASE>, const WRITE: usize, const ERASE: usize> Unit<'_, K, WRITE, ERASE> {
    /// The same ECU once more, on a power of its own.
    #[must_use]
    pub fn apart(&self) -> Self {
        let flash = self.flash.clone();
        let kept = self.kept.apart(flash.power());
        Self { bench: self.bench, flash, kept, promised: self.promised, transactions: self.transactions }
    }

    /// Starts the ECU and updates it, until power fails at this operation, counted from now. Whether it failed: an update
    /// may be over before.
    pub fn cut(&mut self, operation: u64, tear: Tear) -> Result<bool, Broken> {
        self.flash.cut_power_at(operation, tear);
        let run = self.run();
        let is_dark = self.flash.is_dark();
        self.flash.restore_power();
        match run {
            // Once power is gone nothing starts and everything is refused.
            Err(Broken::Boot(_) | Broken::Refused(_)) if is_dark => Ok(true),
            Err(broken) => Err(broken),
            Ok(()) => Ok(is_dark),
        }
    }

    /// Starts the ECU, and updates it to the end. How many operations that took.
    pub fn finish(&mut self) -> Result<u64, Broken> {
        let before = self.flash.operations();
        self.run()?;
        Ok(self.flash.operations().saturating_sub(before))
    }

    /// From a reset to the end of the update.
    fn run(&mut self) -> Result<(), Broken> {
        let bench = self.bench;
        self.transactions = self.transactions.saturating_add(1);
        let transaction = TransactionId([self.transactions; 16]);
        let (layout, key) = (bench.shape.layout, Key(me(&bench.repo).signer()));
        let mut ecu = Secondary::boot(bench.profile(), layout, &mut self.flash, self.kept.verifier(), key)?;
        bench.check_running(&ecu.running(), &Marks::of(ecu.state(), &bench.repo))?;
        self.promised = self.promised.kept_by(Marks::of(ecu.state(), &bench.repo))?;
        let voted = match bench.course {
            Course::Commits => ecu.vote_healthy(),
            Course::Returns => Ok(()),
        };
        let driven = voted.map_err(|fault| Broken::Refused(fault.refusal(uptane::Length::ZERO)));
        let driven = driven.and_then(|()| bench.drive(&mut ecu, transaction));
        // What it had made durable when power failed it had promised.
        let marks = Marks::of(ecu.state(), &bench.repo);
        let running = ecu.running();
        self.promised = self.promised.kept_by(marks)?;
        driven?;
        let [old, new] = bench.signed;
        let (image, floor) = match bench.course {
            Course::Commits => (new, RELEASE),
            Course::Returns => (old, RELEASE - 1),
        };
        let is_over = running.authorised && running.sha256 == image && marks.floor == floor;
        is_over.then_some(()).ok_or(Broken::Other(running.sha256))
    }
}

/// Says to one ECU that the release before is its fallback.
pub fn name_fallback(next: &mut Next, ecu: &TestEcu, release: u64) {
    let (name, old) = (ecu.image_name(release), ecu.image_name(release - 1));
    let path = ["targets", &name, "custom", "uptane", "ecus", ecu.ecu.as_str(), "fallback"];
    next.director.set(Role::Targets, &path, format!("\"{old}\""));
}

/// Describes to one ECU the patch that makes a release of the image with the digest `base`.
pub fn name_patch(next: &mut Next, ecu: &TestEcu, release: u64, base: Sha256, patch: &[u8]) {
    let (name, sha256) = (ecu.image_name(release), Sha256::of(patch));
    let path = ["targets", &name, "custom", "uptane", "ecus", ecu.ecu.as_str(), "delta"];
    let length = patch.len();
    let delta = format!(r#"{{"base":"{base}","length":{length},"name":"{name}.patch","sha256":"{sha256}"}}"#);
    next.director.set(Role::Targets, &path, delta);
}

/// What must never fall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    floor: u64,
    reports: u64,
    nonces: u64,
    root: u64,
    targets: u64,
}

impl Marks {
    fn of(state: &State, repo: &Repo) -> Self {
        Self {
            floor: state.floors.of(me(repo).line).get(),
            reports: state.reports.get(),
            nonces: state.nonces,
            root: state.root.map_or(0, |held| held.version.get()),
            targets: state.targets.map_or(0, |held| held.version.get()),
        }
    }

    /// The later marks, if none of them is below these.
    fn kept_by(self, now: Self) -> Result<Self, Broken> {
        let none_fell = now.floor >= self.floor
            && now.reports >= self.reports
            && now.nonces >= self.nonces
            && now.root >= self.root
            && now.targets >= self.targets;
        none_fell.then_some(now).ok_or(Broken::Fell { promised: self, now })
    }
}

/// What an ECU on the bench may never do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// It does not start.
    #[error("it does not start: {0}")]
    Boot(#[from] BootError),
    /// The update goes on for ever.
    #[error("the update comes to no end")]
    Endless,
    /// A counter or a version fell.
    #[error("it had promised {promised:?} and holds {now:?}")]
    Fell {
        /// What it had made durable.
        promised: Marks,
        /// What is durable now.
        now: Marks,
    },
    /// The update is over, and something else than it led to runs.
    #[error("it runs {0} after the update")]
    Other(Sha256),
    /// With power, it refuses what is good.
    #[error("it refuses: {0:?}")]
    Refused(Refusal),
    /// What boots is not signed for it, or nothing does.
    #[error("it boots {0}, which is not signed for it now")]
    Unsigned(Sha256),
}

impl From<Refusal> for Broken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An ECU that runs release 1 and trusts the repositories' first Roots.
pub fn provisioned<K, const WRITE: usize, const ERASE: usize>(
    repo: &Repo,
    layout: Layout,
) -> (RamFlash<WRITE, ERASE>, K)
where
    K: Kept<WRITE, ERASE>,
{
    let needed = layout.needed(sure(u32::try_from(ERASE)));
    let flash = RamFlash::new(sure(usize::try_from(needed)));
    let power = flash.power().clone();
    let mut store = sure(Store::new(flash, layout));
    let (me, image) = (me(repo), me(repo).image(1));
    let descriptor = Descriptor {
        name: sure(TargetName::parse(&me.image_name(1))).to_buf(),
        length: length(&image),
        sha256: Sha256::of(&image),
        line: me.line,
        counter: sure(ReleaseCounter::new(1)),
    };
    sure(provisioning::install(&mut store, &image, &descriptor));
    let mut kept = None;
    let trusted = provisioning::trust(&mut store, repo.now(), |store, state| {
        let (made, root) = K::provision(&power, store, state, repo);
        kept = Some(made);
        Ok(root)
    });
    sure(trusted);
    let kept = kept.unwrap_or_else(|| panic!("a Root was asked for"));
    (store.into_flash(), kept)
}

/// The release an ECU on the bench is updated to.
const RELEASE: u64 = 2;
/// Phases an update goes through, and some that a cut brings back.
const MAX_STEPS: usize = 16;
