//! What must hold in every world, and what must be met in some, so that nothing holds for want of cases.

use primary_ecu::machine::transaction::{Standing, State};
use stateright::Property;

use super::Model;
use super::ecu::Ecu;
use super::world::{Body, Disk, Ended, Errand, Image, World};

/// Of the vehicle, in the words of design D8.
pub(super) const NEVER_MIXED: &str = "never mixed once closed";
/// See [`super::ending`].
pub(super) const CAN_END: &str = "can always end";

pub(super) fn all(model: &Model) -> Vec<Property<Model>> {
    let has_single_bank = model.first.nodes.iter().any(|node| matches!(node.body, Body::One(_)));
    let single_bank = [
        Property::sometimes("a single bank gets its new image", gets_its_new_image),
        Property::sometimes("a single bank waits for its old image", waits_for_its_old_image),
    ];
    let lies = [
        Property::sometimes(
            "a journal from before the activation is read where an ECU has committed",
            |model, world| is_older(model, world, |state| matches!(state, State::Staging | State::Verifying)),
        ),
        Property::sometimes("a journal from before the decision is read where an ECU has committed", |model, world| {
            is_older(model, world, |state| matches!(state, State::Activating(_) | State::Voting))
        }),
    ];
    let single_bank = single_bank.into_iter().filter(|_| has_single_bank);
    every().into_iter().chain(single_bank).chain(lies.into_iter().filter(|_| model.lies)).collect()
}

fn every() -> Vec<Property<Model>> {
    vec![
        Property::always(NEVER_MIXED, never_mixed),
        Property::always(CAN_END, |model, world| model.can_end(world)),
        Property::always("no ECU commits without the journalled decision", decided),
        Property::always("no ECU told to commit is told to go back, or goes back", faithful),
        Property::always("counter floors rise with a commit alone", floors),
        Property::always("no ECU wants to run what it may not boot", authorised),
        Property::always("no ECU leaves or loses its old image without a journalled activation", gated),
        Property::always("no ECU outside a transaction is touched, and a single bank is by itself", untouched),
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

/// Closed as committed, every ECU of the transaction runs the new image and no other may boot; closed as rolled back, each
/// runs the image that it ran before. An ECU that has to reset before it does so takes no request until it has.
fn never_mixed(model: &Model, world: &World) -> bool {
    let Some(ended) = world.ended else { return true };
    model.ecus(world).filter(|(at, _)| world.node(*at).takes_part).all(|(at, ecu)| {
        let image = match ended {
            Ended::Committed => Image::of(world.round),
            Ended::RolledBack => world.node(at).before,
        };
        runs_only(&ecu, image)
    })
}

/// Where there is a single bank among others, it is of no transaction but its own, and no other ECU of that one.
fn untouched(model: &Model, world: &World) -> bool {
    let parts = world.nodes.iter().filter(|node| node.takes_part).count();
    model.ecus(world).all(|(at, ecu)| match world.node(at).takes_part {
        true => !ecu.has_single_bank() || parts == 1,
        false => runs_only(&ecu, world.node(at).before),
    })
}

fn runs_only(ecu: &Ecu<'_>, image: Image) -> bool {
    ecu.facts.home == Some(image) && ecu.runs() == ecu.facts.home
}

/// Where there is a single bank, its image is not even erased. A journal that was lost cannot be asked.
fn gated(model: &Model, world: &World) -> bool {
    if world.disk == Disk::Lied {
        return true;
    }
    let told = |at| world.journal.is_some_and(|journal| model.primary.has_told(journal, at));
    model.ecus(world).all(|(at, ecu)| (ecu.runs() == ecu.facts.home && ecu.holds_home()) || told(at))
}

fn decided(model: &Model, world: &World) -> bool {
    let state = world.journal.map(|journal| model.primary.facts(journal).state);
    let decided = matches!(state, Some(State::Committing | State::Committed)) || world.ended == Some(Ended::Committed);
    decided || world.disk == Disk::Lied || model.ecus(world).all(|(_, ecu)| ecu.standing() != Standing::Committed)
}

fn faithful(model: &Model, world: &World) -> bool {
    let committing = world.nodes.iter().any(|node| node.asked_in(world.round).has(Errand::Commit));
    let returning = world.nodes.iter().any(|node| node.asked_in(world.round).has(Errand::RollBack));
    let back = || model.ecus(world).any(|(_, ecu)| ecu.standing_by_phase() == Standing::RolledBack);
    !committing || (!returning && !back())
}

fn floors(model: &Model, world: &World) -> bool {
    model.ecus(world).all(|(_, ecu)| ecu.facts.home.is_some_and(|Image(number)| u64::from(number) == ecu.facts.floor))
}

/// An ECU with a single bank runs nothing while its image is on its way.
fn authorised(model: &Model, world: &World) -> bool {
    model.ecus(world).all(|(_, ecu)| ecu.has_single_bank() || ecu.runs().is_some())
}

fn voted_in_vain(model: &Model, world: &World) -> bool {
    let turning =
        world.journal.is_some_and(|journal| matches!(model.primary.facts(journal).state, State::RollingBack(_)));
    turning && model.ecus(world).any(|(_, ecu)| ecu.standing() == Standing::Healthy)
}

fn gets_its_new_image(model: &Model, world: &World) -> bool {
    let is_new = |ecu: &Ecu<'_>| ecu.runs() == Some(Image::of(world.round));
    model.ecus(world).any(|(_, ecu)| ecu.has_single_bank() && is_new(&ecu))
}

/// It gave up the new image, and runs nothing.
fn waits_for_its_old_image(model: &Model, world: &World) -> bool {
    let waits = |ecu: &Ecu<'_>| ecu.standing_by_phase() == Standing::RolledBack && ecu.runs().is_none();
    model.ecus(world).any(|(_, ecu)| ecu.has_single_bank() && waits(&ecu))
}

fn is_down(model: &Model, world: &World, state: impl Fn(State) -> bool) -> bool {
    world.primary.is_none() && world.journal.is_some_and(|journal| state(model.primary.facts(journal).state))
}

/// An ECU has committed, and the Primary starts from a journal that stands there.
fn is_older(model: &Model, world: &World, state: impl Fn(State) -> bool) -> bool {
    is_down(model, world, state) && model.ecus(world).any(|(_, ecu)| ecu.standing() == Standing::Committed)
}
