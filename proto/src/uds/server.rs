//! The Secondary's side.

mod access;
mod broadcast;
mod control;
mod records;
mod rules;
mod session;
mod transfer;

use core::time::Duration;

use uptane::{Length, Nonce};

use self::access::{Access, Proof};
use self::broadcast::Hearing;
use self::rules::Rules;
use self::session::Session;
use self::transfer::{Block, Transfer};
use super::answer::{Failure, Outcome};
use super::codec::{NEGATIVE, Nrc, SUPPRESS, Writer, service};
use super::{Capacity, Control, DtcSetting, Ecu, Messages, P2_EXTENDED, PRESENT, Reset, Traffic};
use crate::moment::Moment;
use crate::secondary::{File, Refusal, Reply, Request};

/// Who answers the requests: the Secondary.
pub trait Handler {
    /// Answers a request, with the reply its documentation names or a refusal.
    fn handle(&mut self, request: Request<'_>) -> Reply<'_>;

    /// The ECU around it, where a tester may reset or silence that. Without one, services 11, 28, 29 and 85 are unknown.
    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        None
    }
}

impl<F: FnMut(Request<'_>) -> Reply<'static>> Handler for F {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        self(request)
    }
}

/// Turns messages into requests, and replies into messages.
///
/// For each message that arrives, call [`Server::handle`] and send what it writes. Once that has left, call
/// [`Server::poll`] and send what it writes: work that takes longer than P2 allows is announced first and done then, and
/// a reset comes after its answer. Poll as well at the [`Server::deadline`].
///
/// `GROUP` says whether it may be asked to take part in broadcasts ([`Server::in_group`]): one that may not has none
/// of the code for it.
#[derive(Clone, Copy, Debug)]
pub struct Server<const GROUP: bool = false> {
    max_request: usize,
    session: Session,
    /// When the last request came.
    heard: Moment,
    access: Access,
    /// Whether the ECU was told, in this session, to be quiet or to record no faults.
    restrained: bool,
    transfer: Transfer,
    block: Block,
    nonce: Option<Nonce>,
    refusal: Option<Refusal>,
    pending: Option<Work>,
    hearing: Hearing,
}

/// What was announced as pending, or waits for its answer to leave.
#[derive(Clone, Copy, Debug)]
enum Work {
    Offer(File, Length),
    Patch,
    Close,
    Prove(Proof),
    Reset(Reset),
}

/// How a message was addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addressing {
    /// To this ECU.
    Physical,
    /// To all of them.
    Functional,
}

/// A message, taken apart.
#[derive(Clone, Copy, Debug)]
struct Call<'m> {
    service: u8,
    /// The sub-function; 0 where the service has none.
    sub: u8,
    /// No positive response is wanted.
    suppressed: bool,
    /// The other parameters.
    record: &'m [u8],
}

impl Server {
    /// In the default session, and alone. `max_request` is the longest message the carrier takes.
    pub fn new(max_request: usize) -> Self {
        Self::begin(max_request, None)
    }
}

impl<const GROUP: bool> Server<GROUP> {
    /// In the default session.
    fn begin(max_request: usize, capacity: Option<Capacity>) -> Self {
        Self {
            max_request,
            session: Session::Default,
            heard: Moment::ZERO,
            access: Access::NONE,
            restrained: false,
            transfer: Transfer::None,
            block: Block::NONE,
            nonce: None,
            refusal: None,
            pending: None,
            hearing: Hearing::new(capacity),
        }
    }

    /// Takes a message that was sent to this ECU, and writes the response into `out`, of which at least 3 bytes are needed.
    /// Gives its length; 0 if none is to be sent. If `out` is empty, nobody can be sent it: it is made and not written.
    pub fn handle(&mut self, message: &[u8], now: Duration, handler: &mut impl Handler, out: &mut [u8]) -> usize {
        self.answer(message, Addressing::Physical, now.into(), handler, out)
    }

    /// Takes a message that was sent to all ECUs at once, like [`Server::handle`]. One that this ECU does not support is not
    /// answered, and neither is one that makes no sense but for a single ECU.
    pub fn handle_functional(
        &mut self,
        message: &[u8],
        now: Duration,
        handler: &mut impl Handler,
        out: &mut [u8],
    ) -> usize {
        self.answer(message, Addressing::Functional, now.into(), handler, out)
    }

    /// Takes note that frames of a message arrive: a session does not end while a request is on its way, however slow the
    /// bus or the separation make that. One that is over already does not come back.
    pub fn receiving(&mut self, now: Duration) {
        let now = now.into();
        if now < self.session_end() {
            self.heard = self.heard.max(now);
        }
    }

    /// Does the work that was announced as pending, and writes the response; ends a session that is over. `None` if nothing
    /// is to be sent.
    pub fn poll(&mut self, now: Duration, handler: &mut impl Handler, out: &mut [u8]) -> Option<usize> {
        let now = now.into();
        self.end_old_session(now, handler);
        let work = self.pending.take()?;
        // It may take as long as P2* allows, so the session is counted from there.
        self.heard = now + P2_EXTENDED;
        let mut writer = Writer::new(out);
        let (service, outcome) = match work {
            Work::Offer(file, length) => (service::DOWNLOAD, self.offer(file, length, handler, &mut writer)),
            Work::Patch => (service::DATA, self.patch(handler, &mut writer)),
            Work::Close => (service::ROUTINE, self.close(handler, &mut writer)),
            Work::Prove(proof) => {
                let outcome = match handler.ecu() {
                    Some(ecu) => self.check_proof(&proof, now, ecu, &mut writer),
                    None => Err(Nrc::ServiceNotSupported.into()),
                };
                (service::AUTHENTICATION, outcome)
            }
            Work::Reset(reset) => {
                self.end_session(handler);
                handler.ecu()?.obey(Control::Reset(reset));
                return None;
            }
        };
        Some(self.finish(service, outcome, &mut writer))
    }

    /// Whether [`Server::poll`] has work to do.
    pub fn is_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// When to poll if nothing comes: an ECU that was silenced must not stay so when its tester is gone. Other sessions
    /// end unseen.
    pub fn deadline(&self) -> Option<Duration> {
        self.restrained.then(|| self.session_end().into())
    }

    fn answer(
        &mut self,
        message: &[u8],
        addressing: Addressing,
        now: Moment,
        handler: &mut impl Handler,
        out: &mut [u8],
    ) -> usize {
        let Some((&service, parameters)) = message.split_first() else {
            return 0;
        };
        self.end_old_session(now, handler);
        self.heard = now;
        let mut writer = Writer::new(out);
        let outcome = match self.pending {
            // It asks for nothing, so it disturbs no work.
            Some(_) if *message == PRESENT => return 0,
            Some(_) => Err(Nrc::BusyRepeatRequest.into()),
            None => self.dispatch((service, parameters), addressing, now, handler, &mut writer),
        };
        match outcome {
            Err(Failure::Code(nrc)) if addressing == Addressing::Functional && nrc.is_for_one_alone() => 0,
            outcome => self.finish(service, outcome, &mut writer),
        }
    }

    /// Judges a message in the order of ISO 14229-1: its service, the session, who asks, its form.
    fn dispatch(
        &mut self,
        (service, parameters): (u8, &[u8]),
        addressing: Addressing,
        now: Moment,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let rules = Rules::of(service).ok_or(Nrc::ServiceNotSupported)?;
        if addressing == Addressing::Functional && !rules.functional || rules.of_ecu && handler.ecu().is_none() {
            return Err(Nrc::ServiceNotSupported.into());
        }
        if !self.session.is_one_of(rules.sessions) {
            return Err(Nrc::NotInActiveSession.into());
        }
        if rules.guarded && !self.access.is_proven() {
            return Err(Nrc::AuthenticationRequired.into());
        }
        let call = Call::read(service, parameters, rules)?;
        self.carry_out(call, now, handler, writer)?;
        if call.suppressed {
            writer.clear();
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        call: Call<'_>,
        now: Moment,
        handler: &mut impl Handler,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        match call.service {
            service::SESSION => self.change_session(call, handler, writer),
            service::PRESENT => session::present(call, writer),
            service::READ => self.read(call.record, handler, writer),
            service::WRITE => self.write(call.record, writer),
            service::ROUTINE => self.routine(call, handler, writer),
            service::DOWNLOAD => self.download(call.record, handler, writer),
            service::DATA => self.block(call.record, handler, writer),
            service::EXIT => self.exit(call.record, writer),
            _ => match handler.ecu() {
                Some(ecu) => self.control(call, now, ecu, writer),
                None => Err(Nrc::ServiceNotSupported.into()),
            },
        }
    }

    /// The length of the response, which is negative if there was a failure or the positive one does not fit.
    fn finish(&mut self, service: u8, outcome: Outcome, writer: &mut Writer<'_>) -> usize {
        let written = outcome.and_then(|()| writer.written().ok_or(Nrc::ResponseTooLong.into()));
        let nrc = match written {
            Ok(len) => return len,
            Err(Failure::Code(nrc)) => {
                self.refusal = self.refusal_of(nrc);
                nrc
            }
            Err(Failure::Refused(refusal)) => {
                self.refusal = Some(refusal);
                Nrc::of(refusal)
            }
        };
        writer.clear();
        writer.put(&[NEGATIVE, service, nrc.code()]);
        writer.written().unwrap_or_default()
    }

    /// What a message that was not right is in the words of the vocabulary; what they have no word for changes nothing.
    fn refusal_of(&self, nrc: Nrc) -> Option<Refusal> {
        Some(match (nrc, self.transfer) {
            (
                Nrc::ResponsePending
                | Nrc::BusyRepeatRequest
                | Nrc::AuthenticationRequired
                | Nrc::TooManyAttempts
                | Nrc::DelayNotExpired
                | Nrc::ProofFailed
                | Nrc::NoChallenge,
                _,
            ) => return self.refusal,
            (Nrc::ConditionsNotCorrect, _) => Refusal::Phase,
            (Nrc::WrongBlockCounter | Nrc::RequestSequenceError, Transfer::Open(open)) => Refusal::Offset(open.next),
            (Nrc::RequestSequenceError | Nrc::NotInActiveSession, _) => Refusal::Offset(Length::ZERO),
            _ => Refusal::Malformed,
        })
    }

    fn announce(&mut self, work: Work) -> Failure {
        self.pending = Some(work);
        Nrc::ResponsePending.into()
    }
}

impl<'m> Call<'m> {
    fn read(service: u8, parameters: &'m [u8], rules: &Rules) -> Result<Self, Failure> {
        if !rules.sub_function {
            return Ok(Self { service, sub: 0, suppressed: false, record: parameters });
        }
        let (&sub, record) = parameters.split_first().ok_or(Nrc::IncorrectLength)?;
        Ok(Self { service, sub: sub & !SUPPRESS, suppressed: sub & SUPPRESS != 0, record })
    }
}

/// What an ECU returns to when a session ends in which it was restrained.
const UNRESTRAINED: [Control; 2] =
    [Control::Communication(Traffic::Both, Messages::All), Control::DtcSetting(DtcSetting::On)];
