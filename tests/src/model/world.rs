//! A state of the model: what is durable, what each side knows, and what has been said.

use primary_ecu::machine::transaction::Standing;
use secondary_ecu::flash::Bank;

use super::table::Number;

/// Most ECUs of a vehicle here.
pub(super) const MOST: usize = 3;
/// Most transactions, one after the other.
pub(super) const ROUNDS: usize = 2;

/// Everything there is at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// Which transaction it is, from 0.
    pub(super) round: usize,
    /// The transaction in the Primary's memory; none while it is down, and once all is over.
    pub(super) primary: Option<Number>,
    /// The transaction in the journal; none once all is over.
    pub(super) journal: Option<Number>,
    /// What the Primary's disk holds of the journal while it lies.
    pub(super) disk: Disk,
    /// How the transaction was closed.
    pub(super) ended: Option<Ended>,
    pub(super) nodes: [Node; MOST],
}

/// What becomes of what the Primary calls durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Disk {
    /// It stays.
    True,
    /// Since this was written, nothing stays.
    Lying(Number),
    /// The journal that came back was an older one.
    Lied,
}

impl Disk {
    /// Where the transaction is over: one that still lied has kept what it was given.
    pub(super) fn over(self) -> Self {
        match self {
            Self::True | Self::Lying(_) => Self::True,
            Self::Lied => Self::Lied,
        }
    }
}

/// The verdict a transaction was closed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ended {
    Committed,
    RolledBack,
}

/// Images by age: 0 came with the ECU, `n + 1` is what transaction `n` brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Image(pub(super) u8);

/// One ECU, and what was said between it and the Primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) body: Body,
    /// The image it ran before this transaction.
    pub(super) before: Image,
    /// Whether it has a part in this transaction.
    pub(super) takes_part: bool,
    /// What was ever asked of it, transaction by transaction: every request may arrive, or arrive again, at any time.
    pub(super) asked: [Asked; ROUNDS],
    /// What it could ever truthfully answer in this transaction: every answer may arrive late, again, or never.
    pub(super) said: Said,
    /// The errand the Primary still waits for an answer to.
    pub(super) awaited: Option<Errand>,
}

/// The ECU itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Body {
    /// No such ECU in this vehicle.
    None,
    /// Two banks: the durable state of the shipped Secondary, and the bank that runs.
    Two { state: Number, running: Bank },
    /// A single bank.
    One(OnlyBank),
}

/// An ECU with a single bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct OnlyBank {
    /// The durable state of the shipped Secondary.
    pub(super) state: Number,
    /// The image in its bank; none while there is no whole one.
    pub(super) held: Option<Image>,
    /// Which of its two images it found wanted at the last reset.
    pub(super) bank: Bank,
    /// Whether that was there, so that it runs. If not, it waits in its boot loader.
    pub(super) runs: bool,
}

impl Body {
    /// Its durable state.
    pub(super) fn state(self) -> Option<Number> {
        match self {
            Self::None => None,
            Self::Two { state, .. } => Some(state),
            Self::One(only) => Some(only.state),
        }
    }

    pub(super) fn with_state(self, state: Number) -> Self {
        match self {
            Self::None => Self::None,
            Self::Two { running, .. } => Self::Two { state, running },
            Self::One(only) => Self::One(OnlyBank { state, ..only }),
        }
    }
}

/// What a Primary asks of an ECU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Errand {
    Stage,
    Look,
    Activate,
    Commit,
    RollBack,
}

impl Errand {
    pub(super) const ALL: [Self; 5] = [Self::Stage, Self::Look, Self::Activate, Self::Commit, Self::RollBack];

    fn bit(self) -> u8 {
        1 << match self {
            Self::Stage => 0,
            Self::Look => 1,
            Self::Activate => 2,
            Self::Commit => 3,
            Self::RollBack => 4,
        }
    }
}

/// A set of [`Errand`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Asked(u8);

impl Asked {
    pub(super) fn with(self, errand: Errand) -> Self {
        Self(self.0 | errand.bit())
    }

    pub(super) fn has(self, errand: Errand) -> bool {
        self.0 & errand.bit() != 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether something was asked that is answered by a mere look, whatever the ECU knows of the transaction.
    pub(super) fn has_look(self) -> bool {
        self.0 & !Errand::Stage.bit() != 0
    }
}

/// A set of [`Standing`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Said(u8);

/// Every standing an ECU may have.
const STANDINGS: [Standing; 7] = [
    Standing::Absent,
    Standing::Staging,
    Standing::Staged,
    Standing::Trial,
    Standing::Healthy,
    Standing::Committed,
    Standing::RolledBack,
];

impl Said {
    pub(super) fn with(self, standing: Standing) -> Self {
        Self(self.0 | bit(standing))
    }

    pub(super) fn each(self) -> impl Iterator<Item = Standing> {
        STANDINGS.into_iter().filter(move |standing| self.0 & bit(*standing) != 0)
    }
}

fn bit(standing: Standing) -> u8 {
    match standing {
        Standing::Unknown => 0,
        Standing::Absent => 1,
        Standing::Staging => 1 << 1,
        Standing::Staged => 1 << 2,
        Standing::Trial => 1 << 3,
        Standing::Healthy => 1 << 4,
        Standing::Committed => 1 << 5,
        Standing::RolledBack => 1 << 6,
    }
}

impl World {
    pub(super) fn node(&self, at: usize) -> Node {
        self.nodes.get(at).copied().unwrap_or(Node::NONE)
    }

    pub(super) fn with_node(mut self, at: usize, node: Node) -> Self {
        if let Some(place) = self.nodes.get_mut(at) {
            *place = node;
        }
        self
    }

    /// The Primary loses all but its journal.
    pub(super) fn without_primary(mut self) -> Self {
        self.primary = None;
        self.nodes.iter_mut().for_each(|node| node.awaited = None);
        self
    }

    /// The Primary loses all, and its disk the journal but for an older one. What was said before is lost as well.
    pub(super) fn with_older_journal(mut self, older: Number) -> Self {
        for node in &mut self.nodes {
            node.said = Said::default();
            node.asked.iter_mut().skip(self.round).for_each(|asked| *asked = Asked::default());
        }
        Self { journal: Some(older), disk: Disk::Lied, ..self.without_primary() }
    }

    /// Only what decides how a world ends in which nothing more goes wrong.
    pub(super) fn essence(mut self) -> Self {
        for node in &mut self.nodes {
            (node.asked, node.said) = Default::default();
        }
        self
    }
}

impl Node {
    pub(super) const NONE: Self = Self {
        body: Body::None,
        before: Image(0),
        takes_part: false,
        asked: [Asked(0); ROUNDS],
        said: Said(0),
        awaited: None,
    };

    pub(super) fn asked_in(self, round: usize) -> Asked {
        self.asked.get(round).copied().unwrap_or_default()
    }

    pub(super) fn ask(mut self, round: usize, errand: Errand) -> Self {
        if let Some(asked) = self.asked.get_mut(round) {
            *asked = asked.with(errand);
        }
        self.awaited = Some(errand);
        self
    }

    pub(super) fn answered(mut self) -> Self {
        self.awaited = None;
        self
    }

    pub(super) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }
}
