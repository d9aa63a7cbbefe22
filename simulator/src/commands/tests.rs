//! Commands end as scripts expect, and the guide's examples are right.

use std::path::Path;

use host::cli::{Exit, Report as _};

use super::{Error, scenario, vehicle};
use crate::world::scenario::Scenario;
use crate::world::vehicle::Vehicle;
use crate::world::vehicle::ready::Ready;

fn check_vehicle(path: &Path) -> Result<(), Error> {
    vehicle::run(&vehicle::Command::Check { vehicle: path.display().to_string(), json: false })
}

fn check_scenario(path: &Path) -> Result<(), Error> {
    scenario::run(&scenario::Command::Check { scenario: path.display().to_string(), json: true })
}

fn written(folder: &tempfile::TempDir, name: &str, bytes: impl AsRef<[u8]>) -> std::path::PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

const COMPACT: &str = include_str!("../../vehicles/8-ecus-compact.toml");
const HAPPY: &str = include_str!("../../scenarios/happy-path.toml");

#[test]
fn a_right_file_and_a_ready_name_are_fine() {
    let folder = tempfile::tempdir().unwrap();
    assert!(check_vehicle(&written(&folder, "v.toml", COMPACT)).is_ok());
    for ready in Ready::ALL {
        assert!(check_vehicle(Path::new(ready.name)).is_ok());
        assert!(vehicle::run(&vehicle::Command::Show { vehicle: ready.name.to_owned(), toml: false }).is_ok());
    }
}

#[test]
fn mistakes_end_a_command_as_a_wrong_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "v.toml", COMPACT.replace("80 MHz", "80"));
    let error = check_vehicle(&path).unwrap_err();
    assert!(matches!(error, Error::Mistaken { mistakes: 1, .. }), "{error}");
    assert_eq!(error.exit(), Exit::Configuration);
    let show = vehicle::Command::Show { vehicle: path.display().to_string(), toml: false };
    assert!(matches!(vehicle::run(&show), Err(Error::Mistaken { mistakes: 1, .. })));
}

#[test]
fn a_file_that_is_not_there_or_no_text_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(check_vehicle(&folder.path().join("none.toml")), Err(Error::Unknown { kind: "vehicle", .. })));
    let path = written(&folder, "v.toml", b"name = \"\xff\"");
    assert!(matches!(check_vehicle(&path), Err(Error::NotText { at: 8, .. })));
}

#[test]
fn a_file_that_is_too_long_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "v.toml", "ü".repeat(2 * 1024 * 1024));
    assert!(matches!(check_vehicle(&path), Err(Error::Mistaken { mistakes: 1, .. })));
}

#[test]
fn a_scenario_finds_its_vehicle_from_where_it_is_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(&folder, "s.toml", HAPPY.replace("8-ecus-compact", "v.toml"));
    assert!(matches!(check_scenario(&path), Err(Error::Mistaken { mistakes: 1, .. })));
    written(&folder, "v.toml", COMPACT);
    assert!(check_scenario(&path).is_ok());
    written(&folder, "v.toml", COMPACT.replace("80 MHz", "80"));
    assert!(matches!(check_scenario(&path), Err(Error::Mistaken { mistakes: 1, .. })));
}

#[test]
fn what_show_prints_is_what_check_takes() {
    let show = scenario::Command::Show { scenario: "power-cuts".to_owned() };
    assert!(scenario::run(&show).is_ok() && scenario::run(&scenario::Command::List).is_ok());
    assert!(vehicle::run(&vehicle::Command::Show { vehicle: "2-ecus-workbench".to_owned(), toml: true }).is_ok());
    assert!(vehicle::run(&vehicle::Command::List).is_ok());
}

#[test]
fn the_examples_of_the_guide_are_right() {
    let guide = include_str!("../../../docs/simulating.md");
    let examples: Vec<&str> = guide.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let [vehicle, scenario] = examples[..] else { panic!("a vehicle and a scenario") };
    Vehicle::parse("guide", vehicle).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let vehicles = |name: &str| Ready::named(name).and_then(Ready::vehicle).ok_or_else(String::new);
    Scenario::parse("guide", scenario, vehicles).unwrap_or_else(|mistakes| panic!("{mistakes}"));
}
