//! The real binary: a Director is made, a vehicle registered, and its Primary checks in over mTLS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod images;
mod in_use;
mod operation;
mod patches;
mod vehicle;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use host::provisioning::{self, Banks, VEHICLE};
use images::{ImageRepository, Listed};
use proto::grpc::director as wire;
use serde_json::Value;
use uptane::{Time, VehicleId};
use vehicle::{Draft, Vehicle};
use wire::check_in_request::State;

const OLD_BRAKE: Listed = Listed { name: "brake/fw-1.bin", hardware: "brake-hw", release: 1 };
const NEW_BRAKE: Listed = Listed { name: "brake/fw-2.bin", hardware: "brake-hw", release: 2 };

/// A Director with one registered vehicle, in a folder of its own.
struct Site {
    folder: tempfile::TempDir,
    images: ImageRepository,
    id: VehicleId,
    tls_key: String,
}

impl Site {
    fn new() -> Self {
        Self::with_brake(Banks::Two)
    }

    fn with_brake(banks: Banks) -> Self {
        let images = ImageRepository::start(&[NEW_BRAKE]);
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("pass"), "correct horse\n").unwrap();
        std::fs::write(at("image-root.json"), images::root()).unwrap();
        let (csr, tls_key) = host::tls::request("primary").unwrap();
        let (brake_csr, _) = host::tls::request("brake").unwrap();
        let primary = vehicle::enrolment("primary", "primary", Banks::Two, &vehicle::PRIMARY, &csr);
        std::fs::write(at("primary.toml"), primary).unwrap();
        let brake = vehicle::enrolment("brake", "secondary", banks, &vehicle::BRAKE, &brake_csr);
        std::fs::write(at("brake.toml"), brake).unwrap();
        let id = VehicleId([0; 16]);
        let mut site = Self { folder, images, id, tls_key: tls_key.to_string() };

        assert!(site.init().status.success());
        let added = site.run(&[
            "vehicle",
            "add",
            "--vin",
            "VIN1",
            "--out",
            &site.path("bundle"),
            "--enrolment",
            &site.path("primary.toml"),
            "--enrolment",
            &site.path("brake.toml"),
        ]);
        assert!(added.status.success(), "{}", stderr(&added));
        site.id = VehicleId::parse(String::from_utf8(added.stdout).unwrap().trim()).unwrap();
        site
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn bundle(&self) -> PathBuf {
        self.folder.path().join("bundle")
    }

    fn init(&self) -> Output {
        self.run(&[
            "init",
            "--passphrase-file",
            &self.path("pass"),
            "--image-root",
            &self.path("image-root.json"),
            "--image-url",
            &self.images.url(),
        ])
    }

    fn run(&self, args: &[&str]) -> Output {
        let command = args.iter().take_while(|arg| !arg.starts_with('-')).count();
        let (words, options) = args.split_at(command);
        let mut director = Command::new(env!("CARGO_BIN_EXE_director"));
        director.args(words).arg("--data").arg(self.path("director")).args(options).output().unwrap()
    }

    fn show(&self) -> Value {
        let shown = self.run(&["vehicle", "show", "--vehicle", &self.id.to_string(), "--json"]);
        serde_json::from_slice(&shown.stdout).unwrap()
    }

    fn assign(&self, what: &str) -> Output {
        let id = self.id.to_string();
        let mut director = Command::new(env!("CARGO_BIN_EXE_director"));
        director.args(["assign", "--data", &self.path("director"), "--vehicle", &id, what]).output().unwrap()
    }

    fn serve(&self) -> Server {
        let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let mut process = Command::new(env!("CARGO_BIN_EXE_director"))
            .args(["serve", "--data", &self.path("director"), "--listen", "127.0.0.1:0"])
            .args(["--metrics-listen", &metrics, "--image-refresh", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.find_map(|line| Some(line.strip_prefix("listening ")?.to_owned())).unwrap();
        Server { process, url, metrics }
    }

    async fn vehicle(&self, server: &Server) -> Vehicle {
        Vehicle::new(&server.url, &self.bundle(), &self.tls_key, self.id).await
    }
}

struct Server {
    process: Child,
    url: String,
    metrics: String,
}

impl Server {
    /// How many SQL statements of a kind were executed so far.
    fn statements(&self, kind: &str) -> u64 {
        let mut stream = TcpStream::connect(&self.metrics).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let label = format!("director_sql_statements_total{{kind=\"{kind}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&label)).map_or(0, |count| count.parse().unwrap())
    }
}

impl Server {
    /// Asks it to stop, as an init system does, and waits until it has. Vehicles go on meanwhile.
    async fn stop(mut self) {
        let id = self.process.id().to_string();
        // The shell's own `kill`: not every machine has the program.
        assert!(Command::new("sh").args(["-c", "kill -TERM \"$0\"", &id]).status().unwrap().success());
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(ended) = self.process.try_wait().unwrap() {
                return assert!(ended.success());
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn an_assignment_made_while_serving_reaches_the_vehicle_verified() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;

    let reply = vehicle.report_all().await.unwrap();
    assert_eq!(vehicle.verify(&reply), []);

    let assigned = site.assign("brake=brake/fw-2.bin");
    assert!(assigned.status.success(), "{}", stderr(&assigned));
    let reply = vehicle.idle().await.unwrap();
    assert_eq!(vehicle.verify(&reply), [("brake".to_owned(), "brake/fw-2.bin".to_owned())]);

    let shown = site.show();
    assert_eq!(shown["content_seq"], 1);
    assert_eq!(shown["versions"]["targets"], (1 << 20) + 1);
}

#[tokio::test]
async fn an_ecu_of_a_single_bank_is_told_to_return_to_what_it_runs() {
    let mut site = Site::with_brake(Banks::Single);
    site.images.publish(&[OLD_BRAKE, NEW_BRAKE]);
    let inventory = provisioning::Vehicle::read(&site.bundle().join(VEHICLE)).unwrap();
    assert_eq!(inventory.ecus[1].banks, Banks::Single);

    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    site.assign("brake=brake/fw-2.bin");
    let reply = vehicle.report_all().await.unwrap();
    assert_eq!(vehicle.verify(&reply).len(), 1);
    let targets = String::from_utf8(reply.targets.unwrap()).unwrap();
    assert!(targets.contains(r#""fallback":"brake/fw-1.bin""#), "{targets}");
    let brake = &site.show()["ecus"][0];
    assert_eq!(brake["banks"], "single");
    assert_eq!(brake["desired"]["fallback"], "brake/fw-1.bin");

    // Once it runs the new one it takes the old one no more, so that may not be listed for it.
    let mut draft = vehicle.draft();
    draft.brake.image = vehicle::installed("brake", 2);
    let file = vehicle.file(&draft);
    let reply = vehicle.send(State::Manifest(file)).await.unwrap();
    assert_eq!(vehicle.verify(&reply).len(), 1);
    assert!(!String::from_utf8(reply.targets.unwrap()).unwrap().contains("fallback"));
    assert_eq!(site.show()["content_seq"], 2);
}

#[tokio::test]
async fn an_idle_check_in_is_one_read_and_gets_the_time_alone() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    let reply = vehicle.report_all().await.unwrap();
    vehicle.verify(&reply);

    // The server looks at the Image repository every second here; of ten check-ins most fall between two looks.
    let mut quiet = 0;
    for _ in 0..10 {
        let before = (server.statements("read"), server.statements("write"));
        let reply = vehicle.idle().await.unwrap();
        let after = (server.statements("read"), server.statements("write"));
        assert!(!reply.manifest_wanted && reply.roots.is_empty());
        assert_eq!((reply.timestamp, reply.snapshot, reply.targets), (None, None, None));
        assert_eq!(after.1, before.1, "an idle check-in wrote");
        quiet += u64::from(after.0 == before.0 + 1);
    }
    assert!(quiet >= 7, "{quiet}");
}

#[tokio::test]
async fn the_time_is_attested_over_the_nonces_by_the_time_key_of_root() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    let reply = vehicle.report_all().await.unwrap();
    let keys = vehicle.trusted.as_ref().unwrap().root().view().time_keys().unwrap();
    let envelope = uptane::metadata::Envelope::decode(&reply.time).unwrap();
    uptane::verify::threshold::check(uptane::Role::Time, &keys, &envelope).unwrap();
    let attested = uptane::metadata::TimeAttestation::decode(envelope.signed()).unwrap();
    assert!(attested.nonces().any(|nonce| nonce == Vehicle::nonce()));
    assert!(host::clock::now().since(attested.time()) < Duration::from_secs(60));
}

type Fault = (&'static str, fn(&mut Draft), &'static str);

const FAULTS: [Fault; 7] = [
    ("another vehicle", |draft| draft.vehicle = VehicleId([9; 16]), "replay"),
    ("signed by a Secondary", |draft| draft.signed_by = vehicle::BRAKE, "arbitrary-software"),
    ("a Secondary missing", |draft| draft.with_brake = false, "drop-request"),
    ("a report signed by the Primary", |draft| draft.brake_signed_by = vehicle::PRIMARY, "arbitrary-software"),
    ("a report from the future", |draft| draft.brake.time = Time::MAX, "freeze"),
    ("a report from before registration", |draft| draft.brake.time = Time::EPOCH, "freeze"),
    ("other hardware", |draft| draft.brake.hardware_id = uptane::HardwareId::parse("x").unwrap(), "incompatible-image"),
];

#[tokio::test]
async fn a_bad_manifest_is_dropped_and_recorded_by_name() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;

    for (number, (fault, break_it, attack)) in FAULTS.into_iter().enumerate() {
        let mut draft = vehicle.draft();
        break_it(&mut draft);
        let file = vehicle.file(&draft);
        let status = vehicle.send(State::Manifest(file)).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{fault}: {status}");
        let refused = &site.show()["refused"][number];
        assert_eq!(refused["attack"], attack, "{fault}: {refused}");
    }
    // None of them left a trace: the vehicle goes on as if nothing had been.
    let reply = vehicle.report_all().await.unwrap();
    assert_eq!(vehicle.verify(&reply), []);
}

#[tokio::test]
async fn a_replayed_manifest_is_dropped_and_the_same_one_answered_again() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    let draft = vehicle.draft();
    let first = vehicle.file(&draft);
    vehicle.send(State::Manifest(first.clone())).await.unwrap();
    vehicle.send(State::Manifest(first.clone())).await.unwrap();

    vehicle.report_all().await.unwrap();
    let status = vehicle.send(State::Manifest(first)).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::OutOfRange, "{status}");
    assert_eq!(site.show()["refused"][0]["attack"], "replay");
}

#[tokio::test]
async fn what_is_not_known_here_is_wanted_in_full() {
    let site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    let reply = vehicle.idle().await.unwrap();
    assert!(reply.manifest_wanted);
    assert_eq!((reply.timestamp, reply.snapshot, reply.targets), (None, None, None));
}

#[tokio::test]
async fn an_image_that_leaves_the_image_repository_is_not_listed_any_more() {
    let mut site = Site::new();
    let server = site.serve();
    let mut vehicle = site.vehicle(&server).await;
    site.assign("brake=brake/fw-2.bin");
    let reply = vehicle.report_all().await.unwrap();
    assert_eq!(vehicle.verify(&reply).len(), 1);

    site.images.publish(&[]);
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let reply = vehicle.idle().await.unwrap();
        if vehicle.verify(&reply).is_empty() {
            assert_eq!(site.show()["ecus"][0]["desired"]["listed"], false);
            return;
        }
    }
    panic!("the image is still listed");
}

#[tokio::test]
async fn a_vehicle_may_get_its_own_metadata_as_files() {
    let site = Site::new();
    let server = site.serve();
    let read = |name: &str| std::fs::read_to_string(site.bundle().join(name)).unwrap();
    let identity = host::tls::Identity::new(read("primary.pem"), site.tls_key.clone().into()).unwrap();
    let config = host::tls::client_config(&identity, &read("ca.pem")).unwrap();
    let fetcher = host::fetch::Fetcher::tls(&server.url, &config).unwrap();
    let limit = uptane::Length::new(100_000).unwrap();
    let root = fetcher.get("metadata/1.root.json", limit).await.unwrap().unwrap();
    assert_eq!(root, read("1.root.json").into_bytes());
    assert!(fetcher.get("metadata/2.root.json", limit).await.unwrap().is_none());
    // Nothing is signed before the vehicle said what it is.
    assert!(fetcher.get("metadata/timestamp.json", limit).await.is_err());

    let reply = site.vehicle(&server).await.report_all().await.unwrap();
    for (name, sent) in
        [("timestamp.json", reply.timestamp), ("1.snapshot.json", reply.snapshot), ("1.targets.json", reply.targets)]
    {
        let file = fetcher.get(&format!("metadata/{name}"), limit).await.unwrap();
        assert_eq!(file, sent, "{name}");
    }
    assert!(fetcher.get("metadata/2.targets.json", limit).await.unwrap().is_none());
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_let_in() {
    let site = Site::new();
    let server = site.serve();
    let other = Site::new();
    let stranger = site.folder.path().join("stranger");
    std::fs::create_dir(&stranger).unwrap();
    std::fs::copy(site.bundle().join("ca.pem"), stranger.join("ca.pem")).unwrap();
    std::fs::copy(other.bundle().join("primary.pem"), stranger.join("primary.pem")).unwrap();
    let connected = vehicle::connect(&server.url, &stranger, &other.tls_key).await;
    let Ok(mut client) = connected else { return };
    // TLS 1.3: the client learns of it with the first answer.
    assert!(client.check_in(wire::CheckInRequest::default()).await.is_err());
}
