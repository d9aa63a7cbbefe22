//! Reading over TLS.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use host::fetch::Fetcher;
use host::tls::{Authority, Identity, Purpose, client_config, request};
use uptane::Length;

use super::started::Started;
use crate::place::Place;

const DAY: Duration = Duration::from_secs(86_400);

/// An authority, and the server's certificate, key and list of authorities in files.
struct Trust {
    authority: Authority,
    certificate: PathBuf,
    key: PathBuf,
    ca: PathBuf,
}

impl Trust {
    fn of(place: &Place) -> Self {
        let authority = Authority::create("test", host::clock::now(), DAY).unwrap();
        let server = identity(&authority, "127.0.0.1", Purpose::Server);
        let [certificate, key, ca] = ["server.pem", "server.key", "ca.pem"].map(|name| place.at(name));
        fs::write(&certificate, server.certificate()).unwrap();
        host::disk::create(&key, server.key().as_bytes(), host::disk::Access::Private).unwrap();
        fs::write(&ca, authority.certificate()).unwrap();
        Self { authority, certificate, key, ca }
    }

    fn serve(&self, place: &Place, more: &[(&str, Option<&std::path::Path>)]) -> Started {
        let mut options = vec![("--tls-certificate", Some(self.certificate.as_path())), ("--tls-key", Some(&self.key))];
        options.extend(more);
        Started::new(place, &options)
    }
}

fn identity(authority: &Authority, name: &str, purpose: Purpose) -> Identity {
    let (request, key) = request(name).unwrap();
    let names = [name.to_owned()];
    let certificate = authority.issue(&request, name, &names, purpose, host::clock::now(), DAY).unwrap();
    Identity::new(certificate, key).unwrap()
}

/// Whether a client of this authority that trusts the server gets Root.
fn gets_root(server: &Started, trust: &Trust, client: &Authority) -> bool {
    let identity = identity(client, "client.test", Purpose::Client);
    let config = client_config(&identity, trust.authority.certificate()).unwrap();
    let fetcher = Fetcher::tls(&server.url, &config).unwrap();
    let limit = Length::new(100_000).unwrap();
    let got = host::serve::runtime().unwrap().block_on(fetcher.get("metadata/1.root.json", limit));
    got.is_ok_and(|file| file.is_some())
}

#[test]
fn files_are_served_over_tls() {
    let place = Place::published();
    let trust = Trust::of(&place);
    let server = trust.serve(&place, &[]);
    assert!(server.url.starts_with("https://"));
    assert!(gets_root(&server, &trust, &trust.authority));
}

#[test]
fn a_client_whose_certificate_is_not_of_the_authority_asked_for_gets_nothing() {
    let place = Place::published();
    let trust = Trust::of(&place);
    let strange = Authority::create("strange", host::clock::now(), DAY).unwrap();
    for more in [
        &[("--client-ca", Some(trust.ca.as_path()))][..],
        &[("--client-ca", Some(trust.ca.as_path())), ("--require-client-certificate", None)],
    ] {
        let server = trust.serve(&place, more);
        assert!(gets_root(&server, &trust, &trust.authority));
        assert!(!gets_root(&server, &trust, &strange));
    }
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::published();
    let trust = Trust::of(&place);
    fs::set_permissions(&trust.key, fs::Permissions::from_mode(0o644)).unwrap();
    let (certificate, key) = (trust.certificate.to_str().unwrap(), trust.key.to_str().unwrap());
    let said = place.refused(4, "serve", &["--tls-certificate", certificate, "--tls-key", key]);
    assert!(said.contains("chmod 600"), "{said}");
}

#[test]
fn half_of_an_identity_is_a_wrong_command_line() {
    let place = Place::published();
    let said = place.refused(2, "serve", &["--tls-certificate", "server.pem"]);
    assert!(said.contains("--tls-key"), "{said}");
    place.refused(2, "serve", &["--require-client-certificate"]);
}
