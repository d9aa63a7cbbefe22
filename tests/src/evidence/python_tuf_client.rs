//! python-tuf, a TUF client that is not ours, reads what our Image repository publishes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::Item;
use crate::programs::{self, Service};
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "python-tuf-client",
    promise: "python-tuf starts from our Root, refreshes, and downloads a target",
    show,
};

const SCRIPT: &str = include_str!("../../python/tuf_client.py");
const TARGET: &str = "brake/fw-1.bin";

/// Bytes of the image. Odd, so that nothing fits by chance.
const IMAGE: usize = 262_147;

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("python3-venv")?;
    let folder = tempfile::tempdir()?;
    let client = Client::install(folder.path(), record)?;
    let repository = Repository::publish(folder.path())?;

    let server = Service::start(repository.command("serve")?.args(["--listen", "127.0.0.1:0"]))?;
    client.update(record, "image-repo serve", &repository, server.url(), "served")?;
    drop(server);

    let server = repository.serve_statically()?;
    client.update(record, "static server", &repository, server.url(), "static")?;
    repository.flip_a_byte()?;
    let refused = client.run(&repository, server.url(), "flipped").is_err();
    record.claim("a flipped byte in the image is refused", refused);
    Ok(())
}

/// python-tuf in a virtual environment of its own.
struct Client {
    folder: PathBuf,
    python: PathBuf,
}

impl Client {
    fn install(folder: &Path, record: &mut Record) -> Result<Self> {
        let (python, version) = programs::python_tuf(folder)?;
        record.note(format!("python-tuf {version}"));
        Ok(Self { folder: folder.to_owned(), python })
    }

    fn run(&self, repository: &Repository, url: &str, name: &str) -> Result<String> {
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).arg(repository.root()).args([url, TARGET]).arg(self.folder.join(name));
        programs::output(&mut command)
    }

    /// Refreshes and downloads from `url`, and compares what it got with what was published.
    fn update(&self, record: &mut Record, from: &str, repository: &Repository, url: &str, name: &str) -> Result<()> {
        let said = self.run(repository, url, name).with_context(|| format!("python-tuf, from {from}"))?;
        for line in said.lines() {
            match line.split_once(' ') {
                Some(("sha256", digest)) => {
                    record.claim(format!("{from}: the image is whole"), digest == repository.sha256)
                }
                Some((role, version)) => {
                    record.figure(format!("{from}: {role} version"), version.parse()?, "", Limit::AtLeast(1.0))
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// A repository made by the command line, with one image.
struct Repository {
    folder: PathBuf,
    sha256: String,
}

impl Repository {
    fn publish(folder: &Path) -> Result<Self> {
        let (image, passphrase) = (folder.join("fw.bin"), folder.join("passphrase"));
        let bytes: Vec<u8> =
            (0..IMAGE).map(|index| index.to_le_bytes().iter().fold(7, |sum, byte| sum ^ byte)).collect();
        fs::write(&image, &bytes)?;
        fs::write(&passphrase, "evidence\n")?;
        let repository = Self { folder: folder.join("repo"), sha256: uptane::Sha256::of(&bytes).to_string() };
        let with_passphrase = |verb: &str| -> Result<String> {
            programs::output(repository.command(verb)?.arg("--passphrase-file").arg(&passphrase))
        };
        with_passphrase("init")?;
        let mut add = Command::new(programs::ours("image-repo")?);
        add.args(["targets", "add", "--repo"]).arg(&repository.folder).arg(&image);
        add.args(["--name", TARGET, "--hardware-id", "brake-hw", "--line", "brake", "--release-counter", "1"]);
        programs::output(&mut add)?;
        with_passphrase("sign")?;
        programs::output(&mut repository.command("publish")?)?;
        Ok(repository)
    }

    fn command(&self, verb: &str) -> Result<Command> {
        let mut command = Command::new(programs::ours("image-repo")?);
        command.arg(verb).arg("--repo").arg(&self.folder);
        Ok(command)
    }

    /// The published folder alone, behind a server that knows nothing of TUF.
    fn serve_statically(&self) -> Result<Service> {
        let mut server = Command::new("python3");
        server.args(["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory"]);
        Service::start(server.arg(self.folder.join("published")).arg("0").stderr(Stdio::null()))
    }

    /// The Root a client starts with.
    fn root(&self) -> PathBuf {
        self.folder.join("published/metadata/1.root.json")
    }

    fn flip_a_byte(&self) -> Result<()> {
        let name = format!("published/targets/brake/{}.fw-1.bin", self.sha256);
        let path = self.folder.join(name);
        let mut bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        let middle = bytes.get_mut(IMAGE / 2).context("the image is shorter than it was")?;
        *middle ^= 1;
        fs::write(path, bytes)?;
        Ok(())
    }
}
