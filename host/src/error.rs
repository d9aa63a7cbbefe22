//! What the machine can refuse a process.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::cli::{Exit, Report};
use crate::keys::TokenError;

/// Why the machine did not do something. One variant per cause.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another process listens on the address.
    #[error("{address} is in use")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// What should say where a CAN bus is says nothing of the kind.
    #[error("{text:?} is neither a CAN interface nor a folder")]
    BadBus {
        /// What stands there.
        text: String,
    },
    /// A certificate, a request for one, or its key cannot be used.
    #[error("{what} cannot be used: {reason}")]
    BadCertificate {
        /// Which of them.
        what: &'static str,
        /// What the TLS library says.
        reason: String,
    },
    /// A key file holds no key of Ed25519 or ECDSA P-256 in PKCS#8.
    #[error("{} is not a PKCS#8 key file of Ed25519 or ECDSA P-256", path.display())]
    BadKeyFile {
        /// The file.
        path: PathBuf,
    },
    /// A file name would leave its folder.
    #[error("{name:?} is not a name inside the folder")]
    BadName {
        /// The name.
        name: String,
    },
    /// A file holds no public key of Ed25519 or ECDSA P-256.
    #[error("{} is not a public key of Ed25519 or ECDSA P-256 in PEM", path.display())]
    BadPublicKey {
        /// The file.
        path: PathBuf,
    },
    /// A configuration file is not what its program reads.
    #[error("{}{} {reason}", path.display(), line.map(|line| format!(" line {line}:")).unwrap_or_default())]
    Configuration {
        /// The file.
        path: PathBuf,
        /// The line, if the reader knows it.
        line: Option<usize>,
        /// What is wrong.
        reason: String,
    },
    /// A file that must not be overwritten exists.
    #[error("{} already exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Another process works in the folder.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Whoever was asked for a passphrase interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// A key file is encrypted in a way that is not read: not PBES2 with PBKDF2 or scrypt, or with work without end.
    #[error("{} is encrypted in a way that is not read", path.display())]
    KeyEncryption {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused to listen.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What it said.
        source: io::Error,
    },
    /// A file that must be there is not.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// FD frames are to go over an interface that carries classical ones only.
    #[error("the CAN interface {interface} carries no CAN FD")]
    NoCanFd {
        /// Its name.
        interface: String,
    },
    /// There is no CAN interface of this name.
    #[error("there is no CAN interface {interface}")]
    NoCanInterface {
        /// The name.
        interface: String,
    },
    /// A file descriptor that should hold a passphrase is not open.
    #[error("file descriptor {number} is not open")]
    NoDescriptor {
        /// Its number.
        number: u32,
    },
    /// A passphrase is needed and none was given.
    #[error("a passphrase is needed")]
    NoPassphrase,
    /// The public half of an encrypted key file is not beside it.
    #[error("{} has no public half beside it", path.display())]
    NoPublicHalf {
        /// The key file.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system's random numbers cannot be read")]
    NoRandom,
    /// The passphrase does not open the key file.
    #[error("the passphrase does not open {}", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// A new passphrase was typed twice, and not the same.
    #[error("the two passphrases differ")]
    PassphrasesDiffer,
    /// Others than the owner may read a secret file.
    #[error("{} may be read by others (mode {mode:o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its mode bits.
        mode: u32,
    },
    /// What stands beside a key file is the public half of another key.
    #[error("{} is not the public half of the key beside it", path.display())]
    PublicHalf {
        /// The file with the public key.
        path: PathBuf,
    },
    /// A token refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A file is longer than its reader takes.
    #[error("{} is longer than {limit} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
}

impl Error {
    /// The operating system's refusal to do `action` on `path`.
    pub fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if source.kind() == io::ErrorKind::NotFound {
            return Self::Missing { path };
        }
        Self::Io { action, path, source }
    }

    pub(crate) fn certificate(what: &'static str, reason: impl ToString) -> Self {
        Self::BadCertificate { what, reason: reason.to_string() }
    }
}

impl Report for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::AddressInUse { .. } | Self::InUse { .. } | Self::Listen { .. } | Self::NoCanInterface { .. } => {
                Exit::Unavailable
            }
            Self::BadBus { .. }
            | Self::BadCertificate { .. }
            | Self::BadKeyFile { .. }
            | Self::BadPublicKey { .. }
            | Self::Configuration { .. }
            | Self::KeyEncryption { .. }
            | Self::Missing { .. }
            | Self::NoCanFd { .. }
            | Self::NoDescriptor { .. }
            | Self::NoPassphrase
            | Self::NoPublicHalf { .. }
            | Self::Passphrase { .. }
            | Self::PassphrasesDiffer
            | Self::Permissions { .. }
            | Self::PublicHalf { .. } => Exit::Configuration,
            Self::Token(error) => error.exit(),
            Self::BadName { .. }
            | Self::Exists { .. }
            | Self::Interrupted
            | Self::Io { .. }
            | Self::NoRandom
            | Self::TooLong { .. } => Exit::Failed,
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::AddressInUse { .. } => "stop the other process or listen on another port (0 takes a free one)".into(),
            Self::BadBus { .. } => "name an interface like `can0`, or a folder like `./bus`".into(),
            Self::BadCertificate { .. } => "issue it again, or restore the file from a backup".into(),
            Self::BadKeyFile { .. } => {
                "name the right file or restore it from a backup; `openssl pkcs8 -topk8` makes PKCS#8 of older forms"
                    .into()
            }
            Self::BadPublicKey { .. } => "name the right file; `openssl pkey -pubout` writes it from a key file".into(),
            Self::BadName { .. } => "use a relative name without `..`".into(),
            Self::Configuration { path, .. } => format!("correct {}", path.display()),
            Self::Exists { .. } => "choose another folder, or move the old file away; nothing was overwritten".into(),
            Self::InUse { .. } => "stop the other process, or wait for it to end".into(),
            Self::Io { .. } => "check the path, its permissions and the space on its disk".into(),
            Self::KeyEncryption { path } => {
                format!("encrypt it anew: `openssl pkcs8 -topk8 -v2 aes-256-cbc -in {} -out NEW`", path.display())
            }
            Self::Listen { .. } => "listen on an address of this machine".into(),
            Self::Missing { .. } => "check the path; `init` makes a new folder".into(),
            Self::NoCanFd { interface } => {
                format!("`ip link set {interface} type can fd on` with a data bit rate, or configure classical CAN")
            }
            Self::NoCanInterface { interface } => {
                format!("look for its name with `ip -br link show`; a folder is written ./{interface}")
            }
            Self::NoDescriptor { number } => format!("open it for the command: `{number}<FILE`"),
            Self::NoPassphrase => {
                format!(
                    "give --passphrase-file FILE (`-` reads standard input) or --passphrase-fd N, or set {}",
                    crate::keys::PASSPHRASE_VARIABLE
                )
            }
            Self::NoPublicHalf { path } => {
                let beside = crate::keys::public_path(path);
                format!("write it once: `openssl pkey -in {} -pubout -out {}`", path.display(), beside.display())
            }
            Self::NoRandom => "check that the system provides getrandom".into(),
            Self::Passphrase { .. } => "give the passphrase the key was made with".into(),
            Self::Interrupted | Self::PassphrasesDiffer => "begin again; nothing was changed".into(),
            Self::Permissions { path, .. } => format!("chmod 600 {}", path.display()),
            Self::PublicHalf { path } => {
                format!(
                    "find out who changed it, then move {} away and write it anew with `openssl pkey -pubout`",
                    path.display()
                )
            }
            Self::Token(error) => error.advice(),
            Self::TooLong { .. } => "check that it is the right file".into(),
        }
    }
}
