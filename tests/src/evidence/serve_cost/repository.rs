//! What is served: a published folder, made with the command line, and the certificate of the servers.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use host::tls::{Authority, Identity, Purpose, request};
use sha2::Digest as _;

use crate::programs;

/// An image to be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub name: &'static str,
    pub mebibytes: u32,
}

/// An image that is published.
pub(super) struct Image {
    size: Size,
    /// Where it is, from the root of the server.
    pub path: String,
    pub sha256: uptane::Sha256,
}

impl Image {
    pub(super) fn mebibytes(&self) -> f64 {
        f64::from(self.size.mebibytes)
    }
}

/// A repository with images.
pub(super) struct Repository {
    pub folder: PathBuf,
    images: Vec<Image>,
}

impl Repository {
    /// Makes images of these sizes and publishes them.
    pub(super) fn publish(folder: &Path, sizes: &[Size], seed: u64) -> Result<Self> {
        let passphrase = folder.join("passphrase");
        fs::write(&passphrase, "evidence\n")?;
        let mut repository = Self { folder: folder.join("repo"), images: Vec::new() };
        repository.run("init", |command| command.arg("--passphrase-file").arg(&passphrase))?;
        for (release, size) in (1_u32..).zip(sizes) {
            let file = folder.join(size.name);
            let sha256 = write(&file, *size, seed)?;
            let (name, release) = (format!("brake/{}.bin", size.name), release.to_string());
            repository.run("targets add", |command| {
                command.arg(&file).args(["--name", &name, "--hardware-id", "brake-hw"]);
                command.args(["--line", "brake", "--release-counter", &release])
            })?;
            fs::remove_file(&file)?;
            let path = format!("targets/brake/{sha256}.{}.bin", size.name);
            repository.images.push(Image { size: *size, path, sha256 });
        }
        repository.run("sign", |command| command.arg("--passphrase-file").arg(&passphrase))?;
        repository.run("publish", |command| command)?;
        Ok(repository)
    }

    /// The image of this size.
    pub(super) fn image(&self, size: &Size) -> Result<&Image> {
        self.images.iter().find(|image| image.size == *size).context("an image of that size")
    }

    fn run(&self, verb: &str, add: impl FnOnce(&mut Command) -> &mut Command) -> Result<String> {
        let mut command = Command::new(programs::ours("image-repo")?);
        command.args(verb.split(' ')).arg("--repo").arg(&self.folder);
        programs::output(add(&mut command))
    }
}

/// Writes an image whose every byte is stored, and says what it is.
fn write(path: &Path, size: Size, seed: u64) -> Result<uptane::Sha256> {
    let (mut file, mut digest) = (File::create(path)?, sha2::Sha256::new());
    // xorshift64, which needs a start other than 0.
    let mut state = seed | 1;
    let mut piece = vec![0; 1024 * 1024];
    for _ in 0..size.mebibytes {
        for eight in piece.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            eight.copy_from_slice(&state.to_le_bytes());
        }
        digest.update(&piece);
        file.write_all(&piece)?;
    }
    Ok(uptane::Sha256(digest.finalize().into()))
}

/// An authority, the certificate both servers show, and one for the client, which neither asks for.
pub(super) struct Trust {
    pub authority: Authority,
    pub client: Identity,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Trust {
    pub(super) fn create(folder: &Path) -> Result<Self> {
        let authority = Authority::create("serve-cost", host::clock::now(), DAY)?;
        let identity = |name: &str, purpose| -> Result<Identity> {
            let (request, key) = request(name)?;
            let names = [name.to_owned()];
            let certificate = authority.issue(&request, name, &names, purpose, host::clock::now(), DAY)?;
            Ok(Identity::new(certificate, key)?)
        };
        let (server, client) = (identity("127.0.0.1", Purpose::Server)?, identity("client.test", Purpose::Client)?);
        let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
        fs::write(&certificate, server.certificate())?;
        host::disk::create(&key, server.key().as_bytes(), host::disk::Access::Private)?;
        Ok(Self { authority, client, certificate, key })
    }
}

const DAY: Duration = Duration::from_secs(86_400);
