//! Sessions: which one is active, what ends one, and what ends with it.

use core::time::Duration;

use super::rules::Sessions;
use super::transfer::Transfer;
use super::{Call, Handler, Server, UNRESTRAINED};
use crate::moment::Moment;
use crate::uds::answer::{Outcome, exactly, timer};
use crate::uds::codec::{DEFAULT_SESSION, EXTENDED_SESSION, Nrc, POSITIVE, PROGRAMMING_SESSION, Writer, service};
use crate::uds::{P2, P2_EXTENDED, S3};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Session {
    Default,
    Programming,
    Extended,
}

impl Session {
    pub(super) fn is_one_of(self, sessions: Sessions) -> bool {
        match sessions {
            Sessions::All => true,
            Sessions::AllButDefault => self != Self::Default,
            Sessions::Programming => self == Self::Programming,
        }
    }
}

impl<const GROUP: bool> Server<GROUP> {
    pub(super) fn change_session(
        &mut self,
        call: Call<'_>,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let session = match call.sub {
            DEFAULT_SESSION => Session::Default,
            PROGRAMMING_SESSION => Session::Programming,
            EXTENDED_SESSION => Session::Extended,
            _ => return Err(Nrc::SubFunctionNotSupported.into()),
        };
        let [] = exactly(call.record)?;
        match session {
            Session::Default => self.end_session(handler),
            // What the ECU was told, and what the tester has proven, goes on.
            Session::Programming | Session::Extended => self.end_transfer(),
        }
        self.session = session;
        writer.put(&[service::SESSION + POSITIVE, call.sub]);
        writer.put(&timer(P2.as_millis())).put(&timer(P2_EXTENDED.as_millis() / 10));
        Ok(())
    }

    /// Ends a session without requests.
    pub(super) fn end_old_session(&mut self, now: Moment, handler: &mut impl Handler) {
        if now >= self.session_end() {
            self.end_session(handler);
        }
    }

    /// The first moment after the session.
    pub(super) fn session_end(&self) -> Moment {
        self.heard + S3 + Duration::from_nanos(1)
    }

    /// The default session, and as it is at the beginning: what a tester had proven, opened or switched off is over.
    #[inline(never)]
    pub(super) fn end_session(&mut self, handler: &mut impl Handler) {
        self.session = Session::Default;
        self.end_transfer();
        self.access.leave();
        if core::mem::take(&mut self.restrained)
            && let Some(ecu) = handler.ecu()
        {
            UNRESTRAINED.into_iter().for_each(|control| ecu.obey(control));
        }
    }

    /// What became of a file is kept until the next offer, for a client that did not get the response.
    fn end_transfer(&mut self) {
        if !matches!(self.transfer, Transfer::Closed(_)) {
            self.transfer = Transfer::None;
        }
    }
}

pub(super) fn present(call: Call<'_>, writer: &mut Writer<'_>) -> Outcome {
    if call.sub != 0 {
        return Err(Nrc::SubFunctionNotSupported.into());
    }
    let [] = exactly(call.record)?;
    writer.put(&[service::PRESENT + POSITIVE, 0]);
    Ok(())
}
