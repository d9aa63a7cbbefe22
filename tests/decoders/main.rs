//! Every input that was ever kept is given to its decoder again (`fuzz/corpus/`), in seconds and without libFuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use tests::decoders::{DECODERS, Decoder, give, measure::Counting};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn corpus(decoder: &Decoder) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(decoder.name)
}

#[test]
fn every_kept_input_is_decoded_within_its_bounds() {
    for decoder in DECODERS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus(decoder)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let given = std::panic::catch_unwind(|| give(decoder, &input));
            assert!(given.is_ok(), "{}", path.display());
            inputs += 1;
        }
        assert!(inputs > 0, "{} has no corpus", decoder.name);
    }
}

#[test]
fn every_seed_of_a_signed_file_is_accepted() {
    for decoder in DECODERS {
        let accepted = (decoder.seeds)().iter().filter(|seed| give(decoder, seed).accepted).count();
        assert!(accepted > 0, "{}", decoder.name);
    }
}

#[test]
fn a_corpus_is_small_enough_to_be_kept() {
    for decoder in DECODERS {
        let files = fs::read_dir(corpus(decoder)).unwrap();
        let bytes: u64 = files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        assert!(bytes <= 200_000, "{} takes {bytes} bytes", decoder.name);
    }
}
