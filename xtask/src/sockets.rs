//! Where an async runtime or a socket may be named.
//!
//! Machines are functions of bytes and time; only the outer files of a service do I/O. This reads the text of the
//! sources, so that the rule holds for code that no test runs.

use std::fs;

use anyhow::{Result, bail};

use crate::stage::Count;
use crate::workspace::Workspace;

/// Words that mean I/O over a network, or the runtime that drives it.
const WORDS: [&str; 10] = [
    "tokio",
    "socket2",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
    "ToSocketAddrs",
    "CanSocket",
];

/// Files and folders of a service's `src` in which they may stand.
const OUTER: [&str; 6] = ["main", "driver", "http", "grpc", "store", "can"];

/// The same for the simulator, whose `world/` is the ground of every proof.
const LIVE: [&str; 4] = ["demo", "live", "watch", "bridge"];

/// Folders of sources, and where in each the words may stand.
const CRATES: [(&str, &[&str]); 7] = [
    ("uptane/src", &[]),
    ("proto/src", &[]),
    ("director/src", &OUTER),
    ("image-repo/src", &OUTER),
    ("primary-ecu/src", &OUTER),
    ("secondary-ecu/src", &OUTER),
    ("simulator/src", &LIVE),
];

/// Checks every product source outside `host`.
pub(crate) fn check(workspace: &Workspace) -> Result<Count> {
    let mut faults = 0;
    for (folder, allowed) in CRATES {
        for path in workspace.files(folder, "rs")? {
            let name = workspace.relative(&path);
            if may_name_sockets(name.trim_start_matches(folder), allowed) {
                continue;
            }
            for (line, word) in named(&fs::read_to_string(&path)?) {
                eprintln!("{name}:{line} names {word}");
                faults += 1;
            }
        }
    }
    match faults {
        0 => Ok(Count::default()),
        n => bail!("{n} lines name the runtime or a socket outside the outer files"),
    }
}

/// Whether `path`, counted from `src/`, is or lies in one of the `allowed` files and folders, or is test code.
fn may_name_sockets(path: &str, allowed: &[&str]) -> bool {
    let parts = path.split('/').map(|part| part.trim_end_matches(".rs"));
    parts.into_iter().any(|part| part == "tests" || allowed.contains(&part))
}

/// The lines of `source` that name one of the words, comments and unit tests at the foot left out.
fn named(source: &str) -> Vec<(usize, &'static str)> {
    let product = source.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let code = product.map(|line| line.split("//").next().unwrap_or_default());
    let mut found = Vec::new();
    for (number, line) in (1..).zip(code) {
        let mut words = line.split(|symbol: char| !symbol.is_alphanumeric() && symbol != '_');
        if let Some(word) = words.find_map(|word| WORDS.into_iter().find(|known| *known == word)) {
            found.push((number, word));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_counts_only_as_a_whole_and_only_in_code() {
        let source = "// tokio\nlet tokio_like = 1; // tokio\nuse tokio::net;\n";
        assert_eq!(named(source), [(3, "tokio")]);
    }

    #[test]
    fn unit_tests_at_the_foot_may_drive_what_they_like() {
        assert_eq!(named("fn f() {}\n#[cfg(test)]\nmod tests { use tokio::net; }\n"), []);
    }

    #[test]
    fn outer_files_and_folders_may_name_sockets_and_others_may_not() {
        assert!(may_name_sockets("/main.rs", &OUTER));
        assert!(may_name_sockets("/linux/grpc/server.rs", &OUTER));
        assert!(!may_name_sockets("/machine.rs", &OUTER));
        assert!(!may_name_sockets("/world/bus.rs", &LIVE));
    }
}
