//! How the Secondary's replies become responses, positive or negative.

use super::codec::{Nrc, POSITIVE, Writer, put_identity, put_outcome, service};
use crate::secondary::{Refusal, Reply};

/// Why a response is negative.
pub(super) enum Failure {
    /// The Secondary refused.
    Refused(Refusal),
    /// The message was not right.
    Code(Nrc),
}

impl From<Nrc> for Failure {
    fn from(nrc: Nrc) -> Self {
        Self::Code(nrc)
    }
}

pub(super) type Outcome = Result<(), Failure>;

/// The parameters of a message that has exactly `N` bytes of them.
pub(super) fn exactly<const N: usize>(parameters: &[u8]) -> Result<[u8; N], Failure> {
    parameters.try_into().map_err(|_| Nrc::IncorrectLength.into())
}

/// The value a reply carries; which of the values was asked for, `Handler` keeps.
pub(super) fn put_value(reply: Reply<'_>, writer: &mut Writer<'_>) -> Outcome {
    match reply {
        Reply::Identity(identity) => put_identity(writer, &identity),
        Reply::TimeNonce(nonce) => _ = writer.put(&nonce.0),
        Reply::Report(report) => _ = writer.put(report),
        Reply::Ready(..) | Reply::Taken(_) | Reply::Done | Reply::Refused(_) => return Err(unexpected(reply)),
    }
    Ok(())
}

/// The outcome of a request that is done or refused.
pub(super) fn done(reply: Reply<'_>) -> Result<Result<(), Refusal>, Failure> {
    match reply {
        Reply::Done => Ok(Ok(())),
        Reply::Refused(refusal) => Ok(Err(refusal)),
        Reply::Identity(_) | Reply::TimeNonce(_) | Reply::Ready(..) | Reply::Taken(_) | Reply::Report(_) => {
            Err(unexpected(reply))
        }
    }
}

/// A reply other than the one the request asks for is a refusal, or a mistake of the handler.
pub(super) fn unexpected(reply: Reply<'_>) -> Failure {
    match reply {
        Reply::Refused(refusal) => Failure::Refused(refusal),
        Reply::Identity(_)
        | Reply::TimeNonce(_)
        | Reply::Ready(..)
        | Reply::Taken(_)
        | Reply::Done
        | Reply::Report(_) => Nrc::GeneralReject.into(),
    }
}

pub(super) fn put_routine(writer: &mut Writer<'_>, sub: u8, routine: [u8; 2], outcome: Result<(), Refusal>) {
    writer.put(&[service::ROUTINE + POSITIVE, sub]).put(&routine);
    put_outcome(writer, outcome);
}

/// A timer of two bytes; both of ours fit.
pub(super) fn timer(value: u128) -> [u8; 2] {
    u16::try_from(value).unwrap_or(u16::MAX).to_be_bytes()
}
