use std::fs;
use std::path::Path;

use host::cli::{Exit, Report as _};
use host::provisioning::{ENROLMENT, Enrolment};
use uptane::EcuId;
use uptane::sign::Signer as _;
use uptane::testing::Repo;

use super::*;

fn parsed(args: &[&str]) -> Command {
    Cli::try_parse_from([&["primary-ecu"], args].concat()).unwrap().command
}

fn init(data: &Path) -> Result<(), Error> {
    let data = data.to_str().unwrap();
    let args = ["init", "--data", data, "--ecu", "gateway", "--hardware-id", "gateway-hw"];
    let Command::Init(init) = parsed(&args) else { panic!("not init") };
    init.run()
}

fn provision(data: &Path, bundle: &Path, secondaries: &[&str]) -> Result<(), Error> {
    let (data, bundle) = (data.to_str().unwrap(), bundle.to_str().unwrap());
    let mut args = vec!["provision", "--data", data, "--bundle", bundle];
    args.extend(["--director", "https://127.0.0.1:1", "--image-repo", "http://127.0.0.1:1"]);
    secondaries.iter().for_each(|secondary| args.extend(["--secondary", secondary]));
    let Command::Provision(provision) = parsed(&args) else { panic!("not provision") };
    provision.run()
}

fn run_once(data: &Path) -> Result<(), Error> {
    let Command::Run(run) = parsed(&["run", "--once", "--data", data.to_str().unwrap()]) else { panic!("not run") };
    run.run()
}

/// What `director vehicle add` writes for a Primary with this enrolment file and one Secondary.
fn bundle(folder: &Path, data: &Path) {
    let repo = Repo::seeded(2);
    let enrolment = Enrolment::read(&data.join(ENROLMENT)).unwrap();
    let key = enrolment.key;
    let now = host::clock::now();
    let authority = host::tls::Authority::create("test", now, Duration::from_secs(3_600)).unwrap();
    let name = host::tls::server_name(repo.vehicle(), EcuId::parse("gateway").unwrap());
    let request = enrolment.tls_csr.unwrap();
    let lifetime = Duration::from_secs(3_600);
    let issued = authority.issue(&request, "gateway", &[name], host::tls::Purpose::Client, now, lifetime).unwrap();
    let other = repo.ecus()[1].signer().public_key();
    let vehicle = format!(
        "vehicle = \"{}\"\n[primary]\necu = \"gateway\"\npublic_key = \"{key}\"\n\
         [[ecu]]\necu = \"gateway\"\nhardware_id = \"gateway-hw\"\nverification = \"full\"\npublic_key = \"{key}\"\n\
         [[ecu]]\necu = \"brake\"\nhardware_id = \"hw\"\nverification = \"partial-plus\"\npublic_key = \"{other}\"\n",
        repo.vehicle()
    );
    fs::create_dir_all(folder).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    write("vehicle.toml", vehicle.as_bytes());
    write("director-root.json", repo.director().root());
    write("1.root.json", repo.director().root());
    write("image-root.json", repo.image().root());
    write("time.json", &repo.time(repo.now(), []));
    write("ca.pem", authority.certificate().as_bytes());
    write("gateway.pem", issued.as_bytes());
}

#[test]
fn a_second_init_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("primary");
    init(&data).unwrap();
    let key = fs::read(data.join("keys/ecu.pem")).unwrap();
    assert!(matches!(init(&data), Err(Error::Host(host::Error::Exists { .. }))));
    assert_eq!(fs::read(data.join("keys/ecu.pem")).unwrap(), key);
}

#[test]
fn an_init_that_was_cut_short_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("primary");
    init(&data).unwrap();
    fs::remove_file(data.join("ecu.toml")).unwrap();
    init(&data).unwrap();
}

#[test]
fn what_is_missing_is_named_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("primary");
    for error in [run_once(&data).unwrap_err(), provision(&data, folder.path(), &[]).unwrap_err()] {
        assert_eq!(
            (error.exit(), error.to_string()),
            (Exit::Configuration, format!("{} does not exist", data.display()))
        );
    }
    init(&data).unwrap();
    let error = run_once(&data).unwrap_err();
    assert_eq!(error.to_string(), format!("{} does not exist", data.join("config.toml").display()));
}

#[test]
fn a_primary_takes_the_bundle_made_for_it_and_then_wants_the_director() {
    let folder = tempfile::tempdir().unwrap();
    let (data, made) = (folder.path().join("primary"), folder.path().join("bundle"));
    init(&data).unwrap();
    bundle(&made, &data);
    provision(&data, &made, &["brake=https://127.0.0.1:1"]).unwrap();
    assert!(data.join("status.json").exists());
    let error = run_once(&data).unwrap_err();
    assert!(matches!(error, Error::Director { .. }), "{error}");
    assert_eq!(error.exit(), Exit::Unavailable);
    // The same vehicle again, with another address.
    provision(&data, &made, &["brake=https://127.0.0.1:2"]).unwrap();
}

#[test]
fn every_secondary_needs_a_way_and_no_stranger_gets_one() {
    let folder = tempfile::tempdir().unwrap();
    let (data, made) = (folder.path().join("primary"), folder.path().join("bundle"));
    init(&data).unwrap();
    bundle(&made, &data);
    for secondaries in [&[][..], &["brake=https://127.0.0.1:1", "radio=https://127.0.0.1:2"]] {
        let refused = provision(&data, &made, secondaries);
        assert!(matches!(refused, Err(Error::UnknownSecondary { .. })));
    }
    assert!(!data.join("config.toml").exists());
}

#[test]
fn a_bundle_for_another_primary_or_a_damaged_one_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (data, other, made) = (folder.path().join("p"), folder.path().join("q"), folder.path().join("bundle"));
    init(&data).unwrap();
    init(&other).unwrap();
    bundle(&made, &other);
    assert!(matches!(provision(&data, &made, &["brake=https://127.0.0.1:1"]), Err(Error::Damaged { .. })));
    fs::write(made.join("director-root.json"), b"{}").unwrap();
    assert!(matches!(provision(&other, &made, &["brake=https://127.0.0.1:1"]), Err(Error::Damaged { .. })));
    assert!(!data.join("vehicle.toml").exists() && !other.join("vehicle.toml").exists());
}

#[test]
fn a_primary_without_its_mapping_or_an_address_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let (data, made) = (folder.path().join("primary"), folder.path().join("bundle"));
    init(&data).unwrap();
    bundle(&made, &data);
    provision(&data, &made, &["brake=https://127.0.0.1:1"]).unwrap();
    let mapping = data.join("mapping.toml");
    let text = fs::read_to_string(&mapping).unwrap();

    fs::write(&mapping, text.replace("address = \"http://127.0.0.1:1\"\n", "")).unwrap();
    let error = run_once(&data).unwrap_err();
    assert_eq!(error.to_string(), "mapping.toml does not say where the repository image is");
    assert_eq!(error.exit(), Exit::Configuration);

    fs::write(&mapping, text.replace("[\"director\", \"image\"]", "[\"image\", \"image\"]")).unwrap();
    assert_eq!(run_once(&data).unwrap_err().exit(), Exit::Configuration);

    fs::remove_file(&mapping).unwrap();
    let error = run_once(&data).unwrap_err();
    assert_eq!(
        (error.exit(), error.to_string()),
        (Exit::Configuration, format!("{} does not exist", mapping.display()))
    );
}

#[test]
fn the_mapping_of_the_bundle_names_more_repositories_and_their_roots() {
    let folder = tempfile::tempdir().unwrap();
    let (data, made) = (folder.path().join("primary"), folder.path().join("bundle"));
    init(&data).unwrap();
    bundle(&made, &data);
    let three = "[[repository]]\nname = \"director\"\n[[repository]]\nname = \"image\"\n\
                 [[repository]]\nname = \"supplier\"\naddress = \"http://127.0.0.1:3\"\n\
                 [[mapping]]\npaths = [\"*\"]\nrepositories = [\"director\", \"image\", \"supplier\"]\n";
    fs::write(made.join("mapping.toml"), three).unwrap();
    let missing = provision(&data, &made, &["brake=https://127.0.0.1:1"]).unwrap_err();
    assert_eq!(missing.to_string(), format!("{} does not exist", made.join("supplier-root.json").display()));
    fs::write(made.join("supplier-root.json"), Repo::seeded(2).image().root()).unwrap();
    provision(&data, &made, &["brake=https://127.0.0.1:1"]).unwrap();
    assert!(data.join("metadata/supplier/1.root.json").exists());
}
