//! Groups that hear an image together, in whole runs: on a bit-exact bus, with the Primary and the Secondaries that ship.

use crate::runs::{Made, Recipe};

/// A gateway and four like doors, which hear images together unless `together` is false; one release for the doors.
fn doors(more: &str, together: bool, seed: u64) -> Recipe {
    let bench = super::recipe(more, seed);
    let (parts, _) = bench.vehicle.split_once("[[ecu]]\nid = \"brakes\"").unwrap();
    let door = |number: u32| {
        let (request, response, answer) = (0x720 + number, 0x728 + number, 0x7b0 + number);
        let heard = format!(", broadcast = 0x7a5, answer = {answer:#x}");
        let heard = if together { heard.as_str() } else { "" };
        format!(
            r#"
[[ecu]]
id = "door-{number}"
hardware = "mcu-c-1m"
verification = "partial-plus"
transport = {{ bus = "chassis", format = "classical", request = {request:#x}, response = {response:#x}{heard} }}
"#
        )
    };
    let vehicle = format!("{parts}{}", (1..=DOORS).map(door).collect::<String>());
    let scenario = bench.scenario.replace("4 KiB", "24 KiB");
    Recipe { scenario, vehicle, ..bench }
}

/// Bytes of frames that the Primary said to all doors, and to and by each of them.
fn wire(made: &Made) -> (u64, Vec<u64>) {
    let of = |end: &str| made.ended.run.traffic.iter().find(|traffic| traffic.end == end).map(|traffic| traffic.wire);
    let each = (1..=DOORS).map(|number| of(&format!("door-{number}")).unwrap()).collect();
    (of("4 ECUs at 0x7a5").unwrap_or_default(), each)
}

const DOORS: u32 = 4;
/// Bytes of the image.
const IMAGE: u64 = 24 * 1_024;

#[test]
fn like_ecus_hear_one_image_together_and_the_bus_carries_it_once() {
    let made = doors("", true, 1).make(false).unwrap();
    assert!(made.ended.run.holds(), "{:?}", made.ended.run);
    let (all, each) = wire(&made);
    // Frames of 14 bytes carry 7 of the image.
    assert!((2 * IMAGE..2 * IMAGE + 1_000).contains(&all), "{all}");
    assert!(each.iter().all(|wire| *wire < IMAGE), "{each:?}");
    let alone = doors("", false, 1).make(false).unwrap();
    assert!(alone.ended.run.holds(), "{:?}", alone.ended.run);
    let (none, each) = wire(&alone);
    assert!(none == 0 && each.iter().all(|wire| *wire > 2 * IMAGE), "{each:?}");
}

#[test]
fn the_same_seed_leaves_the_same_log_of_a_broadcast() {
    let [first, again] = [(), ()].map(|()| doors(TROUBLE, true, 3).make(false).unwrap().log);
    assert!(first == again);
}

/// When the image is said, one door's CPU reads nothing for a while, again and again, and another one is reset.
const TROUBLE: &str = r#"
[[fault]]
kind = "overrun"
node = "door-2"
at = "11400 ms"
lasts = "40 ms"
[[fault]]
kind = "overrun"
node = "door-3"
at = "11500 ms"
lasts = "30 ms"
[[fault]]
kind = "reset"
node = "door-4"
at = "11600 ms"
"#;

#[test]
fn doors_that_lose_frames_hear_them_again_and_one_that_is_reset_is_brought_the_rest_by_itself() {
    let made = doors(TROUBLE, true, 1).make(false).unwrap();
    assert!(made.ended.run.holds(), "{:?}", made.ended.run);
    assert_eq!((made.ended.struck.of("overrun"), made.ended.struck.of("reset")), (2, 1));
    assert_eq!(made.ended.closed.len(), 1, "{:?}", made.ended.closed);
    let (all, each) = wire(&made);
    assert!(all > 2 * IMAGE, "{all}");
    let [others @ .., reset] = each.as_slice() else { panic!("no doors") };
    assert!(others.iter().all(|wire| *wire < IMAGE) && *reset > IMAGE, "{each:?}");
}

/// Power fails at messages of a door: begin and files, the offer, the invitation, chunks it hears, the end.
#[test]
fn wherever_power_fails_in_a_door_all_have_the_image_in_the_end() {
    for (seed, number) in (1..).zip((1..40).step_by(3)) {
        let cut = format!(
            r#"
[[fault]]
kind = "message-cut"
node = "door-1"
at = "10 s"
lasts = "500 ms"
number = {number}
"#
        );
        let made = doors(&cut, true, seed).make(false).unwrap();
        assert!(made.ended.run.holds(), "message {number}: {:?}", made.ended.run);
    }
}

#[test]
fn wherever_power_fails_in_the_primary_all_have_the_image_in_the_end() {
    for (seed, at) in (1..).zip((11_000..12_600).step_by(200)) {
        let cut = super::POWER_CUT.replace("brakes", "gateway").replace("11 s", &format!("{at} ms"));
        let made = doors(&cut, true, seed).make(false).unwrap();
        assert!(made.ended.run.holds(), "{at}: {:?}", made.ended.run);
    }
}
