use std::path::PathBuf;

use proto::secondary::Verification;
use uptane::{EcuId, HardwareId, Length, Version};

use super::*;

/// A Secondary that takes whole files and remembers them.
struct Fake {
    phase: Phase,
    chunk: u32,
    offered: Option<(File, u64)>,
    held: Vec<u8>,
    taken: Vec<(File, Vec<u8>)>,
    refuses: Option<File>,
    /// Forgets what it holds at this many bytes, once.
    forgets_at: Option<usize>,
}

const TRANSACTION: TransactionId = TransactionId([4; 16]);

impl Fake {
    fn new(phase: Phase) -> Self {
        Self { phase, chunk: 7, offered: None, held: vec![], taken: vec![], refuses: None, forgets_at: None }
    }

    fn identity(&self) -> Identity {
        Identity {
            ecu: EcuId::parse("brake").unwrap(),
            hardware: HardwareId::parse("hw").unwrap(),
            verification: Verification::PartialPlus,
            director_root: Version::FIRST,
            image_root: None,
            running: Sha256([1; 32]),
            phase: self.phase,
        }
    }

    fn close(&mut self) -> Answer {
        let Some((file, _)) = self.offered.take() else { return Answer::Refused(Refusal::Offset(Length::ZERO)) };
        if self.refuses == Some(file) {
            return Answer::Refused(Refusal::Check(14));
        }
        self.taken.push((file, std::mem::take(&mut self.held)));
        if file == File::Image {
            self.phase = Phase::Staged(TRANSACTION);
        }
        Answer::Done
    }

    fn chunk(&mut self, offset: Length, data: &[u8]) -> Answer {
        let held = || Length::new(u64::try_from(self.held.len()).unwrap()).unwrap();
        if offset != held() {
            return Answer::Refused(Refusal::Offset(held()));
        }
        self.held.extend_from_slice(data);
        if self.forgets_at.is_some_and(|at| self.held.len() >= at) {
            self.forgets_at = None;
            self.held.clear();
        }
        Answer::Taken(Length::new(u64::try_from(self.held.len()).unwrap()).unwrap())
    }
}

impl Transport for Fake {
    async fn ask(&mut self, request: Request<'_>) -> Result<Answer, Silent> {
        Ok(match request {
            Request::Identify => Answer::Identity(self.identity()),
            Request::TimeNonce => Answer::TimeNonce(Nonce([2; 16])),
            Request::Begin(id) => {
                self.phase = Phase::Staging(id);
                Answer::Done
            }
            Request::Offer(file, length) => {
                self.offered = Some((file, length.get()));
                Answer::Ready(Length::new(u64::try_from(self.held.len()).unwrap()).unwrap(), self.chunk)
            }
            Request::Chunk(offset, data) => self.chunk(offset, data),
            Request::Close => self.close(),
            Request::Report(_) => Answer::Report(b"report".to_vec()),
        })
    }
}

fn files(folder: &tempfile::TempDir) -> Vec<Delivery> {
    let files = [(File::Time, "time"), (File::Image, "an image of some length")];
    let place = |content: &str| -> PathBuf {
        let path = folder.path().join(content);
        std::fs::write(&path, content).unwrap();
        path
    };
    files.into_iter().map(|(file, content)| Delivery { file, path: place(content) }).collect()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    host::serve::runtime().unwrap().block_on(future)
}

#[test]
fn staging_hands_over_every_file_whole() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    let files = files(&folder);
    let mut sent = 0;
    let staged = wait(stage(&mut fake, TRANSACTION, |_| files.clone(), &mut |progress| sent += progress.sent));
    assert_eq!(staged, Ok(Standing::Staged));
    assert_eq!(fake.taken[1], (File::Image, b"an image of some length".to_vec()));
    assert_eq!(sent, 27);
}

#[test]
fn a_secondary_that_forgot_is_served_from_where_it_stands() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Idle));
    fake.forgets_at = Some(14);
    let files = files(&folder);
    assert_eq!(wait(stage(&mut fake, TRANSACTION, |_| files.clone(), &mut |_| {})), Ok(Standing::Staged));
    assert_eq!(fake.taken[1].1, b"an image of some length");
}

#[test]
fn an_interrupted_image_goes_on_where_it_broke_off() {
    let (folder, mut fake) = (tempfile::tempdir().unwrap(), Fake::new(Phase::Staging(TRANSACTION)));
    fake.held = b"an image".to_vec();
    let image = files(&folder).split_off(1);
    let mut sent = 0;
    wait(stage(&mut fake, TRANSACTION, |_| image.clone(), &mut |progress| sent += progress.sent)).unwrap();
    assert_eq!(sent, 15);
}

#[test]
fn a_refused_time_is_passed_over_and_a_refused_image_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(&folder);
    for (refused, ends) in
        [(File::Time, Ok(Standing::Staged)), (File::Image, Err(Failure::Refused(Refusal::Check(14))))]
    {
        let mut fake = Fake::new(Phase::Idle);
        fake.refuses = Some(refused);
        let staged = wait(stage(&mut fake, TRANSACTION, |_| files.clone(), &mut |_| {}));
        assert_eq!(staged, ends);
    }
}

#[test]
fn a_command_is_sent_only_where_it_is_due() {
    let mut fake = Fake::new(Phase::Trial(TRANSACTION));
    let seen = wait(command(&mut fake, TRANSACTION, None, b"activate", &[Standing::Staged]));
    assert_eq!((seen, fake.taken.len()), (Ok(Standing::Trial), 0));
    let mut fake = Fake::new(Phase::Staged(TRANSACTION));
    wait(command(&mut fake, TRANSACTION, None, b"activate", &[Standing::Staged])).unwrap();
    assert_eq!(fake.taken, [(File::Command, b"activate".to_vec())]);
}

#[test]
fn a_secondary_that_forgot_a_commit_is_known_by_its_image() {
    let identity = Fake::new(Phase::Idle).identity();
    assert_eq!(standing(&identity, TRANSACTION, None), Standing::Absent);
    assert_eq!(standing(&identity, TRANSACTION, Some(Sha256([1; 32]))), Standing::Committed);
}
