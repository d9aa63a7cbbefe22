//! A whole system in one folder: both repositories, one vehicle, everything real.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use primary_ecu::status::Status;
use uptane::VehicleId;

use super::{Connection, Daemon, Ecu, Framing, Launcher, Program, Wiring, wait_until};
use crate::Error;

/// A running system.
#[derive(Debug)]
pub struct System {
    folder: PathBuf,
    launcher: Launcher,
    wiring: Wiring,
    image_repo: Daemon,
    director: Option<Daemon>,
    director_address: String,
    vehicle: VehicleId,
    ecus: Vec<Node>,
}

/// An ECU and its process.
#[derive(Debug)]
struct Node {
    ecu: Ecu,
    daemon: Option<Daemon>,
    /// Where it listens; kept, so that it listens there again after a restart.
    address: Option<String>,
}

/// Builds a command line out of anything that is text to the operating system.
macro_rules! args {
    ($($arg:expr),* $(,)?) => { [$(OsString::from($arg)),*] };
}

impl System {
    /// Makes keys, repositories and a vehicle of `ecus` in the empty `folder`, provisions and starts them.
    ///
    /// Every ECU starts with `first_image`, its first release. The Primary is not started yet.
    pub fn create(launcher: Launcher, folder: &Path, ecus: &[Ecu], first_image: &[u8]) -> Result<Self, Error> {
        let bus = format!("unix:{}", folder.join("can").display());
        Self::create_on(launcher, folder, ecus, first_image, &Wiring { primary: bus.clone(), secondaries: bus })
    }

    /// Does the same, on a CAN bus of the caller's.
    pub fn create_on(
        launcher: Launcher,
        folder: &Path,
        ecus: &[Ecu],
        first_image: &[u8],
        wiring: &Wiring,
    ) -> Result<Self, Error> {
        let place = Place { launcher: &launcher, folder, wiring };
        for part in ["logs", "can"] {
            std::fs::create_dir_all(folder.join(part)).map_err(Error::io(format!("making {}", folder.display())))?;
        }
        write(&place.passphrase(), b"demonstration only\n")?;
        write(&place.first_image(), first_image)?;

        place.create_image_repo(ecus)?;
        let image_repo = place.serve_image_repo()?;
        place.create_director(&image_repo)?;
        let director = place.serve_director("127.0.0.1:0")?;
        let vehicle = place.create_vehicle(ecus)?;
        let mut nodes: Vec<Node> = ecus.iter().map(|ecu| Node { ecu: *ecu, daemon: None, address: None }).collect();
        for node in &mut nodes {
            place.start_secondary(node)?;
        }
        place.provision_primary(&nodes, &image_repo, &director)?;

        let director_address = director.address().to_owned();
        let (folder, wiring) = (folder.to_owned(), wiring.clone());
        Ok(Self {
            folder,
            launcher,
            wiring,
            image_repo,
            director: Some(director),
            director_address,
            vehicle,
            ecus: nodes,
        })
    }

    fn place(&self) -> Place<'_> {
        Place { launcher: &self.launcher, folder: &self.folder, wiring: &self.wiring }
    }

    /// Adds `image` to the Image repository under `name` for every ECU's hardware, signs and publishes.
    pub fn publish(&self, name: &str, image: &Path, release_counter: u64) -> Result<(), Error> {
        let hardware = self.ecus.iter().map(|node| node.ecu.hardware);
        self.place().publish(name, image, release_counter, hardware)
    }

    /// Assigns the target `name` to every ECU.
    pub fn assign(&self, name: &str) -> Result<(), Error> {
        let place = self.place();
        let mut args = args!["assign", "--data", place.director(), "--vehicle", self.vehicle.to_string()].to_vec();
        args.extend(self.ecus.iter().map(|node| OsString::from(format!("{}={name}", node.ecu.id))));
        place.launcher.run(Program::Director, &args).map(drop)
    }

    /// Starts the Primary; it asks the Director every second.
    pub fn start_primary(&mut self) -> Result<(), Error> {
        let place = Place { launcher: &self.launcher, folder: &self.folder, wiring: &self.wiring };
        let Some(node) = self.ecus.iter_mut().find(|node| node.ecu.connection == Connection::Primary) else {
            return Ok(());
        };
        let args = args!["run", "--data", place.ecu(&node.ecu), "--interval", "1"];
        node.daemon = Some(place.launcher.spawn(Program::PrimaryEcu, &args, &place.log(node.ecu.id))?);
        Ok(())
    }

    /// Ends an ECU as a power cut would.
    pub fn kill(&mut self, ecu: &str) -> Result<(), Error> {
        let node = self.ecus.iter_mut().find(|node| node.ecu.id == ecu);
        node.and_then(|node| node.daemon.take()).map_or(Ok(()), Daemon::kill)
    }

    /// Starts an ECU again after [`System::kill`].
    pub fn restart(&mut self, ecu: &str) -> Result<(), Error> {
        let place = Place { launcher: &self.launcher, folder: &self.folder, wiring: &self.wiring };
        match self.ecus.iter_mut().find(|node| node.ecu.id == ecu) {
            Some(node) if node.ecu.connection != Connection::Primary => place.start_secondary(node),
            _ => self.start_primary(),
        }
    }

    /// Stops the Director and returns the address it listened at.
    pub fn stop_director(&mut self) -> Result<String, Error> {
        if let Some(director) = self.director.take() {
            director.kill()?;
        }
        Ok(self.director_address.clone())
    }

    /// Starts the Director again where it was.
    pub fn restart_director(&mut self) -> Result<(), Error> {
        let listen = self.director_address.trim_start_matches("https://").to_owned();
        self.start_director_at(&listen).map(drop)
    }

    /// Starts the Director at another address than vehicles were told, and returns where it listens.
    pub fn start_director_at(&mut self, listen: &str) -> Result<String, Error> {
        let director = self.place().serve_director(listen)?;
        Ok(self.director.insert(director).address().to_owned())
    }

    /// Where the Director's metrics are.
    pub fn director_metrics(&self) -> Option<String> {
        self.director.as_ref()?.said("metrics ")
    }

    /// What the Primary says of the vehicle.
    pub fn status(&self) -> Result<Status, Error> {
        let place = self.place();
        let primary = self.ecus.iter().find(|node| node.ecu.connection == Connection::Primary);
        let data = primary.map(|node| place.ecu(&node.ecu)).unwrap_or_default();
        super::status::parse(&place.launcher.run(Program::PrimaryEcu, &args!["status", "--data", data, "--json"])?)
    }

    /// Asks for the status until `ready` finds in it what it waits for.
    pub fn wait<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut(&Status) -> Option<T>,
    ) -> Result<T, Error> {
        wait_until(what, limit, &self.folder.join("logs"), || {
            self.check_alive()?;
            Ok(ready(&self.status()?))
        })
    }

    fn check_alive(&mut self) -> Result<(), Error> {
        self.image_repo.check_alive()?;
        self.director.iter_mut().try_for_each(Daemon::check_alive)?;
        self.ecus.iter_mut().filter_map(|node| node.daemon.as_mut()).try_for_each(Daemon::check_alive)
    }

    /// Digest of the image each ECU itself says it runs, asked of the ECU's own data folder.
    pub fn running(&self) -> Result<Vec<(Ecu, String)>, Error> {
        self.ecus.iter().map(|node| Ok((node.ecu, self.place().running(&node.ecu)?))).collect()
    }

    /// The ECUs.
    pub fn ecus(&self) -> impl Iterator<Item = Ecu> {
        self.ecus.iter().map(|node| node.ecu)
    }

    /// The vehicle.
    pub fn vehicle(&self) -> VehicleId {
        self.vehicle
    }

    /// The folder everything is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The Image repository's folder as any static web server would serve it.
    pub fn published(&self) -> PathBuf {
        self.place().image_repo().join("published")
    }

    /// The Director's data folder.
    pub fn director_data(&self) -> PathBuf {
        self.place().director()
    }

    /// Where the Image repository listens.
    pub fn image_repo_address(&self) -> &str {
        self.image_repo.address()
    }

    /// The process id of an ECU that runs.
    pub fn process_id(&self, ecu: &str) -> Option<u32> {
        self.ecus.iter().find(|node| node.ecu.id == ecu)?.daemon.as_ref().map(Daemon::id)
    }

    /// The data folder of an ECU.
    pub fn ecu_data(&self, ecu: &str) -> PathBuf {
        self.folder.join(ecu)
    }
}

/// Target name of the image every ECU is made with.
const FIRST_IMAGE: &str = "firmware/demo-1.bin";

/// Where things are, and how programs are started: what is needed before there is a [`System`].
struct Place<'a> {
    launcher: &'a Launcher,
    folder: &'a Path,
    wiring: &'a Wiring,
}

impl Place<'_> {
    fn passphrase(&self) -> PathBuf {
        self.folder.join("passphrase")
    }

    fn first_image(&self) -> PathBuf {
        self.folder.join("demo-1.bin")
    }

    fn image_repo(&self) -> PathBuf {
        self.folder.join("image-repo")
    }

    fn director(&self) -> PathBuf {
        self.folder.join("director")
    }

    fn bundle(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    fn ecu(&self, ecu: &Ecu) -> PathBuf {
        self.folder.join(ecu.id)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.join("logs").join(format!("{name}.log"))
    }

    fn run(&self, program: Program, args: &[OsString]) -> Result<String, Error> {
        self.launcher.run(program, args)
    }

    fn create_image_repo(&self, ecus: &[Ecu]) -> Result<(), Error> {
        let args = args!["init", "--repo", self.image_repo(), "--passphrase-file", self.passphrase()];
        self.run(Program::ImageRepo, &args)?;
        self.publish(FIRST_IMAGE, &self.first_image(), 1, ecus.iter().map(|ecu| ecu.hardware))
    }

    fn publish<'h>(
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

    fn serve_image_repo(&self) -> Result<Daemon, Error> {
        let args = args!["serve", "--repo", self.image_repo(), "--listen", "127.0.0.1:0"];
        self.launcher.start(Program::ImageRepo, &args, &self.log("image-repo"))
    }

    fn create_director(&self, image_repo: &Daemon) -> Result<(), Error> {
        let root = self.image_repo().join("published/metadata/1.root.json");
        let mut args = args!["init", "--data", self.director(), "--passphrase-file", self.passphrase()].to_vec();
        args.extend(args!["--image-root", root, "--image-url", image_repo.address()]);
        self.run(Program::Director, &args).map(drop)
    }

    fn serve_director(&self, listen: &str) -> Result<Daemon, Error> {
        let mut args = args!["serve", "--data", self.director(), "--listen", listen].to_vec();
        args.extend(args!["--metrics-listen", "127.0.0.1:0"]);
        self.launcher.start(Program::Director, &args, &self.log("director"))
    }

    fn create_vehicle(&self, ecus: &[Ecu]) -> Result<VehicleId, Error> {
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
            Connection::Can { .. } => args.extend(args!["--verification", "partial-plus"]),
        }
        self.run(Program::SecondaryEcu, &args)?;
        Ok(())
    }

    fn start_secondary(&self, node: &mut Node) -> Result<(), Error> {
        let data = self.ecu(&node.ecu);
        let mut args = args!["run", "--data", &data].to_vec();
        match node.ecu.connection {
            Connection::Primary => return Ok(()),
            Connection::Ethernet => {
                let listen = node.address.as_deref().unwrap_or("127.0.0.1:0").trim_start_matches("https://");
                args.extend(args!["--listen", listen]);
            }
            Connection::Can { framing, request, response } => {
                args.extend(args!["--can", &self.wiring.secondaries, option(framing)]);
                args.extend(args!["--request-id", format!("{request:#x}"), "--response-id", format!("{response:#x}")]);
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

    fn provision_primary(&self, nodes: &[Node], image_repo: &Daemon, director: &Daemon) -> Result<(), Error> {
        let Some(primary) = nodes.iter().find(|node| node.ecu.connection == Connection::Primary) else {
            return Ok(());
        };
        let mut args = args!["provision", "--data", self.ecu(&primary.ecu), "--bundle", self.bundle()].to_vec();
        args.extend(args!["--director", director.address(), "--image-repo", image_repo.address()]);
        args.extend(args!["--can", &self.wiring.primary]);
        args.extend(nodes.iter().filter_map(route).flat_map(|route| args!["--secondary", route]));
        self.run(Program::PrimaryEcu, &args).map(drop)
    }

    fn running(&self, ecu: &Ecu) -> Result<String, Error> {
        let program = match ecu.connection {
            Connection::Primary => Program::PrimaryEcu,
            Connection::Ethernet | Connection::Can { .. } => Program::SecondaryEcu,
        };
        let output = self.run(program, &args!["status", "--data", self.ecu(ecu), "--json"])?;
        super::status::running(program, ecu.id, &output)
    }
}

/// How the Primary is told to reach a Secondary.
fn route(node: &Node) -> Option<String> {
    let ecu = &node.ecu;
    match ecu.connection {
        Connection::Primary => None,
        Connection::Ethernet => Some(format!("{}={}", ecu.id, node.address.as_deref()?)),
        Connection::Can { framing, request, response } => {
            let framing = option(framing).trim_start_matches("--");
            Some(format!("{}=can:{framing}:{request:#x}:{response:#x}", ecu.id))
        }
    }
}

fn option(framing: Framing) -> &'static str {
    match framing {
        Framing::Classical => "--classical",
        Framing::Fd => "--fd",
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(Error::io(format!("writing {}", path.display())))
}

/// The image line of everything the demonstration publishes.
const LINE: &str = "demo";
