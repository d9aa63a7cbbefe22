//! A plain TUF client (TUF 1.0.34 §5): the program `tuf-client`.
//!
//! It decides nothing itself. What is asked for, believed and kept is said by the very verification that vehicles run,
//! under the policy `tuf` (ADR 0005); this is the shortest driver around it. Its command line is the one test suites for
//! TUF clients speak, so that verification can be judged by suites that are not ours; operators use it to look at a
//! repository as any TUF client does.
//!
//! `driver` asks, `metadata` is the folder of what is trusted, `artifacts` the folder of what was downloaded.

mod artifacts;
mod driver;
mod error;
mod metadata;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub(crate) use driver::{Client, block_on};
pub(crate) use error::Error;
pub(crate) use metadata::Metadata;

use artifacts::Artifacts;

/// A plain TUF client: verifies a repository's metadata and downloads what it lists.
///
/// Options come before the command. The exit status is 0 or 1.
#[derive(Debug, Parser)]
#[command(name = "tuf-client", version)]
struct Cli {
    /// The folder of trusted metadata.
    #[arg(long, value_name = "DIR")]
    metadata_dir: PathBuf,
    /// Where the repository's metadata is.
    #[arg(long, value_name = "URL")]
    metadata_url: Option<String>,
    /// A target to download; may be given again.
    #[arg(long, value_name = "NAME")]
    target_name: Vec<String>,
    /// The folder for downloaded targets.
    #[arg(long, value_name = "DIR")]
    target_dir: Option<PathBuf>,
    /// Where the repository's targets are.
    #[arg(long, value_name = "URL")]
    target_base_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Trusts a Root that came by a way of its own.
    Init {
        /// The Root.
        trusted_root: PathBuf,
    },
    /// Brings the trusted metadata up to date.
    Refresh,
    /// The same, and downloads targets in the order in which they are named.
    Download,
}

/// Runs the command line, with the program's name first. Whatever fails, the exit status is 1.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let code = match host::cli::parse::<Cli>(args) {
        Ok(cli) => host::cli::finish(cli.run()),
        Err(code) => code,
    };
    if code == ExitCode::SUCCESS { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Cli {
    fn run(self) -> Result<(), Error> {
        let metadata = Metadata::at(self.metadata_dir)?;
        match self.command {
            Command::Init { trusted_root } => metadata.init(&trusted_root),
            Command::Refresh => {
                let url = given(self.metadata_url, "--metadata-url")?;
                block_on(async move { Client::new(metadata, &url)?.refresh().await.map(|_| ()) })
            }
            Command::Download => {
                let url = given(self.metadata_url, "--metadata-url")?;
                let folder = given(self.target_dir, "--target-dir")?;
                let base = given(self.target_base_url, "--target-base-url")?;
                let names = Some(self.target_name).filter(|names| !names.is_empty());
                let names = given(names, "--target-name")?;
                block_on(async move {
                    let artifacts = Artifacts::new(folder, &base)?;
                    Client::new(metadata, &url)?.download(&names, &artifacts).await
                })
            }
        }
    }
}

fn given<T>(option: Option<T>, name: &'static str) -> Result<T, Error> {
    option.ok_or(Error::OptionMissing { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(args: &[&str]) -> ExitCode {
        run(std::iter::once("tuf-client").chain(args.iter().copied()).map(OsString::from))
    }

    #[test]
    fn every_failure_ends_with_one() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().to_str().unwrap();
        for args in [
            vec![],
            vec!["refresh"],
            vec!["--metadata-dir", dir],
            vec!["--metadata-dir", dir, "dance"],
            vec!["--metadata-dir", dir, "refresh"],
            vec!["--metadata-dir", dir, "download"],
            vec!["--metadata-dir", dir, "init", "/nowhere/root.json"],
            vec!["--metadata-dir", dir, "--metadata-url", "ftp://127.0.0.1/", "refresh"],
            vec!["--metadata-dir", dir, "--metadata-url", "http://127.0.0.1:1/", "refresh"],
        ] {
            assert_eq!(status(&args), ExitCode::FAILURE, "{args:?}");
        }
        assert_eq!(status(&["--help"]), ExitCode::SUCCESS);
    }
}
