//! Without libFuzzer: ECUs on CAN that are talked to by strangers, and in sessions in which something goes wrong.
//!
//! `sessions SEED GIVEN JOB JOBS` runs every `JOBS`-th case from number `JOB` on until so many frames and messages were
//! given; `sessions SEED case NUMBER` runs one. It prints a line for each figure, and one for each case that ends badly.

#[path = "../../tests/src/can_fuzz/mod.rs"]
mod can_fuzz;

use std::collections::BTreeMap;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use can_fuzz::{Broken, Kind, Mutation, Scene, Seen, case};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|word| word.parse::<u64>().ok());
    let scene = Scene::new();
    match (number(0), number(1), number(2), number(3)) {
        (Some(seed), Some(given), Some(job), Some(jobs)) => many(&scene, seed, given, (job, jobs)),
        (Some(seed), None, Some(one), None) => println!("{:#?}", case(&scene, seed, one)),
        _ => return Err("sessions SEED GIVEN JOB JOBS, or: sessions SEED case NUMBER".into()),
    }
    Ok(())
}

fn many(scene: &Scene, seed: u64, given: u64, (job, jobs): (u64, u64)) {
    let (mut counts, mut number) = (Counts::default(), job);
    while counts.given() < given {
        match catch_unwind(AssertUnwindSafe(|| case(scene, seed, number))) {
            Ok(seen) => counts.add(&seen, seed, number),
            Err(_) => {
                counts.count("panics", 1);
                println!("bad: case {number} of seed {seed}: a panic");
            }
        }
        number += jobs;
    }
    counts.print();
}

/// What was counted, by name.
#[derive(Default)]
struct Counts(BTreeMap<String, u64>);

impl Counts {
    fn count(&mut self, name: &str, count: u64) {
        *self.0.entry(name.to_owned()).or_default() += count;
    }

    /// Frames and messages so far.
    fn given(&self) -> u64 {
        self.0.get("given").copied().unwrap_or_default()
    }

    fn add(&mut self, seen: &Seen, seed: u64, number: u64) {
        let Seen { kind, given, after, completed, image, next, cycled } = *seen;
        self.count("given", given);
        self.count("cases", 1);
        self.count("after", after);
        match kind {
            Kind::Frames => self.count("frames of strangers", given),
            Kind::Messages => self.count("messages of strangers", given),
            Kind::Session(None) => self.count("undisturbed", given),
            Kind::Session(Some(mutation)) => self.disturbed(mutation, given, completed),
        }
        let judged = [("images changed", image), ("next session failed", next), ("not healed", cycled)];
        for (what, broken) in judged {
            self.judge(what, broken, (seed, number, kind));
        }
    }

    fn disturbed(&mut self, mutation: Mutation, given: u64, completed: bool) {
        self.count("disturbed", given);
        self.count("disturbed sessions", 1);
        self.count("disturbed sessions that complete", completed.into());
        self.count(&format!("mutation: {}", mutation.name()), 1);
    }

    fn judge(&mut self, what: &str, judged: Result<(), Broken>, (seed, number, kind): (u64, u64, Kind)) {
        self.count(what, judged.is_err().into());
        if let Err(broken) = judged {
            println!("bad: case {number} of seed {seed}, {kind:?}: {what}: {broken:?}");
        }
    }

    fn print(&self) {
        self.0.iter().for_each(|(name, count)| println!("count: {name} = {count}"));
    }
}
