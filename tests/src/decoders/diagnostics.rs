//! An ECU that a diagnostic tester can reset and silence, around whatever answers requests.

use std::sync::LazyLock;

use proto::secondary::{Reply, Request};
use proto::uds::{Control, DtcSetting, Ecu, Handler, Messages, Reset, Traffic};
use uptane::sign::{Signer as _, prove};
use uptane::testing::signer;
use uptane::verify::proof::{Challenge, ProvenPrimary};
use uptane::verify::signature::BadSignature;
use uptane::{EcuId, Nonce, PublicKey, VehicleId};

use super::wire::operation;

/// It gives one challenge again and again, so that a recorded proof is a good one.
pub(super) struct Vehicle<F>(pub(super) F);

impl<F: FnMut(Request<'_>) -> Reply<'static>> Handler for Vehicle<F> {
    fn handle(&mut self, request: Request<'_>) -> Reply<'_> {
        (self.0)(request)
    }

    fn ecu(&mut self) -> Option<&mut dyn Ecu> {
        Some(self)
    }
}

impl<F> Ecu for Vehicle<F> {
    fn challenge(&mut self) -> Option<Nonce> {
        Some(CHALLENGE)
    }

    fn prove(&self, challenge: Nonce, proof: &[u8; 64]) -> Result<ProvenPrimary, BadSignature> {
        asked(challenge).ok_or(BadSignature)?.verify(&PRIMARY, proof)
    }

    fn permits(&self, control: Control) -> bool {
        control != Control::Reset(Reset::Soft)
    }

    fn obey(&mut self, _: Control) {}
}

/// What a client may ask of an ECU.
pub(super) const CONTROLS: [Control; 3] = [
    Control::Reset(Reset::Hard),
    Control::Communication(Traffic::Neither, Messages::Normal),
    Control::DtcSetting(DtcSetting::Off),
];

/// What a server hears, said to it alone and to all.
pub(super) fn said_by_primary() -> [Vec<u8>; 2] {
    [0, 1].map(|to| messages().iter().flat_map(|message| operation(to, message)).collect())
}

/// What a client hears that has an ECU reset, be quiet and record no faults.
pub(super) fn heard_by_primary() -> Vec<u8> {
    let heard = |choice: usize| {
        let begun = operation(7, &[0, u8::try_from(choice).unwrap_or_default()]);
        let answers = answers(choice).into_iter().flat_map(|answer| operation(0, &answer));
        begun.into_iter().chain(answers).collect::<Vec<u8>>()
    };
    (0..CONTROLS.len()).flat_map(heard).collect()
}

/// The sources of the server.
pub(super) const SERVER_SOURCES: [&str; 10] = [
    "uds/server.rs",
    "uds/server/access.rs",
    "uds/server/control.rs",
    "uds/server/records.rs",
    "uds/server/rules.rs",
    "uds/server/session.rs",
    "uds/server/transfer.rs",
    "uds/codec.rs",
    "uds/answer.rs",
    "uds/ecu.rs",
];

/// Messages of a Primary that silences an ECU, and of others who try.
fn messages() -> Vec<Vec<u8>> {
    let algorithm = [&[0x06, 0x03, 0x2b, 0x65, 0x70][..], &[0; 11]].concat();
    let request = [&[0x29, 0x05, 0x00][..], &algorithm].concat();
    let answer = |proof: [u8; 64]| [&[0x29, 0x06][..], &algorithm, &[0, 64], &proof, &[0; 4]].concat();
    let proof = asked(CHALLENGE).and_then(|asked| prove(&asked, &signer(LABEL)).ok()).unwrap_or([0; 64]);
    let mut messages = vec![vec![0x10, 0x03], vec![0x29, 0x08], vec![0x11, 0x01]];
    for proof in [[7; 64], proof] {
        messages.extend([request.clone(), answer(proof)]);
    }
    messages.extend([vec![0x28, 0x03, 0x01], vec![0x85, 0x02], vec![0x10, 0x02], vec![0x11, 0x03], vec![0x29, 0x00]]);
    messages.extend([request.clone(), answer(proof), vec![0x11, 0x81], vec![0x28, 0x00, 0x01]]);
    for _ in 0..4 {
        messages.extend([request.clone(), answer([7; 64])]);
    }
    messages
}

/// What an ECU answers to the client that asks for one of the [`CONTROLS`]: not in this session, not to a stranger, not
/// without a proof, done.
fn answers(choice: usize) -> Vec<Vec<u8>> {
    let algorithm = [&[0x06, 0x03, 0x2b, 0x65, 0x70][..], &[0; 11]].concat();
    let service = [0x11, 0x28, 0x85].get(choice).copied().unwrap_or(0x11);
    let sub = [0x01, 0x03, 0x02].get(choice).copied().unwrap_or(0x01);
    vec![
        vec![0x7f, service, 0x7f],
        vec![0x50, 0x03, 0x00, 0x32, 0x01, 0xf4],
        vec![0x7f, service, 0x34],
        [&[0x69, 0x05, 0x00][..], &algorithm, &[0, 16], &[4; 16], &[0, 0]].concat(),
        vec![0x7f, 0x29, 0x78],
        [&[0x69, 0x06, 0x12][..], &algorithm, &[0, 0]].concat(),
        vec![service + 0x40, sub],
    ]
}

fn asked(nonce: Nonce) -> Option<Challenge> {
    let ecu = EcuId::parse("brake").ok()?;
    Some(Challenge { vehicle: VehicleId([1; 16]), ecu, nonce })
}

const LABEL: &str = "ecu primary";
const CHALLENGE: Nonce = Nonce([4; 16]);

static PRIMARY: LazyLock<PublicKey> = LazyLock::new(|| signer(LABEL).public_key());

/// Makes the key, which takes memory, before any is measured.
pub(super) fn prepare() {
    LazyLock::force(&PRIMARY);
}
