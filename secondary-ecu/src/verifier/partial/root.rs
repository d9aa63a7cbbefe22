//! Passes over a Root in its slot, each of which leaves the stack before the next begins.

use uptane::verify::partial::{Candidate, ClosedRoot, RootCheck, RootStream, Successor, TrustedRoot};

use super::{known, pass};
use crate::Fault;
use crate::flash::{Flash, Kind, Side};
use crate::state::Held;
use crate::verifier::{Accepted, Desk};

/// A Root that follows the trusted one (§5.4.4.3). That one is verified again first, and remembered beside the new one.
#[inline(never)]
pub(super) fn follow<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Accepted, Fault> {
    let old = trusted_candidate(desk);
    let old = trusted_root(desk, &old)?;
    replace(desk, side, length, old)
}

#[inline(never)]
fn replace<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32, old: &TrustedRoot) -> Result<Accepted, Fault> {
    let candidate = learn(desk, side, length);
    let successor = signed_by_the_one_before(desk, side, length, known(&candidate)?, old)?;
    let new = signed_by_itself(desk, side, length, Signee::Successor(successor))?;
    let held = Held { side, length, version: new.version(), sha256: new.sha256() };
    Ok(Accepted::Root { held, drops_targets: new.rotates_targets(old), time: new.time_floor_after(old) })
}

/// Did the keys of the trusted Root sign it?
#[inline(never)]
fn signed_by_the_one_before<'k, F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    candidate: &'k Candidate,
    before: &TrustedRoot,
) -> Result<Successor<'k>, Fault> {
    Ok(read_again(desk, side, length, &mut before.check_successor())?.verify(candidate)?)
}

/// What the Root says that the state record says is trusted. Only [`trusted_root`] makes it that again.
#[inline(never)]
pub(super) fn trusted_candidate<F: Flash>(desk: &mut Desk<'_, F>) -> Result<Candidate, Fault> {
    let held = desk.state.root.ok_or(Fault::Storage)?;
    learn(desk, held.side, held.length)
}

/// The Root that the state record says is trusted, verified again.
#[inline(never)]
pub(super) fn trusted_root<'k, F: Flash>(
    desk: &mut Desk<'_, F>,
    candidate: &'k Result<Candidate, Fault>,
) -> Result<&'k TrustedRoot, Fault> {
    let held = desk.state.root.ok_or(Fault::Storage)?;
    let root = signed_by_itself(desk, held.side, held.length, Signee::Trusted(known(candidate)?))?;
    match root.sha256() == held.sha256 {
        true => Ok(root),
        false => Err(Fault::Storage),
    }
}

/// What a Root in its slot says.
#[inline(never)]
pub(super) fn learn<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Candidate, Fault> {
    let mut stream = RootStream::learn();
    pass(desk, Kind::Root, side, length, &mut |piece| stream.feed(piece))?;
    Ok(stream.finish()?)
}

/// A Root to be verified by its own keys.
#[derive(Clone, Copy)]
pub(super) enum Signee<'k> {
    /// One that was trusted already.
    Trusted(&'k Candidate),
    /// One that the keys of the Root before it signed.
    Successor(Successor<'k>),
}

/// Did its own keys sign it?
#[inline(never)]
pub(super) fn signed_by_itself<'k, F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    signee: Signee<'k>,
) -> Result<&'k TrustedRoot, Fault> {
    let mut check = match signee {
        Signee::Trusted(candidate) => candidate.verify_as_provisioned(),
        Signee::Successor(successor) => successor.verify_own(),
    };
    Ok(read_again(desk, side, length, &mut check)?.verify()?)
}

/// Reads the file once more, for its signatures.
#[inline(never)]
fn read_again<'c, F: Flash, By>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    check: &'c mut RootCheck<By>,
) -> Result<ClosedRoot<'c, By>, Fault> {
    check.read(|root| pass(desk, Kind::Root, side, length, &mut |piece| root.feed(piece)))
}
