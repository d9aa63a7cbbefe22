use super::*;
use crate::disk::Access;
use crate::keys::testing::{openssl, passphrase};
use crate::keys::{Algorithm, KeyFile};

/// RFC 8410 §10.1.
const ED25519_PEM: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

#[test]
fn the_example_of_the_rfc_reads_and_writes_back() {
    let key = parse_public_pem(ED25519_PEM).unwrap();
    assert_eq!(key.to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
    assert_eq!(public_pem(&key), ED25519_PEM);
}

#[test]
fn openssl_writes_the_same_public_half_for_either_algorithm() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let path = folder.path().join(format!("{algorithm:?}.pem"));
        let made = KeyFile::generate_plain(&path, algorithm).unwrap();
        let theirs = openssl(&["pkey", "-in", path.to_str().unwrap(), "-pubout"]);
        assert_eq!(theirs, public_pem(&made.public_key()));
        assert_eq!(parse_public_pem(&theirs).unwrap(), made.public_key());
    }
}

#[test]
fn openssl_reads_the_public_half_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    KeyFile::generate_plain(&path, Algorithm::EcdsaP256).unwrap();
    let shown = openssl(&["pkey", "-pubin", "-in", public_path(&path).to_str().unwrap(), "-noout", "-text"]);
    assert!(shown.contains("ASN1 OID: prime256v1"), "{shown}");
}

#[test]
fn a_private_key_is_no_public_key() {
    let pem = ED25519_PEM.replace("PUBLIC", "PRIVATE");
    assert_eq!(parse_public_pem(&pem), Err(uptane::Error::BadKey));
}

#[test]
fn a_key_of_another_algorithm_is_no_public_key_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rsa.pem");
    openssl(&["genpkey", "-algorithm", "x25519", "-out", path.to_str().unwrap()]);
    let theirs = openssl(&["pkey", "-in", path.to_str().unwrap(), "-pubout"]);
    assert_eq!(parse_public_pem(&theirs), Err(uptane::Error::BadKey));
}

#[test]
fn the_public_half_is_read_without_the_passphrase_and_without_the_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    let made = KeyFile::generate(&path, Algorithm::EcdsaP256, &passphrase("secret")).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(public_of(&path).unwrap(), made.public_key());
}

#[test]
fn a_plain_key_file_without_its_public_half_says_it_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.pem");
    let made = KeyFile::generate_plain(&path, Algorithm::Ed25519).unwrap();
    std::fs::remove_file(public_path(&path)).unwrap();
    assert_eq!(public_of(&path).unwrap(), made.public_key());
}

#[test]
fn an_encrypted_key_file_without_its_public_half_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    KeyFile::generate(&path, Algorithm::Ed25519, &passphrase("secret")).unwrap();
    std::fs::remove_file(public_path(&path)).unwrap();
    assert!(matches!(public_of(&path), Err(Error::NoPublicHalf { path: named }) if named == path));
}

#[test]
fn what_is_no_public_key_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    disk::create(&public_path(&path), b"hello", Access::Shared).unwrap();
    assert!(matches!(public_of(&path), Err(Error::BadPublicKey { .. })));
}

#[test]
fn only_the_ending_pem_gives_way_to_pub() {
    assert_eq!(public_path(Path::new("keys/root.next.pem")), Path::new("keys/root.next.pub"));
    assert_eq!(public_path(Path::new("report.key")), Path::new("report.key.pub"));
}
