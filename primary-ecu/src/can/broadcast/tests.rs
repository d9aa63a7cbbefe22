//! Errands that come, join or not, and hear or not, with the receivers that ship.

use host::disk::{Access, Disk as _, Folder};
use proto::broadcast::{Join, Receiver};
use proto::secondary::{Reply, Request};
use uptane::Sha256;

use super::*;

const IMAGE: usize = 5_000;

fn ecu(name: &str) -> EcuId {
    EcuId::parse(name).unwrap()
}

fn image() -> Vec<u8> {
    (0..IMAGE).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

fn shared() -> Shared {
    Shared { group: 0, image: Sha256::of(&image()), length: Length::new(IMAGE.try_into().unwrap()).unwrap() }
}

/// A group of these ECUs, and the folder that holds the image.
struct Rig {
    broadcast: Broadcast<Folder>,
    ecus: BTreeMap<EcuId, Door>,
    now: Duration,
    _folder: tempfile::TempDir,
}

/// An ECU that hears.
struct Door {
    receiver: Option<Receiver<3_360>>,
    held: Vec<u8>,
    /// Frames that it does not hear.
    deaf_to: std::ops::Range<usize>,
    heard: usize,
}

impl Rig {
    fn of(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Folder::create(folder.path(), Access::Private).unwrap();
        disk.replace(&shared().file(), &image()).unwrap();
        let answers = (0x6b0..).zip(names).map(|(id, name)| (ecu(name), Id::standard(id).unwrap()));
        let (framing, id) = (Framing::CLASSICAL, Id::standard(0x6a5).unwrap());
        let group = Group { framing, id, answers: answers.collect() };
        let door = |name: &&str| (ecu(name), Door { receiver: None, held: Vec::new(), deaf_to: 0..0, heard: 0 });
        let ecus = names.iter().map(door).collect();
        let mut broadcast = Broadcast::new(group, disk);
        names.iter().for_each(|name| broadcast.expect(ecu(name), &shared()));
        Self { broadcast, ecus, now: Duration::ZERO, _folder: folder }
    }

    fn calls(&mut self) -> Vec<(EcuId, Call)> {
        std::iter::from_fn(|| self.broadcast.call()).collect()
    }

    fn join(&mut self, name: &str) {
        let ecu = ecu(name);
        let (session, answer) = self.broadcast.invitation(ecu).unwrap();
        let door = self.ecus.get_mut(&ecu).unwrap();
        let from = Length::new(door.held.len().try_into().unwrap()).unwrap();
        let join = Join { session, answer, from, length: shared().length, chunk: 500 };
        door.receiver = Some(Receiver::new(join, self.now).unwrap());
        let member = Member { answer, from, window: 1_680, separation: Duration::ZERO };
        self.broadcast.joined(ecu, Some(member), self.now);
    }

    /// Says what is due, until nothing is any more or somebody is called.
    fn run(&mut self) -> Vec<(EcuId, Call)> {
        loop {
            let said = self.broadcast.poll(self.now);
            let calls = self.calls();
            if !calls.is_empty() {
                return calls;
            }
            match said {
                Some(frame) => self.hear(&frame),
                None => match self.broadcast.deadline() {
                    Some(due) => self.now = self.now.max(due),
                    None => return vec![],
                },
            }
        }
    }

    fn hear(&mut self, frame: &Frame) {
        for door in self.ecus.values_mut() {
            let Some(receiver) = &mut door.receiver else { continue };
            door.heard += 1;
            if !door.deaf_to.contains(&door.heard) {
                receiver.handle(frame, self.now);
            }
            while let Some(answer) = receiver.poll() {
                self.broadcast.handle(&answer, self.now);
            }
            let held = &mut door.held;
            while receiver.hand_over(&mut |request: Request<'_>| {
                let Request::Chunk(offset, data) = request else { return Reply::Done };
                assert_eq!(offset.get(), u64::try_from(held.len()).unwrap());
                held.extend_from_slice(data);
                Reply::Taken(Length::new(held.len().try_into().unwrap()).unwrap())
            }) {}
        }
    }
}

fn called(names: &[&str], call: Call) -> Vec<(EcuId, Call)> {
    names.iter().map(|name| (ecu(name), call)).collect()
}

#[test]
fn nobody_is_called_before_all_who_are_expected_have_come_or_left() {
    let mut rig = Rig::of(&["a", "b", "c"]);
    rig.broadcast.arrive(ecu("a"));
    rig.broadcast.arrive(ecu("b"));
    assert_eq!((rig.run(), rig.broadcast.deadline()), (vec![], None));
    rig.broadcast.leave(ecu("c"));
    assert_eq!(rig.run(), called(&["a", "b"], Call::Together));
}

#[test]
fn one_for_whom_nobody_else_comes_goes_on_alone() {
    let mut rig = Rig::of(&["a", "b"]);
    rig.broadcast.leave(ecu("b"));
    rig.broadcast.arrive(ecu("a"));
    assert_eq!(rig.run(), called(&["a"], Call::Alone));
}

#[test]
fn those_who_join_hear_the_image_and_are_called_when_they_have_it() {
    let mut rig = Rig::of(&["a", "b", "c"]);
    ["a", "b", "c"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    assert_eq!(rig.run(), called(&["a", "b", "c"], Call::Together));
    ["a", "b", "c"].into_iter().for_each(|name| rig.join(name));
    assert_eq!(rig.run(), called(&["a", "b", "c"], Call::Complete));
    assert!(rig.ecus.values().all(|door| door.held == image()));
    assert_eq!(rig.run(), []);
}

#[test]
fn who_does_not_join_is_not_waited_for() {
    let mut rig = Rig::of(&["a", "b", "c"]);
    ["a", "b", "c"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    rig.calls();
    rig.broadcast.joined(ecu("b"), None, rig.now);
    assert_eq!(rig.run(), called(&["b"], Call::Dropped));
    rig.join("a");
    rig.join("c");
    assert_eq!(rig.run(), called(&["a", "c"], Call::Complete));
    assert_eq!(rig.now.as_secs(), 0);
}

#[test]
fn one_alone_that_joins_is_brought_the_image_by_itself() {
    let mut rig = Rig::of(&["a", "b"]);
    ["a", "b"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    rig.calls();
    rig.join("a");
    rig.broadcast.joined(ecu("b"), None, rig.now);
    assert_eq!(rig.run(), called(&["b", "a"], Call::Dropped));
}

#[test]
fn who_is_slow_to_join_is_waited_for_so_long_and_then_hears_the_rest_and_the_beginning_after_it() {
    let mut rig = Rig::of(&["a", "b", "c"]);
    ["a", "b", "c"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    rig.calls();
    rig.join("a");
    rig.join("b");
    assert_eq!(rig.broadcast.deadline(), Some(PATIENCE));
    for _ in 0..400 {
        if let Some(frame) = rig.broadcast.poll(rig.now) {
            rig.hear(&frame);
        } else {
            rig.now = rig.now.max(rig.broadcast.deadline().unwrap());
        }
    }
    assert!(rig.now >= PATIENCE && !rig.ecus[&ecu("a")].held.is_empty());
    rig.join("c");
    assert_eq!(rig.run(), called(&["a", "b"], Call::Complete));
    assert_eq!(rig.run(), called(&["c"], Call::Complete));
    assert_eq!(rig.ecus[&ecu("c")].held, image());
}

#[test]
fn frames_that_one_loses_are_said_again_and_one_that_hears_nothing_more_is_dropped() {
    let mut rig = Rig::of(&["a", "b"]);
    rig.ecus.get_mut(&ecu("a")).unwrap().deaf_to = 100..140;
    rig.ecus.get_mut(&ecu("b")).unwrap().deaf_to = 300..usize::MAX;
    ["a", "b"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    rig.calls();
    rig.join("a");
    rig.join("b");
    assert_eq!(rig.run(), called(&["b"], Call::Dropped));
    assert_eq!(rig.run(), called(&["a"], Call::Complete));
    assert_eq!((rig.ecus[&ecu("a")].held.as_slice(), rig.ecus[&ecu("b")].held.len()), (&image()[..], 1_680));
}

#[test]
fn a_bus_that_takes_nothing_and_a_file_that_cannot_be_read_leave_everybody_to_its_own_errand() {
    for has_file in [true, false] {
        let mut rig = Rig::of(&["a", "b"]);
        ["a", "b"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
        rig.calls();
        rig.join("a");
        rig.join("b");
        match has_file {
            true => {
                assert!(rig.broadcast.poll(rig.now).is_some());
                rig.broadcast.give_up();
            }
            false => rig.broadcast.disk.remove(&shared().file()).unwrap(),
        }
        assert_eq!(rig.run(), called(&["a", "b"], Call::Dropped));
    }
}

#[test]
fn another_image_ends_what_was_before_and_has_a_session_of_its_own() {
    let mut rig = Rig::of(&["a", "b"]);
    ["a", "b"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    rig.calls();
    rig.join("a");
    let (before, _) = rig.broadcast.invitation(ecu("a")).unwrap();
    let other = Shared { image: Sha256([1; 32]), ..shared() };
    rig.broadcast.expect(ecu("a"), &other);
    assert_eq!(rig.calls(), called(&["a"], Call::Dropped));
    rig.broadcast.joined(ecu("b"), None, rig.now);
    assert_eq!(rig.calls(), called(&["b"], Call::Dropped));
    rig.broadcast.expect(ecu("b"), &other);
    ["a", "b"].into_iter().for_each(|name| rig.broadcast.arrive(ecu(name)));
    assert_eq!(rig.run(), called(&["a", "b"], Call::Together));
    assert_ne!(rig.broadcast.invitation(ecu("a")).unwrap().0.number, before.number);
}
