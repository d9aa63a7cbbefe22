//! The client under test as a program, with its two folders.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

/// How the client is started: a program, and what comes before the arguments of a case.
#[derive(Clone, Debug)]
pub struct Program {
    /// The program.
    pub path: PathBuf,
    /// Its first arguments.
    pub first: Vec<OsString>,
}

/// A client and its folders.
pub struct Client {
    program: Program,
    folder: tempfile::TempDir,
    seconds_later: u64,
}

impl Client {
    /// A client that knows nothing yet.
    ///
    /// # Errors
    /// No folder can be made.
    pub fn new(program: Program) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("metadata"))?;
        fs::create_dir(folder.path().join("targets"))?;
        Ok(Self { program, folder, seconds_later: 0 })
    }

    /// How it is started.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// The folder of trusted metadata.
    pub fn metadata(&self) -> PathBuf {
        self.folder.path().join("metadata")
    }

    /// The folder of downloaded targets.
    pub fn targets(&self) -> PathBuf {
        self.folder.path().join("targets")
    }

    /// Lets the client believe that it is so much later.
    pub fn wait(&mut self, seconds: u64) {
        self.seconds_later += seconds;
    }

    /// Runs it with these arguments; its exit status, if it ended by itself.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn run(&self, arguments: &[OsString]) -> Result<Option<i32>> {
        let mut command = Command::new(&self.program.path);
        command.args(&self.program.first).args(arguments);
        if self.seconds_later > 0 {
            command.env("LD_PRELOAD", later()?).env("SECONDS_LATER", self.seconds_later.to_string());
        }
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(quiet.status().with_context(|| self.program.path.display().to_string())?.code())
    }

    /// Runs `init` with this Root.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn init(&self, root: &[u8]) -> Result<Option<i32>> {
        let file = self.folder.path().join("root-to-trust");
        fs::write(&file, root)?;
        let metadata = self.metadata();
        self.run(&["--metadata-dir".into(), metadata.into(), "init".into(), file.into()])
    }

    /// Runs `refresh`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn refresh(&self, url: &str) -> Result<Option<i32>> {
        let metadata = self.metadata();
        self.run(&["--metadata-url".into(), url.into(), "--metadata-dir".into(), metadata.into(), "refresh".into()])
    }

    /// Runs `download`.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn download(&self, url: &str, base: &str, names: &[&str]) -> Result<Option<i32>> {
        let mut arguments: Vec<OsString> =
            vec!["--metadata-url".into(), url.into(), "--metadata-dir".into(), self.metadata().into()];
        for name in names {
            arguments.extend(["--target-name".into(), OsString::from(name)]);
        }
        arguments.extend(["--target-dir".into(), self.targets().into(), "--target-base-url".into(), base.into()]);
        arguments.push("download".into());
        self.run(&arguments)
    }

    /// Every file in the folder of metadata, with its content.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files(&self) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.metadata())? {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| anyhow!("{}", name.display()))?;
            files.insert(name, fs::read(entry.path())?);
        }
        Ok(files)
    }

    /// Every role in the folder of metadata, by the name of its file, with its version.
    ///
    /// # Errors
    /// A file is no metadata.
    pub fn trusted(&self) -> Result<Vec<(String, u64)>> {
        let files = self.files()?.into_iter();
        let files = files.filter_map(|(name, bytes)| Some((name.strip_suffix(".json")?.to_owned(), bytes)));
        files
            .map(|(role, bytes)| {
                let file: Value = serde_json::from_slice(&bytes).with_context(|| role.clone())?;
                Ok((role, file["signed"]["version"].as_u64().context("a version")?))
            })
            .collect()
    }

    /// The contents of the folder of targets and of every folder in it, sorted.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn downloaded(&self) -> Result<Vec<Vec<u8>>> {
        let mut contents = Vec::new();
        let mut folders = vec![self.targets()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => contents.push(fs::read(path)?),
                }
            }
        }
        contents.sort();
        Ok(contents)
    }

    /// The names of everything beside the two folders, which must be the Root to trust alone.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn beside(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(self.folder.path())?;
        let mut names: Vec<String> =
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<_>>()?;
        names.retain(|name| !matches!(name.as_str(), "metadata" | "targets" | "root-to-trust"));
        Ok(names)
    }
}

/// The library that shifts the time, compiled once.
fn later() -> Result<&'static Path> {
    static LIBRARY: OnceLock<Option<(tempfile::TempDir, PathBuf)>> = OnceLock::new();
    let library = LIBRARY.get_or_init(|| compile().ok()).as_ref();
    library.map(|(_, path)| path.as_path()).context("cc cannot compile tests/conformance/later.c")
}

fn compile() -> Result<(tempfile::TempDir, PathBuf)> {
    let folder = tempfile::tempdir()?;
    let (source, library) = (folder.path().join("later.c"), folder.path().join("later.so"));
    fs::write(&source, include_str!("../../conformance/later.c"))?;
    crate::programs::output(Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]))?;
    Ok((folder, library))
}
