//! Ten million mutated inputs for each decoder of what comes from outside, under libFuzzer.

pub(super) mod coverage;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

use self::coverage::Coverage;
use super::Item;
use crate::decoders::{DECODERS, Decoder};
use crate::programs;
use crate::record::{Limit, Record};

pub(super) const ITEM: Item = Item {
    name: "fuzz",
    promise: "ten million mutated inputs for each decoder: no panic, no forgery accepted, no allocation above its bound",
    show,
};

/// Inputs a decoder is given; `--few N` gives it a thousand N, which says so and falls short.
const INPUTS: f64 = 10_000_000.0;
/// Bytes of the longest input.
const LONGEST: usize = 4_096;
/// Of the lines of a decoder's sources, inputs reach so many of a hundred.
const LINES: f64 = 90.0;
/// Of the inputs of a decoder of signed files, so many of a hundred are signed again after they were mutated.
const RESIGNED: f64 = 30.0;

fn show(record: &mut Record) -> Result<()> {
    programs::need_package("g++")?;
    let fuzzer = build("sancov", SANCOV, "fuzz")?;
    let coverage = Coverage::new(build("coverage", COUNTERS, "replay")?)?;
    let folder = tempfile::tempdir()?;
    let waiting = Mutex::new(DECODERS.to_vec());
    let seed = record.seed();
    let inputs = record.few().map_or(Ok(INPUTS), |few| u32::try_from(few).map(|few| 1_000.0 * f64::from(few)))?;
    let record = Mutex::new(record);
    let next = || waiting.lock().ok().and_then(|mut waiting| waiting.pop());
    let work = || -> Result<()> {
        while let Some(decoder) = next() {
            let corpus = folder.path().join(decoder.name);
            let found = fuzz(&fuzzer, decoder, &corpus, (inputs, seed))?;
            let lines = coverage.of(decoder, &[&corpus, &kept(decoder)?], folder.path())?;
            let mut record = record.lock().ok().context("another thread broke off")?;
            tell(&mut record, decoder, &found, lines);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let both = [scope.spawn(work), scope.spawn(work)];
        both.into_iter().try_for_each(|thread| thread.join().ok().context("a thread broke off")?)
    })
}

/// What came of a decoder's inputs.
#[derive(Debug, Default, PartialEq)]
struct Found {
    inputs: f64,
    resigned: f64,
    accepted: f64,
    held: f64,
    seconds: f64,
    /// What libFuzzer said last, if it stopped at an input.
    stopped: Option<String>,
}

fn tell(record: &mut Record, decoder: &Decoder, found: &Found, lines: f64) {
    let name = decoder.name;
    record.figure(format!("{name}: inputs"), found.inputs, "", Limit::AtLeast(INPUTS));
    record.figure(format!("{name}: inputs a second"), (found.inputs / found.seconds).floor(), "", Limit::Shown);
    if decoder.is_signed {
        let share = 100.0 * found.resigned / found.inputs.max(1.0);
        record.figure(format!("{name}: signed again after mutation"), share, "%", Limit::AtLeast(RESIGNED));
    }
    record.figure(format!("{name}: accepted"), found.accepted, "", Limit::Shown);
    let (base, each) = decoder.bound;
    let bound = f64::from(u32::try_from(base + each * LONGEST).unwrap_or(u32::MAX));
    record.figure(format!("{name}: bytes held at once"), found.held, "bytes", Limit::AtMost(bound));
    // A panic, a forgery and an allocation above the bound of its input all stop the fuzzer.
    record.claim(format!("{name}: no panic, no forgery, no allocation above its bound"), found.stopped.is_none());
    if let Some(why) = &found.stopped {
        record.note(why.clone());
    }
    record.figure(format!("{name}: lines of its sources reached"), lines, "%", Limit::AtLeast(LINES));
}

/// Builds a program of `fuzz/` with instrumentation, in a target folder of its own.
pub(super) fn build(folder: &str, instrument: &str, program: &str) -> Result<PathBuf> {
    let fuzz = fuzz_folder()?;
    let built = std::env::current_exe()?;
    let target = built.ancestors().nth(2).context("programs lie in the target folder")?.join("fuzz").join(folder);
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "--bin", program]).current_dir(&fuzz);
    cargo
        .env("CARGO_TARGET_DIR", &target)
        .env("INSTRUMENT", instrument)
        .env("RUSTC_WRAPPER", fuzz.join("instrument.sh"));
    programs::output(cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS"))?;
    Ok(target.join("release").join(program))
}

fn fuzz_folder() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in the workspace")?;
    Ok(root.join("fuzz"))
}

/// The inputs that are kept for a decoder.
fn kept(decoder: &Decoder) -> Result<PathBuf> {
    Ok(fuzz_folder()?.join("corpus").join(decoder.name))
}

/// Gives a decoder its inputs. What is new goes to `corpus`.
fn fuzz(fuzzer: &Path, decoder: &Decoder, corpus: &Path, (inputs, seed): (f64, u64)) -> Result<Found> {
    fs::create_dir_all(corpus)?;
    let dictionary = fuzz_folder()?.join("json.dict");
    let mut command = Command::new(fuzzer);
    command.arg(format!("-runs={inputs}")).arg(format!("-max_len={LONGEST}")).arg(format!("-seed={seed}"));
    command.arg(format!("-dict={}", dictionary.display())).args(["-print_final_stats=1", "-reload=0", "-verbosity=0"]);
    // What stops it lies beside the corpus: whoever gives that to the decoder again must not be stopped as well.
    command.arg(format!("-artifact_prefix={}-", corpus.display()));
    command.arg(corpus).arg(kept(decoder)?).env("DECODER", decoder.name);
    let watch = host::clock::stopwatch();
    let output = command.output().context("cannot start the fuzzer")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut found = Found { seconds: watch.elapsed().as_secs_f64(), ..statistics(&said) };
    if !output.status.success() {
        found.stopped = Some(last_lines(&said));
    } else if found.inputs == 0.0 {
        bail!("the fuzzer of {} says nothing of its inputs: {}", decoder.name, last_lines(&said));
    }
    Ok(found)
}

fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines.get(lines.len().saturating_sub(30)..).unwrap_or_default().join("\n")
}

/// Reads `statistics: inputs=10000000 resigned=3100123 accepted=1234 held=5678`.
fn statistics(said: &str) -> Found {
    let line = said.lines().find_map(|line| line.strip_prefix("statistics: ")).unwrap_or_default();
    let number = |name: &str| {
        let word = line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        word.and_then(|number| number.parse().ok()).unwrap_or_default()
    };
    Found {
        inputs: number("inputs"),
        resigned: number("resigned"),
        accepted: number("accepted"),
        held: number("held"),
        ..Found::default()
    }
}

/// Counters of lines that are reached.
pub(super) const COUNTERS: &str = "-Cinstrument-coverage";
/// Counters at every edge, for crates that decode: `fuzz/instrument.sh`.
const SANCOV: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_of_a_fuzzer_are_read() {
        let said = "#2 INITED\nstatistics: inputs=10 resigned=3 accepted=2 held=99\n";
        let expected = Found { inputs: 10.0, resigned: 3.0, accepted: 2.0, held: 99.0, ..Found::default() };
        assert_eq!(statistics(said), expected);
        assert_eq!(statistics("panicked"), Found::default());
    }
}
