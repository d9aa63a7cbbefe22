//! `completions` and `man`: what a shell and `man` know of the command line.

use std::io::Write as _;

use clap::CommandFactory as _;
use host::cli::{counted, print};
use host::disk::{self, Access};

use crate::args::{Command, Completions, Man};
use crate::error::Error;

/// Prints a shell's completions.
pub(crate) fn completions(args: &Completions) {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Command::command(), NAME, &mut text);
    // Whoever closed standard output does not want to know.
    let _ = std::io::stdout().lock().write_all(&text);
}

/// Writes a manual page for each command.
pub(crate) fn man(args: &Man) -> Result<(), Error> {
    let mut command = Command::command().disable_help_subcommand(true);
    command.build();
    disk::create_folder(&args.folder, Access::Shared)?;
    let pages = pages(&command, NAME)?;
    for (name, page) in &pages {
        disk::replace(&args.folder.join(format!("{name}.1")), page, Access::Shared)?;
    }
    print(format_args!("wrote {} to {}", counted(pages.len(), "page"), args.folder.display()));
    Ok(())
}

/// The pages of a command and of all below it, by their names.
fn pages(command: &clap::Command, name: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let mut page = Vec::new();
    let man = clap_mangen::Man::new(command.clone()).title(name);
    man.render(&mut page).map_err(|source| host::Error::io("write", std::path::Path::new(name), source))?;
    let mut pages = vec![(name.to_owned(), page)];
    for below in command.get_subcommands() {
        pages.extend(self::pages(below, &format!("{name}-{}", below.get_name()))?);
    }
    Ok(pages)
}

const NAME: &str = "image-repo";
