//! What is measured: repositories, measurements, clients. Each has a name that can stand in a command.

use std::fmt;
use std::str::FromStr;

use anyhow::{Error, anyhow};

/// With what roles sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Keys in hex.
    Ed25519,
    /// ECDSA over P-256 with SHA-256; keys in PEM, signatures in DER.
    Ecdsa,
}

/// How files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As they are signed.
    Canonical,
    /// As python-tuf writes them: an indent of one space, members in order.
    Pretty,
}

/// How much there is in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// One Root, and this many targets.
    Targets(u32),
    /// Roots that follow on the first, each with another Root key; ten targets.
    Rotations(u64),
}

/// A repository to be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Repository {
    pub(crate) scheme: Scheme,
    pub(crate) form: Form,
    pub(crate) size: Size,
}

/// What a client does while time is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measurement {
    /// Trusts Root 1 and refreshes; nothing is stored where the client can do without.
    Cold,
    /// The same, with every file stored in an empty folder.
    Stored,
    /// The same as `Cold`, and looks one target up.
    LookUp,
    /// Refreshes again in the same process; the repository did not change.
    Warm,
    /// A new process refreshes with what an earlier one stored; the repository did not change.
    Restart,
    /// The most memory a process needs that does `Cold` once.
    Memory,
}

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    /// The crate `uptane`, with the key of a device that seals what it verified.
    Ours,
    /// The crate `uptane` without such a key.
    OursWithoutSeal,
    /// `sigstore-tuf`.
    SigstoreTuf,
    /// `tuf`, known as rust-tuf.
    RustTuf,
    /// `tough`.
    Tough,
    /// `tuf` of PyPI, a process of its own.
    PythonTuf,
}

impl Repository {
    /// The target that clients look up; every repository has it.
    pub(crate) const WANTED: u32 = 7;

    pub(crate) fn targets(self) -> u32 {
        match self.size {
            Size::Targets(targets) => targets,
            Size::Rotations(_) => 10,
        }
    }

    pub(crate) fn rotations(self) -> u64 {
        match self.size {
            Size::Targets(_) => 0,
            Size::Rotations(rotations) => rotations,
        }
    }
}

impl Measurement {
    const ALL: [Self; 6] = [Self::Cold, Self::Stored, Self::LookUp, Self::Warm, Self::Restart, Self::Memory];
}

impl Client {
    pub(crate) const ALL: [Self; 6] =
        [Self::Ours, Self::OursWithoutSeal, Self::SigstoreTuf, Self::RustTuf, Self::Tough, Self::PythonTuf];

    /// Whether this client takes part.
    pub(crate) fn takes_part(self, measurement: Measurement) -> bool {
        // Only what is stored can be sealed.
        self != Self::OursWithoutSeal || matches!(measurement, Measurement::Restart | Measurement::Stored)
    }

    /// Why this client has no figure.
    pub(crate) fn cannot(self, repository: Repository) -> Option<&'static str> {
        match (self, repository.scheme) {
            (Self::RustTuf, Scheme::Ecdsa) => Some("verifies Ed25519 only"),
            _ => None,
        }
    }

    /// Whether it stores files whatever it is told.
    pub(crate) fn always_stores(self) -> bool {
        matches!(self, Self::Tough | Self::PythonTuf)
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ed25519 => "ed25519",
            Self::Ecdsa => "ecdsa",
        })
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Canonical => "canonical",
            Self::Pretty => "pretty",
        })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, form, size } = self;
        match size {
            Size::Targets(targets) => write!(f, "{scheme}-{form}-{targets}"),
            Size::Rotations(rotations) => write!(f, "{scheme}-{form}-r{rotations}"),
        }
    }
}

impl FromStr for Repository {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let unknown = || anyhow!("no repository is called {name}");
        let mut words = name.split('-');
        let mut word = || words.next().ok_or_else(unknown);
        let schemes = [Scheme::Ed25519, Scheme::Ecdsa];
        let forms = [Form::Canonical, Form::Pretty];
        Ok(Self {
            scheme: find(&schemes, word()?)?,
            form: find(&forms, word()?)?,
            size: match word()? {
                size if size.starts_with('r') => Size::Rotations(size.trim_start_matches('r').parse()?),
                size => Size::Targets(size.parse()?),
            },
        })
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cold => "cold",
            Self::Stored => "stored",
            Self::LookUp => "look-up",
            Self::Warm => "warm",
            Self::Restart => "restart",
            Self::Memory => "memory",
        })
    }
}

impl FromStr for Measurement {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        find(&Self::ALL, name)
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::OursWithoutSeal => "ours-without-seal",
            Self::SigstoreTuf => "sigstore-tuf",
            Self::RustTuf => "rust-tuf",
            Self::Tough => "tough",
            Self::PythonTuf => "python-tuf",
        })
    }
}

impl FromStr for Client {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        find(&Self::ALL, name)
    }
}

fn find<T: Copy + fmt::Display>(all: &[T], name: &str) -> Result<T, Error> {
    let found = all.iter().copied().find(|one| one.to_string() == name);
    found.ok_or_else(|| anyhow!("nothing is called {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in ["ed25519-canonical-10", "ecdsa-pretty-100000", "ed25519-canonical-r100"] {
            assert_eq!(name.parse::<Repository>().unwrap().to_string(), name);
        }
        for measurement in Measurement::ALL {
            assert_eq!(measurement.to_string().parse::<Measurement>().unwrap(), measurement);
        }
        for client in Client::ALL {
            assert_eq!(client.to_string().parse::<Client>().unwrap(), client);
        }
    }
}
