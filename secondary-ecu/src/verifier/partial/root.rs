//! Passes over a Root in its slot, each of which leaves the stack before the next begins.

use uptane::Sha256;
use uptane::verify::partial::{Candidate, ClosedRoot, Predecessor, RootCheck, RootStream, TrustedRoot};

use super::{known, slot};
use crate::Fault;
use crate::flash::{Flash, Kind, Side};
use crate::state::Held;
use crate::verifier::{Accepted, Desk};

/// A Root that follows the trusted one (§5.4.4.3).
#[inline(never)]
pub(super) fn follow<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Accepted, Fault> {
    let new = verify_next(desk, side, length);
    replaces(desk, side, length, known(&new)?)
}

/// What the state record must say of a new Root.
#[inline(never)]
fn replaces<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32, new: &TrustedRoot) -> Result<Accepted, Fault> {
    let old = trusted_root(desk);
    let old = known(&old)?;
    let held = Held { side, length, version: new.version(), sha256: new.sha256() };
    Ok(Accepted::Root { held, drops_targets: new.rotates_targets(old), time: new.time_floor_after(old) })
}

/// The Root before it is read first: its keys are all that is kept of it.
#[inline(never)]
fn verify_next<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<TrustedRoot, Fault> {
    let mut before = by_the_trusted(desk);
    let before = before.as_mut().map_err(|fault| *fault)?;
    let candidate = learn(desk, side, length);
    let successor = pass(desk, side, length, before)?.verify(known(&candidate)?)?;
    let mut check = successor.verify_own();
    Ok(pass(desk, side, length, &mut check)?.verify()?.clone())
}

/// Did the keys of the trusted Root sign the one that follows?
#[inline(never)]
fn by_the_trusted<F: Flash>(desk: &mut Desk<'_, F>) -> Result<RootCheck<Predecessor>, Fault> {
    let trusted = trusted_root(desk);
    Ok(known(&trusted)?.check_successor())
}

/// The Root that the state record says is trusted.
pub(super) fn trusted_root<F: Flash>(desk: &mut Desk<'_, F>) -> Result<TrustedRoot, Fault> {
    let held = desk.state.root.ok_or(Fault::Storage)?;
    read_root(desk, held.side, held.length, Some(held.sha256))
}

/// Reads and verifies a Root in its slot that was trusted already, maybe as the one with this digest.
#[inline(never)]
pub(super) fn read_root<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    sha256: Option<Sha256>,
) -> Result<TrustedRoot, Fault> {
    let candidate = learn(desk, side, length);
    let mut check = known(&candidate)?.verify_as_provisioned();
    let closed = pass(desk, side, length, &mut check)?;
    match closed.verify()? {
        root if sha256.is_some_and(|sha256| sha256 != root.sha256()) => Err(Fault::Storage),
        root => Ok(root.clone()),
    }
}

/// What a Root in its slot says.
#[inline(never)]
fn learn<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Candidate, Fault> {
    let area = slot(desk, Kind::Root, side);
    let mut pass = RootStream::learn();
    desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(pass.feed(piece)?))?;
    Ok(pass.finish()?)
}

/// Reads the file once more.
#[inline(never)]
fn pass<'c, F: Flash, By>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    check: &'c mut RootCheck<By>,
) -> Result<ClosedRoot<'c, By>, Fault> {
    let area = slot(desk, Kind::Root, side);
    check.read(|pass| desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(pass.feed(piece)?)))
}
