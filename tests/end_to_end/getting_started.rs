//! The page a newcomer follows.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::walkthrough::{Reader, blocks};

#[test]
fn the_getting_started_page_ends_with_the_new_image_on_every_ecu() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = with_free_ports(&fs::read_to_string(clone.join("docs/getting-started.md")).unwrap());
    let home = tempfile::tempdir().unwrap();
    let programs = programs(home.path());
    let preamble = format!("cd '{}'\nexport PATH='{}':\"$PATH\"\n", home.path().display(), programs.display());
    let mut reader = Reader::new(clone, home.path()).with_preamble(&preamble);
    for block in blocks(&page).unwrap().into_iter().filter(|block| !block.prepares()) {
        reader.follow(&block).unwrap();
    }

    let digest = reader.ask("sha256sum firmware-2.bin").unwrap();
    let digest = digest.split_whitespace().next().unwrap();
    for command in [
        "primary-ecu status --data gateway",
        "secondary-ecu status --data display",
        "secondary-ecu status --data brakes",
    ] {
        let status = reader.ask(&format!("{command} --json")).unwrap();
        assert!(status.contains(digest), "{command}: {status}");
    }
}

/// The page with each of its fixed ports replaced by one that nobody listens at.
fn with_free_ports(page: &str) -> String {
    let held: Vec<TcpListener> = PORTS.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    PORTS.iter().zip(&held).fold(page.to_owned(), |page, (port, free)| {
        assert!(page.contains(port), "the page no longer uses port {port}");
        page.replace(port, &free.local_addr().unwrap().port().to_string())
    })
}

/// A folder with each program's name, all of them the binary `evidence`.
pub(crate) fn programs(home: &Path) -> std::path::PathBuf {
    let folder = home.join("programs");
    fs::create_dir(&folder).unwrap();
    for program in ["image-repo", "director", "primary-ecu", "secondary-ecu"] {
        let script = format!("#!/bin/sh\nexec '{}' node {program} \"$@\"\n", env!("CARGO_BIN_EXE_evidence"));
        let path = folder.join(program);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

const PORTS: [&str; 3] = ["18080", "18443", "18444"];
