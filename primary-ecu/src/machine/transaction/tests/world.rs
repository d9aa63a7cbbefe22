//! A vehicle in a world that loses messages, doubles them, and kills whom it likes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A Secondary as design D8 describes it.
#[derive(Clone, Copy, Debug)]
struct Ecu {
    standing: Standing,
    sick: bool,
    /// What it ran before it was told anything at all.
    switched: bool,
}

impl Ecu {
    fn ask(&mut self, action: Action) -> Event {
        let (ecu, next) = match (action, self.standing) {
            (Action::Stage(ecu, _), Standing::Absent) => (ecu, Standing::Staged),
            (Action::Activate(ecu, _), Standing::Staged) => (ecu, Standing::Trial),
            (Action::Look(ecu, _), Standing::Trial) if !self.sick => (ecu, Standing::Healthy),
            (Action::Look(ecu, _), Standing::Trial) => (ecu, Standing::RolledBack),
            (Action::Commit(ecu, _), Standing::Healthy) => (ecu, Standing::Committed),
            (Action::RollBack(ecu, _), Standing::Absent | Standing::Staged | Standing::Trial | Standing::Healthy) => {
                (ecu, Standing::RolledBack)
            }
            (
                Action::Stage(ecu, _)
                | Action::Look(ecu, _)
                | Action::Activate(ecu, _)
                | Action::Commit(ecu, _)
                | Action::RollBack(ecu, _),
                standing,
            ) => (ecu, standing),
            (Action::Record | Action::Close, _) => unreachable!("not said to an ECU"),
        };
        self.standing = next;
        self.switched = matches!(next, Standing::Trial | Standing::Healthy | Standing::Committed);
        Event::Seen(ecu, next)
    }

    /// A reset on trial returns to the old image; before that the image in the inactive bank stays.
    fn reset(&mut self) {
        if self.standing == Standing::Trial {
            (self.standing, self.switched) = (Standing::RolledBack, false);
        }
    }
}

/// What the world does next.
#[derive(Clone, Debug)]
enum Fate {
    /// Errand `n` of those under way reaches its ECU and is answered.
    Answer(prop::sample::Index),
    /// Errand `n` reaches its ECU; the answer is lost.
    LoseAnswer(prop::sample::Index),
    /// Errand `n` reaches its ECU and is answered twice.
    Twice(prop::sample::Index),
    /// Errand `n` never arrives.
    Lose(prop::sample::Index),
    /// The Primary is killed; everything under way is gone.
    KillPrimary,
    /// The Primary is killed, and finds journal `n` of all it wrote: its disk did not keep those after it.
    Forget(prop::sample::Index),
    /// A Secondary is reset.
    Reset(prop::sample::Index),
}

fn fate() -> impl Strategy<Value = Fate> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        12 => any().prop_map(Fate::Answer),
        2 => any().prop_map(Fate::LoseAnswer),
        2 => any().prop_map(Fate::Twice),
        2 => any().prop_map(Fate::Lose),
        1 => Just(Fate::KillPrimary),
        1 => any().prop_map(Fate::Forget),
        1 => any().prop_map(Fate::Reset),
    ]
}

struct World {
    ecus: BTreeMap<EcuId, Ecu>,
    primary: Transaction,
    /// What survives the Primary.
    journal: Transaction,
    /// All journals it wrote.
    written: Vec<Transaction>,
    /// It has written that it is decided.
    is_decided: bool,
    under_way: Vec<Action>,
}

impl World {
    fn new(orders: &[u64], sick: Option<usize>) -> Self {
        let (primary, actions) = opened(orders);
        let sick = |n: usize| sick == Some(n);
        let standing = Standing::Absent;
        let ecus =
            (0..).take(orders.len()).map(|n| (ecu(n), Ecu { standing, sick: sick(usize::from(n)), switched: false }));
        let (ecus, journal, under_way) = (ecus.collect(), primary.clone(), Vec::new());
        let mut world = Self { ecus, journal, written: vec![primary.clone()], is_decided: false, primary, under_way };
        world.carry_out(actions, usize::MAX);
        world
    }

    /// Carries out actions in order; the Primary dies once `writes` journal writes are done, before the next one.
    fn carry_out(&mut self, actions: Vec<Action>, mut writes: usize) {
        for action in actions {
            match action {
                Action::Record if writes == 0 => return self.kill(),
                Action::Record => {
                    writes -= 1;
                    self.journal = self.primary.clone();
                    self.written.push(self.primary.clone());
                    self.is_decided |= matches!(self.primary.state, State::Committing);
                }
                Action::Close => self.under_way.clear(),
                Action::Stage(..)
                | Action::Look(..)
                | Action::Activate(..)
                | Action::Commit(..)
                | Action::RollBack(..) => self.under_way.push(action),
            }
        }
    }

    fn kill(&mut self) {
        self.under_way.clear();
        let (primary, actions) = step(&self.journal, Event::Resumed);
        self.primary = primary;
        self.carry_out(actions, usize::MAX);
    }

    fn tell(&mut self, event: Event, writes: usize) {
        let (next, actions) = step(&self.primary, event);
        self.primary = next;
        self.carry_out(actions, writes);
    }

    fn ecu(&mut self, action: Action) -> &mut Ecu {
        let (Action::Stage(ecu, _)
        | Action::Look(ecu, _)
        | Action::Activate(ecu, _)
        | Action::Commit(ecu, _)
        | Action::RollBack(ecu, _)) = action
        else {
            unreachable!("only errands are under way")
        };
        self.ecus.get_mut(&ecu).unwrap()
    }

    fn happen(&mut self, fate: &Fate, writes: usize) {
        let count = self.under_way.len();
        let pick = |index: &prop::sample::Index| index.index(count);
        match fate {
            Fate::KillPrimary => self.kill(),
            Fate::Forget(index) => {
                self.written.truncate(index.index(self.written.len()) + 1);
                self.journal = self.written.last().unwrap().clone();
                self.kill();
            }
            Fate::Reset(index) => {
                let ecu = ecu(u8::try_from(index.index(self.ecus.len())).unwrap());
                self.ecus.get_mut(&ecu).unwrap().reset();
            }
            Fate::Answer(_) | Fate::LoseAnswer(_) | Fate::Twice(_) | Fate::Lose(_) if count == 0 => {}
            Fate::Answer(index) | Fate::Twice(index) => {
                let errand = self.under_way.swap_remove(pick(index));
                let seen = self.ecu(errand).ask(errand);
                self.tell(seen, writes);
                if matches!(fate, Fate::Twice(_)) {
                    self.tell(seen, writes);
                }
            }
            Fate::LoseAnswer(index) | Fate::Lose(index) => {
                let errand = self.under_way.swap_remove(pick(index));
                if let (Fate::LoseAnswer(_), ecu) = (fate, self.ecu(errand)) {
                    ecu.ask(errand);
                }
                let (Action::Stage(ecu, _)
                | Action::Look(ecu, _)
                | Action::Activate(ecu, _)
                | Action::Commit(ecu, _)
                | Action::RollBack(ecu, _)) = errand
                else {
                    unreachable!("only errands are under way")
                };
                self.tell(Event::Unreachable(ecu), writes);
            }
        }
    }

    fn check(&self) {
        let committed = self.ecus.values().filter(|ecu| ecu.standing == Standing::Committed).count();
        if !self.is_decided {
            assert_eq!(committed, 0, "committed without a journalled decision");
        }
        let switched = self.ecus.values().filter(|ecu| ecu.switched).count();
        match self.primary.state {
            State::Committed => assert_eq!(committed, self.ecus.len(), "closed as committed, but mixed"),
            State::RolledBack(_) => assert_eq!(switched, 0, "closed as rolled back, but mixed"),
            State::Staging
            | State::Verifying
            | State::Activating(_)
            | State::Voting
            | State::Committing
            | State::RollingBack(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_vehicle_is_closed_mixed_whatever_is_lost_doubled_killed_or_forgotten(
        orders in prop::collection::vec(0u64..3, 1..5),
        sick in prop::option::of(0usize..5),
        fates in prop::collection::vec((fate(), 0usize..4), 0..120),
        any in any::<prop::sample::Index>(),
    ) {
        let mut world = World::new(&orders, sick);
        for (fate, writes) in &fates {
            world.happen(fate, *writes);
            world.check();
        }
        // From here on the world is kind, and the vehicle must come to rest.
        for _ in 0..1_000 {
            if world.primary.is_closed() {
                break;
            }
            world.happen(&Fate::Answer(any), usize::MAX);
            world.check();
        }
        prop_assert!(world.primary.is_closed(), "{:?}", world.primary);
    }
}
