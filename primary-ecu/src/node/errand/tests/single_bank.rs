//! An ECU with a single bank: the image it waits for goes with the command.

use super::*;

const OLD: Sha256 = Sha256([1; 32]);
const NEW: Sha256 = Sha256([2; 32]);
const NEITHER: Sha256 = Sha256([0; 32]);

/// What its boot loader does: a command changes the phase, an image what runs.
struct Mirror {
    phase: Phase,
    running: Sha256,
    offered: Option<File>,
    taken: Vec<File>,
    refuses: Option<(File, Refusal)>,
}

impl Mirror {
    fn new(phase: Phase, running: Sha256) -> Self {
        Self { phase, running, offered: None, taken: vec![], refuses: None }
    }

    fn reply(&mut self, request: Request<'_>) -> Answer {
        match request {
            Request::Identify => {
                let running = self.running;
                Answer::Identity(Identity { running, ..Fake::new(self.phase).identity() })
            }
            Request::Offer(file, length) => {
                self.offered = Some(file);
                Answer::Ready(length, 100)
            }
            Request::Close => self.close(),
            Request::TimeNonce | Request::Begin(_) | Request::Chunk(..) | Request::Report(_) => {
                panic!("not asked of it: {request:?}")
            }
        }
    }

    fn close(&mut self) -> Answer {
        let file = self.offered.take().unwrap();
        if let Some((_, refusal)) = self.refuses.filter(|(refused, _)| *refused == file) {
            return Answer::Refused(refusal);
        }
        self.taken.push(file);
        (self.phase, self.running) = match (file, self.phase) {
            (File::Command, Phase::Staged(_)) => (Phase::Trial(TRANSACTION), NEITHER),
            (File::Command, _) => (Phase::RolledBack(TRANSACTION), NEITHER),
            (_, Phase::Trial(_)) => (Phase::Healthy(TRANSACTION), NEW),
            (_, phase) => (phase, OLD),
        };
        Answer::Done
    }

    fn run(&mut self, mut errand: Errand<Folder>) -> Result<Standing, Failure> {
        while let Turn::Ask(request) = errand.turn() {
            let reply = self.reply(request);
            errand.answer(Ok(reply));
        }
        let Done::Stands(_, _, seen) = errand.end() else { panic!("no errand of a transaction") };
        seen
    }
}

fn told(due: &'static [Standing], image: Sha256, when: Standing) -> (tempfile::TempDir, Errand<Folder>) {
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Folder::create(folder.path(), Access::Private).unwrap();
    disk.replace(&download::place(image), IMAGE).unwrap();
    let handover = Some(Handover { disk, image, when });
    let command = Command { reading: reading(Some(OLD)), bytes: b"command".to_vec(), due, handover };
    (folder, Errand::new(ecu(), Purpose::Command(command)))
}

fn activate() -> (tempfile::TempDir, Errand<Folder>) {
    told(&[Standing::Staged], NEW, Standing::Trial)
}

fn roll_back() -> (tempfile::TempDir, Errand<Folder>) {
    told(&[Standing::Staged, Standing::Trial, Standing::Healthy], OLD, Standing::RolledBack)
}

#[test]
fn the_new_image_follows_the_command_to_activate() {
    let (_folder, errand) = activate();
    let mut mirror = Mirror::new(Phase::Staged(TRANSACTION), OLD);
    assert_eq!(mirror.run(errand), Ok(Standing::Healthy));
    assert_eq!(mirror.taken, [File::Command, File::Image]);
}

#[test]
fn an_ecu_whose_gate_is_open_is_given_the_image_without_another_command() {
    let (_folder, errand) = activate();
    let mut mirror = Mirror::new(Phase::Trial(TRANSACTION), NEITHER);
    assert_eq!(mirror.run(errand), Ok(Standing::Healthy));
    assert_eq!(mirror.taken, [File::Image]);
}

#[test]
fn an_ecu_that_runs_the_image_is_given_nothing() {
    let (_folder, errand) = activate();
    let mut mirror = Mirror::new(Phase::Trial(TRANSACTION), NEW);
    assert_eq!(mirror.run(errand), Ok(Standing::Trial));
    assert_eq!(mirror.taken, []);
}

#[test]
fn an_ecu_that_goes_back_is_given_its_fallback_until_it_runs_it() {
    for (phase, running, taken) in [
        (Phase::Trial(TRANSACTION), NEITHER, vec![File::Command, File::Image]),
        (Phase::RolledBack(TRANSACTION), NEITHER, vec![File::Image]),
        (Phase::RolledBack(TRANSACTION), NEW, vec![File::Image]),
        (Phase::RolledBack(TRANSACTION), OLD, vec![]),
    ] {
        let (_folder, errand) = roll_back();
        let mut mirror = Mirror::new(phase, running);
        assert_eq!(mirror.run(errand), Ok(Standing::RolledBack), "{phase:?} {running}");
        assert_eq!(mirror.taken, taken, "{phase:?} {running}");
    }
}

#[test]
fn an_ecu_that_restarted_before_it_took_the_image_is_looked_at() {
    let (_folder, errand) = activate();
    let mut mirror = Mirror::new(Phase::Trial(TRANSACTION), NEITHER);
    mirror.refuses = Some((File::Image, Refusal::Phase));
    assert_eq!(mirror.run(errand), Ok(Standing::Staged));
}

#[test]
fn an_ecu_that_refuses_the_image_says_so() {
    let (_folder, errand) = activate();
    let mut mirror = Mirror::new(Phase::Trial(TRANSACTION), NEITHER);
    mirror.refuses = Some((File::Image, Refusal::Check(14)));
    assert_eq!(mirror.run(errand), Err(Failure::Refused(Refusal::Check(14))));
}
