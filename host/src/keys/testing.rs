//! What the tests of keys share.

use std::process::Command;

use super::Passphrase;

/// The passphrase `text`.
pub(super) fn passphrase(text: &str) -> Passphrase {
    Passphrase::first_line(text.as_bytes()).unwrap()
}

/// What openssl prints.
pub(super) fn openssl(arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).output();
    let output = run.expect("the Debian package openssl is installed");
    assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
