//! What must hold in every world, and what must be met in some, so that nothing holds for want of cases.

use primary_ecu::machine::transaction::{Standing, State};
use stateright::Property;

use super::Model;
use super::secondary::Facts;
use super::world::{Body, Ended, Errand, Image, World};

/// Of the vehicle, in the words of design D8.
pub(super) const NEVER_MIXED: &str = "never mixed once closed";
/// See [`super::ending`].
pub(super) const CAN_END: &str = "can always end";

pub(super) fn all() -> Vec<Property<Model>> {
    vec![
        Property::always(NEVER_MIXED, never_mixed),
        Property::always(CAN_END, |model, world| model.can_end(world)),
        Property::always("no ECU commits without the journalled decision", decided),
        Property::always("no ECU told to commit is told to go back, or goes back", faithful),
        Property::always("counter floors rise with a commit alone", floors),
        Property::always("no ECU wants to run what it may not boot", authorised),
        Property::sometimes("a vehicle commits", |_, world: &World| world.ended == Some(Ended::Committed)),
        Property::sometimes("a vehicle rolls back", |_, world: &World| world.ended == Some(Ended::RolledBack)),
        Property::sometimes("a vehicle rolls back after an ECU voted", voted_in_vain),
        Property::sometimes("dies staging", |model, world| is_down(model, world, |state| state == State::Staging)),
        Property::sometimes("dies verifying", |model, world| is_down(model, world, |state| state == State::Verifying)),
        Property::sometimes("dies activating", |model, world| {
            is_down(model, world, |state| matches!(state, State::Activating(_)))
        }),
        Property::sometimes("dies voting", |model, world| is_down(model, world, |state| state == State::Voting)),
        Property::sometimes("dies committing", |model, world| {
            is_down(model, world, |state| state == State::Committing)
        }),
        Property::sometimes("dies committed", |model, world| is_down(model, world, |state| state == State::Committed)),
        Property::sometimes("dies rolling back", |model, world| {
            is_down(model, world, |state| matches!(state, State::RollingBack(_)))
        }),
        Property::sometimes("dies rolled back", |model, world| {
            is_down(model, world, |state| matches!(state, State::RolledBack(_)))
        }),
    ]
}

fn ecus<'a>(model: &'a Model, world: &'a World) -> impl Iterator<Item = (usize, Facts)> + 'a {
    world.nodes.iter().enumerate().filter_map(|(at, node)| match node.body {
        Body::Two { state, .. } => Some((at, model.secondaries.facts(state))),
        Body::None => None,
    })
}

/// Closed as committed, every ECU runs the new image and no other may boot; closed as rolled back, every ECU runs the image
/// that all ran before. An ECU that has to reset before it does so takes no request until it has.
fn never_mixed(model: &Model, world: &World) -> bool {
    let runs = |image: Image| ecus(model, world).all(|(_, ecu)| ecu.runs == Some(image) && ecu.home == ecu.runs);
    match world.ended {
        None => true,
        Some(Ended::Committed) => runs(Image::of(world.round)),
        Some(Ended::RolledBack) => runs(world.before),
    }
}

fn decided(model: &Model, world: &World) -> bool {
    let state = world.journal.map(|journal| model.primary.facts(journal).state);
    let decided = matches!(state, Some(State::Committing | State::Committed)) || world.ended == Some(Ended::Committed);
    decided || ecus(model, world).all(|(_, ecu)| ecu.standing(world.round) != Standing::Committed)
}

fn faithful(model: &Model, world: &World) -> bool {
    let committing = world.nodes.iter().any(|node| node.asked_in(world.round).has(Errand::Commit));
    let returning = world.nodes.iter().any(|node| node.asked_in(world.round).has(Errand::RollBack));
    let back = || ecus(model, world).any(|(_, ecu)| ecu.standing(world.round) == Standing::RolledBack);
    !committing || (!returning && !back())
}

fn floors(model: &Model, world: &World) -> bool {
    ecus(model, world).all(|(_, ecu)| ecu.home.is_some_and(|Image(number)| u64::from(number) == ecu.floor))
}

fn authorised(model: &Model, world: &World) -> bool {
    ecus(model, world).all(|(_, ecu)| ecu.runs.is_some())
}

fn voted_in_vain(model: &Model, world: &World) -> bool {
    let turning =
        world.journal.is_some_and(|journal| matches!(model.primary.facts(journal).state, State::RollingBack(_)));
    turning && ecus(model, world).any(|(_, ecu)| ecu.standing(world.round) == Standing::Healthy)
}

fn is_down(model: &Model, world: &World, state: impl Fn(State) -> bool) -> bool {
    world.primary.is_none() && world.journal.is_some_and(|journal| state(model.primary.facts(journal).state))
}
