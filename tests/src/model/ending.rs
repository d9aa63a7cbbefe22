//! Whether a vehicle comes to rest once nothing more goes wrong: from here on requests arrive, answers come back, nobody
//! dies. The new image of each ECU may still be good or bad.
//!
//! Every visited world is continued so, once for every choice of bad images, step by step with every attempt counted, and
//! has to close within [`MOST_STEPS`]. What was said before cannot matter any more, so worlds that differ in that alone
//! are continued once.

use std::sync::atomic::{AtomicUsize, Ordering};

use primary_ecu::machine::transaction::Standing;

use super::ecu::Ecu;
use super::moves::answered;
use super::primary::Cue;
use super::secondary::Happening;
use super::single_bank::Extent;
use super::table::Memo;
use super::world::{Errand, Image, MOST, World};
use super::{Choice, Model};

/// Steps after which a vehicle that is not at rest never will be: every errand for every ECU, each attempt used up.
pub(super) const MOST_STEPS: usize = 400;

/// What the new image of an ECU is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Health {
    /// It boots and votes.
    Good,
    /// It boots and never votes.
    Mute,
    /// It boots and is reset before it votes.
    Crashing,
}

/// What continuing worlds has shown.
pub(super) struct Endings {
    known: Memo<World, bool>,
    longest: AtomicUsize,
}

impl Endings {
    pub(super) fn new() -> Self {
        Self { known: Memo::new(), longest: AtomicUsize::new(0) }
    }

    /// Most steps any vehicle took.
    pub(super) fn longest(&self) -> usize {
        self.longest.load(Ordering::Relaxed)
    }
}

impl Model {
    /// Whether this world comes to rest, whichever images are bad.
    pub(super) fn can_end(&self, world: &World) -> bool {
        let essence = world.essence();
        self.endings.known.get(essence, || self.healths().into_iter().all(|healths| self.ends(essence, healths)))
    }

    fn healths(&self) -> Vec<[Health; MOST]> {
        let mut all = vec![[Health::Good; MOST]];
        for at in 0..self.orders.len() {
            let with = |healths: &[Health; MOST], health| {
                let mut healths = *healths;
                if let Some(place) = healths.get_mut(at) {
                    *place = health;
                }
                healths
            };
            let kinds = [Health::Good, Health::Mute, Health::Crashing];
            all = all.iter().flat_map(|healths| kinds.map(|health| with(healths, health))).collect();
        }
        all
    }

    fn ends(&self, mut world: World, healths: [Health; MOST]) -> bool {
        for steps in 0..MOST_STEPS {
            if world.ended.is_some() {
                self.endings.longest.fetch_max(steps, Ordering::Relaxed);
                return true;
            }
            match self.go_on(&world, healths, steps) {
                Some(next) => world = next.essence(),
                None => return false,
            }
        }
        false
    }

    /// The next step; none if everybody waits for somebody else.
    fn go_on(&self, world: &World, healths: [Health; MOST], steps: usize) -> Option<World> {
        let count = self.orders.len();
        if world.primary.is_none() {
            return Some(self.learn(world, Cue::Resumed, world.journal?));
        }
        let mut turns = (0..count).map(|turn| (steps + turn) % count);
        let at = turns.find(|at| world.node(*at).awaited.is_some())?;
        let errand = world.node(at).awaited?;
        let health = healths.get(at).copied().unwrap_or(Health::Good);
        let world = self.live(world, at, health);
        let (world, cue) = self.serve(&world, at, errand);
        let world = self.live(&world, at, Health::Mute);
        Some(self.learn(&answered(&world, cue), cue, world.primary?))
    }

    fn learn(&self, world: &World, cue: Cue, from: super::table::Number) -> World {
        self.act(world, &self.primary.after(from, cue, true), Choice { next: 0, deeds: None })
    }

    /// An ECU does what it does by itself: it resets where it must, and its image shows what it is.
    fn live(&self, world: &World, at: usize, health: Health) -> World {
        let Some(ecu) = self.ecu(world, at) else { return *world };
        if ecu.must_reset() {
            let world = self.reset(world, at, true).unwrap_or(*world);
            return self.live(&world, at, health);
        }
        let changed = match health {
            _ if !ecu.facts.trying => None,
            Health::Good => self.happen(world, at, Happening::Vote),
            Health::Mute => None,
            Health::Crashing => self.reset(world, at, true),
        };
        changed.unwrap_or(*world)
    }

    /// An errand as the Primary's driver runs it: it looks where the ECU stands, asks where that is due, gives an only bank
    /// the image that it waits for, looks again.
    fn serve(&self, world: &World, at: usize, errand: Errand) -> (World, Cue) {
        let round = world.round;
        let stands = self.ecu(world, at).map_or(Standing::Absent, |ecu| ecu.standing_by_phase());
        let happening = match errand {
            Errand::Look | Errand::Stage => Happening::Whole(round),
            Errand::Activate | Errand::Commit | Errand::RollBack => Happening::Command(round, errand),
        };
        let told = match self.is_due(world, at, errand, stands) {
            false => Some(*world),
            true => self.happen(world, at, happening),
        };
        match told {
            Some(told) => {
                let world = self.hand_over(&self.live(&told, at, Health::Mute), at, errand);
                let seen = self.ecu(&world, at).map_or(Standing::Absent, |ecu| ecu.standing());
                (world, Cue::Seen(at, seen))
            }
            None => (*world, Cue::Refused(at)),
        }
    }

    /// An only bank is given the image of this errand, where it waits for one.
    fn hand_over(&self, world: &World, at: usize, errand: Errand) -> World {
        let (image, when) = match errand {
            Errand::Activate => (Image::of(world.round), Standing::Trial),
            Errand::RollBack => (world.node(at).before, Standing::RolledBack),
            Errand::Look | Errand::Stage | Errand::Commit => return *world,
        };
        let waits = |ecu: Ecu<'_>| ecu.standing_by_phase() == when && ecu.runs() != Some(image);
        let filled =
            if self.ecu(world, at).is_some_and(waits) { self.fill(world, at, image, Extent::Whole) } else { None };
        filled.map_or(*world, |filled| self.live(&filled, at, Health::Mute))
    }

    /// Whether an ECU that stands there is asked this.
    fn is_due(&self, world: &World, at: usize, errand: Errand, stands: Standing) -> bool {
        match errand {
            Errand::Look => false,
            Errand::Stage => matches!(stands, Standing::Absent | Standing::Staging),
            Errand::Activate => stands == Standing::Staged,
            Errand::Commit => stands == Standing::Healthy,
            Errand::RollBack => match stands {
                Standing::Staging | Standing::Staged | Standing::Trial | Standing::Healthy => true,
                Standing::Absent => world.primary.is_some_and(|transaction| self.primary.has_told(transaction, at)),
                Standing::Unknown | Standing::Committed | Standing::RolledBack => false,
            },
        }
    }
}
