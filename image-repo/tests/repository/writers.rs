//! The write side as writers see it: uploads that break off, and whom the server takes for whom.

use std::fs;
use std::time::Duration;

use host::disk::Access;
use host::tls::{Authority, Identity, Purpose};
use image_repo::Error;
use image_repo::grpc::client::{Client, Credentials};
use image_repo::objects::{Blob, PART};
use uptane::{Length, Sha256};

use crate::place::{Place, Server};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// A repository that serves writers: acme by its token, bolt by its certificate.
struct Service {
    place: Place,
    authority: Authority,
    bolt: Identity,
}

impl Service {
    fn new() -> Self {
        let (place, now) = (Place::initialised(), host::clock::now());
        let authority = Authority::create("test", now, YEAR).unwrap();
        let issue = |name: &str, purpose| {
            let (request, key) = host::tls::request(name).unwrap();
            let names = ["127.0.0.1".to_owned()];
            (authority.issue(&request, name, &names, purpose, now, YEAR).unwrap(), key)
        };
        let (server, server_key) = issue("server", Purpose::Server);
        let (client, client_key) = issue("bolt", Purpose::Client);
        fs::write(place.at("server.pem"), server).unwrap();
        fs::write(place.at("ca.pem"), authority.certificate()).unwrap();
        host::disk::create(&place.at("server.key"), server_key.as_bytes(), Access::Private).unwrap();
        let bolt = host::tls::fingerprint(&host::tls::certificate_der(&client).unwrap());
        let configuration = format!(
            "[write]\nlisten = \"127.0.0.1:0\"\ncertificate = \"server.pem\"\nkey = \"server.key\"\n\
             client_authority = \"ca.pem\"\n\
             [[writer]]\nname = \"acme\"\nroles = [\"targets\"]\ntoken_sha256 = \"{}\"\n\
             [[writer]]\nname = \"bolt\"\nroles = [\"bolt\"]\ncertificate = \"{bolt}\"\n",
            Sha256::of(b"secret"),
        );
        fs::write(place.at("image-repo.toml"), configuration).unwrap();
        Self { place, authority, bolt: Identity::new(client, client_key).unwrap() }
    }

    async fn acme(&self, server: &Server) -> Client {
        self.connect(server, None, Some("secret")).await
    }

    async fn connect(&self, server: &Server, identity: Option<Identity>, token: Option<&str>) -> Client {
        let authority = self.authority.certificate().to_owned();
        let credentials = Credentials { authority, identity, token: token.map(str::to_owned) };
        Client::connect(server.writers.as_ref().unwrap(), &credentials).await.unwrap()
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(work)
}

/// Bytes of three parts, the last of them short.
fn large() -> Vec<u8> {
    let length = usize::try_from(2 * PART + 1_001).unwrap();
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(), sha256: Sha256::of(bytes) }
}

/// How many bytes of parts lie in the repository.
fn parts(place: &Place) -> usize {
    let folder = place.at("incoming/parts");
    if !folder.is_dir() {
        return 0;
    }
    crate::place::everything(&folder).into_iter().map(|(_, bytes)| bytes.len()).sum()
}

#[test]
fn an_upload_that_broke_off_goes_on_where_it_stopped() {
    let service = Service::new();
    let (all, file) = (large(), service.place.at("image"));
    let server = service.place.serve();
    run(async {
        let mut client = service.acme(&server).await;
        // The file ends early, as a connection would.
        fs::write(&file, &all[..all.len() * 2 / 3]).unwrap();
        client.upload(&file, blob(&all)).await.unwrap_err();
    });
    assert_eq!(parts(&service.place), usize::try_from(PART).unwrap());
    drop(server);

    // Another process, and only what is missing: the first part is not read any more.
    let server = service.place.serve();
    let mut rest = all.clone();
    rest[..usize::try_from(PART).unwrap()].fill(0);
    fs::write(&file, rest).unwrap();
    run(async { service.acme(&server).await.upload(&file, blob(&all)).await.unwrap() });
    let arrived = service.place.at(&format!("incoming/{}", Sha256::of(&all)));
    assert_eq!(fs::read(arrived).unwrap(), all);
    assert_eq!(parts(&service.place), 0);
}

#[test]
fn what_has_another_digest_than_was_announced_is_dropped() {
    let service = Service::new();
    let server = service.place.serve();
    let (all, file) = (large(), service.place.at("image"));
    fs::write(&file, &all).unwrap();
    let other = Blob { sha256: Sha256::of(b"other"), ..blob(&all) };
    let refused = run(async { service.acme(&server).await.upload(&file, other).await.unwrap_err() });
    assert!(matches!(refused, Error::RemoteRefused { .. }), "{refused}");
    assert_eq!(parts(&service.place), 0);
    assert!(!service.place.at(&format!("incoming/{}", other.sha256)).exists());
}

#[test]
fn nobody_spoils_what_another_writer_sends() {
    let service = Service::new();
    let server = service.place.serve();
    let (all, file) = (large(), service.place.at("image"));
    run(async {
        let mut bolt = service.connect(&server, Some(service.bolt.clone()), None).await;
        // Bolt brings the beginning of something else under the digest that acme is about to bring.
        fs::write(&file, vec![1; usize::try_from(PART).unwrap()]).unwrap();
        bolt.upload(&file, blob(&all)).await.unwrap_err();
        fs::write(&file, &all).unwrap();
        service.acme(&server).await.upload(&file, blob(&all)).await.unwrap();
    });
}

#[test]
fn a_writer_is_known_by_token_or_certificate_and_a_stranger_is_not() {
    let service = Service::new();
    let server = service.place.serve();
    run(async {
        let mut bolt = service.connect(&server, Some(service.bolt.clone()), None).await;
        let brought = bolt.upload_bytes(b"{}".to_vec()).await.unwrap();
        let refused = bolt.publish(&[("targets".parse().unwrap(), brought)]).await.unwrap_err();
        assert!(refused.to_string().contains("bolt may not publish files of targets"), "{refused}");
        for token in [None, Some("Secret")] {
            let mut stranger = service.connect(&server, None, token).await;
            let refused = stranger.upload_bytes(b"{}".to_vec()).await.unwrap_err();
            assert!(refused.to_string().contains("no writer shows"), "{refused}");
        }
    });
}

#[test]
fn what_the_configuration_says_twice_or_wrongly_stops_the_server_with_one_line() {
    let service = Service::new();
    let path = service.place.at("image-repo.toml");
    let good = fs::read_to_string(&path).unwrap();
    for (bad, says) in [
        (good.replace("name = \"bolt\"", "name = \"acme\""), "two writers have one name"),
        (good.clone() + "nonsense = 1\n", "unknown field"),
        (good.replace("token_sha256", "token"), "unknown field"),
    ] {
        fs::write(&path, bad).unwrap();
        let said = service.place.refused(4, "serve", &["--listen", "127.0.0.1:0"]);
        assert!(said.contains(says), "{said}");
    }
}
