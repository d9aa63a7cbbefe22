//! Keys on a token: SoftHSM2, each test with tokens of its own in a process of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../child/mod.rs"]
mod child;
mod interchange;
mod reference;
mod refusals;
mod signing;

use std::path::Path;
use std::process::Command;

use host::Error;
use host::keys::{Passphrase, TokenError, TokenUri};

/// Where Debian's package softhsm2 has its module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "123456";
/// Where a test finds its folder.
const FOLDER: &str = "CONVOY_TEST_FOLDER";

/// Runs `body` where there is one token, `convoy`, with nothing on it. `test` is the full name of the test: SoftHSM
/// reads where its tokens are from the environment, once per process.
fn on_token(test: &str, body: impl FnOnce(&Path)) {
    if child::is_child() {
        return body(Path::new(&std::env::var_os(FOLDER).unwrap()));
    }
    let folder = tempfile::tempdir().unwrap();
    let (tokens, settings) = (folder.path().join("tokens"), folder.path().join("softhsm2.conf"));
    std::fs::create_dir(&tokens).unwrap();
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&settings, text).unwrap();
    make_token(&settings, "convoy");

    let mut command = child::command(&[], test);
    command.env("SOFTHSM2_CONF", &settings).env(FOLDER, folder.path());
    child::check(&command.output().unwrap());
}

/// Makes a token of this label.
fn make_token(settings: &Path, label: &str) {
    softhsm(settings, &["--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "87654321"]);
}

fn softhsm(settings: &Path, arguments: &[&str]) {
    let run = Command::new("softhsm2-util").args(arguments).env("SOFTHSM2_CONF", settings).output();
    let output = run.expect("the Debian package softhsm2 is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What openssl prints.
fn openssl(arguments: &[&str]) -> String {
    let output = Command::new("openssl").args(arguments).output().expect("the Debian package openssl is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The key of this label on the token `convoy`.
fn key(label: &str) -> TokenUri {
    uri(&format!("token=convoy;object={label}"))
}

fn uri(path: &str) -> TokenUri {
    format!("pkcs11:{path}?module-path={MODULE}").parse().unwrap()
}

fn pin() -> Passphrase {
    passphrase(PIN)
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::first_line(text.as_bytes()).unwrap()
}

/// What the token refused.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> TokenError {
    match result {
        Err(Error::Token(error)) => error,
        other => panic!("{other:?}"),
    }
}
