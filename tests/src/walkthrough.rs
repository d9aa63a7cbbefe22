//! Follows a page as a reader does: its commands, in their order, in several terminals or on several machines.
//!
//! A block of a page is `sh` and where it runs: `build` in the clone, `every terminal` before all that follow,
//! `terminal N` to its end, `terminal N, stays` for as long as the page goes on, and `machine NAME` to its end in the folder
//! that stands for that machine, `~/NAME`.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A command block of the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    place: Place,
    commands: String,
}

impl Block {
    /// Whether it builds the programs or prepares a terminal, rather than being part of the tour.
    pub fn prepares(&self) -> bool {
        matches!(self.place, Place::Build | Place::EveryTerminal)
    }

    /// The machine it runs on, if it names one.
    pub fn machine(&self) -> Option<&str> {
        match &self.place {
            Place::Machine(name) => Some(name),
            Place::Build | Place::EveryTerminal | Place::Terminal | Place::Stays => None,
        }
    }

    /// What it runs.
    pub fn commands(&self) -> &str {
        &self.commands
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Build,
    EveryTerminal,
    Machine(String),
    Terminal,
    Stays,
}

/// Every command block of `page`.
///
/// # Errors
/// A block says something else about its place, or never ends.
pub fn blocks(page: &str) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("\n```sh") {
        let (place, after) = after.split_once('\n').context("a block without commands")?;
        let (commands, after) = after.split_once("\n```").context("a block without an end")?;
        blocks.push(Block { place: place_of(place.trim())?, commands: commands.to_owned() });
        rest = after;
    }
    Ok(blocks)
}

fn place_of(text: &str) -> Result<Place> {
    Ok(match text {
        "build" => Place::Build,
        "every terminal" => Place::EveryTerminal,
        _ if text.starts_with("terminal ") && text.ends_with(", stays") => Place::Stays,
        _ if text.starts_with("terminal ") => Place::Terminal,
        _ if is_machine(text) => Place::Machine(text.trim_start_matches("machine ").to_owned()),
        _ => bail!("a block is for `{text}`, which is no place of this page"),
    })
}

/// Whether the text is `machine NAME`, with a name that is a folder's and no more.
fn is_machine(text: &str) -> bool {
    let name = text.strip_prefix("machine ");
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// A reader at work. What stays running ends when this is dropped.
#[derive(Debug)]
pub struct Reader {
    clone: PathBuf,
    home: PathBuf,
    preamble: String,
    running: Vec<Child>,
}

impl Reader {
    /// A reader whose clone and home folder are these.
    pub fn new(clone: &Path, home: &Path) -> Self {
        Self { clone: clone.to_owned(), home: home.to_owned(), preamble: String::new(), running: Vec::new() }
    }

    /// Follows one block.
    ///
    /// # Errors
    /// One of its commands fails, or a program that stays does not come to listen.
    pub fn follow(&mut self, block: &Block) -> Result<()> {
        match &block.place {
            Place::Machine(name) => {
                let home = format!("mkdir -p ~/{name}\ncd ~/{name}\n");
                self.finish(&format!("{}{home}{}", self.preamble, block.commands))
            }
            Place::Build => self.finish(&format!("cd \"$CONVOY\"\n{}", block.commands)),
            Place::EveryTerminal => {
                self.preamble = format!("{}\n", block.commands);
                Ok(())
            }
            Place::Terminal => self.finish(&format!("{}{}", self.preamble, block.commands)),
            Place::Stays => self.stay(&format!("{}exec {}", self.preamble, block.commands)),
        }
    }

    /// Follows one block after the others with a preamble of the caller's own instead of the page's.
    pub fn with_preamble(mut self, preamble: &str) -> Self {
        self.preamble = preamble.to_owned();
        self
    }

    fn shell(&self, script: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-e", "-u", "-o", "pipefail", "-c", script]);
        shell.env("HOME", &self.home).env("CONVOY", &self.clone).stdin(Stdio::piped());
        for kept in ["CARGO_HOME", "RUSTUP_HOME"] {
            if let Some(folder) = tool_folder(kept) {
                shell.env(kept, folder);
            }
        }
        shell
    }

    fn finish(&self, script: &str) -> Result<()> {
        let child = self.shell(script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut child = child;
        let _input = child.stdin.take();
        let output = child.wait_with_output()?;
        match output.status.success() {
            true => Ok(()),
            false => bail!("{script}\nfailed: {}", String::from_utf8_lossy(&output.stderr).trim()),
        }
    }

    fn stay(&mut self, script: &str) -> Result<()> {
        let log = self.home.join(format!("terminal-{}.log", self.running.len()));
        let output = File::create(&log)?;
        let errors = output.try_clone()?;
        self.running.push(self.shell(script).process_group(0).stdout(output).stderr(errors).spawn()?);
        let watch = host::clock::stopwatch();
        while watch.elapsed() < START_LIMIT {
            if std::fs::read_to_string(&log)?.lines().any(|line| line.starts_with("listening ")) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("{script}\ndoes not listen: {}", std::fs::read_to_string(&log)?)
    }

    /// Runs one command of the reader's own where the page's commands run, and returns what it printed.
    ///
    /// # Errors
    /// It fails.
    pub fn ask(&self, command: &str) -> Result<String> {
        let script = format!("{}{command}", self.preamble);
        let mut child = self.shell(&script).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let _input = child.stdin.take();
        let output = child.wait_with_output()?;
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => bail!("{command}\nfailed: {}", String::from_utf8_lossy(&output.stderr).trim()),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.running {
            // What ended by itself needs no ending.
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}

/// The reader's home is a new folder, but the compiler stays where it is installed.
fn tool_folder(variable: &str) -> Option<PathBuf> {
    let default = match variable {
        "CARGO_HOME" => ".cargo",
        _ => ".rustup",
    };
    let set = std::env::var_os(variable).map(PathBuf::from);
    set.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(default)))
}

const START_LIMIT: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_with_their_places() {
        let page = "text\n```sh terminal 2, stays\nserve\n```\n```text\nnot a command\n```\n```sh build\nmake\n```\n";
        let found = blocks(page).unwrap();
        assert_eq!(
            found,
            [
                Block { place: Place::Stays, commands: "serve".into() },
                Block { place: Place::Build, commands: "make".into() }
            ]
        );
        for other in ["somewhere", "machine ", "machine ../x"] {
            assert!(blocks(&format!("\n```sh {other}\nx\n```")).is_err(), "{other}");
        }
        let machine = blocks("\n```sh machine alice\nx\n```").unwrap();
        assert_eq!(machine.iter().map(Block::machine).collect::<Vec<_>>(), [Some("alice")]);
    }
}
