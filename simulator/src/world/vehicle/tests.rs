//! The ready vehicles are right, and every mistake that can be made in one is explained.

use proptest::prelude::*;
use uptane::sign::{EcuAssignment, ImageEntry, KeySet, Matching, MemorySigner, Signer as _, TargetsBuilder};
use uptane::{Hashes, ImageLine, Length, ReleaseCounter, Sha256, TargetName, Time, VehicleId, Version};

use super::ready::Ready;
use super::*;

/// The 8-ECU vehicle with `from` replaced by `to`, once.
fn changed(from: &str, to: &str) -> Result<Vehicle, Vec<String>> {
    let text = Ready::named("8-ecus-compact").unwrap().text;
    assert!(text.contains(from), "{from}");
    Vehicle::parse("v.toml", &text.replacen(from, to, 1)).map_err(|mistakes| mistakes.lines().collect())
}

/// The one mistake of that file, without its place.
fn mistake(from: &str, to: &str) -> String {
    let lines = changed(from, to).expect_err("a mistake");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].splitn(4, ':').nth(3).unwrap().trim().to_owned()
}

#[test]
fn every_ready_vehicle_is_right_and_as_large_as_it_says() {
    for ready in Ready::ALL {
        let vehicle = Vehicle::parse(ready.name, ready.text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let ecus: usize = ready.name.split('-').next().unwrap().parse().unwrap();
        assert_eq!((vehicle.ecus().count(), vehicle.name().as_str()), (ecus, ready.name));
        assert!(vehicle.buses().iter().all(|bus| vehicle.on_bus(bus.name()).count() > 0));
    }
    assert_eq!(Ready::named("100-ecus-truck").unwrap().vehicle().unwrap().buses().len(), 8);
}

/// The Director's Targets for a vehicle in which every ECU gets an image of its own.
fn largest_targets(vehicle: &Vehicle) -> usize {
    let digest = |name: &str| Hashes::new(Some(Sha256::of(name.as_bytes())), None).unwrap();
    let version = Version::new(1 << 40).unwrap();
    let mut targets = TargetsBuilder::director(VehicleId([7; 16]), version, Time::MAX);
    for ecu in vehicle.ecus() {
        let (id, hardware_id) = (ecu.id(), ecu.hardware().id());
        let line = ImageLine::parse(id.as_str()).unwrap();
        let matching = Matching::new([hardware_id], line, ReleaseCounter::new(1_000).unwrap()).unwrap();
        let name = format!("{id}/release-1000.bin");
        let length = Length::new(ecu.hardware().longest_image().0).unwrap();
        let image = ImageEntry::new(TargetName::parse(&name).unwrap(), length, digest(&name), &matching);
        let fallback = format!("{id}/release-0999.bin");
        let fallback =
            (ecu.hardware().banks() == Banks::Single).then(|| TargetName::parse(&fallback).unwrap().to_buf());
        targets =
            targets.assign(image, EcuAssignment { ecu: id, hardware_id, order: None, fallback, delta: None }).unwrap();
    }
    let signer = MemorySigner::from_seed(&[1; 32]);
    targets.sign(&KeySet::new([signer.public_key()], 1).unwrap(), &[&signer]).unwrap().len()
}

#[test]
fn every_slot_of_a_ready_vehicle_holds_the_directors_targets_for_all_its_ecus() {
    for vehicle in Ready::ALL.map(|ready| ready.vehicle().unwrap()) {
        let needed = largest_targets(&vehicle);
        for ecu in vehicle.ecus() {
            let slot = usize::try_from(ecu.hardware().layout().slot_size).unwrap();
            assert!(needed <= slot, "{}: {} needs {needed}, has {slot}", vehicle.name(), ecu.id());
        }
    }
}

#[test]
fn every_kind_of_ecu_is_in_the_largest_vehicle() {
    let vehicle = Ready::named("100-ecus-truck").unwrap().vehicle().unwrap();
    for verification in [Verification::Full, Verification::Partial, Verification::PartialPlus] {
        assert!(vehicle.secondaries().iter().any(|ecu| ecu.verification() == verification));
    }
    for banks in [Banks::Single, Banks::Two] {
        assert!(vehicle.secondaries().iter().any(|ecu| ecu.hardware().banks() == banks));
    }
    assert!(vehicle.secondaries().iter().any(|ecu| !ecu.is_powered(PowerState::Parked)));
    assert!(vehicle.ecus().all(|ecu| ecu.is_powered(PowerState::Charging) && !ecu.is_powered(PowerState::Off)));
}

#[test]
fn a_bus_of_no_such_name_is_explained_with_the_nearest() {
    let lines = changed("{ bus = \"body\"", "{ bus = \"bdoy\"").unwrap_err();
    let text = "unknown bus `bdoy`; expected one of `powertrain`, `body` (did you mean `body`?)";
    assert_eq!(lines.len(), 1);
    assert!(lines[0].starts_with("v.toml:") && lines[0].ends_with(text), "{lines:?}");
}

#[test]
fn a_part_that_is_wrong_itself_does_not_make_those_that_name_it_wrong() {
    assert_eq!(
        mistake("nominal = \"500 kbit/s\"", "nominal = \"5 Mbit/s\""),
        "found 5 Mbit/s; expected a nominal rate of 10 to 1000 kbit/s"
    );
}

#[test]
fn an_fd_ecu_on_a_classical_bus_is_impossible() {
    let lines = changed("data = \"2 Mbit/s\"", "").unwrap_err();
    assert_eq!(lines.len(), 2, "battery and motor: {lines:?}");
    assert!(lines[0].contains("bus `powertrain` is classical and cannot carry CAN FD frames"), "{lines:?}");
}

#[test]
fn an_id_that_another_ecu_on_the_bus_has_is_named_with_its_owner() {
    let text = mistake("request = 0x711", "request = 0x718");
    assert!(
        text.starts_with("CAN id 0x718 of ECU `motor` is taken on bus `powertrain`: by `battery` in line "),
        "{text}"
    );
}

#[test]
fn the_same_id_on_another_bus_is_fine() {
    assert!(
        changed(
            "bus = \"body\", format = \"classical\", request = 0x720",
            "bus = \"body\", format = \"classical\", request = 0x711"
        )
        .is_ok()
    );
}

#[test]
fn both_directions_cannot_have_one_id() {
    let text = mistake("request = 0x711", "request = 0x719");
    assert!(text.starts_with("requests and responses would have the same CAN id"), "{text}");
}

#[test]
fn a_vehicle_without_primary_is_none() {
    let none = mistake("role = \"primary\"", "verification = \"full\"\ntransport = \"ethernet\"");
    assert_eq!(none, "no ECU is the Primary; expected one [[ecu]] with role = \"primary\"");
}

#[test]
fn a_second_primary_is_told_where_the_first_is() {
    let display = "id = \"display\"\nhardware = \"domain-a2\"\nverification = \"full\"\ntransport = \"ethernet\"";
    let text = mistake(display, "id = \"display\"\nrole = \"primary\"\nhardware = \"domain-a2\"");
    assert!(text.starts_with("ECU `display` would be a second Primary, the first is in line "), "{text}");
}

#[test]
fn full_verification_needs_a_disk() {
    let text = mistake("hardware = \"domain-a2\"", "hardware = \"mcu-fd-2m\"");
    assert!(text.starts_with("ECU `display` verifies fully, but its hardware `mcu-fd-2m` has no disk"), "{text}");
}

#[test]
fn a_bank_that_does_not_fit_comes_with_the_sum() {
    let text = mistake("bank_size = \"384 KiB\"", "bank_size = \"512 KiB\"");
    assert_eq!(
        text,
        "the flash of `mcu-c-1m` has 1 MiB, but 4 state pages, 4 metadata slots of 16 KiB and two banks of 512 KiB with \
         header take 1112 KiB; expected a smaller bank, smaller slots or a larger flash"
    );
}

#[test]
fn a_single_bank_takes_the_room_of_one_image() {
    let single = changed("bank_size = \"384 KiB\"", "bank_size = \"768 KiB\"\nbanks = \"single\"").unwrap();
    let hardware = single.ecus().map(Ecu::hardware).find(|hardware| hardware.banks() == Banks::Single).unwrap();
    assert_eq!(hardware.longest_image(), crate::world::description::Bytes(768 * 1_024));
    let text = mistake("bank_size = \"384 KiB\"", "bank_size = \"1024 KiB\"\nbanks = \"single\"");
    assert!(text.contains("and a bank of 1 MiB with two headers take"), "{text}");
}

#[test]
fn a_primary_has_two_banks() {
    let text = mistake("id = \"gateway-a1\"", "id = \"gateway-a1\"\nbanks = \"single\"");
    assert!(text.starts_with("the Primary `gateway` has images in two slots"), "{text}");
}

#[test]
fn units_of_flash_must_divide_each_other() {
    for (from, to, wrong) in [
        (
            "erase_unit = \"8 KiB\"",
            "erase_unit = \"8190 B\"",
            "an erase unit of 8190 B is no whole number of write units",
        ),
        ("size = \"2 MiB\"", "size = \"2050 KiB\"", "a flash of 2050 KiB is no whole number of erase units"),
        (
            "bank_size = \"768 KiB\"",
            "bank_size = \"770 KiB\"",
            "770 KiB is no whole number of erase units of `mcu-fd-2m`",
        ),
        ("write_unit = \"8 B\"", "write_unit = \"64 B\"", "firmware writes at most 32 B at once"),
        ("erase_unit = \"2 KiB\"", "erase_unit = \"8 B\"", "an erase unit of 8 B cannot hold a record of state"),
    ] {
        let text = mistake(from, to);
        assert!(text.starts_with(wrong), "{text}");
    }
}

#[test]
fn an_ethernet_ecu_needs_the_quality_of_its_link() {
    let table = "[ethernet]                    # 100BASE-T1 through one switch\ndelay = \"150 us\"\njitter = \"50 us\"\nrate = \"100 Mbit/s\"\n";
    let text = mistake(table, "");
    assert!(text.starts_with("ECU `display` is on Ethernet, but the file does not say how good that is"), "{text}");
}

#[test]
fn an_ecu_that_never_has_power_with_its_primary_is_impossible() {
    let supplies =
        "[[supply]]\nname = \"day\"\non = [\"driving\"]\n[[supply]]\nname = \"night\"\non = [\"parked\"]\n[[ecu]]\n";
    let text = Ready::named("2-ecus-workbench").unwrap().text.replacen("[[ecu]]\n", supplies, 1);
    let text = text.replace("role = \"primary\"", "role = \"primary\"\nsupply = \"day\"");
    let text = text.replace("verification = \"partial-plus\"", "verification = \"partial-plus\"\nsupply = \"night\"");
    let mistakes = Vehicle::parse("v.toml", &text).unwrap_err();
    let found = mistakes.list()[0].kind.to_string();
    assert!(found.starts_with("ECU `brakes` never has power while the Primary `gateway` has"), "{found}");
}

#[test]
fn more_ecus_than_metadata_can_name_are_refused() {
    let extra: String = (0..255)
        .map(|number| {
            let (request, response) = (0x1000 + 2 * number, 0x1001 + 2 * number);
            format!(
                "[[ecu]]\nid = \"extra-{number}\"\nhardware = \"mcu-c-1m\"\nverification = \"partial\"\n\
             transport = {{ bus = \"chassis\", format = \"classical\", request = {request}, response = {response} }}\n"
            )
        })
        .collect();
    let text = Ready::named("2-ecus-workbench").unwrap().text.to_owned() + &extra;
    let found = Vehicle::parse("v.toml", &text).unwrap_err().list()[0].kind.to_string();
    assert_eq!(found, "this is one [[ecu]] too many, there are 257; expected at most 256");
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once() {
    let text = Ready::named("8-ecus-compact").unwrap().text;
    let text = text.replace("delay = \"45 ms\"", "delay = 45").replace("id = \"motor\"", "id = \"battery\"");
    let text = text.replace("cpu = \"80 MHz\"", "cpus = 1").replace("\"chassis\"", "\"chasis\"");
    let mistakes = Vehicle::parse("v.toml", &text).unwrap_err();
    let kinds: Vec<String> = mistakes.list().iter().map(|mistake| mistake.kind.to_string()).collect();
    assert_eq!(kinds.len(), 4, "{kinds:#?}");
    assert!(kinds[3].starts_with("ECU `battery` stands here again"), "{kinds:#?}");
}

/// What a file says and is not refused is there.
fn nothing_is_dropped(vehicle: &Vehicle, text: &str) {
    let file: toml::Table = toml::from_str(text).unwrap();
    let said = |key: &str| file.get(key).map_or(0, |tables| tables.as_array().unwrap().len());
    let kept = [vehicle.ecus().count(), vehicle.buses().len(), vehicle.supplies().len()];
    assert_eq!(["ecu", "bus", "supply"].map(said), kept);
}

#[test]
fn nothing_that_is_right_is_dropped() {
    for ready in Ready::ALL {
        nothing_is_dropped(&ready.vehicle().unwrap(), ready.text);
    }
}

fn any_edit() -> impl Strategy<Value = (usize, usize, String)> {
    (any::<prop::sample::Index>(), 0_usize..40, "[ -~\\n]{0,12}")
        .prop_map(|(at, length, text)| (at.index(usize::MAX), length, text))
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Vehicle::parse("v.toml", &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_edits_of_a_vehicle_make_the_reader_panic_or_drop_anything_and_mistakes_are_inside_the_file(
        edits in proptest::collection::vec(any_edit(), 1..6)
    ) {
        let mut text: Vec<char> = Ready::named("8-ecus-compact").unwrap().text.chars().collect();
        for (at, length, insert) in edits {
            let at = at % text.len();
            text.splice(at..(at + length).min(text.len()), insert.chars());
        }
        let text: String = text.into_iter().collect();
        match Vehicle::parse("v.toml", &text) {
            Ok(vehicle) => nothing_is_dropped(&vehicle, &text),
            Err(mistakes) => {
                let lines = text.lines().count() + 1;
                prop_assert!(mistakes.list().iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            }
        }
    }
}

/// The smallest vehicle with two like doors in the place of its brakes, each with these words in its transport.
fn doors(first: &str, second: &str) -> Result<Vehicle, Vec<String>> {
    let text = Ready::named("2-ecus-workbench").unwrap().text;
    let (parts, _) = text.split_once("[[ecu]]\nid = \"brakes\"").unwrap();
    let door = |(id, (request, more)): (&str, (u32, &str))| {
        let head = "hardware = \"mcu-c-1m\"\nverification = \"partial\"";
        let ids = format!("request = {request:#x}, response = {:#x}", request + 8);
        let transport = format!("{{ bus = \"chassis\", format = \"classical\", {ids}, {more} }}");
        format!("[[ecu]]\nid = \"{id}\"\n{head}\ntransport = {transport}\n")
    };
    let ecus: String = [("left", (0x720, first)), ("right", (0x721, second))].map(door).concat();
    Vehicle::parse("v.toml", &format!("{parts}{ecus}")).map_err(|mistakes| mistakes.lines().collect())
}

/// What is wrong with the second door.
fn wrong(second: &str) -> String {
    let lines = doors("broadcast = 0x7a5, answer = 0x7b0", second).expect_err("a mistake");
    assert_eq!(lines.len(), 1, "{lines:#?}");
    lines[0].splitn(4, ':').nth(3).unwrap().trim().to_owned()
}

#[test]
fn like_ecus_that_hear_the_same_id_on_a_bus_are_a_group() {
    let vehicle = doors("broadcast = 0x7a5, answer = 0x7b0", "broadcast = 0x7a5, answer = 0x7b1").unwrap();
    let [group] = vehicle.groups().try_into().unwrap();
    let members: Vec<_> = group.members.iter().map(|(ecu, answer)| (ecu.as_str(), answer.raw())).collect();
    assert_eq!((group.bus.as_str(), group.broadcast.raw()), ("chassis", 0x7a5));
    assert_eq!(members, [("left", 0x7b0), ("right", 0x7b1)]);
    assert!(Ready::ALL.iter().all(|ready| ready.vehicle().unwrap().groups().is_empty()));
}

#[test]
fn mistakes_in_a_group_are_explained() {
    let lacking = wrong("broadcast = 0x7a5");
    assert!(lacking.starts_with("the transport of ECU `right` lacks `answer`; expected a CAN id"), "{lacking}");
    assert_eq!(
        wrong("broadcast = 0x7a5, answer = 0x721"),
        "ECU `right` would have one CAN id for two of request, response, broadcast and answer; expected an id of its \
         own for each"
    );
    let taken = wrong("broadcast = 0x7a5, answer = 0x7b0");
    assert!(taken.starts_with("CAN id 0x7b0 of ECU `right` is taken on bus `chassis`: by `left` in line "), "{taken}");
    let taken = wrong("broadcast = 0x720, answer = 0x7b1");
    assert!(
        taken.starts_with("CAN id 0x720, which ECU `right` would hear, is taken on bus `chassis`: by `left`"),
        "{taken}"
    );
}

#[test]
fn a_group_is_of_one_hardware_with_two_banks_and_one_format() {
    let text = |format: &str, hardware: &str, banks: &str| {
        let text = Ready::named("2-ecus-workbench").unwrap().text;
        let other = text.split("[[hardware]]").nth(2).unwrap().split("[[ecu]]").next().unwrap();
        let other = format!("[[hardware]]{}", other.replace("mcu-c-1m", "other"));
        let text = text.replace("nominal = \"500 kbit/s\"", "nominal = \"500 kbit/s\"\ndata = \"2 Mbit/s\"");
        let text = text.replacen("[[ecu]]", &format!("{other}[[ecu]]"), 1);
        let text = text.replace("response = 0x7e8", "response = 0x7e8, broadcast = 0x7a5, answer = 0x7b0");
        let text = text.replace("id = \"other\"", &format!("id = \"other\"\n{banks}"));
        let second =
            format!("transport = {{ bus = \"chassis\", format = \"{format}\", request = 0x721, response = 0x729");
        let second = format!("{second}, broadcast = 0x7a5, answer = 0x7b1 }}");
        format!("{text}\n[[ecu]]\nid = \"second\"\nhardware = \"{hardware}\"\nverification = \"partial\"\n{second}\n")
    };
    let check = |format: &str, hardware: &str, banks: &str| {
        let lines =
            Vehicle::parse("v.toml", &text(format, hardware, banks)).map_err(|mistakes| mistakes.lines().collect());
        lines.map_or_else(|lines: Vec<String>| lines.join("; "), |_| String::new())
    };
    assert_eq!(check("classical", "mcu-c-1m", ""), "");
    assert!(check("fd", "mcu-c-1m", "").contains("frames of the format of `brakes`"));
    assert!(check("classical", "other", "").contains("what is for `mcu-c-1m`, which `brakes` is"));
    assert!(check("classical", "other", "banks = \"single\"").contains("takes its image when no other ECU does"));
}
