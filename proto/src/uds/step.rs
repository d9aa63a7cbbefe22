//! The exchanges a request is made of, as the client sends them.

use uptane::{Length, Nonce, TransactionId};

use super::codec::{ADDRESS_AND_LENGTH, PLAIN_DATA, PROGRAMMING_SESSION, Writer, address, did, routine, service};
use crate::secondary::File;

/// One exchange.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// The programming session.
    Session,
    /// Begin a transaction.
    Begin(TransactionId),
    /// Request download.
    Download(File, Length),
    /// Where the transfer goes on; `block` is the longest block the Secondary takes.
    Position { block: u32 },
    /// Transfer data.
    Block,
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
            Self::Session => service::SESSION,
            Self::Begin(_) | Self::Close | Self::CloseResults => service::ROUTINE,
            Self::Download(..) => service::DOWNLOAD,
            Self::Block => service::DATA,
            Self::Exit => service::EXIT,
            Self::WriteNonce(_) => service::WRITE,
            Self::Position { .. } | Self::Read(_) | Self::Refusal { .. } => service::READ,
        }
    }

    /// Writes its message, of a block only the service, and gives the length.
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
            Self::Session
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
            Self::Begin(_) => _ = writer.put(&[routine::START]).put(&routine::BEGIN),
            Self::Download(..) | Self::Exit => {}
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

/// Bytes of the longest head.
const MAX_HEAD: usize = 3;
