//! `ceremony`: the script of docs/ceremony.md, run as written, and a TUF client that is not ours behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::Item;
use crate::programs::{self, Service};
use crate::record::{Limit, Record};
use crate::walkthrough::{Block, Reader, blocks};

pub(super) const ITEM: Item = Item {
    name: "ceremony",
    promise: "the commands of docs/ceremony.md: two of three sign, a key is rotated, another lost; python-tuf follows from Root 1",
    show,
};

const SCRIPT: &str = include_str!("../../python/tuf_client.py");
const TARGET: &str = "brake/fw-1.bin";
/// The Root that the script ends with.
const NEWEST: &str = "~/server/repository/published/metadata/4.root.json";
/// How the commands begin that show something new to clients.
const PUBLISHES: &str = "image-repo release publish";

fn show(record: &mut Record) -> Result<()> {
    for package in ["openssl", "python3-venv", "softhsm2"] {
        programs::need_package(package)?;
    }
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the workspace")?;
    let blocks = blocks(&fs::read_to_string(clone.join("docs/ceremony.md"))?)?;
    let home = tempfile::tempdir()?;
    let built = programs::ours("image-repo")?;
    let folder = built.parent().context("programs lie in a folder")?;
    let mut reader = Reader::new(clone, home.path()).with_preamble(&format!("PATH='{}':$PATH\n", folder.display()));
    let client = Client::install(home.path(), record)?;
    let mut published = 0_u32;
    for block in &blocks {
        reader.follow(block)?;
        if publishes(block) {
            published += 1;
            client.follow(record, published)?;
        }
    }
    tell(record, &blocks, published)?;
    lost(record, &reader)
}

fn publishes(block: &Block) -> bool {
    block.machine() == Some("server") && block.commands().contains(PUBLISHES)
}

fn tell(record: &mut Record, blocks: &[Block], published: u32) -> Result<()> {
    let machines: std::collections::BTreeSet<_> = blocks.iter().filter_map(Block::machine).collect();
    record.note(format!("machines: {}", machines.into_iter().collect::<Vec<_>>().join(", ")));
    record.figure("command blocks followed", f64::from(u32::try_from(blocks.len())?), "", Limit::AtLeast(25.0));
    record.figure("publications", f64::from(published), "", Limit::AtLeast(4.0));
    Ok(())
}

/// What is left of the key that was lost: nothing on any disk, and no word of it in the newest Root.
fn lost(record: &mut Record, reader: &Reader) -> Result<()> {
    let remains = reader.ask("ls -A ~/carol 2>/dev/null || true")?;
    record.claim("the machine of the lost key is gone", remains.trim().is_empty());
    let root: serde_json::Value = serde_json::from_str(&reader.ask(&format!("image-repo show {NEWEST} --json"))?)?;
    let keys = root.pointer("/says/roles/root/keys").and_then(|keys| keys.as_array()).context("keys of Root")?;
    record.figure("keys of Root afterwards", f64::from(u32::try_from(keys.len())?), "", Limit::Exactly(3.0));
    let threshold = root.pointer("/says/roles/root/threshold").and_then(serde_json::Value::as_u64);
    record.claim("its threshold is two", threshold == Some(2));
    record.claim("all who must have signed it", root.pointer("/complete") == Some(&true.into()));
    Ok(())
}

/// python-tuf: one client that is there from the first release on, and new ones that come late.
struct Client {
    home: PathBuf,
    python: PathBuf,
}

impl Client {
    fn install(home: &Path, record: &mut Record) -> Result<Self> {
        let (python, version) = programs::python_tuf(home)?;
        record.note(format!("python-tuf {version}"));
        Ok(Self { home: home.to_owned(), python })
    }

    /// Both kinds of client refresh and download, after the publication of this number.
    fn follow(&self, record: &mut Record, number: u32) -> Result<()> {
        let mut serve = Command::new(programs::ours("image-repo")?);
        serve.args(["serve", "--listen", "127.0.0.1:0", "--repo"]).arg(self.home.join("server/repository"));
        let server = Service::start(&mut serve)?;
        for (who, folder) in
            [("a client from the first release on", "steady".to_owned()), ("a new client", format!("new-{number}"))]
        {
            let root = self.run(server.url(), &folder).with_context(|| format!("{who}, publication {number}"))?;
            let figure = format!("publication {number}: Root that {who} ends with");
            record.figure(figure, root, "", Limit::AtLeast(f64::from(number.min(4))));
        }
        Ok(())
    }

    /// Refreshes from Root 1 or from what the folder holds, downloads, and says which Root it ended with.
    fn run(&self, url: &str, folder: &str) -> Result<f64> {
        let mut command = Command::new(&self.python);
        command.args(["-c", SCRIPT]).arg(self.home.join("stick/1.root.json")).args([url, TARGET]);
        let said = programs::output(command.arg(self.home.join("clients").join(folder)))?;
        let word = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let digest = uptane::Sha256::of(&fs::read(self.home.join("bob/firmware-1.bin"))?).to_string();
        anyhow::ensure!(word("sha256 ") == Some(digest.as_str()), "the target is not what was signed");
        Ok(word("root ").context("a version of Root")?.parse()?)
    }
}
