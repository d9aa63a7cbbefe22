//! A vehicle in memory: a Primary and a brake that sign what they say, over a real connection.

use std::path::Path;

use host::provisioning::Banks;
use proto::grpc::director as wire;
use tonic::Status;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use uptane::sign::{
    CheckInBuilder, InstalledImage, ManifestBuilder, MemorySigner, ReportBuilder, ReportedVersions, Signer as _,
};
use uptane::verify::{MetadataFile, Refresh, Step, Trusted};
use uptane::{
    Counter, Director, EcuId, HardwareId, Length, Nonce, ReleaseCounter, ResultCode, Sha256, TargetNameBuf, VehicleId,
};
use wire::check_in_request::State;
use wire::director_client::DirectorClient;

use super::images::IMAGE_LENGTH;

pub(crate) const PRIMARY: [u8; 32] = [21; 32];
pub(crate) const BRAKE: [u8; 32] = [22; 32];

pub(crate) struct Vehicle {
    pub(crate) id: VehicleId,
    pub(crate) trusted: Option<Trusted<Director>>,
    pub(crate) counter: u64,
    pub(crate) manifest: Option<Sha256>,
    client: DirectorClient<Channel>,
}

/// What the test sends; valid until a test changes it.
pub(crate) struct Draft {
    pub(crate) vehicle: VehicleId,
    pub(crate) signed_by: [u8; 32],
    pub(crate) brake: ReportBuilder,
    pub(crate) brake_signed_by: [u8; 32],
    pub(crate) with_brake: bool,
    pub(crate) counter: u64,
}

pub(crate) fn enrolment(ecu: &str, role: &str, banks: Banks, seed: &[u8; 32], csr: &str) -> String {
    let key = MemorySigner::from_seed(seed).public_key();
    format!(
        "ecu = \"{ecu}\"\nhardware_id = \"{ecu}-hw\"\nrole = \"{role}\"\nverification = \"full\"\n\
         banks = \"{}\"\npublic_key = \"{key}\"\ntls_csr = \"\"\"\n{csr}\"\"\"\n\
         [image]\nname = \"{ecu}/fw-1.bin\"\nlength = {IMAGE_LENGTH}\nsha256 = \"{}\"\nrelease_counter = 1\nline = \"main\"\n",
        banks.word(),
        Sha256::of(format!("{ecu}/fw-1.bin").as_bytes())
    )
}

/// An image as the Image repository of these tests makes it.
pub(crate) fn installed(ecu: &str, release: u64) -> InstalledImage {
    let name = format!("{ecu}/fw-{release}.bin");
    InstalledImage {
        name: TargetNameBuf::parse(&name).unwrap(),
        length: Length::new(IMAGE_LENGTH).unwrap(),
        sha256: Sha256::of(name.as_bytes()),
        release_counter: ReleaseCounter::new(release).unwrap(),
    }
}

pub(crate) async fn connect(
    url: &str,
    bundle: &Path,
    key: &str,
) -> Result<DirectorClient<Channel>, tonic::transport::Error> {
    let read = |name: &str| std::fs::read(bundle.join(name)).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(read("ca.pem")))
        .identity(Identity::from_pem(read("primary.pem"), key))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(url.to_owned()).unwrap().tls_config(tls)?;
    Ok(DirectorClient::new(endpoint.connect().await?))
}

impl Vehicle {
    pub(crate) async fn new(url: &str, bundle: &Path, key: &str, id: VehicleId) -> Self {
        let root = std::fs::read(bundle.join("director-root.json")).unwrap();
        let trusted = Some(Trusted::provision(&root).unwrap());
        let client = connect(url, bundle, key).await.unwrap();
        Self { id, trusted, counter: 0, manifest: None, client }
    }

    /// The same vehicle, connected to a server that was started anew.
    pub(crate) async fn reconnected(self, url: &str, bundle: &Path, key: &str) -> Self {
        Self { client: connect(url, bundle, key).await.unwrap(), ..self }
    }

    pub(crate) fn draft(&mut self) -> Draft {
        self.counter += 1;
        let brake = self.report("brake", self.counter);
        let (vehicle, counter) = (self.id, self.counter);
        Draft { vehicle, signed_by: PRIMARY, brake, brake_signed_by: BRAKE, with_brake: true, counter }
    }

    pub(crate) fn report(&self, ecu: &str, counter: u64) -> ReportBuilder {
        ReportBuilder {
            ecu: EcuId::parse(ecu).unwrap(),
            hardware_id: HardwareId::parse(&format!("{ecu}-hw")).unwrap(),
            vehicle: self.id,
            counter: Counter::new(counter).unwrap(),
            time: host::clock::now(),
            image: installed(ecu, 1),
            result: ResultCode::None,
            attack: None,
            targets_version: None,
            nonce: None,
            transaction: None,
            campaign: None,
        }
    }

    pub(crate) fn file(&self, draft: &Draft) -> Vec<u8> {
        let primary = EcuId::parse("primary").unwrap();
        let own = self.report("primary", draft.counter).sign(&MemorySigner::from_seed(&PRIMARY)).unwrap();
        let counter = Counter::new(draft.counter).unwrap();
        let mut manifest = ManifestBuilder::new(draft.vehicle, counter, self.versions(), primary, own);
        if draft.with_brake {
            let report = draft.brake.sign(&MemorySigner::from_seed(&draft.brake_signed_by)).unwrap();
            manifest = manifest.report(draft.brake.ecu, report).unwrap();
        }
        manifest.sign(&MemorySigner::from_seed(&draft.signed_by)).unwrap()
    }

    pub(crate) async fn send(&mut self, state: State) -> Result<wire::CheckInReply, Status> {
        let held = self.versions();
        let number = |version: Option<uptane::Version>| version.map_or(0, |version| version.get());
        let request = wire::CheckInRequest {
            root: number(held.root),
            timestamp: number(held.timestamp),
            snapshot: number(held.snapshot),
            targets: number(held.targets),
            nonces: vec![vec![5; 16]],
            state: Some(state),
        };
        Ok(self.client.check_in(request).await?.into_inner())
    }

    /// Sends a manifest that is in order.
    pub(crate) async fn report_all(&mut self) -> Result<wire::CheckInReply, Status> {
        let draft = self.draft();
        let file = self.file(&draft);
        let reply = self.send(State::Manifest(file.clone())).await?;
        self.manifest = Some(Sha256::of(&file));
        Ok(reply)
    }

    /// Says that nothing changed.
    pub(crate) async fn idle(&mut self) -> Result<wire::CheckInReply, Status> {
        self.counter += 1;
        let check_in = CheckInBuilder {
            vehicle: self.id,
            primary: EcuId::parse("primary").unwrap(),
            counter: Counter::new(self.counter).unwrap(),
            manifest: self.manifest.unwrap_or(Sha256([0; 32])),
        };
        self.send(State::Idle(check_in.sign(&MemorySigner::from_seed(&PRIMARY)).unwrap())).await
    }

    /// Verifies an answer as a Primary does; the ECUs Director Targets then names, with their images.
    pub(crate) fn verify(&mut self, reply: &wire::CheckInReply) -> Vec<(String, String)> {
        let now = host::clock::now();
        let ecus = ["primary", "brake"].map(|ecu| EcuId::parse(ecu).unwrap());
        let trusted = self.trusted.take().unwrap();
        let first = trusted.root().version().get() + 1;
        let old_timestamp = trusted.timestamp().map(|kept| kept.bytes().to_vec());
        let mut refresh = Refresh::director(trusted, self.id, Some(&ecus), now);
        while let Step::Fetch { file, .. } = refresh.next() {
            let offered = match file {
                MetadataFile::Root(version) => {
                    usize::try_from(version.get() - first).ok().and_then(|index| reply.roots.get(index)).cloned()
                }
                MetadataFile::Timestamp => reply.timestamp.clone().or(old_timestamp.clone()),
                MetadataFile::Snapshot(_) => reply.snapshot.clone(),
                MetadataFile::Targets(_) => reply.targets.clone(),
                MetadataFile::Delegated(..) => None,
            };
            refresh.supply(offered.map(Into::into)).unwrap();
            refresh.keep();
        }
        let refreshed = refresh.finish().unwrap();
        let named = refreshed.targets().view().targets().flat_map(|target| {
            let target = target.unwrap();
            let name = target.name().to_string();
            target.ecus().map(move |entry| (entry.ecu.to_string(), name.clone())).collect::<Vec<_>>()
        });
        let named = named.collect();
        self.trusted = Some(refreshed.into_trusted());
        named
    }

    pub(crate) fn nonce() -> Nonce {
        Nonce([5; 16])
    }

    fn versions(&self) -> ReportedVersions {
        let Some(trusted) = &self.trusted else { return ReportedVersions::default() };
        ReportedVersions {
            root: Some(trusted.root().version()),
            timestamp: trusted.timestamp().map(|kept| kept.version()),
            snapshot: trusted.snapshot().map(|kept| kept.version()),
            targets: trusted.targets().map(|kept| kept.version()),
        }
    }
}
