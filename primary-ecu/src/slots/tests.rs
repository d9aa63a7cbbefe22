use std::fs;
use std::path::PathBuf;

use host::disk::{Access, Disk as _, Folder};
use uptane::{ImageLine, Length, ReleaseCounter, TargetNameBuf};

use super::*;

fn image(bytes: &[u8], name: &str) -> MemberImage {
    MemberImage {
        name: TargetNameBuf::parse(name).unwrap(),
        length: Length::new(u64::try_from(bytes.len()).unwrap()).unwrap(),
        sha256: Sha256::of(bytes),
        line: ImageLine::parse("gateway").unwrap(),
        counter: ReleaseCounter::new(1).unwrap(),
    }
}

struct Bench {
    folder: tempfile::TempDir,
    slots: Slots<Folder>,
    new: MemberImage,
    source: PathBuf,
}

/// Where the image is that is staged.
const SOURCE: &str = "downloads/image";

const TRANSACTION: TransactionId = TransactionId([5; 16]);

fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut place = Folder::create(folder.path().join("data"), Access::Private).unwrap();
    place.append(SOURCE, b"old image").unwrap();
    let old = image(b"old image", "gateway/1");
    let slots = Slots::create(place.clone(), &old, pieces(&place, SOURCE)).unwrap();
    let source = place.place(SOURCE);
    fs::write(&source, b"new image").unwrap();
    Bench { folder, slots, new: image(b"new image", "gateway/2"), source }
}

impl Bench {
    fn reboot(&mut self) {
        let place = Folder::open(self.folder.path().join("data"), Access::Private).unwrap();
        self.slots = Slots::boot(place).unwrap();
    }

    fn runs(&self) -> String {
        self.slots.running().unwrap().name.to_string()
    }
}

#[test]
fn a_new_image_is_staged_tried_and_committed() {
    let mut bench = bench();
    assert_eq!(bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap(), Standing::Staged);
    assert_eq!(bench.runs(), "gateway/1");
    assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::Healthy);
    bench.reboot();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Healthy, "gateway/2"));
    assert_eq!(bench.slots.commit(TRANSACTION).unwrap(), Standing::Committed);
    bench.reboot();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Committed, "gateway/2"));
}

impl Bench {
    /// Tears the file of the state that was written last, of so many.
    fn tear(&self, writes: u32) {
        fs::write(self.folder.path().join(format!("data/state/slots.{}.json", writes % 2)), b"").unwrap();
    }
}

#[test]
fn where_the_record_of_a_vote_is_lost_the_image_votes_again() {
    let mut bench = bench();
    bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
    bench.slots.activate(TRANSACTION).unwrap();
    // Created, staged, on trial, healthy.
    bench.tear(4);
    bench.reboot();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Healthy, "gateway/2"));
    assert_eq!(bench.slots.take_damaged().len(), 1);
}

#[test]
fn where_the_record_of_an_end_is_lost_the_image_ends_as_its_transaction_did() {
    for (was_committed, stands, runs) in [
        (Some(true), Standing::Committed, "gateway/2"),
        (Some(false), Standing::RolledBack, "gateway/1"),
        (None, Standing::Healthy, "gateway/2"),
    ] {
        let mut bench = bench();
        bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
        bench.slots.activate(TRANSACTION).unwrap();
        bench.slots.roll_back(TRANSACTION).unwrap();
        bench.tear(5);
        bench.reboot();
        bench.slots.settle(|transaction| was_committed.filter(|_| transaction == TRANSACTION.to_string())).unwrap();
        assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (stands, runs));
    }
}

#[test]
fn an_image_on_trial_stays_so_where_nothing_was_lost() {
    let mut bench = bench();
    bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
    bench.slots.activate(TRANSACTION).unwrap();
    bench.reboot();
    bench.slots.settle(|_| Some(false)).unwrap();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Healthy, "gateway/2"));
}

#[test]
fn slots_that_say_less_than_the_decision_to_commit_catch_up() {
    let absent = bench();
    let mut staged = bench();
    staged.slots.stage(TRANSACTION, &staged.new, SOURCE).unwrap();
    let mut given_up = bench();
    given_up.slots.stage(TRANSACTION, &given_up.new, SOURCE).unwrap();
    given_up.slots.activate(TRANSACTION).unwrap();
    given_up.slots.roll_back(TRANSACTION).unwrap();
    let mut torn = bench();
    torn.slots.stage(TRANSACTION, &torn.new, SOURCE).unwrap();
    fs::write(torn.folder.path().join("data/slots/b"), b"new").unwrap();
    for mut bench in [absent, staged, given_up, torn] {
        assert_ne!(bench.slots.commit(TRANSACTION).unwrap(), Standing::Committed);
        assert_eq!(bench.slots.catch_up(TRANSACTION, &bench.new, SOURCE).unwrap(), Standing::Committed);
        bench.reboot();
        assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Committed, "gateway/2"));
    }
}

#[test]
fn slots_do_not_catch_up_to_other_bytes_than_the_verified_ones() {
    let mut bench = bench();
    fs::write(&bench.source, b"bad image").unwrap();
    assert!(bench.slots.catch_up(TRANSACTION, &bench.new, SOURCE).is_err());
    bench.reboot();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::Absent, "gateway/1"));
}

#[test]
fn a_reset_on_trial_returns_to_the_old_image() {
    let mut bench = bench();
    bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
    bench.slots.state.active = Slot::B;
    bench.slots.enter(Phase::Trial).unwrap();
    bench.reboot();
    assert_eq!((bench.slots.look(TRANSACTION), bench.runs().as_str()), (Standing::RolledBack, "gateway/1"));
}

#[test]
fn a_roll_back_returns_to_the_old_image_from_every_phase() {
    for activate in [false, true] {
        let mut bench = bench();
        bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
        if activate {
            bench.slots.activate(TRANSACTION).unwrap();
        }
        assert_eq!(bench.slots.roll_back(TRANSACTION).unwrap(), Standing::RolledBack);
        bench.reboot();
        assert_eq!(bench.runs(), "gateway/1");
    }
}

#[test]
fn a_staged_image_that_changed_since_is_not_run() {
    let mut bench = bench();
    bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap();
    fs::write(bench.folder.path().join("data/slots/b"), b"bad image").unwrap();
    assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::RolledBack);
    assert_eq!(bench.runs(), "gateway/1");
}

#[test]
fn other_bytes_than_the_verified_ones_are_not_staged() {
    let mut bench = bench();
    fs::write(&bench.source, b"bad image").unwrap();
    assert!(bench.slots.stage(TRANSACTION, &bench.new, SOURCE).is_err());
    assert_eq!(bench.slots.look(TRANSACTION), Standing::Absent);
}

#[test]
fn nothing_happens_without_an_open_transaction() {
    let mut bench = bench();
    assert_eq!(bench.slots.activate(TRANSACTION).unwrap(), Standing::Absent);
    assert_eq!(bench.slots.commit(TRANSACTION).unwrap(), Standing::Absent);
    assert_eq!(bench.runs(), "gateway/1");
}

#[test]
fn a_transaction_that_was_never_heard_of_is_over_once_it_is_rolled_back() {
    let mut bench = bench();
    assert_eq!(bench.slots.roll_back(TRANSACTION).unwrap(), Standing::RolledBack);
    assert_eq!(bench.slots.stage(TRANSACTION, &bench.new, SOURCE).unwrap(), Standing::RolledBack);
    assert_eq!(bench.runs(), "gateway/1");
}
