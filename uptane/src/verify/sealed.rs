//! Remembering across a restart what was verified before it (design D4).
//!
//! A *seal* says: this verifier found these files signed, under this Root. It is made and checked with a key only the
//! device holds, and stands for signatures alone; expiry, versions and what parents list are judged every time. Without
//! the key, or with a seal that does not fit to the byte, everything is verified again.
//!
//! The seal, numbers big-endian: `UPTSEAL1`; version of the verifier (u32); SHA-256 of the repository's name; SHA-256
//! of Root; then for Timestamp, Snapshot and Targets one byte 0, or 1 with length (u64) and SHA-256; the outline of
//! Targets; HMAC-SHA-256 over all that. The outline is one byte 0, or 1 with where `signatures`, `signed`, `targets`
//! and `delegations` lie (two u64 each, the last `u64::MAX` twice for none), the header's version, expiry and
//! `not_before` (u64 each, the last `u64::MAX` for none), its repository (0 none, 1 Director, 2 Image), vehicle and
//! campaign (one byte of length and as many of text each).

use alloc::vec::Vec;

use hmac::{Hmac, KeyInit as _, Mac as _};

use super::file::FileBytes;
use super::kept::Kept;
use super::kind::{Kind, RootFile, SnapshotFile, TargetsFile, TimestampFile};
use super::offered::{Body, Offered};
use super::trusted::{Reloaded, StoredFiles, Trusted};
use crate::json::Span;
use crate::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TIMESTAMP};
use crate::metadata::{Header, Origin, RootRole, TargetsSays};
use crate::{CampaignId, Error, Length, Repository, RoleName, Sha256, Time, VehicleId, Version};

/// The key of a device's seals. Whoever has it can make the device take unsigned files for signed ones.
pub struct SealKey([u8; 32]);

impl SealKey {
    /// A key of 32 random bytes, which never leave the device.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<sha2::Sha256> {
        let mac = Hmac::<sha2::Sha256>::new_from_slice(&self.0);
        // HMAC takes keys of every length.
        let mac = mac.unwrap_or_else(|error| unreachable!("32 bytes are a key: {error}"));
        mac.chain_update(bytes)
    }
}

/// Evidence that a file stands in a seal.
pub(super) struct Unsealed(());

impl<R: Repository> Trusted<R> {
    /// The seal of what is trusted now, to be stored beside the files.
    pub fn seal(&self, key: &SealKey) -> Vec<u8> {
        let mut seal = preamble::<R>(self.root().sha256());
        write_file(&mut seal, self.timestamp());
        write_file(&mut seal, self.snapshot());
        write_file(&mut seal, self.targets());
        write_outline(&mut seal, self.targets());
        let mac = key.mac(&seal).finalize().into_bytes();
        seal.extend_from_slice(&mac);
        seal
    }

    /// Trusts what was stored, as [`reload`](Self::reload) does, but verifies no signature that the seal vouches for.
    pub fn reload_sealed(files: &SealedFiles<'_>, key: &SealKey) -> Result<Reloaded<R>, Error> {
        let root = Sha256::of(files.root);
        match Sealed::open(files.seal, key).filter(|sealed| sealed.preamble == preamble::<R>(root)) {
            Some(sealed) => sealed.reload(files),
            None => Self::reload(files.stored()),
        }
    }
}

/// The files of a repository that were stored, and the seal beside them.
#[derive(Clone, Debug, Default)]
pub struct SealedFiles<'a> {
    /// The newest Root.
    pub root: &'a [u8],
    /// The Root before it, if it is still there.
    pub former_root: Option<&'a [u8]>,
    /// Timestamp, if there was one.
    pub timestamp: Option<&'a [u8]>,
    /// Snapshot, if there was one.
    pub snapshot: Option<&'a [u8]>,
    /// Targets, if there were any. They may be large, and are kept without a copy.
    pub targets: Option<FileBytes>,
    /// Delegated Targets, with their roles.
    pub delegated: &'a [(RoleName, &'a [u8])],
    /// The seal; empty if there was none.
    pub seal: &'a [u8],
}

impl SealedFiles<'_> {
    fn stored(&self) -> StoredFiles<'_> {
        let Self { root, former_root, timestamp, snapshot, ref targets, delegated, seal: _ } = *self;
        StoredFiles { root, former_root, timestamp, snapshot, targets: targets.as_deref(), delegated }
    }
}

/// A seal whose MAC is right.
struct Sealed<'a> {
    preamble: &'a [u8],
    timestamp: Option<FileSeal>,
    snapshot: Option<FileSeal>,
    targets: Option<FileSeal>,
    outline: Option<Outline>,
}

/// What a seal says of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileSeal {
    length: u64,
    sha256: Sha256,
}

/// Where the parts of Targets lie, so that megabytes need not be scanned for them.
struct Outline {
    signatures: Span,
    signed: Span,
    says: TargetsSays,
}

impl<'a> Sealed<'a> {
    fn open(seal: &'a [u8], key: &SealKey) -> Option<Self> {
        let (said, mac) = seal.split_at_checked(seal.len().checked_sub(MAC)?)?;
        key.mac(said).verify_slice(mac).ok()?;
        let (preamble, rest) = said.split_at_checked(PREAMBLE)?;
        let mut rest = Rest(rest);
        let (timestamp, snapshot, targets) = (rest.file()?, rest.file()?, rest.file()?);
        Some(Self { preamble, timestamp, snapshot, targets, outline: rest.outline()? })
    }

    fn reload<R: Repository>(self, files: &SealedFiles<'_>) -> Result<Reloaded<R>, Error> {
        let stored = files.stored();
        let root = unseal_root(stored.root)?;
        let mut trusted = Trusted::<R>::under(root)?;
        let is = |file: &&[u8], sealed: Option<FileSeal>| sealed == Some(FileSeal::of(file));
        let timestamp = stored.timestamp.filter(|file| is(file, self.timestamp));
        let snapshot = stored.snapshot.filter(|file| is(file, self.snapshot));
        let targets = files.targets.as_ref().filter(|file| is(&&***file, self.targets));
        // What the seal does not cover is verified, as ever.
        let others = StoredFiles {
            timestamp: stored.timestamp.filter(|_| timestamp.is_none()),
            snapshot: stored.snapshot.filter(|_| snapshot.is_none()),
            targets: stored.targets.filter(|_| targets.is_none() || self.outline.is_none()),
            ..stored
        };
        let Reloaded { trusted: rest, damaged } = trusted.clone().reload_roles(others);
        trusted.timestamp = unseal::<R, TimestampFile>(&trusted, RootRole::Timestamp, timestamp, MAX_TIMESTAMP)?;
        trusted.snapshot = unseal::<R, SnapshotFile>(&trusted, RootRole::Snapshot, snapshot, MAX_SNAPSHOT)?;
        trusted.targets = targets.zip(self.outline).zip(self.targets).map(|((file, outline), sealed)| {
            let body = Body::again(file.clone(), outline.signatures, outline.signed);
            // The digest of a file that is the sealed one is the sealed digest.
            Kept::unsealed(Unsealed(()), trusted.keys(RootRole::Targets), body, outline.says, sealed.sha256)
        });
        trusted.fill(rest);
        Ok(Reloaded { trusted, damaged })
    }
}

impl FileSeal {
    fn of(file: &[u8]) -> Self {
        Self { length: u64::try_from(file.len()).unwrap_or(u64::MAX), sha256: Sha256::of(file) }
    }
}

fn unseal_root(file: &[u8]) -> Result<Kept<RootFile>, Error> {
    let offered = Offered::<RootFile>::read(file.into(), Length::new(MAX_ROOT)?)?;
    let own = offered.says()?.role(RootRole::Root).clone();
    offered.unsealed(Unsealed(()), &own)
}

fn unseal<R: Repository, K: Kind>(
    trusted: &Trusted<R>,
    role: RootRole,
    file: Option<&[u8]>,
    limit: u64,
) -> Result<Option<Kept<K>>, Error> {
    let Some(file) = file else { return Ok(None) };
    let offered = Offered::<K>::read(file.into(), Length::new(limit)?)?;
    offered.unsealed(Unsealed(()), trusted.keys(role)).map(Some)
}

/// What a seal begins with: it is for one verifier, repository and Root.
fn preamble<R: Repository>(root: Sha256) -> Vec<u8> {
    let name = Sha256::of(R::NAME.as_bytes());
    [MAGIC.as_slice(), &VERIFIER.to_be_bytes(), &name.0, &root.0].concat()
}

fn write_file<K: Kind>(seal: &mut Vec<u8>, file: Option<&Kept<K>>) {
    seal.push(u8::from(file.is_some()));
    if let Some(file) = file {
        write_number(seal, file.bytes().len());
        seal.extend_from_slice(&file.sha256().0);
    }
}

fn write_outline(seal: &mut Vec<u8>, targets: Option<&Kept<TargetsFile>>) {
    // Spans of a file that came in another form are offsets into what is not stored.
    let targets = targets.filter(|targets| targets.body().is_canonical_as_sent());
    seal.push(u8::from(targets.is_some()));
    if let Some(targets) = targets {
        let TargetsSays { header, targets: list, delegations } = *targets.says();
        write_span(seal, targets.body().signatures());
        write_span(seal, targets.body().signed());
        write_span(seal, list);
        write_span(seal, delegations.unwrap_or(NOWHERE));
        write_header(seal, header);
    }
}

fn write_header(seal: &mut Vec<u8>, header: Header) {
    let Header { version, expires, origin, vehicle, campaign, not_before } = header;
    seal.extend_from_slice(&version.get().to_be_bytes());
    seal.extend_from_slice(&expires.unix().to_be_bytes());
    seal.extend_from_slice(&not_before.map_or(u64::MAX, Time::unix).to_be_bytes());
    seal.push(match origin {
        None => 0,
        Some(Origin::Director) => 1,
        Some(Origin::Image) => 2,
    });
    write_text(seal, vehicle.as_ref().map_or(&[], |vehicle| &vehicle.0));
    write_text(seal, campaign.as_ref().map_or(&[], |campaign| campaign.as_str().as_bytes()));
}

fn write_span(seal: &mut Vec<u8>, span: Span) {
    write_number(seal, span.start);
    write_number(seal, span.end);
}

fn write_number(seal: &mut Vec<u8>, number: usize) {
    seal.extend_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes());
}

fn write_text(seal: &mut Vec<u8>, text: &[u8]) {
    // Ids are shorter than 256 bytes.
    seal.push(u8::try_from(text.len()).unwrap_or(0));
    seal.extend_from_slice(text);
}

/// What is left to read of a seal.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.array()? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let [length] = self.array()?;
        self.take(length.into())
    }

    fn span(&mut self) -> Option<Span> {
        let (start, end) = (self.number()?, self.number()?);
        Some(Span { start: usize::try_from(start).ok()?, end: usize::try_from(end).ok()? })
    }

    fn file(&mut self) -> Option<Option<FileSeal>> {
        if !self.flag()? {
            return Some(None);
        }
        Some(Some(FileSeal { length: self.number()?, sha256: Sha256(self.array()?) }))
    }

    fn outline(&mut self) -> Option<Option<Outline>> {
        if !self.flag()? {
            return Some(None);
        }
        let (signatures, signed) = (self.span()?, self.span()?);
        let (targets, delegations) = (self.span()?, self.span()?);
        let says = TargetsSays { header: self.header()?, targets, delegations: Some(delegations) };
        let says = TargetsSays { delegations: says.delegations.filter(|span| *span != NOWHERE), ..says };
        Some(Some(Outline { signatures, signed, says }))
    }

    fn header(&mut self) -> Option<Header> {
        let (version, expires, not_before) = (self.number()?, self.number()?, self.number()?);
        let origin = match self.array()? {
            [0] => None,
            [1] => Some(Origin::Director),
            [2] => Some(Origin::Image),
            _ => return None,
        };
        let (vehicle, campaign) = (self.text()?, core::str::from_utf8(self.text()?).ok()?);
        Some(Header {
            version: Version::new(version).ok()?,
            expires: Time::from_unix(expires).ok()?,
            origin,
            vehicle: vehicle.try_into().ok().map(VehicleId),
            campaign: CampaignId::parse(campaign).ok(),
            not_before: Time::from_unix(not_before).ok(),
        })
    }
}

/// Where there is nothing.
const NOWHERE: Span = Span { start: usize::MAX, end: usize::MAX };
const MAGIC: &[u8; 8] = b"UPTSEAL1";
/// Counts up whenever this crate accepts other files than before, so that no seal outlives the rules it was made by.
const VERIFIER: u32 = 1;
const PREAMBLE: usize = 8 + 4 + 32 + 32;
const MAC: usize = 32;

#[cfg(test)]
mod tests;
