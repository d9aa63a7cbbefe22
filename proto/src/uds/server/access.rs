//! Who the tester is: 29, the challenge and response of ISO 14229-1 with the Primary's key.

use uptane::Nonce;
use uptane::verify::proof::ProvenPrimary;
use uptane::verify::signature::BadSignature;

use super::{Call, Server, Work};
use crate::moment::Moment;
use crate::uds::answer::{Outcome, exactly};
use crate::uds::codec::{Nrc, POSITIVE, Reader, Writer, authentication, service};
use crate::uds::{Ecu, MAX_PROOFS, PROOF_DELAY};

/// What the tester has proven.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    /// What is to be answered next.
    challenge: Option<Nonce>,
    proven: Option<ProvenPrimary>,
    /// Wrong proofs since the last good one or the last delay.
    failures: u8,
    /// No challenge is given out before this time.
    barred: Moment,
}

/// A proof that was announced to be verified, and its challenge, which answers nothing else any more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proof {
    challenge: Nonce,
    proof: [u8; authentication::PROOF],
}

impl Access {
    /// Nobody has proven anything.
    pub(super) const NONE: Self = Self { challenge: None, proven: None, failures: 0, barred: Moment::ZERO };

    pub(super) fn is_proven(&self) -> bool {
        self.proven.is_some()
    }

    /// The session is over, or the tester says so. What it did wrong is not forgotten.
    pub(super) fn leave(&mut self) {
        (self.challenge, self.proven) = (None, None);
    }

    /// A wrong proof. Guessing is hopeless; the delay bounds how much of its time an ECU spends on whoever tries.
    fn fail(&mut self, now: Moment) -> Nrc {
        self.failures += 1;
        if self.failures < MAX_PROOFS {
            return Nrc::ProofFailed;
        }
        (self.failures, self.barred) = (0, now + PROOF_DELAY);
        Nrc::TooManyAttempts
    }
}

impl<const GROUP: bool> Server<GROUP> {
    pub(super) fn authenticate(
        &mut self,
        call: Call<'_>,
        now: Moment,
        ecu: &mut dyn Ecu,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let answer = match call.sub {
            authentication::DEAUTHENTICATE => authentication::DEAUTHENTICATED,
            authentication::CONFIGURATION => authentication::ASYMMETRIC,
            authentication::REQUEST_CHALLENGE => return self.give_challenge(call.record, now, ecu, writer),
            authentication::VERIFY_PROOF => return self.take_proof(call.record),
            _ => return Err(Nrc::SubFunctionNotSupported.into()),
        };
        let [] = exactly(call.record)?;
        if call.sub == authentication::DEAUTHENTICATE {
            self.access.leave();
        }
        writer.put(&[service::AUTHENTICATION + POSITIVE, call.sub, answer]);
        Ok(())
    }

    fn give_challenge(&mut self, record: &[u8], now: Moment, ecu: &mut dyn Ecu, writer: &mut Writer<'_>) -> Outcome {
        let [configuration, algorithm @ ..]: [u8; 17] = exactly(record)?;
        if (configuration, algorithm) != (authentication::PLAIN, authentication::ED25519) {
            return Err(Nrc::RequestOutOfRange.into());
        }
        if now < self.access.barred {
            return Err(Nrc::DelayNotExpired.into());
        }
        let challenge = ecu.challenge().ok_or(Nrc::NoChallenge)?;
        self.access.challenge = Some(challenge);
        let head = [service::AUTHENTICATION + POSITIVE, authentication::REQUEST_CHALLENGE, authentication::ACCEPTED];
        writer.put(&head).put(&authentication::ED25519).put(&CHALLENGE_LENGTH).put(&challenge.0).put(&NOTHING);
        Ok(())
    }

    /// Verifying takes longer than P2 on a small ECU, so it is announced.
    fn take_proof(&mut self, record: &[u8]) -> Outcome {
        let challenge = self.access.challenge.ok_or(Nrc::RequestSequenceError)?;
        let (algorithm, proof) = proof(record).ok_or(Nrc::IncorrectLength)?;
        if algorithm != authentication::ED25519 {
            return Err(Nrc::RequestOutOfRange.into());
        }
        self.access.challenge = None;
        Err(self.announce(Work::Prove(Proof { challenge, proof })))
    }

    pub(super) fn check_proof(
        &mut self,
        proof: &Proof,
        now: Moment,
        ecu: &dyn Ecu,
        writer: &mut Writer<'_>,
    ) -> Outcome {
        let Proof { challenge, proof } = proof;
        match ecu.prove(*challenge, proof) {
            Ok(proven) => (self.access.proven, self.access.failures) = (Some(proven), 0),
            Err(BadSignature) => return Err(self.access.fail(now).into()),
        }
        let head = [service::AUTHENTICATION + POSITIVE, authentication::VERIFY_PROOF, authentication::COMPLETE];
        writer.put(&head).put(&authentication::ED25519).put(&NOTHING);
        Ok(())
    }
}

/// Algorithm and proof, neither followed by a challenge of the client nor by anything else.
fn proof(record: &[u8]) -> Option<([u8; 16], [u8; authentication::PROOF])> {
    let mut reader = Reader::new(record);
    let (algorithm, proof) = (reader.array()?, reader.sized()?);
    let (challenge, additional) = (reader.sized()?, reader.sized()?);
    reader.end()?;
    let proof = proof.try_into().ok()?;
    (challenge.is_empty() && additional.is_empty()).then_some((algorithm, proof))
}

/// The length of a challenge, as it stands before one.
const CHALLENGE_LENGTH: [u8; 2] = [0, 16];
/// The length of a parameter that is not there.
const NOTHING: [u8; 2] = [0, 0];
