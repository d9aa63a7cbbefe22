//! The four programs of the system, and how one binary can be any of them.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::process::ExitCode;

/// First argument that turns the running binary into one of the programs.
pub const NODE: &str = "node";

/// One of the programs an OEM or an integrator deploys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// The Image repository.
    ImageRepo,
    /// The Director.
    Director,
    /// The Primary.
    PrimaryEcu,
    /// A Secondary.
    SecondaryEcu,
}

impl Program {
    const ALL: [Self; 4] = [Self::ImageRepo, Self::Director, Self::PrimaryEcu, Self::SecondaryEcu];

    /// The name of its binary.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageRepo => "image-repo",
            Self::Director => "director",
            Self::PrimaryEcu => "primary-ecu",
            Self::SecondaryEcu => "secondary-ecu",
        }
    }

    fn run(self, args: Vec<OsString>) -> ExitCode {
        match self {
            Self::ImageRepo => image_repo::run(args),
            Self::Director => director::run(args),
            Self::PrimaryEcu => primary_ecu::run(args),
            Self::SecondaryEcu => secondary_ecu::linux::run(args),
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Runs the program named by the first of `args`, with the rest as its command line.
pub fn run_node(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let named = |program: &Program| args.first().is_some_and(|name| name == program.name());
    let Some(program) = Program::ALL.into_iter().find(named) else {
        return ExitCode::from(2);
    };
    end_with_parent();
    program.run(args)
}

/// The parent holds the other end of our standard input; when that closes, however the parent ended, so do we.
fn end_with_parent() {
    std::thread::spawn(|| {
        let mut nothing = [0; 1];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        std::process::exit(0);
    });
}
