use super::*;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::first_line(text.as_bytes()).unwrap()
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    let made = KeyFile::generate(&path, &passphrase("right")).unwrap();

    assert_eq!(KeyFile::open(&path, &passphrase("right")).unwrap().public_key(), made.public_key());
    assert!(matches!(KeyFile::open(&path, &passphrase("wrong")), Err(Error::Passphrase { .. })));
    assert!(matches!(KeyFile::open_plain(&path), Err(Error::BadKeyFile { .. })));
    assert!(KeyFile::is_encrypted(&path).unwrap());
}

#[test]
fn a_plain_key_reads_back_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.pem");
    let made = KeyFile::generate_plain(&path).unwrap();

    assert!(matches!(KeyFile::generate_plain(&path), Err(Error::Exists { .. })));
    assert_eq!(KeyFile::open_plain(&path).unwrap().public_key(), made.public_key());
    assert!(!KeyFile::is_encrypted(&path).unwrap());
}

#[test]
fn a_key_file_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    KeyFile::generate_plain(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(KeyFile::open_plain(&path), Err(Error::Permissions { mode: 0o640, .. })));
}

#[test]
fn what_openssl_makes_is_read() {
    // RFC 8410 §10.3, first example.
    let pem = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    disk::create(&path, pem.as_bytes(), Access::Private).unwrap();
    let public = KeyFile::open_plain(&path).unwrap().public_key();
    assert_eq!(public.to_string(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
}

#[test]
fn what_is_no_key_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    disk::create(&path, b"hello", Access::Private).unwrap();
    assert!(matches!(KeyFile::open_plain(&path), Err(Error::BadKeyFile { .. })));
    let gone = folder.path().join("none.pem");
    assert!(matches!(KeyFile::open_plain(&gone), Err(Error::Missing { .. })));
}

#[test]
fn a_key_does_not_show_its_secret() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyFile::generate_plain(&folder.path().join("key.pem")).unwrap();
    assert_eq!(format!("{key:?}"), format!("KeyFile({:?})", key.public_key()));
}
