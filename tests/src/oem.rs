//! An OEM and its suppliers, who sign by themselves, and the Image repository as a service that takes their releases.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use host::disk::Access;
use host::keys::{Algorithm, KeyFile};
use host::tls::{Authority, Purpose};
use image_repo::grpc::client::{Client, Credentials};
use image_repo::role::RoleId;
use uptane::metadata::Covers;
use uptane::sign::{
    DelegationBuilder, ImageEntry, KeySet, Matching, MemorySigner, RootBuilder, RootRoles, Signer as _, TargetsBuilder,
};
use uptane::{
    HardwareId, Image, ImageLine, Length, PublicKey, ReleaseCounter, RoleName, Sha256, TargetName, Time, Version,
};

use crate::programs::{self, Service};

/// The key of whoever is called this: the same in every run.
pub fn signer(label: &str) -> MemorySigner {
    MemorySigner::from_seed(&Sha256::of(label.as_bytes()).0)
}

/// One key that speaks for a role.
///
/// # Errors
/// Never: one key reaches a threshold of one.
pub fn keys(label: &str) -> Result<KeySet> {
    Ok(KeySet::new([signer(label).public_key()], 1)?)
}

/// An image to be listed.
#[derive(Clone, Debug)]
pub struct Firmware {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The hardware it is for.
    pub hardware: String,
    /// Its release within the line that is called like the hardware.
    pub release: u64,
}

impl Firmware {
    /// Its entry in a Targets file.
    ///
    /// # Errors
    /// It has an impossible name.
    pub fn entry(&self) -> Result<ImageEntry> {
        let hardware = HardwareId::parse(&self.hardware)?;
        let matching =
            Matching::new([hardware], ImageLine::parse(&self.hardware)?, ReleaseCounter::new(self.release)?)?;
        let length = Length::new(u64::try_from(self.bytes.len())?)?;
        Ok(ImageEntry::new(TargetName::parse(&self.name)?, length, Sha256::of(&self.bytes).into(), &matching))
    }
}

/// A Targets file of this version that lists these images and is good for a year.
///
/// # Errors
/// One of them cannot be listed.
pub fn listing<'f>(version: u64, images: impl IntoIterator<Item = &'f Firmware>) -> Result<TargetsBuilder<Image>> {
    let mut builder = TargetsBuilder::image(Version::new(version)?, host::clock::now().saturating_add(YEAR));
    for image in images {
        builder = builder.list(image.entry()?)?;
    }
    Ok(builder)
}

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A repository and the keys of its OEM.
pub struct Oem {
    folder: PathBuf,
    authority: Authority,
    environment: Vec<(&'static str, String)>,
}

/// Somebody who may publish, and the roles whose files it may bring. Its token is its name.
pub struct Writer<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its roles.
    pub roles: &'w [&'w str],
}

impl Oem {
    /// Makes a repository in `folder` by `image-repo init`, whose first Targets file is `targets`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn found(folder: &Path, targets: TargetsBuilder<Image>, options: &[&str]) -> Result<Self> {
        Self::found_with(folder, targets, options, &[])
    }

    /// As [`found`](Self::found), with variables that every command on the repository is to find in its environment.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn found_with(
        folder: &Path,
        targets: TargetsBuilder<Image>,
        options: &[&str],
        environment: &[(&'static str, String)],
    ) -> Result<Self> {
        fs::create_dir_all(folder.join("online"))?;
        let online = |name: &str| -> Result<PublicKey> {
            let path = folder.join("online").join(format!("{name}.pem"));
            Ok(KeyFile::generate_plain(&path, Algorithm::Ed25519)?.public_key())
        };
        let roles = RootRoles {
            root: keys("root")?,
            targets: keys("targets")?,
            snapshot: KeySet::new([online("snapshot")?], 1)?,
            timestamp: KeySet::new([online("timestamp")?], 1)?,
        };
        let now = host::clock::now();
        let root = RootBuilder::<Image>::image(Version::FIRST, now.saturating_add(YEAR), now, roles);
        fs::write(folder.join("1.root.json"), root.sign(&[&signer("root")])?)?;
        fs::write(folder.join("1.targets.json"), targets.sign(&keys("targets")?, &[&signer("targets")])?)?;
        let (folder, authority) = (folder.to_owned(), Authority::create("evidence", now, YEAR)?);
        let oem = Self { folder: folder.clone(), authority, environment: environment.to_vec() };
        let mut init = oem.command("init")?;
        init.arg("--root").arg(folder.join("1.root.json")).arg("--targets").arg(folder.join("1.targets.json"));
        programs::output(init.arg("--online-keys").arg(folder.join("online")).args(options))?;
        oem.certify(now)?;
        Ok(oem)
    }

    /// What the write side shows its callers.
    fn certify(&self, now: Time) -> Result<()> {
        let (request, key) = host::tls::request("repository")?;
        let names = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = self.authority.issue(&request, "repository", &names, Purpose::Server, now, YEAR)?;
        fs::write(self.repo().join("server.pem"), certificate)?;
        host::disk::replace(&self.repo().join("server.key"), key.as_bytes(), Access::Private)?;
        Ok(())
    }

    /// The folder of the repository.
    pub fn repo(&self) -> PathBuf {
        self.folder.join("repo")
    }

    /// The Root that clients begin with.
    pub fn root(&self) -> PathBuf {
        self.folder.join("1.root.json")
    }

    /// The authority's certificate, PEM.
    pub fn authority(&self) -> &str {
        self.authority.certificate()
    }

    /// Lets these publish.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn admit(&self, writers: &[Writer<'_>]) -> Result<()> {
        let path = self.repo().join("image-repo.toml");
        let mut text = fs::read_to_string(&path).unwrap_or_default();
        text += "\n[write]\nlisten = \"127.0.0.1:0\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n";
        for Writer { name, roles } in writers {
            let token = Sha256::of(name.as_bytes());
            text += &format!("\n[[writer]]\nname = {name:?}\nroles = {roles:?}\ntoken_sha256 = \"{token}\"\n");
        }
        fs::write(&path, text).with_context(|| path.display().to_string())
    }

    /// A command on the repository.
    ///
    /// # Errors
    /// The program is not built.
    pub fn command(&self, verb: &str) -> Result<Command> {
        let mut command = Command::new(programs::ours("image-repo")?);
        command.args(verb.split(' ')).arg("--repo").arg(self.repo());
        command.envs(self.environment.iter().map(|(name, value)| (*name, value)));
        Ok(command)
    }

    /// Starts an instance of the service.
    ///
    /// # Errors
    /// It does not start.
    pub fn serve(&self) -> Result<Service> {
        let mut command = self.command("serve")?;
        Service::start(command.args(["--listen", "127.0.0.1:0"]).stderr(self.log()?))
    }

    /// Where instances write what they log, one after the other.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn log(&self) -> Result<File> {
        Ok(File::options().create(true).append(true).open(self.folder.join("log"))?)
    }

    /// A connection to an instance, as the writer of this name.
    ///
    /// # Errors
    /// The instance cannot be reached.
    pub async fn client(&self, server: &str, writer: &str) -> Result<Client> {
        let authority = self.authority.certificate().to_owned();
        let credentials = Credentials { authority, identity: None, token: Some(writer.to_owned()) };
        Ok(Client::connect(server, &credentials).await?)
    }
}

/// Brings images and a file of a role, and publishes them.
///
/// # Errors
/// The repository refuses, or cannot be reached.
pub async fn publish(client: &mut Client, role: RoleId, file: Vec<u8>, images: &[&Firmware]) -> Result<()> {
    for image in images {
        client.upload_bytes(image.bytes.clone()).await?;
    }
    let blob = client.upload_bytes(file).await?;
    client.publish(&[(role, blob)]).await?;
    Ok(())
}

/// A TUF client, and what it trusts.
pub struct TufClient {
    folder: PathBuf,
    url: String,
}

impl TufClient {
    /// A client in `folder` that begins with `root` and reads from `url`, below which `metadata/` and `targets/` are.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn begin(folder: &Path, root: &Path, url: &str) -> Result<Self> {
        fs::create_dir_all(folder.join("targets"))?;
        let client = Self { folder: folder.to_owned(), url: url.to_owned() };
        programs::output(client.command()?.arg("init").arg(root))?;
        Ok(client)
    }

    /// Reads from elsewhere from now on.
    pub fn read_from(&mut self, url: &str) {
        url.clone_into(&mut self.url);
    }

    /// Follows the repository.
    ///
    /// # Errors
    /// It refuses what it finds.
    pub fn refresh(&self) -> Result<()> {
        programs::output(self.command()?.arg("refresh")).map(drop)
    }

    /// Downloads these targets, which the client verifies.
    ///
    /// # Errors
    /// It refuses one, or what it finds on the way.
    pub fn download<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Result<()> {
        let mut command = self.command()?;
        for name in names {
            command.args(["--target-name", name]);
        }
        command.arg("--target-dir").arg(self.folder.join("targets"));
        command.args(["--target-base-url", &format!("{}/targets/", self.url)]);
        programs::output(command.arg("download")).map(drop)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(programs::ours("tuf-client")?);
        command.arg("--metadata-dir").arg(self.folder.join("metadata"));
        command.args(["--metadata-url", &format!("{}/metadata/", self.url)]);
        Ok(command)
    }
}

/// A delegation of the names that match a pattern to the role of this name, for which the key of that label speaks.
///
/// # Errors
/// The name is none.
pub fn delegation(role: &str, pattern: &str) -> Result<DelegationBuilder> {
    Ok(DelegationBuilder::role(RoleName::parse(role)?, keys(role)?, Covers::Paths(vec![pattern.to_owned()])))
}
