//! Passes over a Root in its slot, each of which leaves the stack before the next begins.

use uptane::verify::partial::{Candidate, RootStream, RootVerifier, Successor, TrustedRoot};

use super::{known, slot};
use crate::Fault;
use crate::flash::{Area, Flash, Kind, Side};
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

#[inline(never)]
fn verify_next<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<TrustedRoot, Fault> {
    let candidate = learn(desk, side, length);
    let successor = signed_by_the_one_before(desk, side, length, candidate);
    signed_by_itself_too(desk, side, length, successor)
}

/// The Root that the state record says is trusted.
#[inline(never)]
pub(super) fn trusted_root<F: Flash>(desk: &mut Desk<'_, F>) -> Result<TrustedRoot, Fault> {
    let held = desk.state.root.ok_or(Fault::Storage)?;
    let root = read_root(desk, held.side, held.length);
    match &root {
        Ok(root) if root.sha256() != held.sha256 => Err(Fault::Storage),
        Ok(_) | Err(_) => root,
    }
}

/// Reads and verifies a Root in its slot that was trusted already.
#[inline(never)]
pub(super) fn read_root<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<TrustedRoot, Fault> {
    let candidate = learn(desk, side, length);
    signed_by_itself(desk, side, length, candidate)
}

/// What a Root in its slot says.
#[inline(never)]
fn learn<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Candidate, Fault> {
    let area = slot(desk, Kind::Root, side);
    let mut pass = RootStream::learn();
    desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(pass.feed(piece)?))?;
    Ok(pass.finish()?)
}

/// Did the keys of the trusted Root sign it?
#[inline(never)]
fn signed_by_the_one_before<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    candidate: Result<Candidate, Fault>,
) -> Result<Successor, Fault> {
    let trusted = trusted_root(desk);
    let area = slot(desk, Kind::Root, side);
    signed_by(desk, area, length, candidate, known(&trusted)?)
}

#[inline(never)]
fn signed_by<F: Flash>(
    desk: &mut Desk<'_, F>,
    area: Area,
    length: u32,
    candidate: Result<Candidate, Fault>,
    trusted: &TrustedRoot,
) -> Result<Successor, Fault> {
    let mut pass = candidate?.verify(trusted);
    desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(pass.feed(piece)?))?;
    Ok(pass.finish()?)
}

/// Did its own keys sign it, which was trusted already?
#[inline(never)]
fn signed_by_itself<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    candidate: Result<Candidate, Fault>,
) -> Result<TrustedRoot, Fault> {
    let mut pass = candidate?.verify_as_provisioned();
    last_pass(desk, side, length, &mut pass)
}

/// Did its own keys sign it, after those of the one before?
#[inline(never)]
fn signed_by_itself_too<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    successor: Result<Successor, Fault>,
) -> Result<TrustedRoot, Fault> {
    let mut pass = successor?.verify_own();
    last_pass(desk, side, length, &mut pass)
}

#[inline(never)]
fn last_pass<F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    pass: &mut RootVerifier,
) -> Result<TrustedRoot, Fault> {
    let area = slot(desk, Kind::Root, side);
    desk.store.stream(area, 0, length, desk.buffer, |piece| Ok(pass.feed(piece)?))?;
    Ok(pass.finish()?)
}
