//! Which files a Secondary is given, and in which order.

use proto::secondary::{File, Identity, ImageNumber, Repo, Verification};
use uptane::verify::MetadataFile;
use uptane::{RepositoryName, Sha256, Version};

use super::Shared;
use super::errand::Delivery;
use crate::store::AcceptedVersions;

/// What a Secondary may need to verify its image.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) director: Current,
    /// The Image repositories, in the order of the mapping.
    pub(crate) images: Vec<Current>,
    /// The name of the image's file.
    pub(crate) image: String,
    /// What may be brought in its stead.
    pub(crate) patch: Option<Patch>,
    /// Whether others take the image with it.
    pub(crate) shared: Option<Shared>,
}

/// A patch that makes the image of another one.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    /// The name of its file.
    pub(crate) name: String,
    /// Digest of the image it is for.
    pub(crate) base: Sha256,
}

/// What is current of one repository.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) name: RepositoryName,
    /// Every Root that is stored, in order.
    pub(crate) roots: Vec<Version>,
    pub(crate) versions: AcceptedVersions,
    /// The delegated files that this Secondary's search asks for, in its order.
    pub(crate) delegated: Vec<MetadataFile>,
}

impl Stage {
    /// What a Secondary of this identity needs. The Director's Roots come first, every one from its own on (attack A16): one
    /// of them may name the keys that attest the time. Then the time, so that the roles are judged at it (§5.4.4.1 and
    /// §5.4.4.2 step 1), then the roles in the order of §5.4.4.2. Last comes the image, after the patch that may spare it.
    pub(crate) fn files(&self, identity: &Identity) -> Vec<Delivery> {
        let mut files = match identity.verification {
            // It trusts the Root it was provisioned with, and takes no other.
            Verification::Partial => vec![],
            Verification::PartialPlus | Verification::Full => {
                self.roots(Repo::Director, &self.director, Some(identity.director_root))
            }
        };
        files.push(self.file(File::Time, &self.director, "time.json"));
        match identity.verification {
            Verification::Partial | Verification::PartialPlus => {
                let name = format!("{}.targets.json", self.director.versions.targets);
                files.push(self.file(File::Targets(Repo::Director), &self.director, &name));
            }
            Verification::Full => files.extend(self.full(identity)),
        }
        let patch = self.patch.as_ref().filter(|patch| patch.base == identity.running);
        files.extend(patch.map(|patch| Delivery { file: File::Patch, name: patch.name.clone() }));
        files.push(Delivery { file: File::Image, name: self.image.clone() });
        files
    }

    /// What full verification needs beyond time and the Director's Roots (§5.4.2.6).
    fn full(&self, identity: &Identity) -> Vec<Delivery> {
        let mut files = self.roles(Repo::Director, &self.director);
        let numbered =
            self.images.iter().enumerate().filter_map(|(place, image)| Some((ImageNumber::new(place)?, image)));
        for (number, image) in numbered {
            // Of the others it does not say which Root it holds; it passes over those it has.
            let held = identity.image_root.filter(|_| number == ImageNumber::FIRST);
            files.extend(self.roots(Repo::Image(number), image, held));
            files.extend(self.roles(Repo::Image(number), image));
            let delegated = |file: &MetadataFile| self.file(File::Delegated(number), image, &file.file_name());
            files.extend(image.delegated.iter().map(delegated));
        }
        files
    }

    fn roles(&self, repo: Repo, of: &Current) -> Vec<Delivery> {
        let AcceptedVersions { snapshot, targets, delegated: _ } = &of.versions;
        vec![
            self.file(File::Timestamp(repo), of, "timestamp.json"),
            self.file(File::Snapshot(repo), of, &format!("{snapshot}.snapshot.json")),
            self.file(File::Targets(repo), of, &format!("{targets}.targets.json")),
        ]
    }

    fn roots(&self, repo: Repo, of: &Current, held: Option<Version>) -> Vec<Delivery> {
        let newer = of.roots.iter().filter(|version| Some(**version) > held);
        newer.map(|version| self.file(File::Root(repo, *version), of, &format!("{version}.root.json"))).collect()
    }

    fn file(&self, file: File, of: &Current, name: &str) -> Delivery {
        Delivery { file, name: format!("metadata/{}/{name}", of.name) }
    }
}

#[cfg(test)]
mod tests {
    use proto::secondary::Phase;
    use uptane::{EcuId, HardwareId};

    use super::*;

    fn current(name: &str, newest_root: u64, snapshot: u64, targets: u64) -> Current {
        let versions = AcceptedVersions { snapshot, targets, ..AcceptedVersions::default() };
        let roots = (1..=newest_root).map(|version| Version::new(version).unwrap()).collect();
        Current { name: RepositoryName::parse(name).unwrap(), roots, versions, delegated: vec![] }
    }

    fn stage() -> Stage {
        let images = vec![current("image", 2, 7, 8)];
        Stage { director: current("director", 3, 5, 6), images, image: "image".to_owned(), patch: None, shared: None }
    }

    fn given(verification: Verification) -> Vec<String> {
        given_of(&stage(), verification)
    }

    fn given_of(stage: &Stage, verification: Verification) -> Vec<String> {
        let identity = Identity {
            ecu: EcuId::parse("brake").unwrap(),
            hardware: HardwareId::parse("hw").unwrap(),
            verification,
            director_root: Version::FIRST,
            image_root: (verification == Verification::Full).then_some(Version::FIRST),
            running: Sha256([1; 32]),
            phase: Phase::Idle,
        };
        stage.files(&identity).into_iter().map(|delivery| delivery.name).collect()
    }

    #[test]
    fn a_full_verifier_gets_roots_then_the_time_then_the_roles_of_both_repositories() {
        let director =
            ["2.root.json", "3.root.json", "time.json", "timestamp.json", "5.snapshot.json", "6.targets.json"];
        let image = ["2.root.json", "timestamp.json", "7.snapshot.json", "8.targets.json"];
        let mut expected: Vec<String> = director.iter().map(|name| format!("metadata/director/{name}")).collect();
        expected.extend(image.iter().map(|name| format!("metadata/image/{name}")));
        expected.push("image".to_owned());
        assert_eq!(given(Verification::Full), expected);
    }

    #[test]
    fn a_partial_verifier_gets_no_root_it_would_not_take_and_no_role_it_does_not_judge() {
        assert_eq!(
            given(Verification::Partial),
            ["metadata/director/time.json", "metadata/director/6.targets.json", "image"]
        );
    }

    #[test]
    fn a_patch_comes_before_the_image_where_the_secondary_runs_its_base() {
        for (base, last) in [(1, ["patch", "image"]), (2, ["metadata/director/6.targets.json", "image"])] {
            let patch = Some(Patch { name: "patch".to_owned(), base: Sha256([base; 32]) });
            let names = given_of(&Stage { patch, ..stage() }, Verification::Partial);
            assert!(names.ends_with(&last.map(str::to_owned)), "{names:?}");
        }
    }

    #[test]
    fn a_partial_verifier_that_follows_roots_gets_them_before_the_time() {
        let names = ["2.root.json", "3.root.json", "time.json", "6.targets.json"]
            .map(|name| format!("metadata/director/{name}"));
        assert_eq!(given(Verification::PartialPlus), [&names[..], &["image".to_owned()]].concat());
    }
}
