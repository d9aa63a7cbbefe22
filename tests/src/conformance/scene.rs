//! One repository and one client, and what cases say about them.

use std::fs;

use anyhow::{Result, ensure};
use serde_json::json;

use super::client::{Client, Program};
use super::keys::Algorithm;
use super::repository::Repository;

/// A repository, and a client that knows nothing of it yet.
pub struct Scene {
    /// The repository.
    pub repo: Repository,
    /// The client.
    pub client: Client,
    seed: u64,
}

impl Scene {
    /// A valid repository, and a client without a Root.
    ///
    /// # Errors
    /// Neither folders nor ports are to be had.
    pub fn new(program: Program, seed: u64) -> Result<Self> {
        Ok(Self { repo: Repository::new(seed, Algorithm::Ecdsa)?, client: Client::new(program)?, seed })
    }

    /// Puts a repository with keys of another algorithm in the place of the one there was.
    ///
    /// # Errors
    /// No port is free.
    pub fn with_keys(&mut self, algorithm: Algorithm) -> Result<()> {
        self.repo = Repository::new(self.seed, algorithm)?;
        Ok(())
    }

    /// The client trusts the first Root.
    ///
    /// # Errors
    /// It does not.
    pub fn init(&mut self) -> Result<()> {
        let status = self.client.init(&self.repo.file("1.root.json")?)?;
        ensure!(status == Some(0), "init ended with {status:?}");
        Ok(())
    }

    /// The client trusts the first Root and is up to date.
    ///
    /// # Errors
    /// It is not.
    pub fn start(&mut self) -> Result<()> {
        self.init()?;
        self.accepts()?;
        self.repo.server().requests();
        Ok(())
    }

    /// A refresh succeeds.
    ///
    /// # Errors
    /// It does not.
    pub fn accepts(&self) -> Result<()> {
        let status = self.client.refresh(&self.url())?;
        ensure!(status == Some(0), "refresh ended with {status:?} instead of 0");
        Ok(())
    }

    /// A refresh fails as it should: with status 1, and nothing beside its folders.
    ///
    /// # Errors
    /// It does not.
    pub fn refuses(&self) -> Result<()> {
        let status = self.client.refresh(&self.url())?;
        ensure!(status == Some(1), "refresh ended with {status:?} instead of 1");
        self.stays_inside()
    }

    /// A refresh fails, and not a byte of the trusted metadata changes.
    ///
    /// # Errors
    /// It does not, or one does.
    pub fn refuses_and_keeps_all(&self) -> Result<()> {
        let before = self.client.files()?;
        self.refuses()?;
        ensure!(self.client.files()? == before, "the trusted metadata changed");
        Ok(())
    }

    /// A download of these targets succeeds.
    ///
    /// # Errors
    /// It does not.
    pub fn downloads(&self, names: &[&str]) -> Result<()> {
        let status = self.client.download(&self.url(), &self.repo.server().url("targets"), names)?;
        ensure!(status == Some(0), "download ended with {status:?} instead of 0");
        self.stays_inside()
    }

    /// A download of these targets fails as it should.
    ///
    /// # Errors
    /// It does not.
    pub fn does_not_download(&self, names: &[&str]) -> Result<()> {
        let status = self.client.download(&self.url(), &self.repo.server().url("targets"), names)?;
        ensure!(status == Some(1), "download ended with {status:?} instead of 1");
        self.stays_inside()
    }

    /// The folder of metadata holds exactly these roles in these versions, and the top-level ones as they were served.
    ///
    /// # Errors
    /// It does not.
    pub fn trusts(&mut self, expected: &[(&str, u64)]) -> Result<()> {
        let trusted = self.client.trusted()?;
        let expected: Vec<(String, u64)> =
            expected.iter().map(|(role, version)| ((*role).to_owned(), *version)).collect();
        ensure!(trusted == expected, "trusted is {trusted:?} instead of {expected:?}");
        Ok(())
    }

    /// A role in the folder of metadata is byte for byte what the server has at `path`.
    ///
    /// # Errors
    /// It is not.
    pub fn keeps_as_served(&self, role: &str, path: &str) -> Result<()> {
        let kept = fs::read(self.client.metadata().join(format!("{role}.json")))?;
        ensure!(kept == self.repo.file(path)?, "{role}.json is not {path}");
        Ok(())
    }

    /// Since the last question the server was asked for exactly this.
    ///
    /// # Errors
    /// It was not.
    pub fn asked_for(&self, expected: &[&str]) -> Result<()> {
        let requests = self.repo.server().requests();
        let names: Vec<&str> = requests.iter().map(|path| path.strip_prefix("metadata/").unwrap_or(path)).collect();
        ensure!(names == expected, "asked for {names:?} instead of {expected:?}");
        Ok(())
    }

    /// The same, of what was asked for after the top-level metadata.
    ///
    /// # Errors
    /// It was not.
    pub fn then_asked_for(&self, expected: &[&str]) -> Result<()> {
        let requests = self.repo.server().requests();
        let names = requests.iter().map(|path| path.strip_prefix("metadata/").unwrap_or(path));
        let top_level = |name: &&str| {
            let name = name.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('.');
            !matches!(name, "root.json" | "timestamp.json" | "snapshot.json" | "targets.json")
        };
        let names: Vec<&str> = names.filter(top_level).collect();
        ensure!(names == expected, "then asked for {names:?} instead of {expected:?}");
        Ok(())
    }

    /// The folder of targets holds exactly these contents.
    ///
    /// # Errors
    /// It does not.
    pub fn has(&self, expected: &[&[u8]]) -> Result<()> {
        let mut expected: Vec<Vec<u8>> = expected.iter().map(|content| content.to_vec()).collect();
        expected.sort();
        let downloaded = self.client.downloaded()?;
        ensure!(downloaded == expected, "{} targets were downloaded, or other ones", downloaded.len());
        Ok(())
    }

    /// Root asks for so many signatures of a role.
    pub fn set_threshold(&mut self, role: &str, threshold: u64) {
        self.repo.signed("root")["roles"][role]["threshold"] = json!(threshold);
    }

    /// The address of the metadata.
    pub fn url(&self) -> String {
        self.repo.server().url("metadata")
    }

    fn stays_inside(&self) -> Result<()> {
        let beside = self.client.beside()?;
        ensure!(beside.is_empty(), "{beside:?} lies beside the client's folders");
        Ok(())
    }
}
