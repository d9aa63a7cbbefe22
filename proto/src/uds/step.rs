//! The exchanges a request is made of, as the client sends them.

use uptane::{Length, Nonce, TransactionId};

use super::Control;
use super::broadcast::Invitation;
use super::codec::{
    ADDRESS_AND_LENGTH, EXTENDED_SESSION, PLAIN_DATA, PROGRAMMING_SESSION, Writer, address, authentication, did,
    routine, service,
};
use crate::secondary::File;

/// One exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The programming session.
    Session,
    /// The extended session.
    ExtendedSession,
    /// Have the ECU itself do something.
    Control(Control),
    /// Ask for a challenge.
    Challenge,
    /// Answer it.
    Proof,
    /// Begin a transaction.
    Begin(TransactionId),
    /// Request download.
    Download(File, Length),
    /// Where the transfer goes on; `block` is the longest block the Secondary takes.
    Position { block: u32 },
    /// Transfer data.
    Block,
    /// Ask to take part in a broadcast.
    Join(Invitation),
    /// Request transfer exit.
    Exit,
    /// Verify and keep what was transferred.
    Close,
    /// What became of that.
    CloseResults,
    /// The nonce of the report to be read.
    WriteNonce(Nonce),
    /// Read a value.
    Read([u8; 2]),
    /// Read why `service` was answered with `code`.
    Refusal { service: u8, code: u8 },
}

impl Step {
    /// Its service.
    pub(super) fn service(self) -> u8 {
        match self {
            Self::Session | Self::ExtendedSession => service::SESSION,
            Self::Control(Control::Reset(_)) => service::RESET,
            Self::Control(Control::Communication(..)) => service::COMMUNICATION,
            Self::Control(Control::DtcSetting(_)) => service::DTC_SETTING,
            Self::Challenge | Self::Proof => service::AUTHENTICATION,
            Self::Begin(_) | Self::Join(_) | Self::Close | Self::CloseResults => service::ROUTINE,
            Self::Download(..) => service::DOWNLOAD,
            Self::Block => service::DATA,
            Self::Exit => service::EXIT,
            Self::WriteNonce(_) => service::WRITE,
            Self::Position { .. } | Self::Read(_) | Self::Refusal { .. } => service::READ,
        }
    }

    /// Writes its message, of a block or a proof only the beginning, and gives the length.
    pub(super) fn write(self, message: &mut [u8]) -> Option<usize> {
        let mut writer = Writer::new(message);
        writer.put(&[self.service()]);
        self.put_head(0, &mut writer);
        match self {
            Self::Begin(transaction) => _ = writer.put(&transaction.0),
            Self::Download(file, length) => {
                writer.put(&[PLAIN_DATA, ADDRESS_AND_LENGTH]).put(&address(file)).put(&length.get().to_be_bytes());
            }
            Self::WriteNonce(nonce) => _ = writer.put(&nonce.0),
            Self::Control(Control::Communication(_, messages)) => _ = writer.put(&[messages.code()]),
            Self::Challenge => _ = writer.put(&[authentication::PLAIN]).put(&authentication::ED25519),
            Self::Join(invitation) => invitation.write(&mut writer),
            Self::Session
            | Self::ExtendedSession
            | Self::Control(Control::Reset(_) | Control::DtcSetting(_))
            | Self::Proof
            | Self::Position { .. }
            | Self::Block
            | Self::Exit
            | Self::Close
            | Self::CloseResults
            | Self::Read(_)
            | Self::Refusal { .. } => {}
        }
        writer.written()
    }

    /// What a response says after the bytes that repeat the head of its message; `None` if they are of another one.
    pub(super) fn after_head(self, counter: u8, response: &[u8]) -> Option<&[u8]> {
        let mut head = [0; MAX_HEAD];
        let mut writer = Writer::new(&mut head);
        self.put_head(counter, &mut writer);
        let len = writer.written()?;
        response.strip_prefix(head.get(..len)?)
    }

    /// What stands after the service in the message and in the response to it.
    fn put_head(self, counter: u8, writer: &mut Writer<'_>) {
        match self {
            Self::Session => _ = writer.put(&[PROGRAMMING_SESSION]),
            Self::ExtendedSession => _ = writer.put(&[EXTENDED_SESSION]),
            Self::Control(Control::Reset(reset)) => _ = writer.put(&[reset.code()]),
            Self::Control(Control::Communication(traffic, _)) => _ = writer.put(&[traffic.code()]),
            Self::Control(Control::DtcSetting(setting)) => _ = writer.put(&[setting.code()]),
            Self::Challenge => _ = writer.put(&[authentication::REQUEST_CHALLENGE]),
            Self::Proof => _ = writer.put(&[authentication::VERIFY_PROOF]),
            Self::Begin(_) => _ = writer.put(&[routine::START]).put(&routine::BEGIN),
            Self::Download(..) | Self::Exit => {}
            Self::Join(_) => _ = writer.put(&[routine::START]).put(&routine::BROADCAST),
            Self::Position { .. } => _ = writer.put(&did::PROGRESS),
            Self::Block => _ = writer.put(&[counter]),
            Self::Close => _ = writer.put(&[routine::START]).put(&routine::CLOSE),
            Self::CloseResults => _ = writer.put(&[routine::RESULTS]).put(&routine::CLOSE),
            Self::WriteNonce(_) => _ = writer.put(&did::REPORT_NONCE),
            Self::Read(did) => _ = writer.put(&did),
            Self::Refusal { .. } => _ = writer.put(&did::REFUSAL),
        }
    }
}

/// Writes the message that answers a challenge: the longest there is but for blocks.
pub(super) fn put_proof(proof: &[u8; authentication::PROOF], message: &mut [u8; MAX_SHORT]) {
    let mut writer = Writer::new(message);
    writer.put(&[service::AUTHENTICATION, authentication::VERIFY_PROOF]).put(&authentication::ED25519);
    // Neither a challenge of the client nor anything else follows.
    writer.put(&PROOF_LENGTH).put(proof).put(&[0, 0]).put(&[0, 0]);
}

/// Bytes of the longest head.
const MAX_HEAD: usize = 3;
/// Bytes of the longest message that is not a block: a proof.
pub(super) const MAX_SHORT: usize = 88;
/// The length of a proof, as it stands before one.
const PROOF_LENGTH: [u8; 2] = [0, 64];
