//! Data identifiers: 22 and 2E.

use super::{Handler, Server};
use crate::secondary::Request;
use crate::uds::answer::{Outcome, exactly, put_value};
use crate::uds::codec::{Nrc, POSITIVE, Writer, did, put_outcome, service};
use uptane::Nonce;

impl<const GROUP: bool> Server<GROUP> {
    pub(super) fn read(&mut self, parameters: &[u8], handler: &mut impl Handler, writer: &mut Writer<'_>) -> Outcome {
        let did = exactly(parameters)?;
        writer.put(&[service::READ + POSITIVE]).put(&did);
        match did {
            did::IDENTITY => put_value(handler.handle(Request::Identify), writer),
            did::TIME_NONCE => put_value(handler.handle(Request::TimeNonce), writer),
            did::REPORT => {
                let nonce = self.nonce.ok_or(Nrc::ConditionsNotCorrect)?;
                put_value(handler.handle(Request::Report(nonce)), writer)
            }
            did::PROGRESS => {
                writer.put(&self.next().ok_or(Nrc::ConditionsNotCorrect)?.get().to_be_bytes());
                Ok(())
            }
            did::REFUSAL => {
                put_outcome(writer, self.refusal.map_or(Ok(()), Err));
                Ok(())
            }
            _ => Err(Nrc::RequestOutOfRange.into()),
        }
    }

    pub(super) fn write(&mut self, parameters: &[u8], writer: &mut Writer<'_>) -> Outcome {
        let (did, nonce) = parameters.split_first_chunk().ok_or(Nrc::IncorrectLength)?;
        if nonce.is_empty() {
            return Err(Nrc::IncorrectLength.into());
        }
        if *did != did::REPORT_NONCE {
            return Err(Nrc::RequestOutOfRange.into());
        }
        self.nonce = Some(Nonce(exactly(nonce)?));
        writer.put(&[service::WRITE + POSITIVE]).put(did);
        Ok(())
    }
}
