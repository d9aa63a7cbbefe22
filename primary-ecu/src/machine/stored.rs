//! What is stored of a repository: read back, changed, and searched as a Secondary will search it.

use uptane::verify::{Keep, MetadataFile, Refresh, Refreshed, Reloaded, Step, StoredFiles, Trusted};
use uptane::{Director, EcuId, Image, Repository, Role, Time, VehicleId};

use crate::Error;
use crate::store::Files;

/// What is trusted of stored files.
pub(super) fn reload<R: Repository>(files: &Files) -> Result<Reloaded<R>, Error> {
    let Files { root, former_root, timestamp, snapshot, targets, delegated } = files;
    let delegated: Vec<_> = delegated.iter().map(|(role, bytes)| (*role, bytes.as_slice())).collect();
    let stored = StoredFiles {
        root,
        former_root: former_root.as_deref(),
        timestamp: timestamp.as_deref(),
        snapshot: snapshot.as_deref(),
        targets: targets.as_deref(),
        delegated: &delegated,
    };
    Ok(Trusted::reload(stored)?)
}

/// The delegated files that the search of §5.4.4.7 for an ECU's image asks for, in its order: what a Secondary that verifies
/// fully needs of this Image repository beside the roles, and no more (§5.4.2.6). Both search alike, so this is the search.
pub(crate) fn delegated_for(
    ecu: EcuId,
    vehicle: VehicleId,
    now: Time,
    director: &Files,
    image: &Files,
) -> Result<Vec<MetadataFile>, Error> {
    let trusted = reload::<Director>(director)?.trusted;
    let director = again(Refresh::director(trusted, vehicle, None, now), director, &mut vec![])?;
    // As if none were held, so that every one is asked for.
    let top = Files { delegated: vec![], ..image.clone() };
    let refresh = Refresh::image(reload::<Image>(&top)?.trusted, now).looking_for(director.wanted_for(ecu)?);
    let mut asked = Vec::new();
    again(refresh, image, &mut asked)?;
    Ok(asked)
}

/// A refresh that is given what is stored; which delegated files it asked for.
fn again<R: Repository>(
    mut refresh: Refresh<R>,
    files: &Files,
    asked: &mut Vec<MetadataFile>,
) -> Result<Refreshed<R>, Error> {
    while let Step::Fetch { file, .. } = refresh.next() {
        let stored = match file {
            MetadataFile::Root(_) => None,
            MetadataFile::Timestamp => files.timestamp.as_deref(),
            MetadataFile::Snapshot(_) => files.snapshot.as_deref(),
            MetadataFile::Targets(_) => files.targets.as_deref(),
            MetadataFile::Delegated(role, _) => {
                let held = files.delegated.iter().find(|(known, _)| *known == role).map(|(_, bytes)| bytes.as_slice());
                // One that the repository does not have, no Secondary can be given.
                asked.extend(held.map(|_| file));
                held
            }
        };
        refresh.supply(stored.map(Into::into))?;
    }
    refresh.finish().map_err(|open| match open.next() {
        Step::Refused(check) => Error::Refused { check },
        Step::Fetch { file, .. } => uptane::Error::Absent { role: file.role() }.into(),
        Step::Done => uptane::Error::Absent { role: Role::Targets }.into(),
    })
}

impl Files {
    /// What is stored once `keep` is.
    pub(super) fn apply(&mut self, keep: &[Keep]) {
        for keep in keep {
            match keep {
                Keep::Store { file: MetadataFile::Root(_), bytes } => {
                    self.former_root = Some(std::mem::replace(&mut self.root, bytes.to_vec()));
                }
                Keep::Store { file: MetadataFile::Timestamp, bytes } => self.timestamp = Some(bytes.to_vec()),
                Keep::Store { file: MetadataFile::Snapshot(_), bytes } => self.snapshot = Some(bytes.to_vec()),
                Keep::Store { file: MetadataFile::Targets(_), bytes } => self.targets = Some(bytes.to_vec()),
                Keep::Store { file: MetadataFile::Delegated(role, _), bytes } => {
                    self.delegated.retain(|(known, _)| known != role);
                    self.delegated.push((*role, bytes.to_vec()));
                }
                Keep::Forget => {
                    (self.timestamp, self.snapshot, self.targets) = (None, None, None);
                    self.delegated.clear();
                }
            }
        }
    }

    /// What is stored without the file of this role.
    pub(super) fn drop(&mut self, role: Role) {
        let files = [
            (Role::Timestamp, &mut self.timestamp),
            (Role::Snapshot, &mut self.snapshot),
            (Role::Targets, &mut self.targets),
        ];
        files.into_iter().filter(|(of, _)| *of == role).for_each(|(_, file)| *file = None);
    }
}
