//! An update that power interrupts, once or several times.

use alloc::format;
use alloc::vec::Vec;

use proto::secondary::{File, Phase, Refusal};
use uptane::testing::Repo;
use uptane::{Action, ReleaseCounter, Role, Sha256, TargetName, TransactionId};

use super::kept::Kept;
use super::primary::{Key, begin, length, me, phase, profile, report, send, send_command};
use super::sure;
use crate::bank::Descriptor;
use crate::flash::ram::{RamFlash, Tear};
use crate::flash::{Layout, Store};
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

/// A kind of ECU that runs release 1, and the repositories that assign release 2 and have new Roots.
#[derive(Debug)]
pub struct Bench<K, const WRITE: usize, const ERASE: usize> {
    repo: Repo,
    shape: Shape,
    image: Vec<u8>,
    /// Digests of release 1 and release 2: all that is signed for this ECU.
    signed: [Sha256; 2],
    flash: RamFlash<WRITE, ERASE>,
    kept: K,
}

impl<K: Kept<WRITE, ERASE>, const WRITE: usize, const ERASE: usize> Bench<K, WRITE, ERASE> {
    /// Makes the ECU and the repositories.
    pub fn new(shape: Shape) -> Self {
        let mut repo = Repo::seeded(2);
        let (flash, kept) = provisioned(&repo, shape.layout);
        let image: Vec<u8> = me(&repo).image(2).into_iter().cycle().take(shape.image).collect();
        let signed = [Sha256::of(&me(&repo).image(1)), Sha256::of(&image)];
        repo.publish(|next| {
            let name = me(&Repo::seeded(2)).image_name(2);
            next.release();
            for draft in [&mut next.director, &mut next.image] {
                draft.renew_root();
                draft.set(Role::Targets, &["targets", &name, "length"], image.len());
                draft.set(Role::Targets, &["targets", &name, "hashes"], format!("{{\"sha256\":\"{}\"}}", signed[1]));
            }
        });
        Self { repo, shape, image, signed, flash, kept }
    }

    /// An ECU of this kind, as it is before the update.
    pub fn unit(&self) -> Unit<'_, K, WRITE, ERASE> {
        let flash = self.flash.clone();
        let kept = self.kept.apart(flash.power());
        Unit { bench: self, flash, kept, promised: Marks::default(), transactions: 0 }
    }

    /// Drives the ECU from wherever it stands to the committed release, as a Primary would that forgot everything but
    /// which transactions it used.
    fn drive(
        &self,
        ecu: &mut Secondary<K::Verifier, &mut RamFlash<WRITE, ERASE>, Key>,
        transaction: TransactionId,
    ) -> Result<(), Broken> {
        for _ in 0..MAX_STEPS {
            match phase(ecu) {
                Phase::Idle | Phase::RolledBack(_) => begin(ecu, &self.repo, transaction)?,
                Phase::Staging(_) => {
                    K::hand_over(ecu, &self.repo)?;
                    send(ecu, self.repo.now(), File::Image, &self.image)?;
                }
                Phase::Staged(_) => send_command(ecu, &self.repo, Action::Activate)?,
                Phase::Trial(_) => return Err(Broken::Refused(Refusal::Phase)),
                Phase::Healthy(_) => send_command(ecu, &self.repo, Action::Commit)?,
                Phase::Committed(_) => {
                    report(ecu, self.repo.now())?;
                    return Ok(());
                }
            }
        }
        Err(Broken::Endless)
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

    /// From a reset to the committed release.
    fn run(&mut self) -> Result<(), Broken> {
        let bench = self.bench;
        self.transactions = self.transactions.saturating_add(1);
        let transaction = TransactionId([self.transactions; 16]);
        let (layout, key) = (bench.shape.layout, Key(me(&bench.repo).signer()));
        let mut ecu = Secondary::boot(bench.profile(), layout, &mut self.flash, self.kept.verifier(), key)?;
        check_running(&ecu.running(), &Marks::of(ecu.state(), &bench.repo), &bench.signed)?;
        self.promised = self.promised.kept_by(Marks::of(ecu.state(), &bench.repo))?;
        let driven = ecu.vote_healthy().map_err(|fault| Broken::Refused(fault.refusal()));
        let driven = driven.and_then(|()| bench.drive(&mut ecu, transaction));
        // What it had made durable when power failed it had promised.
        let marks = Marks::of(ecu.state(), &bench.repo);
        let running = ecu.running();
        self.promised = self.promised.kept_by(marks)?;
        driven?;
        let [_, new] = bench.signed;
        let is_new = running.authorised && running.sha256 == new && marks.floor == RELEASE;
        is_new.then_some(()).ok_or(Broken::Old(running.sha256))
    }
}

/// Whether what boots is signed for this ECU, and is no release that a committed one has replaced.
fn check_running(running: &Running, marks: &Marks, [old, new]: &[Sha256; 2]) -> Result<(), Broken> {
    let may_run = running.sha256 == *new || (running.sha256 == *old && marks.floor < RELEASE);
    (running.authorised && may_run).then_some(()).ok_or(Broken::Unsigned(running.sha256))
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
    /// The update is over, and something else than the new image runs.
    #[error("it runs {0} after the update")]
    Old(Sha256),
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
