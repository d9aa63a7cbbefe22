//! The bytes of services, identifiers and records, for both sides.

use uptane::{EcuId, HardwareId, Length, Sha256, TransactionId, Version};

use crate::secondary::{File, Identity, ImageNumber, Phase, Refusal, Repo, Verification};

/// Service identifiers. The positive response has [`POSITIVE`] added.
pub(super) mod service {
    pub(in crate::uds) const SESSION: u8 = 0x10;
    pub(in crate::uds) const RESET: u8 = 0x11;
    pub(in crate::uds) const READ: u8 = 0x22;
    pub(in crate::uds) const COMMUNICATION: u8 = 0x28;
    pub(in crate::uds) const AUTHENTICATION: u8 = 0x29;
    pub(in crate::uds) const WRITE: u8 = 0x2e;
    pub(in crate::uds) const ROUTINE: u8 = 0x31;
    pub(in crate::uds) const DOWNLOAD: u8 = 0x34;
    pub(in crate::uds) const DATA: u8 = 0x36;
    pub(in crate::uds) const EXIT: u8 = 0x37;
    pub(in crate::uds) const PRESENT: u8 = 0x3e;
    pub(in crate::uds) const DTC_SETTING: u8 = 0x85;
}

/// Sub-functions of authentication, what they return, and the algorithm they are about.
pub(super) mod authentication {
    pub(in crate::uds) const DEAUTHENTICATE: u8 = 0x00;
    pub(in crate::uds) const REQUEST_CHALLENGE: u8 = 0x05;
    pub(in crate::uds) const VERIFY_PROOF: u8 = 0x06;
    pub(in crate::uds) const CONFIGURATION: u8 = 0x08;
    /// Request accepted.
    pub(in crate::uds) const ACCEPTED: u8 = 0x00;
    /// Challenge and response, with asymmetric cryptography.
    pub(in crate::uds) const ASYMMETRIC: u8 = 0x03;
    /// De-authentication successful.
    pub(in crate::uds) const DEAUTHENTICATED: u8 = 0x10;
    /// Ownership verified, authentication complete.
    pub(in crate::uds) const COMPLETE: u8 = 0x12;
    /// What follows an authentication is neither encrypted nor signed.
    pub(in crate::uds) const PLAIN: u8 = 0x00;
    /// The object identifier of Ed25519 in BER, 1.3.101.112, padded with zeros.
    pub(in crate::uds) const ED25519: [u8; 16] = [0x06, 0x03, 0x2b, 0x65, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    /// Bytes of a proof.
    pub(in crate::uds) const PROOF: usize = 64;
}

/// Data identifiers, of the range for system suppliers.
pub(super) mod did {
    pub(in crate::uds) const IDENTITY: [u8; 2] = [0xfd, 0x00];
    pub(in crate::uds) const TIME_NONCE: [u8; 2] = [0xfd, 0x01];
    pub(in crate::uds) const REPORT_NONCE: [u8; 2] = [0xfd, 0x02];
    pub(in crate::uds) const REPORT: [u8; 2] = [0xfd, 0x03];
    pub(in crate::uds) const PROGRESS: [u8; 2] = [0xfd, 0x04];
    pub(in crate::uds) const REFUSAL: [u8; 2] = [0xfd, 0x05];
}

/// Routine identifiers, of the range for system suppliers, and what to do with a routine.
pub(super) mod routine {
    pub(in crate::uds) const START: u8 = 0x01;
    pub(in crate::uds) const STOP: u8 = 0x02;
    pub(in crate::uds) const RESULTS: u8 = 0x03;
    pub(in crate::uds) const BEGIN: [u8; 2] = [0xf0, 0x01];
    pub(in crate::uds) const CLOSE: [u8; 2] = [0xf0, 0x02];
    pub(in crate::uds) const BROADCAST: [u8; 2] = [0xf0, 0x03];
}

/// Added to a service identifier: the positive response.
pub(super) const POSITIVE: u8 = 0x40;
/// First byte of a negative response.
pub(super) const NEGATIVE: u8 = 0x7f;
/// Bit of a sub-function: no positive response is wanted.
pub(super) const SUPPRESS: u8 = 0x80;
/// The session in which nothing can be changed.
pub(super) const DEFAULT_SESSION: u8 = 0x01;
/// The session in which files are handed over.
pub(super) const PROGRAMMING_SESSION: u8 = 0x02;
/// The session in which the bus is prepared for that.
pub(super) const EXTENDED_SESSION: u8 = 0x03;
/// Request download: neither compressed nor encrypted.
pub(super) const PLAIN_DATA: u8 = 0x00;
/// Request download: eight bytes of length, eight of address.
pub(super) const ADDRESS_AND_LENGTH: u8 = 0x88;
/// Response to request download: the block length has four bytes.
pub(super) const BLOCK_LENGTH_FORMAT: u8 = 0x40;
/// Bytes of a block before its data: service and block sequence counter.
pub(super) const BLOCK_HEAD: usize = 2;

/// Negative response codes that this subset uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Nrc {
    GeneralReject = 0x10,
    ServiceNotSupported = 0x11,
    SubFunctionNotSupported = 0x12,
    IncorrectLength = 0x13,
    ResponseTooLong = 0x14,
    BusyRepeatRequest = 0x21,
    ConditionsNotCorrect = 0x22,
    RequestSequenceError = 0x24,
    RequestOutOfRange = 0x31,
    AuthenticationRequired = 0x34,
    TooManyAttempts = 0x36,
    DelayNotExpired = 0x37,
    ProofFailed = 0x58,
    NoChallenge = 0x59,
    NotAccepted = 0x70,
    TransferSuspended = 0x71,
    ProgrammingFailure = 0x72,
    WrongBlockCounter = 0x73,
    ResponsePending = 0x78,
    NotInActiveSession = 0x7f,
}

impl Nrc {
    /// The code.
    #[expect(clippy::as_conversions, reason = "the enum is its own table of codes")]
    pub(super) const fn code(self) -> u8 {
        self as u8
    }

    /// Whether it is kept from a tester that asked all ECUs at once (ISO 14229-1, functional addressing).
    pub(super) fn is_for_one_alone(self) -> bool {
        matches!(
            self,
            Self::ServiceNotSupported
                | Self::SubFunctionNotSupported
                | Self::RequestOutOfRange
                | Self::NotInActiveSession
        )
    }

    /// The code nearest to a refusal, which [`did::REFUSAL`] gives in full.
    pub(super) fn of(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Check(_) => Self::NotAccepted,
            Refusal::NotForMe => Self::RequestOutOfRange,
            Refusal::Offset(_) => Self::RequestSequenceError,
            Refusal::Phase => Self::ConditionsNotCorrect,
            Refusal::TooLong => Self::TransferSuspended,
            Refusal::Storage => Self::ProgrammingFailure,
            Refusal::Malformed => Self::GeneralReject,
        }
    }
}

/// Writes a message into a buffer that may be too short for it; into an empty one, a message that nobody will read.
pub(super) struct Writer<'b> {
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Writer<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, len: 0 }
    }

    /// Appends bytes; those that do not fit are counted and not written.
    pub(super) fn put(&mut self, bytes: &[u8]) -> &mut Self {
        let end = self.len.saturating_add(bytes.len());
        if let Some(place) = self.buffer.get_mut(self.len..end) {
            place.copy_from_slice(bytes);
        }
        self.len = end;
        self
    }

    /// Begins again.
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// How many bytes were written; `None` if they did not fit.
    pub(super) fn written(&self) -> Option<usize> {
        Some(self.len).filter(|len| *len <= self.buffer.len() || self.buffer.is_empty())
    }
}

/// Takes a message apart from the front.
pub(super) struct Reader<'m>(&'m [u8]);

impl<'m> Reader<'m> {
    pub(super) fn new(message: &'m [u8]) -> Self {
        Self(message)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn length(&mut self) -> Option<Length> {
        Length::new(u64::from_be_bytes(self.array()?)).ok()
    }

    fn version(&mut self) -> Option<Version> {
        Version::new(u64::from_be_bytes(self.array()?)).ok()
    }

    /// Text after a byte that gives its length.
    fn text(&mut self) -> Option<&'m str> {
        let len = self.byte()?;
        let (text, rest) = self.0.split_at_checked(len.into())?;
        self.0 = rest;
        core::str::from_utf8(text).ok()
    }

    /// Bytes after two that give their number.
    pub(super) fn sized(&mut self) -> Option<&'m [u8]> {
        let len = u16::from_be_bytes(self.array()?);
        let (bytes, rest) = self.0.split_at_checked(len.into())?;
        self.0 = rest;
        Some(bytes)
    }

    /// Nothing is left.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The virtual address of a file: its kind and its repository in the highest byte, a Root's version in the seven others.
pub(super) fn address(file: File) -> [u8; 8] {
    let (kind, repo, version) = match file {
        File::Time => (0x10, 0, 0),
        File::Root(repo, version) => (0x20, digit(repo), version.get()),
        File::Timestamp(repo) => (0x30, digit(repo), 0),
        File::Snapshot(repo) => (0x40, digit(repo), 0),
        File::Targets(repo) => (0x50, digit(repo), 0),
        File::Image => (0x60, 0, 0),
        File::Patch => (0x60, PATCH, 0),
        File::Command => (0x70, 0, 0),
        File::Delegated(number) => (0x80, digit(Repo::Image(number)), 0),
    };
    // A version is below 2^53, so the highest byte is free.
    let [_, rest @ ..] = version.to_be_bytes();
    let [a, b, c, d, e, f, g] = rest;
    [kind | repo, a, b, c, d, e, f, g]
}

/// The low digit of the kind of an image, where it is told by a patch.
const PATCH: u8 = 1;

/// The low digit of a kind: 0 for the Director, 1 for the first Image repository.
fn digit(repo: Repo) -> u8 {
    match repo {
        Repo::Director => 0,
        // There are fewer than 16.
        Repo::Image(number) => u8::try_from(number.get() + 1).unwrap_or(u8::MAX),
    }
}

/// The file at a virtual address.
pub(super) fn file(address: [u8; 8]) -> Option<File> {
    let [first, rest @ ..] = address;
    let [a, b, c, d, e, f, g] = rest;
    let number = u64::from_be_bytes([0, a, b, c, d, e, f, g]);
    if first == 0x60 | PATCH {
        return Some(File::Patch).filter(|_| number == 0);
    }
    let repo = match first & 0x0f {
        0 => Repo::Director,
        digit => Repo::Image(ImageNumber::new(usize::from(digit - 1))?),
    };
    let file = match (first & 0xf0, repo) {
        (0x20, repo) => return Version::new(number).ok().map(|version| File::Root(repo, version)),
        (0x10, Repo::Director) => File::Time,
        (0x30, repo) => File::Timestamp(repo),
        (0x40, repo) => File::Snapshot(repo),
        (0x50, repo) => File::Targets(repo),
        (0x60, Repo::Director) => File::Image,
        (0x70, Repo::Director) => File::Command,
        (0x80, Repo::Image(number)) => File::Delegated(number),
        _ => return None,
    };
    Some(file).filter(|_| number == 0)
}

/// The record of an outcome: 00, or why not.
pub(super) fn put_outcome(writer: &mut Writer<'_>, outcome: Result<(), Refusal>) {
    match outcome {
        Ok(()) => writer.put(&[0]),
        Err(Refusal::Check(code)) => writer.put(&[1, code]),
        Err(Refusal::NotForMe) => writer.put(&[2]),
        Err(Refusal::Offset(offset)) => writer.put(&[3]).put(&offset.get().to_be_bytes()),
        Err(Refusal::Phase) => writer.put(&[4]),
        Err(Refusal::TooLong) => writer.put(&[5]),
        Err(Refusal::Storage) => writer.put(&[6]),
        Err(Refusal::Malformed) => writer.put(&[7]),
    };
}

/// Reads what [`put_outcome`] writes.
pub(super) fn outcome(record: &[u8]) -> Option<Result<(), Refusal>> {
    let mut reader = Reader::new(record);
    let outcome = match reader.byte()? {
        0 => Ok(()),
        1 => Err(Refusal::Check(reader.byte()?)),
        2 => Err(Refusal::NotForMe),
        3 => Err(Refusal::Offset(reader.length()?)),
        4 => Err(Refusal::Phase),
        5 => Err(Refusal::TooLong),
        6 => Err(Refusal::Storage),
        7 => Err(Refusal::Malformed),
        _ => return None,
    };
    reader.end().map(|()| outcome)
}

/// The identity record.
pub(super) fn put_identity(writer: &mut Writer<'_>, identity: &Identity) {
    let Identity { ecu, hardware, verification, director_root, image_root, running, phase } = identity;
    let verification = match verification {
        Verification::Full => 1,
        Verification::Partial => 2,
        Verification::PartialPlus => 3,
    };
    let (phase, transaction) = phase_record(*phase);
    writer.put(&[IDENTITY_FORMAT, verification, phase]).put(&transaction);
    writer.put(&director_root.get().to_be_bytes());
    writer.put(&image_root.map_or(0, Version::get).to_be_bytes());
    writer.put(&running.0);
    put_text(writer, ecu.as_str());
    put_text(writer, hardware.as_str());
}

/// Reads what [`put_identity`] writes.
pub(super) fn identity(record: &[u8]) -> Option<Identity> {
    let mut reader = Reader::new(record);
    let [IDENTITY_FORMAT, verification, stands] = reader.array()? else {
        return None;
    };
    let verification = match verification {
        1 => Verification::Full,
        2 => Verification::Partial,
        3 => Verification::PartialPlus,
        _ => return None,
    };
    let phase = phase(stands, reader.array()?)?;
    let director_root = reader.version()?;
    let image_root = match u64::from_be_bytes(reader.array()?) {
        0 => None,
        root => Some(Version::new(root).ok()?),
    };
    let running = Sha256(reader.array()?);
    let ecu = EcuId::parse(reader.text()?).ok()?;
    let hardware = HardwareId::parse(reader.text()?).ok()?;
    reader.end()?;
    Some(Identity { ecu, hardware, verification, director_root, image_root, running, phase })
}

fn put_text(writer: &mut Writer<'_>, text: &str) {
    // Ids have at most `MAX_ID` bytes, which is less than 256.
    writer.put(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]).put(text.as_bytes());
}

fn phase_record(phase: Phase) -> (u8, [u8; 16]) {
    match phase {
        Phase::Idle => (0, [0; 16]),
        Phase::Staging(transaction) => (1, transaction.0),
        Phase::Staged(transaction) => (2, transaction.0),
        Phase::Trial(transaction) => (3, transaction.0),
        Phase::Healthy(transaction) => (4, transaction.0),
        Phase::Committed(transaction) => (5, transaction.0),
        Phase::RolledBack(transaction) => (6, transaction.0),
    }
}

fn phase(stands: u8, transaction: [u8; 16]) -> Option<Phase> {
    let transaction = TransactionId(transaction);
    Some(match stands {
        0 => return (transaction.0 == [0; 16]).then_some(Phase::Idle),
        1 => Phase::Staging(transaction),
        2 => Phase::Staged(transaction),
        3 => Phase::Trial(transaction),
        4 => Phase::Healthy(transaction),
        5 => Phase::Committed(transaction),
        6 => Phase::RolledBack(transaction),
        _ => return None,
    })
}

/// First byte of the identity record.
const IDENTITY_FORMAT: u8 = 1;
