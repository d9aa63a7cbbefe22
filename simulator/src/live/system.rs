//! A whole system in one folder: both repositories, one vehicle, everything real.

/// Builds a command line out of anything that is text to the operating system.
macro_rules! args {
    ($($arg:expr),* $(,)?) => { [$(OsString::from($arg)),*] };
}

mod place;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use primary_ecu::status::Status;
use uptane::VehicleId;

use self::place::{Place, write};
use super::{Connection, Daemon, Ecu, Launcher, Program, Wiring, wait_until};
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
