//! A container image on its way from a build machine to a vehicle, by the real programs; what other tools say of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use host::oci::{Index, LAYOUT, Manifest, MediaType};
use serde_json::{Value, json};
use simulator::live::{Daemon, Program};
use tests::programs;
use uptane::Sha256;

use crate::launcher;

const HARDWARE: &str = "nav-hw";

/// A build machine, a repository that serves, and a vehicle, in one folder.
struct World {
    folder: tempfile::TempDir,
    server: Option<Daemon>,
}

impl World {
    fn new() -> Self {
        programs::need_package("skopeo").unwrap();
        let world = Self { folder: tempfile::tempdir().unwrap(), server: None };
        fs::write(world.at("passphrase"), "correct horse\n").unwrap();
        world.repo("init", "--passphrase-file passphrase").unwrap();
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command; words that name something in the folder are paths in it.
    fn run(&self, program: Program, line: &str) -> Result<String, String> {
        let word = |word: &str| match word {
            "passphrase" | "repo" | "trust" | "out" => self.at(word).into_os_string(),
            _ => word.replace("FOLDER", self.folder.path().to_str().unwrap()).into(),
        };
        launcher().run(program, &line.split(' ').map(word).collect::<Vec<_>>()).map_err(|error| error.to_string())
    }

    fn repo(&self, command: &str, more: &str) -> Result<String, String> {
        self.run(Program::ImageRepo, format!("{command} --repo repo {more}").trim())
    }

    /// Lists an image, and publishes it.
    fn publish(&self, oci: &str, counter: u32) {
        let line = format!(
            "--oci FOLDER/{oci} --name nav/app --hardware-id {HARDWARE} --line nav --release-counter {counter}"
        );
        self.repo("targets add", &line).unwrap();
        self.repo("sign", "--passphrase-file passphrase").unwrap();
        self.repo("publish", "").unwrap();
    }

    /// Serves the repository to a vehicle that trusts its first Root.
    fn serve(&mut self) {
        fs::create_dir(self.at("trust")).unwrap();
        fs::copy(self.at("repo/published/metadata/1.root.json"), self.at("trust/root.json")).unwrap();
        let args = ["serve", "--repo", self.at("repo").to_str().unwrap(), "--listen", "127.0.0.1:0"].map(Into::into);
        self.server = Some(launcher().start(Program::ImageRepo, &args, &self.at("serve.log")).unwrap());
    }

    fn fetch(&self, name: &str, hardware: &str) -> Result<String, String> {
        let url = self.server.as_ref().unwrap().address();
        self.run(
            Program::PrimaryEcu,
            &format!(
                "fetch-oci {name} --hardware-id {hardware} --metadata-dir trust --metadata-url {url}/metadata/ \
                 --targets-url {url}/targets/ --out out"
            ),
        )
    }

    fn skopeo(&self, args: &str) -> String {
        let args = args.replace("FOLDER", self.folder.path().to_str().unwrap());
        programs::output(Command::new("skopeo").arg("--insecure-policy").args(args.split(' '))).unwrap()
    }

    /// The published file of a blob.
    fn published(&self, sha256: Sha256) -> PathBuf {
        let folder = fs::read_dir(self.at("repo/published/targets/nav")).unwrap();
        let is_it = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&sha256.to_string());
        folder.map(|entry| entry.unwrap().path()).find(is_it).unwrap()
    }

    /// A layout `build` with one image: a layer for each text, tagged.
    fn build(&self, tag: &str, texts: &[&str]) {
        let build = self.at("build");
        fs::create_dir_all(build.join("blobs/sha256")).unwrap();
        fs::write(build.join("oci-layout"), LAYOUT).unwrap();
        let layers: Vec<_> = texts.iter().map(|text| self.layer(text)).collect();
        let blobs: Vec<_> = layers.iter().map(|layer| blob(&build, MediaType::Layer, layer)).collect();
        let diff_ids: Vec<_> = layers.iter().map(|layer| format!("sha256:{}", Sha256::of(layer))).collect();
        let rootfs = json!({ "type": "layers", "diff_ids": diff_ids });
        let config = json!({ "architecture": "arm64", "os": "linux", "config": {}, "rootfs": rootfs });
        let config = blob(&build, MediaType::Config, config.to_string().as_bytes());
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MediaType::Manifest.as_str(),
            "config": config,
            "layers": blobs,
        });
        let manifest = blob(&build, MediaType::Manifest, manifest.to_string().as_bytes());
        let entry = json!({
            "mediaType": manifest.get("mediaType"),
            "digest": manifest.get("digest"),
            "size": manifest.get("size"),
            "annotations": { "org.opencontainers.image.ref.name": tag },
        });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        fs::write(build.join("index.json"), index.to_string()).unwrap();
    }

    /// A layer with one file.
    fn layer(&self, text: &str) -> Vec<u8> {
        fs::write(self.at("file"), text).unwrap();
        let plain = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
        programs::output(
            Command::new("tar").args(plain).arg("-C").arg(self.at("")).args(["-cf"]).arg(self.at("tar")).arg("file"),
        )
        .unwrap();
        fs::read(self.at("tar")).unwrap()
    }
}

/// Writes a blob, and returns its descriptor.
fn blob(layout: &Path, media_type: MediaType, content: &[u8]) -> Value {
    let sha256 = Sha256::of(content);
    fs::write(layout.join(format!("blobs/sha256/{sha256}")), content).unwrap();
    json!({ "mediaType": media_type.as_str(), "digest": format!("sha256:{sha256}"), "size": content.len() })
}

/// The digest and the manifest of the only image of a layout.
fn only_image(layout: &Path) -> (Sha256, Manifest) {
    let index = Index::decode(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let [entry] = index.entries() else { panic!("{index:?}") };
    let sha256 = entry.sha256().unwrap();
    (sha256, Manifest::decode(&fs::read(layout.join(format!("blobs/sha256/{sha256}"))).unwrap()).unwrap())
}

#[test]
fn an_image_that_skopeo_wrote_arrives_as_a_layout_that_skopeo_reads() {
    let mut world = World::new();
    world.build("1.0", &["base", "app"]);
    world.skopeo("copy oci:FOLDER/build:1.0 oci:FOLDER/written:1.0");
    let (sha256, manifest) = only_image(&world.at("written"));
    assert_eq!(manifest.layers.len(), 2);
    world.publish("written:1.0", 1);
    world.serve();
    world.fetch("nav/app", HARDWARE).unwrap();
    assert_eq!(only_image(&world.at("out")), (sha256, manifest.clone()));
    for blob in manifest.blobs() {
        let name = format!("blobs/sha256/{}", blob.sha256);
        assert_eq!(fs::read(world.at("out").join(&name)).unwrap(), fs::read(world.at("written").join(&name)).unwrap());
    }
    let inspected: Value = serde_json::from_str(&world.skopeo("inspect oci:FOLDER/out")).unwrap();
    assert_eq!(inspected["Digest"], json!(format!("sha256:{sha256}")));
    assert_eq!(inspected["Layers"].as_array().unwrap().len(), 2);
    world.skopeo("copy oci:FOLDER/out docker-archive:FOLDER/archive.tar:nav:1.0");
    let listed = programs::output(Command::new("tar").arg("-tf").arg(world.at("archive.tar"))).unwrap();
    assert!(listed.contains("manifest.json"), "{listed}");
}

#[test]
fn a_layer_that_was_changed_at_the_server_is_refused_and_no_layout_is_made() {
    let mut world = World::new();
    world.build("1", &["base", "app"]);
    world.publish("build", 1);
    world.serve();
    let (_, manifest) = only_image(&world.at("build"));
    let layer = manifest.layers[1].sha256;
    let place = world.published(layer);
    let good = fs::read(&place).unwrap();
    let mut changed = good.clone();
    changed[0] ^= 1;
    fs::write(&place, &changed).unwrap();
    let refused = world.fetch("nav/app", HARDWARE).unwrap_err();
    assert!(refused.contains(&format!("nav/app.sha256-{layer}")), "{refused}");
    assert!(!world.at("out").exists());
    let unfinished = world.at(".unfinished-out/layout/blobs/sha256");
    assert!(!unfinished.join(layer.to_string()).exists());
    assert!(unfinished.join(manifest.layers[0].sha256.to_string()).exists());
    // What was verified is there still, and only the rest is fetched.
    fs::write(&place, &good).unwrap();
    fs::remove_file(world.published(manifest.layers[0].sha256)).unwrap();
    world.fetch("nav/app", HARDWARE).unwrap();
    world.skopeo("inspect oci:FOLDER/out");
}

#[test]
fn a_vehicle_follows_from_one_image_to_the_next_that_shares_a_layer() {
    let mut world = World::new();
    world.build("1", &["base", "app"]);
    world.publish("build", 1);
    world.serve();
    world.fetch("nav/app", HARDWARE).unwrap();
    assert_eq!(only_image(&world.at("out")), only_image(&world.at("build")));
    let trusted = fs::read(world.at("trust/targets.json")).unwrap();
    fs::rename(world.at("out"), world.at("old")).unwrap();
    world.build("2", &["base", "newer app"]);
    world.publish("build", 2);
    world.fetch("nav/app", HARDWARE).unwrap();
    assert_eq!(only_image(&world.at("out")), only_image(&world.at("build")));
    assert_ne!(fs::read(world.at("trust/targets.json")).unwrap(), trusted);
    let refused = world.fetch("nav/app", HARDWARE).unwrap_err();
    assert!(refused.contains("out exists"), "{refused}");
}

#[test]
fn what_is_no_container_image_or_for_other_hardware_is_refused() {
    let mut world = World::new();
    world.build("1", &["base"]);
    world.publish("build", 1);
    fs::write(world.at("file"), "firmware").unwrap();
    let line = format!("FOLDER/file --name fw.bin --hardware-id {HARDWARE} --line fw --release-counter 1");
    world.repo("targets add", &line).unwrap();
    world.repo("sign", "--passphrase-file passphrase").unwrap();
    world.repo("publish", "").unwrap();
    world.serve();
    for (name, hardware, said) in [
        ("fw.bin", HARDWARE, "fw.bin is no container image"),
        ("nav/app", "other-hw", "nav/app is not for the hardware other-hw"),
        ("nav/none", HARDWARE, "nav/none"),
    ] {
        let refused = world.fetch(name, hardware).unwrap_err();
        assert!(refused.contains(said), "{refused}");
        assert!(!world.at("out").exists(), "{name}");
    }
}
