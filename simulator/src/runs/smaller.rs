//! From a run that fails to one that fails with as few faults as possible.

use super::recipe::{Recipe, RecipeError};
use crate::world::run::Ended;
use crate::world::shrink::{Outcome, Simplify, shrink};

/// A fault that is left in, by its number. None is simpler than another.
#[derive(Clone, Copy)]
struct LeftIn(usize);

impl Simplify for LeftIn {
    fn simpler(&self) -> Vec<Self> {
        Vec::new()
    }
}

/// The run with the fewest faults found in `bound` runs that fails in the same way: in the same invariants, and in the same
/// of what must hold. `None` if the run does not fail.
pub fn smaller(recipe: &Recipe, bound: u32) -> Result<Option<Recipe>, RecipeError> {
    let scenario = recipe.scenario()?;
    let all = scenario.faults(recipe.seed).len();
    let faults: Vec<usize> = recipe.faults.clone().unwrap_or_else(|| (0..all).collect());
    let of = |kept: &[usize]| Recipe { faults: Some(kept.to_vec()), ..recipe.clone() };
    let wanted = ways(&of(&faults).world(&scenario)?.run()?);
    if wanted.is_empty() {
        return Ok(None);
    }
    let mut items: Vec<LeftIn> = faults.into_iter().map(LeftIn).collect();
    let fails = |items: &[LeftIn]| {
        let kept: Vec<usize> = items.iter().map(|item| item.0).collect();
        let ended = of(&kept).world(&scenario).and_then(crate::world::run::World::run);
        let same = ended.is_ok_and(|ended| ways(&ended).iter().any(|way| wanted.contains(way)));
        if same { Outcome::Fails } else { Outcome::Passes }
    };
    if let Some(shrunk) = shrink(items.clone(), bound, fails) {
        items = shrunk.items;
    }
    Ok(Some(of(&items.iter().map(|item| item.0).collect::<Vec<_>>())))
}

/// The ways in which a run fails.
fn ways(ended: &Ended) -> Vec<String> {
    let violated = ended.run.violations.iter().map(|violation| violation.invariant.clone());
    let short = ended.run.verdicts.iter().filter(|verdict| verdict.falls_short.is_some());
    violated.chain(short.map(|verdict| verdict.must.clone())).collect()
}
