use std::time::Duration;

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use uptane::{EcuId, VehicleId};

use super::*;
use crate::clock;

const YEAR: Duration = Duration::from_secs(365 * 86_400);

fn identity(authority: &Authority, name: &str, purpose: Purpose) -> Identity {
    let (request, key) = request("whoever").unwrap();
    let names = [name.to_owned()];
    let certificate = authority.issue(&request, "ecu", &names, purpose, clock::now(), YEAR).unwrap();
    Identity::new(certificate, key).unwrap()
}

/// The certificate the serving end saw in a connection to `name`, or why there is none.
fn connect(server: Arc<ServerConfig>, client: Arc<ClientConfig>, name: &'static str) -> Result<Vec<u8>, String> {
    crate::serve::runtime().unwrap().block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let accepting = async {
            let mut stream = TlsAcceptor::from(server).accept(far).await.map_err(|error| error.to_string())?;
            stream.read_u8().await.map_err(|error| error.to_string())?;
            let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first()).unwrap().to_vec();
            Ok(shown)
        };
        let calling = async {
            let mut stream = TlsConnector::from(client).connect(name.try_into().unwrap(), near).await?;
            stream.write_u8(1).await?;
            stream.flush().await?;
            Ok::<_, std::io::Error>(stream)
        };
        // Whichever end refuses, the serving one never reads the byte.
        let (accepted, _) = tokio::join!(accepting, calling);
        accepted
    })
}

#[test]
fn both_ends_show_certificates_of_one_authority() {
    let authority = Authority::create("test", clock::now(), YEAR).unwrap();
    let server =
        server_config(&identity(&authority, "director.test", Purpose::Server), authority.certificate()).unwrap();
    let vehicle = identity(&authority, "vehicle.test", Purpose::Client);
    let client = client_config(&vehicle, authority.certificate()).unwrap();

    let shown = connect(server, client, "director.test").unwrap();
    assert_eq!(fingerprint(&shown), fingerprint(&certificate_der(vehicle.certificate()).unwrap()));
    verify_name(&shown, "vehicle.test").unwrap();
    assert!(matches!(verify_name(&shown, "other.test"), Err(Error::BadCertificate { .. })));
}

#[test]
fn a_server_of_another_authority_or_name_is_refused() {
    let ours = Authority::create("ours", clock::now(), YEAR).unwrap();
    let theirs = Authority::create("theirs", clock::now(), YEAR).unwrap();
    let client = client_config(&identity(&ours, "vehicle.test", Purpose::Client), ours.certificate()).unwrap();

    let strange = server_config(&identity(&theirs, "director.test", Purpose::Server), ours.certificate()).unwrap();
    assert!(connect(strange, client.clone(), "director.test").is_err());
    let other = server_config(&identity(&ours, "elsewhere.test", Purpose::Server), ours.certificate()).unwrap();
    assert!(connect(other, client, "director.test").is_err());
}

#[test]
fn a_client_of_another_authority_or_purpose_is_refused() {
    let ours = Authority::create("ours", clock::now(), YEAR).unwrap();
    let theirs = Authority::create("theirs", clock::now(), YEAR).unwrap();
    let server = server_config(&identity(&ours, "director.test", Purpose::Server), ours.certificate()).unwrap();

    let strange = client_config(&identity(&theirs, "vehicle.test", Purpose::Client), ours.certificate()).unwrap();
    assert!(connect(server.clone(), strange, "director.test").is_err());
    let serving = client_config(&identity(&ours, "vehicle.test", Purpose::Server), ours.certificate()).unwrap();
    assert!(connect(server, serving, "director.test").is_err());
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::create("test", clock::now(), YEAR).unwrap();
    let (request, key) = request("old").unwrap();
    let then = uptane::Time::parse("2020-01-01T00:00:00Z").unwrap();
    let names = ["director.test".to_owned()];
    let old = authority.issue(&request, "old", &names, Purpose::Server, then, YEAR).unwrap();
    let server = server_config(&Identity::new(old, key).unwrap(), authority.certificate()).unwrap();
    let client =
        client_config(&identity(&authority, "vehicle.test", Purpose::Client), authority.certificate()).unwrap();
    assert!(connect(server, client, "director.test").is_err());
}

#[test]
fn an_authority_read_from_its_files_goes_on_issuing() {
    let made = Authority::create("test", clock::now(), YEAR).unwrap();
    let read = Authority::from_pem(made.certificate(), made.key()).unwrap();
    let server = server_config(&identity(&read, "127.0.0.1", Purpose::Server), made.certificate()).unwrap();
    let client = client_config(&identity(&read, "vehicle.test", Purpose::Client), made.certificate()).unwrap();
    connect(server, client, "127.0.0.1").unwrap();
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let authority = Authority::create("test", clock::now(), YEAR).unwrap();
    let one = identity(&authority, "one.test", Purpose::Client);
    let (_, key) = request("two").unwrap();
    assert!(Identity::new(one.certificate().to_owned(), key).is_err());
    assert!(Identity::new("no certificate".to_owned(), Zeroizing::new(one.key().to_owned())).is_err());
}

#[test]
fn every_ecu_of_every_vehicle_has_a_name_of_its_own() {
    let name = |vehicle, ecu: &str| server_name(VehicleId([vehicle; 16]), EcuId::parse(ecu).unwrap());
    assert_ne!(name(1, "brake"), name(2, "brake"));
    assert_ne!(name(1, "brake"), name(1, "Brake"));
    let longest = "x".repeat(uptane::limits::MAX_ID);
    for label in name(1, &longest).split('.') {
        assert!(label.len() <= 63, "{label}");
    }
}

/// A client that wants this version of TLS, and shows `shown` if it is asked.
fn reader(authority: &Authority, version: &'static SupportedProtocolVersion, shown: Option<&Identity>) -> ClientConfig {
    let config = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[version]).unwrap();
    let config = config.with_root_certificates(trust(authority.certificate()).unwrap());
    match shown.map(|identity| identity.decode().unwrap()) {
        Some((chain, key)) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    }
}

/// The version in which a reader got the server's answer, or why it got none.
fn read(server: Arc<ServerConfig>, client: ClientConfig) -> Result<rustls::ProtocolVersion, String> {
    crate::serve::runtime().unwrap().block_on(async {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let serving = async {
            let mut stream = TlsAcceptor::from(server).accept(far).await?;
            stream.write_u8(1).await?;
            stream.flush().await?;
            Ok::<_, std::io::Error>(stream)
        };
        let reading = async {
            let connector = TlsConnector::from(Arc::new(client));
            let mut stream = connector.connect("images.test".try_into().unwrap(), near).await?;
            stream.read_u8().await?;
            Ok::<_, std::io::Error>(stream.get_ref().1.protocol_version().unwrap())
        };
        let (_, read) = tokio::join!(serving, reading);
        read.map_err(|error| error.to_string())
    })
}

#[test]
fn what_is_public_is_read_in_tls_1_3_and_1_2_without_a_certificate() {
    let authority = Authority::create("test", clock::now(), YEAR).unwrap();
    let images = identity(&authority, "images.test", Purpose::Server);
    for clients in [Clients::Unasked, Clients::Asked(authority.certificate())] {
        let server = public_config(&images, clients).unwrap();
        for version in [&TLS13, &TLS12] {
            let got = read(server.clone(), reader(&authority, version, None)).unwrap();
            assert_eq!(got, version.version);
        }
    }
}

#[test]
fn a_reader_without_the_certificate_that_is_required_gets_nothing() {
    let authority = Authority::create("test", clock::now(), YEAR).unwrap();
    let images = identity(&authority, "images.test", Purpose::Server);
    let server = public_config(&images, Clients::Required(authority.certificate())).unwrap();
    let known = identity(&authority, "cdn.test", Purpose::Client);
    for version in [&TLS13, &TLS12] {
        assert!(read(server.clone(), reader(&authority, version, None)).is_err());
        read(server.clone(), reader(&authority, version, Some(&known))).unwrap();
    }
}

#[test]
fn a_certificate_of_another_authority_is_refused_though_none_is_required() {
    let authority = Authority::create("ours", clock::now(), YEAR).unwrap();
    let theirs = Authority::create("theirs", clock::now(), YEAR).unwrap();
    let images = identity(&authority, "images.test", Purpose::Server);
    let server = public_config(&images, Clients::Asked(authority.certificate())).unwrap();
    let strange = identity(&theirs, "cdn.test", Purpose::Client);
    assert!(read(server, reader(&authority, &TLS13, Some(&strange))).is_err());
}
