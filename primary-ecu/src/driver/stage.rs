//! Which files a Secondary is given, and in which order.

use std::path::{Path, PathBuf};

use proto::secondary::{File, Identity, ImageNumber, Repo, Verification};
use uptane::Version;

use super::errand::Delivery;
use crate::store::Accepted;

/// What a Secondary may need to verify its image.
#[derive(Clone, Debug)]
pub(super) struct Stage {
    pub(super) metadata: PathBuf,
    pub(super) accepted: Accepted,
    pub(super) director_root: u64,
    pub(super) image_root: u64,
}

impl Stage {
    /// What a Secondary of this identity needs. The Director's Roots come first, every one from its own on (attack A16): one
    /// of them may name the keys that attest the time. Then the time, so that the roles are judged at it (§5.4.4.1 and
    /// §5.4.4.2 step 1), then the roles in the order of §5.4.4.2.
    pub(super) fn files(&self, identity: &Identity, image: &Path) -> Vec<Delivery> {
        let mut files = match identity.verification {
            // It trusts the Root it was provisioned with, and takes no other.
            Verification::Partial => vec![],
            Verification::PartialPlus | Verification::Full => {
                self.roots(Repo::Director, identity.director_root.get(), self.director_root)
            }
        };
        files.push(self.file(File::Time, "director/time.json"));
        match identity.verification {
            Verification::Partial | Verification::PartialPlus => files.push(self.director_targets()),
            Verification::Full => files.extend(self.roles(identity)),
        }
        files.push(Delivery { file: File::Image, path: image.to_owned() });
        files
    }

    /// What full verification needs beyond time and the Director's Roots.
    fn roles(&self, identity: &Identity) -> Vec<Delivery> {
        let Accepted { director, image, pending: _ } = &self.accepted;
        let mut files = vec![
            self.file(File::Timestamp(Repo::Director), "director/timestamp.json"),
            self.file(File::Snapshot(Repo::Director), &format!("director/{}.snapshot.json", director.snapshot)),
            self.director_targets(),
        ];
        files.extend(self.roots(
            Repo::Image(ImageNumber::FIRST),
            identity.image_root.map_or(0, Version::get),
            self.image_root,
        ));
        files.push(self.file(File::Timestamp(Repo::Image(ImageNumber::FIRST)), "image/timestamp.json"));
        files.push(
            self.file(
                File::Snapshot(Repo::Image(ImageNumber::FIRST)),
                &format!("image/{}.snapshot.json", image.snapshot),
            ),
        );
        files.push(
            self.file(File::Targets(Repo::Image(ImageNumber::FIRST)), &format!("image/{}.targets.json", image.targets)),
        );
        files
    }

    fn director_targets(&self) -> Delivery {
        let name = format!("director/{}.targets.json", self.accepted.director.targets);
        self.file(File::Targets(Repo::Director), &name)
    }

    fn roots(&self, repo: Repo, held: u64, newest: u64) -> Vec<Delivery> {
        let folder = match repo {
            Repo::Director => "director",
            Repo::Image(_) => "image",
        };
        let versions = (held.saturating_add(1)..=newest).filter_map(|version| Version::new(version).ok());
        let root = |version: Version| self.file(File::Root(repo, version), &format!("{folder}/{version}.root.json"));
        versions.map(root).collect()
    }

    fn file(&self, file: File, name: &str) -> Delivery {
        Delivery { file, path: self.metadata.join(name) }
    }
}

#[cfg(test)]
mod tests {
    use proto::secondary::Phase;
    use uptane::{EcuId, HardwareId, Sha256};

    use super::*;
    use crate::store::AcceptedVersions;

    fn stage() -> Stage {
        let versions = |snapshot, targets| AcceptedVersions { snapshot, targets };
        let accepted = Accepted { director: versions(5, 6), image: versions(7, 8), ..Accepted::default() };
        Stage { metadata: PathBuf::from("m"), accepted, director_root: 3, image_root: 2 }
    }

    fn given(verification: Verification) -> Vec<String> {
        let identity = Identity {
            ecu: EcuId::parse("brake").unwrap(),
            hardware: HardwareId::parse("hw").unwrap(),
            verification,
            director_root: Version::FIRST,
            image_root: (verification == Verification::Full).then_some(Version::FIRST),
            running: Sha256([1; 32]),
            phase: Phase::Idle,
        };
        let files = stage().files(&identity, Path::new("image"));
        files.into_iter().map(|delivery| delivery.path.to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_full_verifier_gets_roots_then_the_time_then_the_roles_of_both_repositories() {
        let director =
            ["2.root.json", "3.root.json", "time.json", "timestamp.json", "5.snapshot.json", "6.targets.json"];
        let image = ["2.root.json", "timestamp.json", "7.snapshot.json", "8.targets.json"];
        let mut expected: Vec<String> = director.iter().map(|name| format!("m/director/{name}")).collect();
        expected.extend(image.iter().map(|name| format!("m/image/{name}")));
        expected.push("image".to_owned());
        assert_eq!(given(Verification::Full), expected);
    }

    #[test]
    fn a_partial_verifier_gets_no_root_it_would_not_take_and_no_role_it_does_not_judge() {
        assert_eq!(given(Verification::Partial), ["m/director/time.json", "m/director/6.targets.json", "image"]);
    }

    #[test]
    fn a_partial_verifier_that_follows_roots_gets_them_before_the_time() {
        let names =
            ["2.root.json", "3.root.json", "time.json", "6.targets.json"].map(|name| format!("m/director/{name}"));
        assert_eq!(given(Verification::PartialPlus), [&names[..], &["image".to_owned()]].concat());
    }
}
