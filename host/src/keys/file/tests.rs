use std::os::unix::fs::PermissionsExt as _;

use pkcs8::der::asn1::OctetStringRef;

use super::*;
use crate::keys::testing::{openssl, passphrase};

const BOTH: [Algorithm; 2] = [Algorithm::Ed25519, Algorithm::EcdsaP256];

fn argument(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn an_encrypted_key_opens_with_its_passphrase_alone() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in BOTH {
        let path = folder.path().join(format!("{algorithm:?}.pem"));
        let made = KeyFile::generate(&path, algorithm, &passphrase("right")).unwrap();

        assert_eq!(KeyFile::open(&path, &passphrase("right")).unwrap().public_key(), made.public_key());
        assert!(matches!(KeyFile::open(&path, &passphrase("wrong")), Err(Error::Passphrase { .. })));
        assert!(matches!(KeyFile::open_plain(&path), Err(Error::BadKeyFile { .. })));
        assert!(KeyFile::is_encrypted(&path).unwrap());
    }
}

#[test]
fn a_plain_key_reads_back_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in BOTH {
        let path = folder.path().join(format!("{algorithm:?}.pem"));
        let made = KeyFile::generate_plain(&path, algorithm).unwrap();

        fs::remove_file(public_path(&path)).unwrap();
        assert!(matches!(KeyFile::generate_plain(&path, algorithm), Err(Error::Exists { .. })));
        assert_eq!(KeyFile::open_plain(&path).unwrap().public_key(), made.public_key());
        assert!(!KeyFile::is_encrypted(&path).unwrap());
    }
}

#[test]
fn a_public_half_in_the_way_is_never_overwritten_and_no_key_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    disk::create(&public_path(&path), b"of a key kept elsewhere", Access::Shared).unwrap();
    let refused = KeyFile::generate(&path, Algorithm::Ed25519, &passphrase("secret"));
    assert!(matches!(refused, Err(Error::Exists { path: named }) if named == public_path(&path)));
    assert!(!path.exists());
}

#[test]
fn the_public_half_may_be_read_by_everybody_and_the_key_by_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.pem");
    KeyFile::generate_plain(&path, Algorithm::EcdsaP256).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&public_path(&path))), (0o600, 0o644));
}

#[test]
fn the_public_half_of_another_key_beside_an_encrypted_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("root.pem"), folder.path().join("other.pem"));
    KeyFile::generate(&path, Algorithm::Ed25519, &passphrase("secret")).unwrap();
    KeyFile::generate_plain(&other, Algorithm::Ed25519).unwrap();
    fs::rename(public_path(&other), public_path(&path)).unwrap();
    assert!(matches!(KeyFile::open(&path, &passphrase("secret")), Err(Error::PublicHalf { .. })));
}

#[test]
fn a_key_file_others_may_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    KeyFile::generate_plain(&path, Algorithm::Ed25519).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
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
fn openssl_opens_what_we_make() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in BOTH {
        let path = folder.path().join(format!("{algorithm:?}.pem"));
        let made = KeyFile::generate(&path, algorithm, &passphrase("secret")).unwrap();
        let theirs = openssl(&["pkey", "-in", argument(&path), "-passin", "pass:secret", "-pubout"]);
        assert_eq!(theirs, public_pem(&made.public_key()));
    }
}

/// A key of openssl's making in `folder`, and its public half.
fn foreign(folder: &Path, arguments: &[&str]) -> (PathBuf, String) {
    let path = folder.join("foreign.pem");
    openssl(&[["genpkey", "-out", argument(&path)].as_slice(), arguments].concat());
    let public = openssl(&["pkey", "-in", argument(&path), "-passin", "pass:theirs", "-pubout"]);
    (path, public)
}

const P256: [&str; 4] = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const ENCRYPTED: [&str; 3] = ["-aes256", "-pass", "pass:theirs"];

#[test]
fn keys_openssl_made_are_imported_and_open_with_the_new_passphrase() {
    let ed25519 = ["-algorithm", "ED25519"];
    for algorithm in [ed25519.as_slice(), P256.as_slice()] {
        for encryption in [[].as_slice(), ENCRYPTED.as_slice()] {
            let folder = tempfile::tempdir().unwrap();
            let (from, public) = foreign(folder.path(), &[algorithm, encryption].concat());
            let to = folder.path().join("root.pem");
            KeyFile::import(&from, Some(&passphrase("theirs")), &to, &passphrase("ours")).unwrap();

            let opened = KeyFile::open(&to, &passphrase("ours")).unwrap();
            assert_eq!(public_pem(&opened.public_key()), public);
            assert_eq!(fs::read_to_string(public_path(&to)).unwrap(), public);
        }
    }
}

#[test]
fn what_an_imported_key_signs_openssl_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let (from, public) = foreign(folder.path(), &P256);
    let to = folder.path().join("root.pem");
    let key = KeyFile::import(&from, None, &to, &passphrase("ours")).unwrap();
    let at = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let (message, signature) = (at("message", b"signed"), at("signature", &key.sign(b"signed").unwrap()));
    let public = at("public", public.as_bytes());
    let verify = ["dgst", "-sha256", "-verify", argument(&public), "-signature", argument(&signature)];
    let said = openssl(&[verify.as_slice(), &[argument(&message)]].concat());
    assert_eq!(said, "Verified OK\n");
}

#[test]
fn importing_an_encrypted_key_needs_what_opens_it() {
    let folder = tempfile::tempdir().unwrap();
    let (from, _) = foreign(folder.path(), &[P256.as_slice(), &ENCRYPTED].concat());
    let to = folder.path().join("root.pem");
    assert!(matches!(KeyFile::import(&from, None, &to, &passphrase("ours")), Err(Error::NoPassphrase)));
    let wrong = KeyFile::import(&from, Some(&passphrase("wrong")), &to, &passphrase("ours"));
    assert!(matches!(wrong, Err(Error::Passphrase { path }) if path == from));
    assert!(!to.exists());
}

#[test]
fn a_key_of_another_curve_is_not_imported() {
    let folder = tempfile::tempdir().unwrap();
    let (from, _) = foreign(folder.path(), &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let refused = KeyFile::import(&from, None, &folder.path().join("root.pem"), &passphrase("ours"));
    assert!(matches!(refused, Err(Error::BadKeyFile { path }) if path == from));
}

#[test]
fn a_key_encrypted_with_an_outdated_cipher_is_named_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let (from, _) = foreign(folder.path(), &[P256.as_slice(), &["-des3", "-pass", "pass:theirs"]].concat());
    let to = folder.path().join("root.pem");
    let refused = KeyFile::import(&from, Some(&passphrase("theirs")), &to, &passphrase("ours"));
    assert!(matches!(refused, Err(Error::KeyEncryption { .. })), "{refused:?}");
}

/// A file that says it was encrypted like this.
fn encrypted_with(folder: &Path, parameters: pkcs5::pbes2::Parameters) -> PathBuf {
    let encrypted_data = OctetStringRef::new(&[0; 48]).unwrap();
    let info = EncryptedPrivateKeyInfoRef { encryption_algorithm: parameters.into(), encrypted_data };
    let der = SecretDocument::encode_msg(&info).unwrap();
    let pem = der.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF).unwrap();
    let path = folder.join("slow.pem");
    disk::create(&path, pem.as_bytes(), Access::Private).unwrap();
    path
}

#[test]
fn a_key_that_asks_for_time_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let slow = |rounds| pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(rounds, b"saltsalt", [0; 16]);
    let path = encrypted_with(folder.path(), slow(MAX_ROUNDS + 1).unwrap());
    assert!(matches!(KeyFile::open(&path, &passphrase("secret")), Err(Error::KeyEncryption { .. })));
    assert!(is_bounded(&slow(MAX_ROUNDS).unwrap().into()));
}

#[test]
fn a_key_that_asks_for_memory_without_end_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let large = |log_n| {
        let parameters = pkcs5::scrypt::Params::new(log_n, 8, 1).unwrap();
        pkcs5::pbes2::Parameters::generate_scrypt_aes256cbc(parameters, b"saltsalt", [0; 16]).unwrap()
    };
    let path = encrypted_with(folder.path(), large(20));
    assert!(matches!(KeyFile::open(&path, &passphrase("secret")), Err(Error::KeyEncryption { .. })));
    assert!(is_bounded(&large(19).into()));
}

#[test]
fn renaming_a_key_takes_its_public_half_along_and_replaces_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let (old, next) = (folder.path().join("root.pem"), folder.path().join("root.next.pem"));
    KeyFile::generate(&old, Algorithm::Ed25519, &passphrase("secret")).unwrap();
    let key = KeyFile::generate(&next, Algorithm::EcdsaP256, &passphrase("secret")).unwrap();
    let key = key.rename(&old).unwrap();

    assert_eq!(KeyFile::open(&old, &passphrase("secret")).unwrap().public_key(), key.public_key());
    assert_eq!(public_of(&old).unwrap(), key.public_key());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_rename_that_was_cut_short_is_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (old, next) = (folder.path().join("root.pem"), folder.path().join("root.next.pem"));
    KeyFile::generate(&old, Algorithm::Ed25519, &passphrase("secret")).unwrap();
    let key = KeyFile::generate(&next, Algorithm::Ed25519, &passphrase("secret")).unwrap();
    fs::rename(public_path(&next), public_path(&old)).unwrap();

    let again = KeyFile::open(&next, &passphrase("secret")).unwrap().rename(&old).unwrap();
    assert_eq!(again.public_key(), key.public_key());
    assert_eq!(KeyFile::open(&old, &passphrase("secret")).unwrap().public_key(), key.public_key());
}

#[test]
fn removing_a_key_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.next.pem");
    KeyFile::generate_plain(&path, Algorithm::Ed25519).unwrap();
    KeyFile::remove(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
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
    let key = KeyFile::generate_plain(&folder.path().join("key.pem"), Algorithm::Ed25519).unwrap();
    assert_eq!(format!("{key:?}"), format!("KeyFile({:?})", key.public_key()));
}
