//! Many seeds of one scenario, on several threads.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use super::recipe::{Recipe, RecipeError};
use crate::world::run::{Ended, Error};
use crate::world::scenario::Scenario;

/// Runs every seed once, on `jobs` threads; `over` hears of each run that is over, in no order. Once that breaks off, no
/// further seed is begun: all lower ones are over by then, or under way and still heard of.
///
/// The first world that cannot be made ends it.
pub fn many(
    recipe: &Recipe,
    seeds: Range<u64>,
    jobs: usize,
    mut over: impl FnMut(u64, &Ended) -> ControlFlow<()>,
) -> Result<(), RecipeError> {
    let scenario = recipe.scenario()?;
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(None));
    thread::scope(|scope| {
        let (sender, ended) = mpsc::channel();
        for _ in 0..jobs.max(1) {
            let (sender, scenario, next, failed) = (sender.clone(), &scenario, &next, &failed);
            let end = seeds.end;
            scope.spawn(move || {
                while let Some(seed) = take(next, end) {
                    match run(recipe, scenario, seed) {
                        // Whoever no longer listens has given up.
                        Ok(run) => drop(sender.send((seed, run))),
                        Err(error) => {
                            next.store(end, Ordering::Relaxed);
                            if let Ok(mut failed) = failed.lock() {
                                failed.get_or_insert(error);
                            }
                        }
                    }
                }
            });
        }
        drop(sender);
        for (seed, run) in ended {
            if over(seed, &run).is_break() {
                next.store(seeds.end, Ordering::Relaxed);
            }
        }
    });
    match failed.into_inner().ok().flatten() {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn take(next: &AtomicU64, end: u64) -> Option<u64> {
    let seed = next.fetch_add(1, Ordering::Relaxed);
    (seed < end).then_some(seed)
}

fn run(recipe: &Recipe, scenario: &Scenario, seed: u64) -> Result<Ended, Error> {
    recipe.with_seed(seed).world(scenario)?.run()
}
