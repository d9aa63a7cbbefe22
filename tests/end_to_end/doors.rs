//! Like Secondaries on one bus, which hear an image together: the processes that ship, on a bus between processes.

use std::time::Duration;

use simulator::live::{Connection, Ecu, System, all_run};

use crate::launcher;

/// Name of the image.
const NEW: &str = "firmware/new.bin";
/// How long the update may take.
const LIMIT: Duration = Duration::from_secs(120);

fn door(id: &'static str, number: u16) -> Ecu {
    let (request, response, answer) = (0x720 + number, 0x728 + number, 0x7b0 + number);
    Ecu { id, hardware: "door-hw", connection: Connection::CanGroup { request, response, broadcast: 0x7a5, answer } }
}

#[test]
fn three_doors_hear_their_image_together_and_run_it() {
    let gateway = Ecu { id: "gateway", hardware: "gateway-hw", connection: Connection::Primary };
    let vehicle = [gateway, door("left", 0), door("right", 1), door("rear", 2)];
    let folder = tempfile::tempdir().unwrap();
    let image = |fill: usize| (0..20_000).map(|at| u8::try_from((at * fill) % 251).unwrap()).collect::<Vec<u8>>();
    let mut system = System::create(launcher(), folder.path(), &vehicle, &image(3)).unwrap();
    system.start_primary().unwrap();
    let path = folder.path().join("new.bin");
    std::fs::write(&path, image(7)).unwrap();
    system.publish(NEW, &path, 2).unwrap();
    system.assign(NEW).unwrap();
    system.wait("all ECUs to run the new image", LIMIT, |status| all_run(status, NEW).then_some(())).unwrap();
    let digest = uptane::Sha256::of(&image(7)).to_string();
    assert!(system.running().unwrap().iter().all(|(_, running)| *running == digest));
    // What was sent to each door by itself is time and metadata.
    let status = system.status().unwrap();
    let doors = status.ecus.iter().filter(|ecu| ecu.ecu != "gateway");
    let sent: Vec<u64> = doors.filter_map(|ecu| ecu.update.as_ref()).map(|update| update.bytes_sent).collect();
    assert!(sent.len() == 3 && sent.iter().all(|bytes| (1..20_000).contains(bytes)), "{sent:?}");
}
