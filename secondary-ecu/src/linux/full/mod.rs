//! Full verification (§5.4.4.2) of what the Primary hands over, offline: all repositories of the mapping, and what they agree on.
//!
//! Files are held in memory while they arrive and judged when they are complete, in the order of §5.4.4.2; what is
//! accepted is stored in the folder `metadata` as design D5 says. Director Targets become trusted only together with
//! Image Targets that vouch for this ECU's image.

mod half;
mod joined;
mod part;

use host::disk::{Access, Disk, Folder};
use host::provisioning::{MAPPING, Repositories};
use proto::secondary::{File, Repo, Verification};
use uptane::limits::{MAX_ROOT, MAX_SNAPSHOT, MAX_TARGETS, MAX_TIME_ATTESTATION, MAX_TIMESTAMP};
use uptane::verify::image::Permits;
use uptane::verify::{Mapping, Refresh, Refreshed, agree_for};
use uptane::{Director, Error, Image, Length, RepositoryName, Sha256, Time, Version};

use crate::Fault;
use crate::flash::{Flash, Side};
use crate::state::{Held, State};
use crate::verifier::{Accepted, Desk, Fallback, Verifier, Wanted, want};
use half::Half;
use part::Part;

/// Full verification.
#[derive(Debug)]
pub struct Full<D> {
    mapping: Mapping,
    director: Half<Director, D>,
    /// In the order of the mapping.
    images: Vec<Half<Image, D>>,
    incoming: Option<Incoming>,
}

/// The file on its way.
#[derive(Debug)]
struct Incoming {
    file: File,
    bytes: Vec<u8>,
}

impl Full<Folder> {
    /// Trusts what the ECU's data folder holds.
    pub fn open(data: &Folder) -> Result<Self, host::Error> {
        // §5.4.4.2: the mapping before anything else.
        let mapping = Repositories::read(&data.at(MAPPING)?)?.mapping().clone();
        Folder::open(data.at("metadata")?, Access::Private)?;
        Ok(Self::new(data, mapping))
    }

    /// Stores what this ECU is provisioned with (§5.4.1): the mapping, and the Roots. What the state record must say of the
    /// Director's.
    pub fn provision(
        data: &Folder,
        repositories: &Repositories,
        director: &[u8],
        images: &[Vec<u8>],
    ) -> Result<Held, Fault> {
        let held = Self::trust(data, repositories.mapping(), director, images)?;
        let written = data.at(MAPPING).and_then(|path| repositories.write(&path, Access::Shared));
        written.map_err(|_| Fault::Storage)?;
        Ok(held)
    }
}

impl<D: Disk + Clone> Full<D> {
    /// Trusts what a disk holds, under this mapping. A clone of `disk` is the same disk.
    pub fn new(disk: &D, mapping: Mapping) -> Self {
        let images = mapping.image_repositories().into_iter().map(|name| Half::new(name, disk)).collect();
        Self { mapping, director: Half::new(RepositoryName::of::<Director>(), disk), images, incoming: None }
    }

    /// Stores the Director's Root, and a Root for each Image repository of the mapping. What the state record must say of
    /// the Director's.
    pub fn trust(disk: &D, mapping: &Mapping, director: &[u8], images: &[Vec<u8>]) -> Result<Held, Fault> {
        for (name, root) in mapping.image_repositories().into_iter().zip(images) {
            Half::<Image, D>::new(name, disk).provision(root)?;
        }
        let mut half = Half::<Director, D>::new(RepositoryName::of::<Director>(), disk);
        half.provision(director)?;
        half.held_root()
    }

    /// Judges a complete file of a repository.
    fn judge<F>(&mut self, desk: &Desk<'_, F>, repo: Repo, part: Part, bytes: &[u8]) -> Result<Accepted, Fault> {
        let now = desk.now;
        let accepted = match repo {
            Repo::Director => {
                let vehicle = desk.profile.vehicle;
                self.director.settle(desk.state)?;
                self.director.supply(part, bytes, |trusted| Refresh::director(trusted, vehicle, None, now))?;
                self.director.root_change(desk.state)?
            }
            Repo::Image(number) => {
                let wanted = self.director.wanted(desk.profile.ecu)?;
                let image = self.images.get_mut(number.get()).ok_or(Fault::NotForMe)?;
                image.supply(part, bytes, |trusted| Refresh::image(trusted, now).looking_for(wanted))?;
                None
            }
        };
        match (self.director.is_done() && self.images.iter().all(Half::is_done), accepted) {
            (true, _) => self.conclude(desk),
            (false, Some(accepted)) => Ok(accepted),
            (false, None) => Ok(Accepted::Nothing),
        }
    }

    /// All repositories are verified: do they agree on an image for this ECU (§5.4.4.2 step 10)?
    fn conclude<F>(&mut self, desk: &Desk<'_, F>) -> Result<Accepted, Fault> {
        let Some(director) = self.director.take_done() else { return Ok(Accepted::Nothing) };
        let done = self.images.iter_mut().filter_map(|half| Some((half.name(), half.take_done()?)));
        let images: Vec<(RepositoryName, Refreshed<Image>)> = done.collect();
        if let Err(error) = agreed(desk, &self.mapping, &director, &images) {
            // §5.4.3.3: the previous Targets stay.
            self.director.trust(director.into_trusted_before());
            for (half, (_, image)) in self.images.iter_mut().zip(images) {
                half.trust(image.into_trusted_before());
            }
            return Err(error);
        }
        for (half, (_, image)) in self.images.iter_mut().zip(images) {
            half.commit(image)?;
        }
        let held = held(director.targets().file().version(), director.targets().file().sha256());
        self.director.commit(director)?;
        match desk.state.targets == Some(held) {
            true => Ok(Accepted::Nothing),
            false => Ok(Accepted::Targets(held)),
        }
    }

    /// A new time. A refresh has one time, so those under way begin anew (§5.4.4.2 step 1 comes before the roles).
    fn take_time<F>(&mut self, desk: &Desk<'_, F>, file: &[u8]) -> Result<Accepted, Fault> {
        self.director.begin_anew();
        let time = self.attested(desk, file)?;
        self.images.iter_mut().for_each(Half::begin_anew);
        Ok(Accepted::Time(time))
    }

    fn attested<F>(&self, desk: &Desk<'_, F>, file: &[u8]) -> Result<Time, Fault> {
        let director = self.director.trusted()?;
        // Keys that a Root since then may have taken back attest nothing.
        director.check_root()?;
        let keys = director.root().view().time_keys().ok_or(Fault::NotForMe)?;
        let nonce = desk.nonce.ok_or(Error::Replay)?;
        Ok(uptane::verify::time::check(file, &keys, nonce, desk.state.time)?.time())
    }
}

impl<F: Flash, D: Disk + Clone> Verifier<F> for Full<D> {
    const VERIFICATION: Verification = Verification::Full;

    fn reload(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault> {
        self.incoming = None;
        self.director.reload()?;
        self.director.resume(desk.state)?;
        self.images.iter_mut().try_for_each(Half::reload)?;
        Ok(self.director.root_change(desk.state)?.unwrap_or(Accepted::Nothing))
    }

    fn director_root(&self, _: &State) -> Version {
        self.director.root_version().unwrap_or(Version::FIRST)
    }

    fn image_root(&self) -> Option<Version> {
        self.images.first().and_then(Half::root_version)
    }

    fn offer(&mut self, desk: Desk<'_, F>, file: File, length: Length) -> Result<(), Fault> {
        self.incoming = None;
        let limit = match file {
            File::Time => {
                // This ECU asked for none, or has its answer.
                desk.nonce.ok_or(Fault::Phase)?;
                MAX_TIME_ATTESTATION
            }
            File::Root(..) => MAX_ROOT,
            File::Timestamp(_) => MAX_TIMESTAMP,
            File::Snapshot(_) => MAX_SNAPSHOT,
            File::Targets(_) | File::Delegated(_) => MAX_TARGETS,
            File::Image | File::Patch | File::Command => return Err(Fault::NotForMe),
        };
        if length.get() > limit {
            return Err(Fault::TooLong);
        }
        self.incoming = Some(Incoming { file, bytes: Vec::new() });
        Ok(())
    }

    fn take(&mut self, _: Desk<'_, F>, bytes: &[u8]) -> Result<(), Fault> {
        let incoming = self.incoming.as_mut().ok_or(Fault::Offset)?;
        incoming.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn close(&mut self, desk: Desk<'_, F>) -> Result<Accepted, Fault> {
        let incoming = self.incoming.take().ok_or(Fault::Offset)?;
        let Incoming { file, bytes } = incoming;
        match file {
            File::Time => self.take_time(&desk, &bytes),
            File::Root(repo, version) => self.judge(&desk, repo, Part::Root(version), &bytes),
            File::Timestamp(repo) => self.judge(&desk, repo, Part::Timestamp, &bytes),
            File::Snapshot(repo) => self.judge(&desk, repo, Part::Snapshot, &bytes),
            File::Targets(repo) => self.judge(&desk, repo, Part::Targets, &bytes),
            File::Delegated(number) => self.judge(&desk, Repo::Image(number), Part::Delegated, &bytes),
            File::Image | File::Patch | File::Command => Err(Fault::NotForMe),
        }
    }

    fn wanted(&mut self, desk: Desk<'_, F>) -> Result<Wanted, Fault> {
        let (vehicle, now) = (desk.profile.vehicle, desk.now);
        let director = self.director.verify_again(|trusted| Refresh::director(trusted, vehicle, None, now))?;
        let wanted = director.wanted_for(desk.profile.ecu)?;
        let again = |half: &Half<Image, D>| {
            let begin = |trusted| Refresh::image(trusted, now).looking_for(wanted.clone());
            Ok((half.name(), half.verify_again(begin)?))
        };
        let images = self.images.iter().map(again).collect::<Result<Vec<_>, Fault>>()?;
        let targets = director.targets().file().sha256();
        if desk.state.targets.is_none_or(|held| held.sha256 != targets) {
            return Err(Fault::Phase);
        }
        agreed(&desk, &self.mapping, &director, &images)
    }
}

/// The image that the repositories of the mapping vouch for, if it is for this ECU's hardware.
fn agreed<F>(
    desk: &Desk<'_, F>,
    mapping: &Mapping,
    director: &Refreshed<Director>,
    images: &[(RepositoryName, Refreshed<Image>)],
) -> Result<Wanted, Fault> {
    let (profile, floors) = (desk.profile, &desk.state.floors);
    let vouching: Vec<_> = images.iter().map(|(name, image)| (*name, image.targets())).collect();
    let accepted = |line| floors.of(line);
    let entry = agree_for(profile.ecu, profile.hardware, mapping, &director.targets(), &vouching, accepted)?;
    let fallback = entry.fallback().map(Permits::image);
    let fallback = fallback.map(|listed| Fallback { name: listed.name, sha256: listed.hashes.sha256() });
    want(entry.image(), fallback, entry.delta().map(|named| named.delta))
}

/// What a state record says of a file that is kept in a folder: its slot means nothing.
fn held(version: Version, sha256: Sha256) -> Held {
    Held { side: Side::Left, length: 0, version, sha256 }
}
