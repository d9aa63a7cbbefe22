//! From a run that fails to one that fails in the same way, with as few and as simple events from outside as possible.

use std::time::Duration;

use super::recipe::{Recipe, RecipeError};
use crate::world::run::{Ended, World};
use crate::world::scenario::{FACTORY, Must, Outside, Scenario};
use crate::world::shrink::{Outcome, Simplify, rounder, shrink};
use crate::world::time::Moment;

/// The run with the fewest and simplest events found in `bound` runs that fails as this one does: what goes wrong first here
/// goes wrong there, and nothing that does not here. `None` if the run does not fail.
///
/// Where an invariant is violated any event may go, and a campaign may be assigned to fewer ECUs; what must hold at the end
/// is not looked at then, as it speaks of the whole plan. Where that alone falls short, the plan stays as it is, unless it
/// holds with nothing assigned as well.
pub fn smaller(recipe: &Recipe, bound: u32) -> Result<Option<Recipe>, RecipeError> {
    let scenario = recipe.whole()?;
    let events = recipe.outside.clone().unwrap_or_else(|| scenario.outside(recipe.seed));
    let run = |events: &[Outside]| World::new(&scenario.reduced(recipe.seed, events), recipe.seed)?.run();
    let wanted = ways(&run(&events)?);
    let Some(first) = wanted.first() else { return Ok(None) };
    let freedom = Freedom::of(first, &scenario);
    let plan: Vec<Outside> = events.iter().filter(|event| !is_fault(event)).cloned().collect();
    let fails = |items: &[Item]| {
        let events: Vec<Outside> = items.iter().map(|item| item.event.clone()).collect();
        if freedom == Freedom::Faults && plan.iter().any(|event| !events.contains(event)) {
            return Outcome::Passes;
        }
        let is_same = |found: &[Way]| {
            found.contains(first) && found.iter().all(|way| wanted.contains(way) || !freedom.minds(way))
        };
        match run(&events) {
            Ok(ended) if is_same(&ways(&ended)) => Outcome::Fails,
            Ok(_) | Err(_) => Outcome::Passes,
        }
    };
    let items: Vec<Item> = events.iter().map(|event| Item { event: event.clone(), freedom }).collect();
    let left = shrink(items, bound, fails).map(|shrunk| shrunk.items.into_iter().map(|item| item.event).collect());
    Ok(Some(Recipe { outside: Some(left.unwrap_or(events)), ..recipe.clone() }))
}

/// A way in which a run fails.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    /// This invariant is violated.
    Invariant(String),
    /// This does not hold at the end.
    Must(String),
}

/// All ways in which a run fails, those of its course first.
fn ways(ended: &Ended) -> Vec<Way> {
    let violated = ended.run.violations.iter().map(|violation| Way::Invariant(violation.invariant.clone()));
    let short = ended.run.verdicts.iter().filter(|verdict| verdict.falls_short.is_some());
    violated.chain(short.map(|verdict| Way::Must(verdict.must.clone()))).collect()
}

/// What may be changed about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freedom {
    /// Everything.
    All,
    /// Each event may go. A campaign has all of its ECUs, or is not there.
    Events,
    /// The faults alone.
    Faults,
}

impl Freedom {
    fn of(way: &Way, scenario: &Scenario) -> Self {
        let Way::Must(text) = way else { return Self::All };
        let holds_before = |must: &Must| match must {
            Must::Runs { releases, .. } => releases.iter().any(|release| release.as_str() == FACTORY),
            Must::Keeps { .. } | Must::Refuses { .. } => false,
        };
        match scenario.musts().iter().find(|must| must.to_string() == *text).is_some_and(holds_before) {
            true => Self::Events,
            false => Self::Faults,
        }
    }

    /// Whether a run that fails in this way too fails otherwise.
    fn minds(self, way: &Way) -> bool {
        match way {
            Way::Invariant(_) => true,
            Way::Must(_) => self != Self::All,
        }
    }
}

/// An event that is left in.
#[derive(Clone)]
struct Item {
    event: Outside,
    freedom: Freedom,
}

impl Simplify for Item {
    /// Faults become rounder and shorter, campaigns smaller.
    fn simpler(&self) -> Vec<Self> {
        let simpler = match &self.event {
            Outside::Assign { campaign, ecus } if self.freedom == Freedom::All => {
                fewer(ecus).into_iter().map(|ecus| Outside::Assign { campaign: *campaign, ecus }).collect()
            }
            Outside::Fault { number, at, lasts } => simpler_fault(*number, *at, *lasts),
            Outside::Assign { .. } | Outside::Power(_) | Outside::Publish(_) | Outside::Rotate(_) => Vec::new(),
        };
        simpler.into_iter().map(|event| Self { event, freedom: self.freedom }).collect()
    }
}

fn simpler_fault(number: usize, at: Moment, lasts: Duration) -> Vec<Outside> {
    let moments = rounder(at.nanos()).into_iter().map(|nanos| (Moment::from_nanos(nanos), lasts));
    let nanos = u64::try_from(lasts.as_nanos()).unwrap_or(u64::MAX);
    // Something that lasts no time at all is another event, or none.
    let shorter = rounder(nanos).into_iter().filter(|nanos| *nanos > 0);
    let pauses = shorter.map(|nanos| (at, Duration::from_nanos(nanos)));
    moments.chain(pauses).map(|(at, lasts)| Outside::Fault { number, at, lasts }).collect()
}

/// One half of them, the other, and all but each one; at least one.
fn fewer(names: &[String]) -> Vec<Vec<String>> {
    let (left, right) = names.split_at(names.len() / 2);
    let without = |name: &String| names.iter().filter(|other| *other != name).cloned().collect();
    let halves = [left.to_vec(), right.to_vec()].into_iter();
    halves.chain(names.iter().map(without)).filter(|fewer| !fewer.is_empty() && fewer.len() < names.len()).collect()
}

fn is_fault(event: &Outside) -> bool {
    matches!(event, Outside::Fault { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(ecus: &[&str], freedom: Freedom) -> Item {
        let ecus = ecus.iter().map(|name| (*name).to_owned()).collect();
        Item { event: Outside::Assign { campaign: 0, ecus }, freedom }
    }

    #[test]
    fn a_campaign_gets_smaller_where_an_invariant_is_violated_and_nowhere_else() {
        let simpler = assigned(&["a", "b", "c"], Freedom::All).simpler();
        let ecus = simpler
            .into_iter()
            .filter_map(|item| if let Outside::Assign { ecus, .. } = item.event { Some(ecus.concat()) } else { None });
        assert_eq!(ecus.collect::<Vec<_>>(), ["a", "bc", "bc", "ac", "ab"]);
        assert!(assigned(&["a"], Freedom::All).simpler().is_empty());
        assert!(assigned(&["a", "b"], Freedom::Events).simpler().is_empty());
    }

    #[test]
    fn a_fault_becomes_shorter_and_comes_at_a_rounder_time_and_never_lasts_no_time() {
        let (at, lasts) = (Moment::from_nanos(1_234), Duration::from_nanos(20));
        let simpler = simpler_fault(3, at, lasts);
        assert!(simpler.contains(&Outside::Fault { number: 3, at: Moment::from_nanos(1_000), lasts }));
        assert!(simpler.contains(&Outside::Fault { number: 3, at, lasts: Duration::from_nanos(10) }));
        let none = |event: &Outside| matches!(event, Outside::Fault { lasts, .. } if lasts.is_zero());
        assert!(!simpler.iter().any(none));
    }
}
