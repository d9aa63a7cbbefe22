//! The bench of these tests: one kind of flash, one division of it.

use alloc::vec::Vec;

use proto::secondary::Refusal;
use uptane::testing::Repo;

#[cfg(feature = "linux")]
pub(super) use crate::bench::send_time_of;
pub(super) use crate::bench::{
    InFlash, Key, OPEN, begin, command, command_by, length, me, name_fallback, name_patch, phase, profile, refusal,
    report, send, send_command, send_image, send_root, send_targets, send_time, settle,
};
use crate::flash::ram::RamFlash;
use crate::flash::{Banks, Layout};
use crate::verifier::PartialPlus;
use crate::{BootError, Secondary};

pub(super) const LAYOUT: Layout =
    Layout { state_pages: 2, slot_size: 8 * 1_024, bank_size: 40 * 1_024, banks: Banks::Two };

pub(super) type Nor = RamFlash<8, 1_024>;
pub(super) type Ecu<'f, V = PartialPlus> = Secondary<V, &'f mut Nor, Key>;

/// Flash of an ECU that runs release 1 and trusts the repository's first Root.
pub(super) fn provisioned(repo: &Repo) -> Nor {
    let (flash, InFlash) = crate::bench::provisioned(repo, LAYOUT);
    flash
}

pub(super) fn booted<'f>(repo: &Repo, flash: &'f mut Nor) -> Result<Ecu<'f>, BootError> {
    let key = Key(me(repo).signer());
    Ecu::boot(profile(repo), LAYOUT, flash, PartialPlus::default(), key)
}

/// Stages the assigned image in a new transaction.
pub(super) fn stage(ecu: &mut Ecu<'_>, repo: &Repo) -> Result<(), Refusal> {
    begin(ecu, repo, OPEN)?;
    send_time(ecu, repo)?;
    send_targets(ecu, repo)?;
    send_image(ecu, repo)
}

/// The patch that makes of release 1 the first 5,000 bytes of release 2 over and over; made by `image-repo delta make`.
pub(super) fn patch() -> Vec<u8> {
    let digits: Vec<u8> = include_bytes!("patch.hex").iter().copied().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A pair of repositories that assign release 2, to an ECU that runs release 1.
pub(super) fn next_release() -> (Repo, Nor) {
    let mut repo = Repo::seeded(4);
    let flash = provisioned(&repo);
    repo.publish(|next| next.release());
    (repo, flash)
}
