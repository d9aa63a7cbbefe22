//! The vehicle transaction (design D8) under a model checker: every state that a Primary and its Secondaries can get into
//! is visited, however messages are lost, doubled, late or out of order, and whoever dies when.
//!
//! What moves is the code that ships: the Primary's [`step`](primary_ecu::machine::transaction::step) and its journal, the
//! Secondary's [`transaction`](secondary_ecu::transaction) over its durable state, and signed commands. Around them the
//! model is as unkind as can be: whatever was ever asked of an ECU may arrive at any time and any number of times, in the next
//! transaction too, as if somebody recorded all that is on the bus and played it again; whatever an ECU could ever
//! truthfully answer may be heard at any time, or never; an ECU may refuse anything. So there is no network to keep, only
//! sets that grow.
//!
//! An ECU with a single bank runs nothing between its old image and its new one. Who takes part in a transaction is for the
//! shipped rule to say: such an ECU comes after all others and by itself.
//!
//! The Primary's disk may lie ([`Setting::lies`]): then the journal that a dead Primary finds is an older one. It is taken then
//! that an ECU can be asked before attempts at it are used up and refuses only what it could not do, and that nothing that
//! was said in this transaction before arrives afterwards: what the Primary signed and forgot nobody has recorded.
//!
//! Left out: what comes before a transaction (verifying metadata, fetching images) and how requests become bytes; flash
//! that fails.

mod ecu;
mod ending;
mod moves;
mod primary;
mod properties;
mod secondary;
mod single_bank;
mod table;
mod world;

use std::collections::BTreeMap;

use anyhow::Result;
use stateright::{Checker, HasDiscoveries, Property};

use ending::Endings;
use moves::Move;
use primary::Primary;
use secondary::Secondaries;
use world::{Body, Disk, Image, MOST, Node, OnlyBank, World};

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The order in which each ECU is activated; there are as many ECUs.
    pub orders: &'static [u64],
    /// The ECU with a single bank, if there is one.
    pub single_bank: Option<usize>,
    /// Transactions, one after the other: 1 or 2.
    pub rounds: usize,
    /// Whether the Primary's disk may lie, once: what it called durable is lost with the power, and the journal is an older
    /// one.
    pub lies: bool,
    /// Planted, to see it found.
    pub fault: Option<Fault>,
}

/// A fault in the product, planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The Primary acts first and writes the journal afterwards.
    RecordLast,
    /// A Secondary obeys commands of other transactions than the open one.
    UnboundCommands,
    /// A Secondary that voted healthy goes back by itself at the next reset.
    ForgottenVote,
    /// A Secondary with a single bank takes the image before it is told to activate.
    OpenGate,
    /// The Primary takes a Secondary with a single bank for back before that has its old image.
    BackTooSoon,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Worlds looked at, each as often as it was reached.
    pub generated: usize,
    /// Different worlds.
    pub unique: usize,
    /// Moves on the shortest way to the farthest.
    pub depth: usize,
    /// How long it took.
    pub seconds: f64,
    /// Different states of the transaction.
    pub transactions: usize,
    /// Different durable states of Secondaries.
    pub secondaries: usize,
    /// Most steps from any world to rest.
    pub longest: usize,
    /// Whether every world was visited.
    pub complete: bool,
    /// What had to hold, with the way to where it does not.
    pub always: BTreeMap<&'static str, Option<Vec<String>>>,
    /// What had to be met, and whether it was.
    pub sometimes: BTreeMap<&'static str, bool>,
}

/// How an outcome goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Choice {
    /// Which of the transactions that may follow.
    next: usize,
    /// After how many deeds the Primary dies.
    deeds: Option<usize>,
}

/// A vehicle.
struct Model {
    orders: &'static [u64],
    rounds: usize,
    lies: bool,
    primary: Primary,
    secondaries: Secondaries,
    endings: Endings,
    fault: Option<Fault>,
    first: World,
}

/// Visits every world of this vehicle, or stops at the first violation.
pub fn check(setting: Setting, threads: usize) -> Result<Found> {
    let watch = host::clock::stopwatch();
    let model = Model::new(setting)?;
    let checker = stateright::Model::checker(model).threads(threads).finish_when(HasDiscoveries::AnyFailures);
    let checker = checker.spawn_bfs().join();
    let discoveries = checker.discoveries();
    let model = checker.model();
    let properties = stateright::Model::properties(model);
    let way = |name| {
        let path: Option<&stateright::Path<World, Move>> = discoveries.get(name);
        path.map(|path| path.clone().into_actions().iter().map(|step| format!("{:?}", step.0)).collect())
    };
    let of = |expectation| properties.iter().filter(move |property| property.expectation == expectation);
    let always: BTreeMap<_, _> =
        of(stateright::Expectation::Always).map(|property| (property.name, way(property.name))).collect();
    Ok(Found {
        generated: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        seconds: watch.elapsed().as_secs_f64(),
        transactions: model.primary.count(),
        secondaries: model.secondaries.count(),
        longest: model.endings.longest(),
        complete: checker.is_done() && always.values().all(Option::is_none),
        always,
        sometimes: of(stateright::Expectation::Sometimes)
            .map(|property| (property.name, discoveries.contains_key(property.name)))
            .collect(),
    })
}

impl Model {
    fn new(setting: Setting) -> Result<Self> {
        let Setting { orders, single_bank, rounds, lies, fault } = setting;
        let (primary, secondaries) = (Primary::new(setting), Secondaries::new(single_bank, fault)?);
        let state = secondaries.first()?;
        let bank = secondaries.facts(state).wanted;
        let mut nodes = [Node::NONE; MOST];
        for (at, node) in nodes.iter_mut().enumerate().take(orders.len()) {
            node.body = match single_bank == Some(at) {
                true => Body::One(OnlyBank { state, held: Some(Image(0)), bank, runs: true }),
                false => Body::Two { state, running: bank },
            };
        }
        let first = World { round: 0, primary: None, journal: None, disk: Disk::True, ended: None, nodes };
        Ok(Self { orders, rounds, lies, primary, secondaries, endings: Endings::new(), fault, first })
    }
}

impl stateright::Model for Model {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        let all = Choice { next: 0, deeds: None };
        let recorded = Choice { next: 0, deeds: Some(1) };
        [all, recorded].map(|choice| self.open(&self.first, choice)).to_vec()
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        self.moves(world, moves);
    }

    fn next_state(&self, world: &World, step: Move) -> Option<World> {
        self.make(world, step.0).filter(|next| next != world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(self)
    }
}

#[cfg(test)]
mod tests;
