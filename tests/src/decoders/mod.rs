//! Every decoder of what comes from outside, as a function of bytes: what is fuzzed.
//!
//! `fuzz/` runs these functions under libFuzzer, the test `decoders` over the files in `fuzz/corpus/`. Each panics at what
//! must never be: a forgery that is accepted, pieces judged otherwise than the whole, an allocation above its bound.
//!
//! Of what has to be signed, 31 of 100 inputs are signed again after they were mutated, by the keys of their role; which
//! ones, the input decides. The rest can be accepted only if it says what the keys have signed before.

mod can;
mod delegations;
mod diagnostics;
mod ecus;
mod isotp;
pub mod measure;
mod patch;
mod refresh;
mod roles;
mod run;
mod signed;
mod streams;
mod wire;

pub use run::Run;

/// A decoder.
pub struct Decoder {
    /// Its name, and that of its folder in `fuzz/corpus/`.
    pub name: &'static str,
    /// Gives it an input.
    pub run: fn(&mut Run, &[u8]),
    /// The most bytes it may have allocated at once: so many, and so many for each byte of the input.
    pub bound: (usize, usize),
    /// Whether its inputs have to be signed to be accepted.
    pub is_signed: bool,
    /// Its sources, whose lines its inputs must reach.
    pub sources: &'static [&'static str],
    /// Files to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every decoder.
pub const DECODERS: [&Decoder; 20] = [
    &roles::DOCUMENT,
    &roles::ROOT,
    &roles::TIMESTAMP,
    &roles::SNAPSHOT,
    &roles::TARGETS,
    &roles::TIME,
    &ecus::REPORT,
    &ecus::MANIFEST,
    &ecus::CHECK_IN,
    &ecus::COMMAND,
    &streams::ROOT,
    &streams::TARGETS,
    &refresh::REFRESH,
    &delegations::DELEGATIONS,
    &isotp::ISOTP,
    &wire::UDS_SERVER,
    &wire::UDS_CLIENT,
    &can::CAN_FRAME,
    &wire::GRPC,
    &patch::PATCH,
];

/// The decoder of this name.
pub fn find(name: &str) -> Option<&'static Decoder> {
    DECODERS.into_iter().find(|decoder| decoder.name == name)
}

/// Gives a decoder an input, and holds it to its bound.
pub fn give(decoder: &Decoder, input: &[u8]) -> Run {
    let (base, each) = decoder.bound;
    let mut run = Run::within(base + each * input.len());
    (decoder.run)(&mut run, input);
    run
}
