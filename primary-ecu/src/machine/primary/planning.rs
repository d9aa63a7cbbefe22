//! Who takes part in the next transaction, and which images have to be here before it opens.

use std::collections::BTreeSet;

use uptane::verify::image::Permits as _;
use uptane::verify::{Approved, ApprovedEntry, ApprovedImage};
use uptane::{EcuId, Sha256};

use super::Cycle;
use crate::Error;
use crate::machine::transaction::{Member, MemberImage, next_members};

/// What an image is to the ECU that it is approved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageRole {
    /// It shall run it.
    Assigned,
    /// It returns to it.
    Fallback,
}

impl ImageRole {
    /// The image of this role in what is approved for an ECU.
    pub fn of(self, entry: &ApprovedEntry) -> Option<&ApprovedImage> {
        match self {
            Self::Assigned => Some(entry.image()),
            Self::Fallback => entry.fallback(),
        }
    }
}

impl Cycle {
    /// Who takes part: those whom the journal names, if a transaction is open, else who is next of the `needy`.
    ///
    /// An ECU with a single bank that could not return to what it runs is left out: nothing begins for it.
    pub(super) fn members(&self, approved: &Approved, needy: &BTreeSet<EcuId>) -> Result<Vec<Member>, Error> {
        if let Some(journal) = &self.start.journal {
            return Ok(journal.members().to_vec());
        }
        let (mut candidates, mut stranded) = (Vec::new(), None);
        for entry in approved.entries().iter().filter(|entry| needy.contains(&entry.ecu())) {
            match self.candidate(entry)? {
                Some(member) => candidates.push(member),
                None => stranded = stranded.or(Some(entry.ecu())),
            }
        }
        match (next_members(candidates, self.start.failures.alone()), stranded) {
            (members, Some(ecu)) if members.is_empty() => Err(Error::NoFallback { ecu }),
            (members, _) => Ok(members),
        }
    }

    /// The part of an ECU; none for one with a single bank that could not return. It takes back the very image it runs and
    /// no other, so that one has to be here, whatever another of its name may be.
    fn candidate(&self, entry: &ApprovedEntry) -> Result<Option<Member>, Error> {
        let order = entry.order().map_or(0, u64::from);
        let member = Member::new(entry.ecu(), entry.hardware_id(), image(entry.image())?, order);
        if !self.start.single_banks.contains(&entry.ecu()) {
            return Ok(Some(member));
        }
        let runs = self.to_tell().running.remove(entry.ecu().as_str());
        let fallback = entry.fallback().map(image).transpose()?;
        let fallback = fallback.filter(|fallback| runs == Some(fallback.sha256.to_string()));
        Ok(fallback.map(|fallback| member.with_fallback(fallback)))
    }

    /// Those of the members who run the image that their patch is for. The Primary writes its own slots from its disk, and
    /// an only bank cannot be read while it is written. A patch no shorter than its image is not worth its bytes.
    pub(super) fn patches(&self, approved: &Approved, members: &[Member]) -> Vec<EcuId> {
        let entries = members.iter().filter(|member| !member.has_single_bank() && member.ecu != self.start.own);
        let entries = entries.filter_map(|member| approved.entry(member.ecu));
        let is_worth_it = |entry: &&ApprovedEntry| {
            let runs = self.met.get(&entry.ecu()).map(|met| met.running);
            let delta = entry.delta().map(|named| named.delta);
            delta.is_some_and(|delta| Some(delta.base) == runs && delta.length < entry.image().image().length)
        };
        entries.filter(is_worth_it).map(ApprovedEntry::ecu).collect()
    }
}

/// The images of these members, each once: for which ECU it is approved, and as what.
pub(super) fn missing(approved: &Approved, members: &[Member]) -> Result<Vec<(EcuId, ImageRole)>, Error> {
    let mut missing = Vec::<((EcuId, ImageRole), Sha256)>::new();
    let is_member = |entry: &&ApprovedEntry| members.iter().any(|member| member.ecu == entry.ecu());
    for entry in approved.entries().iter().filter(is_member) {
        let has_single_bank = members.iter().any(|member| member.ecu == entry.ecu() && member.has_single_bank());
        let roles = [Some(ImageRole::Assigned), has_single_bank.then_some(ImageRole::Fallback)];
        for role in roles.into_iter().flatten() {
            let Some(image) = role.of(entry) else { continue };
            let digest = sha256(image)?;
            if !missing.iter().any(|(_, known)| *known == digest) {
                missing.push(((entry.ecu(), role), digest));
            }
        }
    }
    Ok(missing.into_iter().map(|(image, _)| image).collect())
}

/// Our files and journals are named by SHA-256, which all our tools list.
pub(super) fn sha256(image: &ApprovedImage) -> Result<Sha256, Error> {
    image.image().hashes.sha256().ok_or(Error::Refused { check: uptane::Error::NoKnownHash })
}

fn image(approved: &ApprovedImage) -> Result<MemberImage, Error> {
    let listed = approved.image();
    Ok(MemberImage {
        name: listed.name,
        length: listed.length,
        sha256: sha256(approved)?,
        line: listed.line,
        counter: listed.release_counter,
    })
}
