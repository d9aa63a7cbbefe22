//! libFuzzer over the decoder that the environment variable `DECODER` names.
#![no_main]

#[path = "../../tests/src/decoders/mod.rs"]
mod decoders;
mod statistics;

use std::sync::LazyLock;

use decoders::{Decoder, measure::Counting};
use libfuzzer_sys::fuzz_target;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static DECODER: LazyLock<&Decoder> = LazyLock::new(|| {
    let name = std::env::var("DECODER").unwrap_or_default();
    decoders::find(&name).unwrap_or_else(|| panic!("DECODER names none of the decoders: {name:?}"))
});

fuzz_target!(|input: &[u8]| statistics::count(&decoders::give(*DECODER, input)));
