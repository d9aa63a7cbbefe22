//! Partial verification (§5.4.4.1), plain and with the Root chain: no heap, files in flash, verified while they are read.
//!
//! A file is written into the slot of its kind that is not current, then read back and verified, then made current by
//! a state record. So the old file stays until the new one is good, and what was verified is what is kept.
//! The trusted Root is verified anew from its slot whenever it is needed: memory is dearer than two signatures. For the
//! same reason each pass over a file is a function that is never made part of another (`inline(never)`): the kilobytes
//! that it holds leave the stack with it, where the compiler would keep those of all passes at once.

mod root;

use proto::secondary::{File, Repo, Verification};
use uptane::metadata::Delta;
use uptane::verify::image::Permits;
use uptane::verify::partial::{
    ClosedTargets, ContentStream, Own, OwnTargets, Plain, Plus, Previous, Profile, TargetsCheck, TargetsRules,
    TrustedRoot,
};
use uptane::verify::time::TimeCheck;
use uptane::{Error, Length, Sha256, Version};

use self::root::{Signee, follow, learn, signed_by_itself, trusted_candidate, trusted_root};
use super::{Accepted, Desk, Fallback, Verifier, Wanted};
use crate::Fault;
use crate::bank::Descriptor;
use crate::flash::{Appender, Area, Flash, Kind, Side};
use crate::state::{Held, State};

/// Partial verification as the Standard has it, against the provisioned Director Root.
#[derive(Default)]
pub struct Partial(Slots);

/// Partial verification with the Director's Root chain, a fresh Root and the vehicle id: the default.
#[derive(Default)]
pub struct PartialPlus(Slots);

/// What both have in common.
#[derive(Default)]
struct Slots {
    incoming: Incoming,
}

/// The metadata file on its way.
#[derive(Default)]
enum Incoming {
    #[default]
    Nothing,
    /// One that is trusted already.
    Known,
    /// Into a slot.
    Slot { what: What, side: Side, length: u32, appender: Appender },
}

/// What goes into a slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Root,
    Targets,
    /// Verified there like the others, since a stream of it would take memory all the time; never kept.
    Time,
}

impl What {
    fn kind(self) -> Kind {
        match self {
            Self::Root => Kind::Root,
            Self::Targets | Self::Time => Kind::Targets,
        }
    }
}

impl Slots {
    /// Verifies the kept Root again; it was trusted before the reset.
    fn reload<F: Flash>(&mut self, mut desk: Desk<'_, F>) -> Result<Accepted, Fault> {
        self.incoming = Incoming::Nothing;
        // The state record alone makes a file current.
        let root = trusted_candidate(&mut desk);
        trusted_root(&mut desk, &root).map(|_| Accepted::Nothing)
    }

    fn stage<F: Flash>(&mut self, desk: &Desk<'_, F>, what: What, length: Length) -> Result<(), Fault> {
        let side = held(desk, what.kind()).map_or(Side::Left, |held| held.side.other());
        let area = slot(desk, what.kind(), side);
        let length = u32::try_from(length.get()).ok().filter(|length| *length <= area.size());
        let length = length.ok_or(Fault::TooLong)?;
        self.incoming = Incoming::Slot { what, side, length, appender: Appender::new(area, 0) };
        Ok(())
    }

    fn offer<F: Flash>(&mut self, desk: Desk<'_, F>, file: File, length: Length, chain: bool) -> Result<(), Fault> {
        self.incoming = Incoming::Nothing;
        match file {
            File::Time => {
                // This ECU asked for none, or has its answer.
                desk.nonce.ok_or(Fault::Phase)?;
                self.stage(&desk, What::Time, length)
            }
            File::Targets(Repo::Director) => self.stage(&desk, What::Targets, length),
            File::Root(Repo::Director, version) if chain => {
                // One that was taken, but whose answer was lost.
                if desk.state.root.is_some_and(|trusted| version <= trusted.version) {
                    self.incoming = Incoming::Known;
                    return Ok(());
                }
                self.stage(&desk, What::Root, length)
            }
            File::Root(..)
            | File::Timestamp(_)
            | File::Snapshot(_)
            | File::Targets(Repo::Image(_))
            | File::Delegated(_)
            | File::Image
            | File::Patch
            | File::Command => Err(Fault::NotForMe),
        }
    }

    fn take<F: Flash>(&mut self, desk: Desk<'_, F>, bytes: &[u8]) -> Result<(), Fault> {
        match &mut self.incoming {
            Incoming::Nothing => Err(Fault::Offset),
            Incoming::Known => Ok(()),
            Incoming::Slot { appender, .. } => appender.push(desk.store, bytes),
        }
    }

    fn close<F: Flash>(
        &mut self,
        mut desk: Desk<'_, F>,
        judge: impl FnOnce(&mut Desk<'_, F>, Side, u32) -> Result<(Version, Sha256), Fault>,
    ) -> Result<Accepted, Fault> {
        match core::mem::take(&mut self.incoming) {
            Incoming::Nothing => Err(Fault::Offset),
            Incoming::Known => Ok(Accepted::Nothing),
            Incoming::Slot { what, side, length, appender } => {
                appender.finish(desk.store)?;
                match what {
                    What::Root => follow(&mut desk, side, length),
                    What::Time => attested(&mut desk, side, length),
                    What::Targets => {
                        let (version, sha256) = judge(&mut desk, side, length)?;
                        Ok(targets(&mut desk, Held { side, length, version, sha256 }))
                    }
                }
            }
        }
    }
}

/// What was found, where it is: moved out of a result it would be on the stack twice.
fn known<T, E: Copy>(found: &Result<T, E>) -> Result<&T, E> {
    found.as_ref().map_err(|fault| *fault)
}

/// The attestation this ECU asked for (design D14).
#[inline(never)]
fn attested<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Accepted, Fault> {
    let root = trusted_candidate(desk);
    let root = trusted_root(desk, &root)?;
    attested_under(desk, side, length, root)
}

/// The same, once that Root has been verified.
#[inline(never)]
fn attested_under<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    root: &TrustedRoot,
) -> Result<Accepted, Fault> {
    let keys = root.time_keys().ok_or(Fault::NotForMe)?;
    let mut check = TimeCheck::new(keys, desk.nonce.ok_or(Error::Replay)?, desk.state.time);
    let closed = check.read(|stream| pass(desk, Kind::Targets, side, length, &mut |piece| stream.feed(piece)))?;
    Ok(Accepted::Time(closed.verify()?.time()))
}

/// The same file again changes nothing, unless its slot is damaged.
#[inline(never)]
fn targets<F: Flash>(desk: &mut Desk<'_, F>, new: Held) -> Accepted {
    let same = desk.state.targets.filter(|old| old.sha256 == new.sha256);
    match same.and_then(|old| signed(desk, old)) {
        Some(_) => Accepted::Nothing,
        None => Accepted::Targets(new),
    }
}

/// Who signs Targets, as the trusted Root says.
#[inline(never)]
fn plain<F: Flash>(desk: &mut Desk<'_, F>) -> Result<TargetsRules<Plain>, Fault> {
    let root = trusted_candidate(desk);
    Ok(TargetsRules::partial(trusted_root(desk, &root)?))
}

/// The same with the newest Root of the chain, for this vehicle.
#[inline(never)]
fn plus<F: Flash>(desk: &mut Desk<'_, F>) -> Result<TargetsRules<Plus>, Fault> {
    let root = trusted_candidate(desk);
    let root = trusted_root(desk, &root)?.fresh(desk.now)?;
    Ok(TargetsRules::partial_plus(root, desk.profile.vehicle))
}

/// Reads and verifies Targets in its slot, once the Root has left the stack; then does this with them.
#[inline(never)]
fn verified<F: Flash, P: Profile, T>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    rules: Result<TargetsRules<P>, Fault>,
    then: impl FnOnce(&Desk<'_, F>, &OwnTargets<P>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut check = rules?.check(own(desk));
    let mut closed = read_targets(desk, side, length, &mut check)?;
    let targets = closed.verify();
    then(desk, known(&targets)?)
}

#[inline(never)]
fn read_targets<'c, F: Flash, P: Profile>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    check: &'c mut TargetsCheck<P>,
) -> Result<ClosedTargets<'c, P>, Fault> {
    check.read(|stream| pass(desk, Kind::Targets, side, length, &mut |piece| stream.feed(piece)))
}

/// The Targets that the state record says are current.
fn current<F>(desk: &Desk<'_, F>) -> Result<Held, Fault> {
    desk.state.targets.ok_or(Fault::Phase)
}

/// What they assign, verified again.
#[inline(never)]
fn assigned<F, P: Profile>(desk: &Desk<'_, F>, held: Held, targets: &OwnTargets<P>) -> Result<Wanted, Fault> {
    if targets.sha256() != held.sha256 {
        return Err(Fault::Storage);
    }
    let image = targets.image(|line| desk.state.floors.of(line))?;
    want(&image, image.fallback().map(|name| Fallback { name, sha256: None }), image.delta())
}

/// What evidence permits, as a bank's header and what to check it against. Banks are known by their SHA-256, so that must be listed.
pub(crate) fn want(evidence: &impl Permits, fallback: Option<Fallback>, delta: Option<Delta>) -> Result<Wanted, Fault> {
    let listed = evidence.image();
    let descriptor = Descriptor {
        name: listed.name,
        length: listed.length,
        sha256: listed.hashes.sha256().ok_or(Error::NoKnownHash)?,
        line: listed.line,
        counter: listed.release_counter,
    };
    Ok(Wanted { descriptor, fallback, delta, hashes: listed.hashes })
}

fn own<F: Flash>(desk: &mut Desk<'_, F>) -> Own {
    let previous = desk.state.targets.map(|held| Previous { version: held.version, signed: signed(desk, held) });
    Own { ecu: desk.profile.ecu, hardware_id: desk.profile.hardware, previous, now: desk.now }
}

/// Digest of what was signed in the trusted Targets; none if its slot does not hold it any more, so that the same file
/// or a newer one makes that good.
#[inline(never)]
fn signed<F: Flash>(desk: &mut Desk<'_, F>, held: Held) -> Option<Sha256> {
    let mut stream = ContentStream::targets();
    pass(desk, Kind::Targets, held.side, held.length, &mut |piece| stream.feed(piece)).ok()?;
    stream.finish().ok().filter(|content| content.file == held.sha256).map(|content| content.signed)
}

fn held<F>(desk: &Desk<'_, F>, kind: Kind) -> Option<Held> {
    match kind {
        Kind::Root => desk.state.root,
        Kind::Targets => desk.state.targets,
    }
}

/// Reads a file in its slot once more.
#[inline(never)]
fn pass<F: Flash>(
    desk: &mut Desk<'_, F>,
    kind: Kind,
    side: Side,
    length: u32,
    feed: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Fault> {
    let area = slot(desk, kind, side);
    desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(feed(piece)?))
}

fn slot<F: Flash>(desk: &Desk<'_, F>, kind: Kind, side: Side) -> Area {
    desk.store.layout().slot(desk.store.erase_unit(), kind, side)
}

/// Puts the Root this ECU is provisioned with into its slot (§5.4.1); what the state record must say of it.
pub fn provision_root<F: Flash>(mut desk: Desk<'_, F>, root: &[u8]) -> Result<Held, Fault> {
    let length = u32::try_from(root.len()).map_err(|_| Fault::TooLong)?;
    let area = slot(&desk, Kind::Root, Side::Left);
    let mut appender = Appender::new(area, 0);
    appender.push(desk.store, root)?;
    appender.finish(desk.store)?;
    let candidate = learn(&mut desk, Side::Left, length)?;
    let trusted = signed_by_itself(&mut desk, Side::Left, length, Signee::Trusted(&candidate))?;
    Ok(Held { side: Side::Left, length, version: trusted.version(), sha256: trusted.sha256() })
}

macro_rules! verifier {
    ($name:ident, $verification:ident, $chain:literal, $rules:expr) => {
        impl<F: Flash> Verifier<F> for $name {
            const VERIFICATION: Verification = Verification::$verification;

            fn reload(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault> {
                self.0.reload(desk)
            }

            fn director_root(&self, state: &State) -> Version {
                // `reload` refuses to start without one.
                state.root.map_or(Version::FIRST, |held| held.version)
            }

            fn image_root(&self) -> Option<Version> {
                None
            }

            fn offer(&mut self, desk: Desk<'_, F>, file: File, length: Length) -> Result<(), Fault> {
                self.0.offer(desk, file, length, $chain)
            }

            fn take(&mut self, desk: Desk<'_, F>, bytes: &[u8]) -> Result<(), Fault> {
                self.0.take(desk, bytes)
            }

            fn close(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault> {
                self.0.close(desk, |desk, side, length| {
                    let rules = $rules(desk);
                    verified(desk, side, length, rules, judged)
                })
            }

            #[inline(never)]
            fn wanted(&mut self, mut desk: Desk<'_, F>) -> Result<Wanted, Fault> {
                let held = current(&desk)?;
                let rules = $rules(&mut desk);
                verified(&mut desk, held.side, held.length, rules, |desk, targets| assigned(desk, held, targets))
            }
        }
    };
}

verifier!(Partial, Partial, false, plain);
verifier!(PartialPlus, PartialPlus, true, plus);

/// What the state record must say of new Targets. Those that assign this ECU nothing, or what it may not run, do not
/// replace those it trusts (§5.4.3.3).
#[inline(never)]
fn judged<F, P: Profile>(desk: &Desk<'_, F>, targets: &OwnTargets<P>) -> Result<(Version, Sha256), Fault> {
    targets.image(|line| desk.state.floors.of(line))?;
    Ok((targets.version(), targets.sha256()))
}
