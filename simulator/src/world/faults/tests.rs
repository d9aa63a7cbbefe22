use proptest::prelude::*;

use super::*;
use crate::world::chance::Chance;
use crate::world::disk::{Cut, Point, Unsynced, VirtualDisk};
use crate::world::flash::{Chip, Endurance, Timings, Torn};
use crate::world::shrink::{Outcome, Simplify as _};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Node {
    Primary,
    Secondary(u8),
}

impl Victim for Node {
    fn suffers(&self, kind: Kind) -> bool {
        let flash = matches!(kind, Kind::FlashCut | Kind::FlashRot | Kind::FlashWornOut);
        let disk =
            matches!(kind, Kind::DiskCut | Kind::DiskFull | Kind::DiskRefused | Kind::DiskRot | Kind::SyncBroken);
        match self {
            Self::Primary => !flash,
            Self::Secondary(_) => !disk,
        }
    }
}

const NODES: [Node; 3] = [Node::Primary, Node::Secondary(1), Node::Secondary(2)];

fn scope() -> Scope {
    Scope {
        faults: 4..=16,
        until: Moment::from_nanos(3_600_000_000_000),
        events: 500,
        disk_operations: 200,
        flash_operations: 300,
        messages: 400,
        frames: 9_000,
    }
}

fn all() -> Mix {
    Kind::ALL.into_iter().fold(Mix::none(), |mix, kind| mix.with(kind, 1))
}

fn plan(seed: u64) -> Plan<Node> {
    all().draw(&mut Chance::seeded(seed).split("faults"), &NODES, &scope())
}

fn one(node: Node, blow: Blow) -> Plan<Node> {
    Plan { faults: vec![Fault { node, blow }] }
}

proptest! {
    #[test]
    fn a_plan_is_drawn_alike_from_the_same_seed_and_read_back_as_it_was_written(seed: u64) {
        let plan = plan(seed);
        prop_assert_eq!(&plan, &self::plan(seed));
        let text = serde_json::to_string(&plan).unwrap();
        prop_assert_eq!(serde_json::from_str::<Plan<Node>>(&text).unwrap(), plan);
    }

    #[test]
    fn no_node_is_struck_by_what_it_does_not_suffer_and_the_number_is_in_scope(seed: u64) {
        let plan = plan(seed);
        prop_assert!((4..=16).contains(&plan.faults.len()));
        prop_assert!(plan.faults.iter().all(|fault| fault.node.suffers(fault.blow.kind())));
    }

    #[test]
    fn making_faults_simpler_comes_to_an_end(seed: u64) {
        for mut fault in plan(seed).faults {
            let mut steps = 0;
            while let Some(simpler) = fault.simpler().into_iter().last() {
                prop_assert_eq!(simpler.node, fault.node);
                prop_assert_eq!(simpler.blow.kind(), fault.blow.kind());
                // The last is the smallest step; from a large number there are too many of them to take each.
                let smallest = fault.simpler().into_iter().nth(1).filter(|_| steps % 2 == 0);
                fault = smallest.unwrap_or(simpler);
                steps += 1;
                prop_assert!(steps < 500, "{:?}", fault);
            }
        }
    }

    #[test]
    fn a_plan_is_shrunk_to_the_faults_that_matter(seed: u64, first in 0_usize..4, second in 0_usize..4) {
        let plan = plan(seed);
        let needed = [&plan.faults[first], &plan.faults[second]].map(|fault| (fault.node, fault.blow.kind()));
        let fails = |plan: &Plan<Node>| {
            let there = |needed: &(Node, Kind)| plan.faults.iter().any(|f| (f.node, f.blow.kind()) == *needed);
            if needed.iter().all(there) { Outcome::Fails } else { Outcome::Passes }
        };
        let shrunk = plan.shrink(5_000, fails).unwrap();
        prop_assert!(shrunk.is_minimal);
        prop_assert_eq!(shrunk.items.len(), if needed[0] == needed[1] { 1 } else { 2 });
        prop_assert!(shrunk.items.iter().all(|fault| fault.simpler().is_empty()));
    }
}

#[test]
fn every_kind_is_drawn_about_as_often_as_its_weight_says() {
    let mix = Mix::none().with(Kind::Reset, 3).with(Kind::LinkCut, 1).with(Kind::PowerLoss, 0);
    let mut chance = Chance::seeded(1);
    let plan = mix.draw(&mut chance, &NODES, &Scope { faults: 4_000..=4_000, ..scope() });
    let count = |kind| plan.faults.iter().filter(|fault| fault.blow.kind() == kind).count();
    assert!((2_900..3_100).contains(&count(Kind::Reset)));
    assert_eq!((count(Kind::LinkCut) + count(Kind::Reset), count(Kind::PowerLoss)), (4_000, 0));
}

#[test]
fn the_default_mix_draws_each_of_its_kinds_and_no_other() {
    let plan = Mix::default().draw(&mut Chance::seeded(1), &NODES, &Scope { faults: 2_000..=2_000, ..scope() });
    let drawn: std::collections::BTreeSet<_> = plan.faults.iter().map(|fault| fault.blow.kind()).collect();
    assert!(Mix::default().kinds().eq(drawn));
    assert_eq!(Mix::default().kinds().count(), 14);
}

#[test]
fn nobody_who_suffers_nothing_of_a_mix_is_struck() {
    let mix = Mix::none().with(Kind::FlashCut, 1);
    assert_eq!(mix.draw(&mut Chance::seeded(1), &[Node::Primary], &scope()), Plan::default());
}

#[test]
fn a_fault_is_written_as_a_reader_would() {
    let blow = Blow::Node {
        when: When::At(Moment::from_nanos(5)),
        fault: NodeFault::PowerLoss { pause: Duration::from_micros(7), unsynced: Unsynced::Lost },
    };
    let text = serde_json::to_string(&one(Node::Secondary(2), blow)).unwrap();
    assert_eq!(
        text,
        r#"[{"node":{"secondary":2},"blow":{"node":{"when":{"at":5},"fault":{"power-loss":{"pause":7000,"unsynced":"lost"}}}}}]"#
    );
}

#[test]
fn kinds_are_named_as_they_are_written() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
    }
    assert!(Kind::ALL.is_sorted());
}

#[test]
fn a_fault_strikes_its_node_at_its_event_and_only_once() {
    let blow = Blow::Node { when: When::Event(2), fault: NodeFault::Reset };
    let mut armed = Armed::new(&one(Node::Secondary(1), blow));
    let struck: Vec<_> = (0..5).map(|_| armed.at_event(&Node::Secondary(1)).len()).collect();
    assert_eq!(struck, [0, 0, 1, 0, 0]);
    assert!((0..5).all(|_| armed.at_event(&Node::Secondary(2)).is_empty()));
    assert_eq!((armed.tally().of(Kind::Reset), armed.tally().total()), (1, 1));
    assert_eq!(armed.tally().to_string(), "reset 1");
}

#[test]
fn messages_and_frames_are_counted_apart() {
    let lost = Blow::Message { number: 1, fault: MessageFault::Lost };
    let mut armed = Armed::new(&one(Node::Primary, lost));
    assert!(armed.at_message(&Node::Primary).is_empty());
    assert!(armed.at_frame(&Node::Primary).is_empty() && armed.at_frame(&Node::Primary).is_empty());
    assert_eq!(armed.at_message(&Node::Primary), [MessageFault::Lost]);
}

#[test]
fn a_fault_of_a_moment_is_taken_once() {
    let at = Moment::from_nanos(9);
    let blow = Blow::Node { when: When::At(at), fault: NodeFault::SyncBroken };
    let mut armed = Armed::new(&one(Node::Primary, blow));
    assert_eq!(armed.timed().collect::<Vec<_>>(), [(at, 0)]);
    assert_eq!(armed.take(0), Some((Node::Primary, NodeFault::SyncBroken)));
    assert_eq!((armed.take(0), armed.take(1)), (None, None));
}

#[test]
fn devices_are_armed_with_the_mishaps_of_their_node_and_tell_which_they_had() {
    use embedded_storage::nor_flash::NorFlash as _;
    use host::disk::Disk as _;

    let cut = disk::Mishap::Cut(Cut { point: Point::Before, unsynced: Unsynced::Lost });
    let torn = flash::Mishap::Cut(Torn::Half);
    let mut plan = one(Node::Primary, Blow::Disk { operation: 1, mishap: cut });
    plan.faults.extend(one(Node::Secondary(1), Blow::Flash { operation: 0, mishap: torn }).faults);
    let mut armed = Armed::new(&plan);
    let mut disk = VirtualDisk::new(1 << 16, Chance::seeded(1));
    let mut chip = Chip::<8, 64>::new(256, Timings::NONE, Endurance::ENDLESS, Chance::seeded(1));
    armed.arm_disk(&Node::Primary, &disk);
    armed.arm_flash(&Node::Secondary(1), &chip);
    assert!(disk.replace("a", b"").is_err() && chip.erase(0, 64).is_err());
    armed.disk_had(&Node::Primary, &disk.take_fired());
    armed.flash_had(&Node::Secondary(1), &chip.take_fired());
    assert_eq!(armed.tally().to_string(), "disk-cut 1, flash-cut 1");
}
