//! The rules of a TUF client, with the client that these tests are built with.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tests::conformance::{CLIENT, Program, cases};

#[test]
fn the_client_keeps_every_rule_of_tuf() {
    let program = Program { path: env!("CARGO_BIN_EXE_evidence").into(), first: vec![CLIENT.into()] };
    let (cases, next) = (cases::quick(), AtomicUsize::new(0));
    let play = || {
        let mut failed = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(case.play(&program, 1).err().map(|error| format!("{}: {error:#}", case.name)));
        }
        failed
    };
    let failed: Vec<String> = thread::scope(|scope| {
        let players: Vec<_> = (0..4).map(|_| scope.spawn(play)).collect();
        players.into_iter().flat_map(|player| player.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
