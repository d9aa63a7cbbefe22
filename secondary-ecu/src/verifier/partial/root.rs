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
    let old = trusted_root(desk, |_, root| Ok(root.clone()));
    replace(desk, side, length, known(&old)?)
}

#[inline(never)]
fn replace<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32, old: &TrustedRoot) -> Result<Accepted, Fault> {
    let candidate = learn(desk, side, length);
    let successor = signed_by_the_one_before(desk, side, length, known(&candidate)?, old)?;
    let new = signed_by_itself_too(desk, side, length, successor)?;
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

/// Does this under the Root that the state record says is trusted, verified again.
pub(super) fn trusted_root<F: Flash, T>(
    desk: &mut Desk<'_, F>,
    then: impl FnOnce(&mut Desk<'_, F>, &TrustedRoot) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let held = desk.state.root.ok_or(Fault::Storage)?;
    read_root(desk, held.side, held.length, |desk, root| match root.sha256() == held.sha256 {
        true => then(desk, root),
        false => Err(Fault::Storage),
    })
}

/// Reads and verifies a Root in its slot that was trusted already, and does this under it.
#[inline(never)]
pub(super) fn read_root<F: Flash, T>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    then: impl FnOnce(&mut Desk<'_, F>, &TrustedRoot) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let candidate = learn(desk, side, length);
    let root = signed_by_itself(desk, side, length, &candidate)?;
    then(desk, root)
}

/// What a Root in its slot says.
#[inline(never)]
fn learn<F: Flash>(desk: &mut Desk<'_, F>, side: Side, length: u32) -> Result<Candidate, Fault> {
    let mut stream = RootStream::learn();
    pass(desk, Kind::Root, side, length, &mut |piece| stream.feed(piece))?;
    Ok(stream.finish()?)
}

/// Did its own keys sign it, which was trusted already?
#[inline(never)]
fn signed_by_itself<'k, F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    candidate: &'k Result<Candidate, Fault>,
) -> Result<&'k TrustedRoot, Fault> {
    Ok(read_again(desk, side, length, &mut known(candidate)?.verify_as_provisioned())?.verify()?)
}

/// Did its own keys sign it, after those of the one before?
#[inline(never)]
fn signed_by_itself_too<'k, F: Flash>(
    desk: &mut Desk<'_, F>,
    side: Side,
    length: u32,
    successor: Successor<'k>,
) -> Result<&'k TrustedRoot, Fault> {
    Ok(read_again(desk, side, length, &mut successor.verify_own())?.verify()?)
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
