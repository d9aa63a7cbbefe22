//! An ECU made and provisioned by the program itself, for a vehicle of `uptane::testing`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use host::disk::Access;
use host::provisioning::{Banks, ENROLMENT, Enrolment, Primary, VEHICLE, Vehicle, VehicleEcu};
use host::tls::{Authority, Identity, Purpose, request, server_name};
use proto::secondary::Verification;
use uptane::sign::Signer as _;
use uptane::testing::{Repo, TestEcu};

use super::process::command;

/// A provisioned ECU, and what a Primary needs to talk to it.
pub(super) struct Bench {
    pub(super) folder: tempfile::TempDir,
    pub(super) repo: Repo,
    pub(super) authority: String,
    pub(super) primary: Identity,
    /// Whether it verifies in full.
    pub(super) full: bool,
    /// Whether it takes Director Roots.
    pub(super) follows_roots: bool,
    data: String,
}

impl Bench {
    /// Makes and provisions the second ECU of the vehicle; the first is its Primary.
    pub(super) fn new(verification: &str) -> Self {
        Self::made(verification, "two")
    }

    /// One whose flash has room for one image.
    pub(super) fn single(verification: &str) -> Self {
        Self::made(verification, "single")
    }

    fn made(verification: &str, banks: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = Repo::seeded(4);
        let authority = Authority::create("test", host::clock::now(), Duration::from_secs(86_400)).unwrap();
        let primary = primary(&repo, &authority);
        let data = folder.path().join("ecu").to_str().unwrap().to_owned();
        let authority_pem = authority.certificate().to_owned();
        let (full, follows_roots) = (verification == "full", verification != "partial");
        let bench = Self { folder, repo, authority: authority_pem, primary, full, follows_roots, data };
        bench.init(verification, banks);
        bench.write_bundle(&authority);
        let bundle = bench.folder.path().join("bundle");
        command(&["provision", "--data", bench.data(), "--bundle", bundle.to_str().unwrap()]).unwrap();
        bench
    }

    fn init(&self, verification: &str, banks: &str) {
        let (me, image) = (self.me(), self.folder.path().join("first.bin"));
        fs::write(&image, me.image(1)).unwrap();
        let init = ["init", "--data", self.data(), "--ecu", me.ecu.as_str(), "--hardware-id", me.hardware.as_str()];
        let how = ["--verification", verification, "--line", me.line.as_str(), "--release-counter", "1"];
        let what = ["--image", image.to_str().unwrap(), "--image-name", &me.image_name(1)];
        command(&[&init[..], &how, &what, &["--banks", banks]].concat()).unwrap();
    }

    fn write_bundle(&self, authority: &Authority) {
        let bundle = self.folder.path().join("bundle");
        fs::create_dir(&bundle).unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(bundle.join(name), bytes).unwrap();
        self.vehicle().write(&bundle.join(VEHICLE), Access::Shared).unwrap();
        write("director-root.json", self.repo.director().first_root());
        write("image-root.json", self.repo.image().first_root());
        write("time.json", &self.repo.time(self.repo.now(), []));
        write("ca.pem", self.authority.as_bytes());
        let enrolment = Enrolment::read(&Path::new(&self.data).join(ENROLMENT)).unwrap();
        let csr = enrolment.tls_csr.unwrap();
        let ecu = self.me().ecu;
        let name = server_name(self.repo.vehicle(), ecu);
        let lifetime = Duration::from_secs(3_600);
        let issued =
            authority.issue(&csr, ecu.as_str(), &[name], Purpose::ClientAndServer, host::clock::now(), lifetime);
        write(&format!("{ecu}.pem"), issued.unwrap().as_bytes());
    }

    fn vehicle(&self) -> Vehicle {
        let entry = |ecu: &TestEcu| VehicleEcu {
            ecu: ecu.ecu,
            hardware: ecu.hardware,
            verification: Verification::Full,
            banks: Banks::Two,
            key: ecu.signer().public_key(),
        };
        let ecus: Vec<_> = self.repo.ecus().iter().map(entry).collect();
        let primary = ecus.first().unwrap();
        Vehicle { id: self.repo.vehicle(), primary: Primary { ecu: primary.ecu, key: primary.key.clone() }, ecus }
    }

    /// This ECU.
    pub(super) fn me(&self) -> TestEcu {
        *self.repo.ecus().get(1).unwrap()
    }

    /// Its data folder.
    pub(super) fn data(&self) -> &str {
        &self.data
    }
}

fn primary(repo: &Repo, authority: &Authority) -> Identity {
    let ecu = repo.ecus().first().unwrap().ecu;
    let (csr, key) = request(ecu.as_str()).unwrap();
    let names = [server_name(repo.vehicle(), ecu)];
    let lifetime = Duration::from_secs(3_600);
    let certificate =
        authority.issue(&csr, ecu.as_str(), &names, Purpose::ClientAndServer, host::clock::now(), lifetime);
    Identity::new(certificate.unwrap(), key).unwrap()
}
