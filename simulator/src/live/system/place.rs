//! The folder of a [`System`](super::System) and the commands that fill it: what is needed before there is one.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use uptane::VehicleId;

use super::Node;
use crate::Error;
use crate::live::{Connection, Daemon, Ecu, Launcher, Program, Wiring, status};

/// Target name of the image every ECU is made with.
const FIRST_IMAGE: &str = "firmware/demo-1.bin";

/// Where things are, and how programs are started.
pub(super) struct Place<'a> {
    pub(super) launcher: &'a Launcher,
    pub(super) folder: &'a Path,
    pub(super) wiring: &'a Wiring,
}

impl Place<'_> {
    pub(super) fn passphrase(&self) -> PathBuf {
        self.folder.join("passphrase")
    }

    pub(super) fn first_image(&self) -> PathBuf {
        self.folder.join("demo-1.bin")
    }

    pub(super) fn image_repo(&self) -> PathBuf {
        self.folder.join("image-repo")
    }

    pub(super) fn director(&self) -> PathBuf {
        self.folder.join("director")
    }

    fn bundle(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    pub(super) fn ecu(&self, ecu: &Ecu) -> PathBuf {
        self.folder.join(ecu.id)
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }

    fn run(&self, program: Program, args: &[OsString]) -> Result<String, Error> {
        self.launcher.run(program, args)
    }

    pub(super) fn create_image_repo(&self, ecus: &[Ecu]) -> Result<(), Error> {
        let args = args!["init", "--repo", self.image_repo(), "--passphrase-file", self.passphrase()];
        self.run(Program::ImageRepo, &args)?;
        self.publish(FIRST_IMAGE, &self.first_image(), 1, ecus.iter().map(|ecu| ecu.hardware))
    }

    pub(super) fn publish<'h>(
        &self,
        name: &str,
        image: &Path,
        release_counter: u64,
        hardware: impl Iterator<Item = &'h str>,
    ) -> Result<(), Error> {
        let repo = self.image_repo();
        let mut add = args!["targets", "add", "--repo", &repo, image, "--name", name, "--line", LINE].to_vec();
        add.extend(args!["--release-counter", release_counter.to_string()]);
        add.extend(hardware.flat_map(|hardware| args!["--hardware-id", hardware]));
        self.run(Program::ImageRepo, &add)?;
        self.run(Program::ImageRepo, &args!["sign", "--repo", &repo, "--passphrase-file", self.passphrase()])?;
        self.run(Program::ImageRepo, &args!["publish", "--repo", &repo]).map(drop)
    }

    pub(super) fn serve_image_repo(&self) -> Result<Daemon, Error> {
        let args = args!["serve", "--repo", self.image_repo(), "--listen", "127.0.0.1:0"];
        self.launcher.start(Program::ImageRepo, &args, &self.log("image-repo"))
    }

    pub(super) fn create_director(&self, image_repo: &Daemon) -> Result<(), Error> {
        let root = self.image_repo().join("published/metadata/1.root.json");
        let mut args = args!["init", "--data", self.director(), "--passphrase-file", self.passphrase()].to_vec();
        args.extend(args!["--image-root", root, "--image-url", image_repo.address()]);
        self.run(Program::Director, &args).map(drop)
    }

    pub(super) fn serve_director(&self, listen: &str) -> Result<Daemon, Error> {
        let mut args = args!["serve", "--data", self.director(), "--listen", listen].to_vec();
        args.extend(args!["--metrics-listen", "127.0.0.1:0"]);
        self.launcher.start(Program::Director, &args, &self.log("director"))
    }

    pub(super) fn create_vehicle(&self, ecus: &[Ecu]) -> Result<VehicleId, Error> {
        for ecu in ecus {
            self.init_ecu(ecu)?;
        }
        let mut args = args!["vehicle", "add", "--data", self.director(), "--out", self.bundle()].to_vec();
        args.extend(ecus.iter().flat_map(|ecu| args!["--enrolment", self.ecu(ecu).join("enrolment.toml")]));
        let output = self.run(Program::Director, &args)?;
        output
            .trim()
            .parse()
            .map_err(|error: uptane::Error| Error::Output { program: Program::Director, message: error.to_string() })
    }

    fn init_ecu(&self, ecu: &Ecu) -> Result<(), Error> {
        let mut args = args!["init", "--data", self.ecu(ecu), "--ecu", ecu.id, "--hardware-id", ecu.hardware].to_vec();
        args.extend(args!["--image", self.first_image(), "--image-name", FIRST_IMAGE]);
        args.extend(args!["--line", LINE, "--release-counter", "1"]);
        match ecu.connection {
            Connection::Primary => return self.run(Program::PrimaryEcu, &args).map(drop),
            Connection::Ethernet => args.extend(args!["--verification", "full"]),
            Connection::Can { .. } | Connection::CanGroup { .. } => {
                args.extend(args!["--verification", "partial-plus"]);
            }
        }
        self.run(Program::SecondaryEcu, &args)?;
        Ok(())
    }

    pub(super) fn start_secondary(&self, node: &mut Node) -> Result<(), Error> {
        let data = self.ecu(&node.ecu);
        let mut args = args!["run", "--data", &data].to_vec();
        match node.ecu.connection {
            Connection::Primary => return Ok(()),
            Connection::Ethernet => {
                let listen = node.address.as_deref().unwrap_or("127.0.0.1:0").trim_start_matches("https://");
                args.extend(args!["--listen", listen]);
            }
            can @ (Connection::Can { .. } | Connection::CanGroup { .. }) => {
                args.extend(args!["--can", &self.wiring.secondaries]);
                args.extend(can.options().into_iter().map(OsString::from));
            }
        }
        if node.address.is_none() {
            let provision = args!["provision", "--data", &data, "--bundle", self.bundle()];
            self.run(Program::SecondaryEcu, &provision)?;
        }
        let daemon = self.launcher.start(Program::SecondaryEcu, &args, &self.log(node.ecu.id))?;
        node.address = Some(daemon.address().to_owned());
        node.daemon = Some(daemon);
        Ok(())
    }

    pub(super) fn provision_primary(
        &self,
        nodes: &[Node],
        image_repo: &Daemon,
        director: &Daemon,
    ) -> Result<(), Error> {
        let Some(primary) = nodes.iter().find(|node| node.ecu.connection == Connection::Primary) else {
            return Ok(());
        };
        let mut args = args!["provision", "--data", self.ecu(&primary.ecu), "--bundle", self.bundle()].to_vec();
        args.extend(args!["--director", director.address(), "--image-repo", image_repo.address()]);
        args.extend(args!["--can", &self.wiring.primary]);
        args.extend(nodes.iter().filter_map(route).flat_map(|route| args!["--secondary", route]));
        self.run(Program::PrimaryEcu, &args).map(drop)
    }

    pub(super) fn running(&self, ecu: &Ecu) -> Result<String, Error> {
        let program = match ecu.connection {
            Connection::Primary => Program::PrimaryEcu,
            Connection::Ethernet | Connection::Can { .. } | Connection::CanGroup { .. } => Program::SecondaryEcu,
        };
        let output = self.run(program, &args!["status", "--data", self.ecu(ecu), "--json"])?;
        status::running(program, ecu.id, &output)
    }
}

/// How the Primary is told to reach a Secondary.
fn route(node: &Node) -> Option<String> {
    Some(format!("{}={}", node.ecu.id, node.ecu.connection.address(node.address.as_deref())?))
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(Error::io(format!("writing {}", path.display())))
}

/// The image line of everything the demonstration publishes.
const LINE: &str = "demo";
