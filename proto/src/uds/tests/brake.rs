//! An ECU in its vehicle, and how a tester proves to it that it is the Primary.

use alloc::vec::Vec;

use uptane::sign::{Signer as _, prove};
use uptane::testing::signer;
use uptane::verify::proof::{Challenge, ProvenPrimary};
use uptane::verify::signature::BadSignature;
use uptane::{EcuId, Nonce, VehicleId};

use super::*;
use crate::uds::{Control, Ecu};

/// It takes files, and does what its Primary says.
#[derive(Default)]
pub(super) struct Brake {
    /// What it was told, in this order.
    pub(super) obeyed: Vec<Control>,
    /// It permits nothing now.
    pub(super) is_moving: bool,
    /// Bytes it holds of a file.
    pub(super) taken: u64,
    /// Files it was told to keep.
    pub(super) closed: usize,
    challenges: u8,
}

impl Handler for Brake {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        match request {
            Request::Offer(..) => return Reply::Ready(length(self.taken), 62),
            Request::Chunk(_, data) => {
                self.taken += u64::try_from(data.len()).unwrap();
                return Reply::Taken(length(self.taken));
            }
            Request::Close => (self.taken, self.closed) = (0, self.closed + 1),
            _ => {}
        }
        Reply::Done
    }

    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        Some(self)
    }
}

impl Ecu for Brake {
    fn challenge(&mut self) -> Option<Nonce> {
        self.challenges = self.challenges.checked_add(1)?;
        Some(Nonce([self.challenges; 16]))
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        asked(challenge).verify(&signer("ecu primary").public_key(), proof)
    }

    fn permits(&self, _: Control) -> bool {
        !self.is_moving
    }

    fn obey(&mut self, control: Control) {
        self.obeyed.push(control);
    }
}

fn asked(nonce: Nonce) -> Challenge {
    Challenge { vehicle: VehicleId([1; 16]), ecu: EcuId::parse("brake").unwrap(), nonce }
}

/// The proof of the key with this label.
pub(super) fn proof_by(label: &str, nonce: Nonce) -> [u8; 64] {
    prove(&asked(nonce), &signer(label)).unwrap()
}

/// Ed25519, as ISO 14229-1 writes an algorithm.
pub(super) const ED25519: [u8; 16] = [0x06, 0x03, 0x2b, 0x65, 0x70, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The message that asks for a challenge.
pub(super) fn challenge_request() -> Vec<u8> {
    [&[0x29, 0x05, 0x00][..], &ED25519].concat()
}

/// The message that answers one.
pub(super) fn proof_message(proof: &[u8]) -> Vec<u8> {
    let len = u16::try_from(proof.len()).unwrap().to_be_bytes();
    [&[0x29, 0x06][..], &ED25519, &len, proof, &[0, 0, 0, 0]].concat()
}

impl Pair<Brake> {
    pub(super) fn brake() -> Self {
        Self::new(Brake::default())
    }

    /// Takes the challenge out of the response to a message.
    pub(super) fn challenged(&mut self) -> Nonce {
        let response = self.serve(&challenge_request()).concat();
        let head = [&[0x69, 0x05, 0x00][..], &ED25519, &[0, 16]].concat();
        assert_eq!(response[..21], head);
        assert_eq!(response[37..], [0, 0]);
        Nonce(response[21..37].try_into().unwrap())
    }

    /// What the ECU says to a proof of this key.
    pub(super) fn proven_by(&mut self, label: &str) -> Vec<Vec<u8>> {
        let challenge = self.challenged();
        self.serve(&proof_message(&proof_by(label, challenge)))
    }

    /// The tester is the Primary.
    pub(super) fn authenticated() -> Self {
        let mut pair = Self::brake();
        pair.proven_by("ecu primary");
        pair
    }
}
