//! An attacker who holds everything the Director keeps online: its TLS key and the keys of Timestamp, Snapshot, Targets
//! and time. What they do not hold is a key of the Image repository.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use host::clock;
use host::keys::KeyFile;
use proto::grpc::director::director_server::{Director, DirectorServer};
use proto::grpc::director::{CheckInReply, CheckInRequest};
use tokio::sync::oneshot;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use uptane::sign::{
    EcuAssignment, FileInfo, ImageEntry, KeySet, Matching, Signer, SnapshotBuilder, TargetsBuilder, TimeBuilder,
    TimestampBuilder,
};
use uptane::{EcuId, HardwareId, Hashes, ImageLine, Length, Nonce, ReleaseCounter, TargetName, Time, Version};

use super::firmware;
use crate::Error;
use crate::live::{Ecu, System};

/// The attacker's server, in a thread of its own.
pub(super) struct EvilDirector {
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl EvilDirector {
    /// Listens where the Director did, and assigns to every ECU an image that the Image repository does not list.
    pub(super) fn start(system: &System, address: &str) -> Result<Self, Error> {
        let service = Forger::new(system).map_err(|error| Error::Preparation(error.to_string()))?;
        let tls = stolen_tls(&system.director_data())?;
        let address: SocketAddr = address
            .trim_start_matches("https://")
            .parse()
            .map_err(|_| Error::Preparation(format!("{address} is not an address")))?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(service, tls, address, stopped));
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub(super) fn stop(self) {
        // If it has ended by itself there is nobody left to tell.
        let _ended = self.stop.send(());
        let _panicked = self.thread.join();
    }
}

fn serve(service: Forger, tls: ServerTlsConfig, address: SocketAddr, stopped: oneshot::Receiver<()>) {
    let Ok(runtime) = host::serve::runtime() else { return };
    runtime.block_on(async move {
        let Ok(mut server) = Server::builder().tls_config(tls) else { return };
        let service = server.add_service(DirectorServer::new(service));
        // Should it not come to listen, the attack is seen to go unrefused, and the demonstration fails.
        let _ended = service.serve_with_shutdown(address, async { drop(stopped.await) }).await;
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
}

fn stolen_tls(director: &Path) -> Result<ServerTlsConfig, Error> {
    let read = |name: &str| {
        let path = director.join(name);
        std::fs::read(&path).map_err(Error::io(format!("reading {}", path.display())))
    };
    let identity = Identity::from_pem(read("tls/server.pem")?, read("tls/key.pem")?);
    Ok(ServerTlsConfig::new().identity(identity).client_ca_root(Certificate::from_pem(read("ca/ca.pem")?)))
}

/// Signs what no Director should.
struct Forger {
    timestamp: Vec<u8>,
    snapshot: Vec<u8>,
    targets: Vec<u8>,
    time: (KeySet, KeyFile),
}

type Preparation<T> = Result<T, Box<dyn std::error::Error>>;

impl Forger {
    fn new(system: &System) -> Preparation<Self> {
        let keys = system.director_data().join("keys");
        let targets = forged_targets(system, &keys)?;
        let expires = clock::now().saturating_add(LIFETIME);
        let info = FileInfo::of(version()?, &targets)?;
        let (set, key) = stolen(&keys, "snapshot")?;
        let snapshot = SnapshotBuilder::director(system.vehicle(), version()?, expires, info).sign(&set, &[&key])?;
        let info = FileInfo::of(version()?, &snapshot)?;
        let (set, key) = stolen(&keys, "timestamp")?;
        let timestamp = TimestampBuilder::director(system.vehicle(), version()?, expires, info).sign(&set, &[&key])?;
        Ok(Self { timestamp, snapshot, targets, time: stolen(&keys, "time")? })
    }

    fn attest(&self, time: Time, nonces: &[Vec<u8>]) -> Result<Vec<u8>, Status> {
        let nonces: BTreeSet<Nonce> =
            nonces.iter().filter_map(|nonce| nonce.as_slice().try_into().ok().map(Nonce)).collect();
        let (set, key) = &self.time;
        TimeBuilder { time, nonces }.sign(set, &[key]).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Valid in every respect but one: the Image repository lists no such image.
fn forged_targets(system: &System, keys: &Path) -> Preparation<Vec<u8>> {
    let image = firmware::make(666);
    let hardware: Vec<HardwareId> = system.ecus().map(|ecu| ecu.hardware.parse()).collect::<Result<_, _>>()?;
    let matching = Matching::new(hardware, ImageLine::parse("demo")?, ReleaseCounter::new(666)?)?;
    let length = Length::new(u64::try_from(image.len())?)?;
    let entry = ImageEntry::new(TargetName::parse("firmware/stolen.bin")?, length, Hashes::of(&image), &matching);
    let expires = clock::now().saturating_add(LIFETIME);
    let mut targets = TargetsBuilder::director(system.vehicle(), version()?, expires);
    for ecu in system.ecus() {
        targets = targets.assign(entry.clone(), assignment(&ecu)?)?;
    }
    let (set, key) = stolen(keys, "targets")?;
    Ok(targets.sign(&set, &[&key])?)
}

fn assignment(ecu: &Ecu) -> Result<EcuAssignment, uptane::Error> {
    let (ecu, hardware_id) = (EcuId::parse(ecu.id)?, HardwareId::parse(ecu.hardware)?);
    Ok(EcuAssignment { ecu, hardware_id, order: None, fallback: None, delta: None })
}

fn stolen(keys: &Path, role: &str) -> Preparation<(KeySet, KeyFile)> {
    let key = KeyFile::open_plain(&keys.join(format!("{role}.pem")))?;
    Ok((KeySet::new([key.public_key()], 1)?, key))
}

/// Higher than any version the Director reaches while the demonstration runs.
fn version() -> Result<Version, uptane::Error> {
    Version::new(1 << 40)
}

#[tonic::async_trait]
impl Director for Forger {
    async fn check_in(&self, request: Request<CheckInRequest>) -> Result<Response<CheckInReply>, Status> {
        let request = request.into_inner();
        Ok(Response::new(CheckInReply {
            time: self.attest(clock::now(), &request.nonces)?,
            newest_root: request.root,
            roots: Vec::new(),
            timestamp: Some(self.timestamp.clone()),
            snapshot: Some(self.snapshot.clone()),
            targets: Some(self.targets.clone()),
            manifest_wanted: false,
        }))
    }
}

const LIFETIME: Duration = Duration::from_secs(24 * 3600);
