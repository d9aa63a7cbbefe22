mod attempts;
mod interrupted;
mod patches;
mod refusals;
mod repositories;
mod single_bank;

use std::collections::BTreeMap;

use uptane::testing::Repo as Published;
use uptane::verify::image::{ImageCheck, VerifiedImage};
use uptane::{Role, TransactionId};

use super::*;
use crate::machine::journal;
use crate::machine::transaction::{Standing, State};

/// A vehicle, both repositories, and what the Primary has on disk: the whole world of a cycle, without I/O.
struct Bench {
    repo: Published,
    director: Files,
    mapping: Mapping,
    /// What is stored of each Image repository.
    images: BTreeMap<RepositoryName, Files>,
    /// What one of them serves, where that is not what the Director's twin does.
    other: Option<(RepositoryName, Published)>,
    accepted: Accepted,
    time: Time,
    time_root: Vec<u8>,
    floors: Floors,
    told: Option<Told>,
    outcome: Outcome,
    failures: Failures,
    transactions: u64,
    journal: Option<Transaction>,
    /// Every journal that was written.
    written: Vec<Transaction>,
    /// Who took part in each transaction that is over.
    settled: Vec<Vec<EcuId>>,
    single_banks: BTreeSet<EcuId>,
    /// What each ECU runs.
    running: BTreeMap<EcuId, Sha256>,
    standing: BTreeMap<EcuId, (TransactionId, Standing)>,
    /// Does not answer.
    dead: Option<EcuId>,
    /// Refuses to activate.
    sick: Option<EcuId>,
    /// What the Image repository hands out instead of an image.
    tampered: bool,
    /// The power fails at this output of the next cycle.
    dies_after: Option<usize>,
    trace: Vec<&'static str>,
    seeds: u8,
}

impl Bench {
    /// A vehicle that runs release 1 of everything.
    fn new(ecus: usize) -> Self {
        let repo = Published::seeded(ecus);
        let root = |root: &[u8]| Files { root: root.to_vec(), ..Files::default() };
        let running = repo.ecus().iter().map(|ecu| (ecu.ecu, Sha256::of(&ecu.image(1))));
        Self {
            director: root(repo.director().first_root()),
            mapping: Mapping::basic(),
            images: BTreeMap::from([(RepositoryName::of::<Image>(), root(repo.image().first_root()))]),
            other: None,
            accepted: Accepted::default(),
            time: repo.now(),
            time_root: repo.director().first_root().to_vec(),
            floors: Floors::default(),
            told: None,
            outcome: Outcome::default(),
            failures: Failures::default(),
            transactions: 0,
            journal: None,
            written: Vec::new(),
            settled: Vec::new(),
            single_banks: BTreeSet::new(),
            running: running.collect(),
            standing: BTreeMap::new(),
            dead: None,
            sick: None,
            tampered: false,
            dies_after: None,
            trace: Vec::new(),
            seeds: 0,
            repo,
        }
    }

    fn start(&mut self) -> Start {
        self.seeds += 1;
        let own = self.repo.ecus()[0].ecu;
        let is_on_trial = self.standing.get(&own).is_some_and(|(_, standing)| *standing == Standing::Healthy);
        let before = Sha256::of(&self.repo.ecus()[0].image(1));
        Start {
            vehicle: self.repo.vehicle(),
            own,
            ecus: self.repo.ecus().iter().map(|ecu| (ecu.ecu, ecu.hardware)).collect(),
            single_banks: self.single_banks.clone(),
            own_image: self.running[&own],
            own_committed: if is_on_trial { before } else { self.running[&own] },
            mapping: self.mapping.clone(),
            time: self.time,
            time_root: self.time_root.clone(),
            director: self.director.clone(),
            accepted: self.accepted.clone(),
            floors: self.floors.clone(),
            told: self.told.clone(),
            outcome: self.outcome.clone(),
            failures: self.failures.clone(),
            transactions: self.transactions,
            journal: self.journal.clone(),
            seed: [self.seeds; 32],
        }
    }

    /// One cycle to its end; `None` if the power failed first.
    fn cycle(&mut self) -> Option<Result<(), Error>> {
        let mut primary = Primary::new();
        primary.handle(Input::Start(Box::new(self.start())));
        let mut inputs = VecDeque::new();
        for done in 0.. {
            while let Some(input) = inputs.pop_front() {
                primary.handle(input);
            }
            let output = primary.poll().expect("a cycle that waits for nothing is over");
            if self.dies_after.take_if(|left| *left == done).is_some() {
                return None;
            }
            if let Output::Finished(result) = output {
                return Some(result);
            }
            inputs.extend(self.perform(output, primary.transaction()));
        }
        None
    }

    fn perform(&mut self, output: Output, transaction: Option<&Transaction>) -> Option<Input> {
        let alive = |ecu: EcuId| self.dead != Some(ecu);
        match output {
            Output::Meet(ecu) => {
                let met = Met { running: self.running[&ecu], nonce: Nonce([9; 16]) };
                Some(Input::Met(ecu, alive(ecu).then_some(met)))
            }
            Output::Report(ecu, _) => Some(Input::Reported(ecu, alive(ecu))),
            Output::CheckIn(check_in) => Some(Input::CheckedIn(Ok(Box::new(self.answer(check_in))))),
            Output::Time(time, root, _) => self.note("time", |bench| bench.attested(time, root)),
            Output::Keep(repo, keep) => self.note("keep", |bench| bench.files(repo).apply(&keep)),
            Output::Load(name) => Some(Input::Loaded(Ok(Box::new(self.images[&name].clone())))),
            Output::Damaged(repo, damaged) => self.note("damaged", |bench| {
                damaged.iter().for_each(|damaged| bench.files(repo).drop(damaged.role));
            }),
            Output::Fetch(name, file, _) => {
                Some(Input::Fetched(Ok(self.served(name).image().get(file).map(<[u8]>::to_vec))))
            }
            Output::Accept(files, accepted) => self.note("accept", |bench| bench.accept(files, accepted)),
            Output::Patch(..) => self.note("patch", |_| ()).or(Some(Input::Patched)),
            Output::Download(approved, ecu, role) => {
                Some(Input::Downloaded(self.download(&approved, ecu, role).map(Box::new)))
            }
            Output::Record(transaction) => self.note("record", |bench| bench.record(&transaction)),
            Output::Errand(action) => {
                let id = transaction?.id;
                Some(Input::Happened(id, self.errand(action, id)))
            }
            Output::Settle(transaction, outcome) => self.note("settle", |bench| bench.settle(&transaction, outcome)),
            Output::Remember(outcome) => self.note("remember", |bench| bench.outcome = outcome),
            Output::Finished(_) => None,
        }
    }

    fn note(&mut self, word: &'static str, change: impl FnOnce(&mut Self)) -> Option<Input> {
        self.trace.push(word);
        change(self);
        None
    }

    fn files(&mut self, repo: RepositoryName) -> &mut Files {
        match repo == RepositoryName::of::<Director>() {
            true => &mut self.director,
            false => self.images.get_mut(&repo).unwrap(),
        }
    }

    fn served(&self, name: RepositoryName) -> &Published {
        self.other.as_ref().filter(|(other, _)| *other == name).map_or(&self.repo, |(_, repo)| repo)
    }

    fn attested(&mut self, time: Time, root: Version) {
        let root = self.repo.director().get(MetadataFile::Root(root)).unwrap().to_vec();
        (self.time, self.time_root) = (time, root);
    }

    fn accept(&mut self, files: Vec<(RepositoryName, MetadataFile, FileBytes)>, accepted: Accepted) {
        for (repo, file, bytes) in files {
            self.files(repo).apply(&[Keep::Store { file, bytes }]);
        }
        self.accepted = accepted;
    }

    fn answer(&mut self, check_in: CheckIn) -> Answer {
        self.trace.push(if check_in.full.is_some() { "full" } else { "idle" });
        self.told = check_in.full.or(self.told.take());
        let [root, ..] = check_in.versions;
        let files = self.repo.director();
        let roots =
            (root + 1..).map_while(|n| files.get(MetadataFile::Root(Version::new(n).ok()?)).map(<[u8]>::to_vec));
        let roots: Vec<_> = roots.collect();
        Answer {
            time: self.repo.time(self.repo.now(), check_in.nonces),
            newest_root: root + u64::try_from(roots.len()).unwrap(),
            roots,
            timestamp: Some(files.timestamp().to_vec()),
            snapshot: Some(files.snapshot().to_vec()),
            targets: Some(files.targets().to_vec()),
            manifest_wanted: false,
        }
    }

    fn download(&mut self, approved: &Approved, ecu: EcuId, role: ImageRole) -> Result<VerifiedImage, Error> {
        self.trace.push("download");
        let of = self.repo.ecus().iter().find(|of| of.ecu == ecu).unwrap();
        let mut image = of.image(self.repo.release() - u64::from(role == ImageRole::Fallback));
        image[0] ^= u8::from(self.tampered);
        let mut check = ImageCheck::new(role.of(approved.entry(ecu).unwrap()).unwrap());
        check.update(&image)?;
        Ok(check.finish()?)
    }

    fn errand(&mut self, action: Action, id: TransactionId) -> Event {
        let (Action::Stage(ecu, _)
        | Action::Look(ecu, _)
        | Action::Activate(ecu, _)
        | Action::Commit(ecu, _)
        | Action::RollBack(ecu, _)) = action
        else {
            unreachable!("not an errand")
        };
        if self.dead == Some(ecu) {
            return Event::Unreachable(ecu);
        }
        if self.sick == Some(ecu) && matches!(action, Action::Activate(..)) {
            return Event::Refused(ecu, 14);
        }
        let before =
            self.standing.get(&ecu).filter(|(of, _)| *of == id).map_or(Standing::Absent, |(_, stands)| *stands);
        let after = match (action, before) {
            (Action::Stage(..), Standing::Absent) => Standing::Staged,
            (Action::Activate(..), Standing::Staged) => Standing::Healthy,
            (Action::Commit(..), Standing::Healthy) => Standing::Committed,
            (Action::RollBack(..), Standing::Absent | Standing::Staged | Standing::Healthy) => Standing::RolledBack,
            (_, before) => before,
        };
        let of = self.repo.ecus().iter().find(|of| of.ecu == ecu).unwrap();
        let (old, new) = (Sha256::of(&of.image(1)), Sha256::of(&of.image(self.repo.release())));
        let runs_new = matches!(after, Standing::Healthy | Standing::Committed);
        if before != after {
            self.running.insert(ecu, if runs_new { new } else { old });
        }
        self.standing.insert(ecu, (id, after));
        Event::Seen(ecu, after)
    }

    fn record(&mut self, transaction: &Transaction) {
        let read = journal::decode(&journal::encode(transaction)).unwrap();
        self.written.push(read.clone());
        self.journal = Some(read);
    }

    fn settle(&mut self, transaction: &Transaction, outcome: Outcome) {
        if transaction.state == State::Committed {
            for member in transaction.members() {
                self.floors.insert((member.ecu, member.line), member.counter);
            }
        }
        self.settled.push(transaction.members().iter().map(|member| member.ecu).collect());
        self.outcome = outcome;
        self.transactions = transaction.id.number();
        self.failures = self.failures.after(transaction, self.time);
        self.journal = None;
    }

    fn all_run(&self, release: u64) -> bool {
        self.repo.ecus().iter().all(|ecu| self.running[&ecu.ecu] == Sha256::of(&ecu.image(release)))
    }

    fn refused(&mut self) -> uptane::Error {
        match self.cycle() {
            Some(Err(Error::Refused { check })) => check,
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn a_vehicle_that_has_what_it_shall_have_says_so_once_and_is_idle_then() {
    let mut bench = Bench::new(3);
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    let said: Vec<_> = bench.trace.iter().filter(|word| matches!(**word, "full" | "idle")).collect();
    assert_eq!(said, [&"full", &"idle"]);
    assert!(!bench.trace.contains(&"download"));
}

#[test]
fn a_new_release_is_installed_on_every_ecu_and_told() {
    let mut bench = Bench::new(4);
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
    assert_eq!(bench.outcome.result, "installed");
    assert_eq!(
        bench.told.as_ref().unwrap().running[bench.repo.ecus()[3].ecu.as_str()],
        bench.running[&bench.repo.ecus()[3].ecu].to_string()
    );
    assert!(bench.floors.values().all(|floor| floor.get() == 2));
    assert!(bench.journal.is_none());
}

#[test]
fn metadata_is_current_and_the_journal_written_before_any_ecu_is_touched() {
    let mut bench = Bench::new(2);
    bench.repo.publish(|next| next.release());
    bench.cycle();
    let at = |word| bench.trace.iter().position(|found| *found == word).unwrap();
    assert!(at("time") < at("accept") && at("accept") < at("download") && at("download") < at("record"));
}

#[test]
fn a_rotated_time_key_is_learned_from_the_root_that_comes_with_it() {
    let mut bench = Bench::new(2);
    bench.cycle();
    bench.repo.publish(|next| next.director.rotate(Role::Time));
    assert!(matches!(bench.cycle(), Some(Ok(()))));
}

#[test]
fn a_dead_ecu_is_told_and_the_others_keep_their_images() {
    let mut bench = Bench::new(3);
    bench.cycle();
    let dead = bench.repo.ecus()[2].ecu;
    bench.dead = Some(dead);
    bench.repo.publish(|next| next.release());
    assert!(matches!(bench.cycle(), Some(Err(Error::RolledBack { cause: Cause::Unreachable(ecu) })) if ecu == dead));
    assert!(bench.all_run(1));
    assert_eq!(bench.told.clone().unwrap().unreachable, [dead.to_string()]);
    bench.dead = None;
    assert!(matches!(bench.cycle(), Some(Ok(()))));
    assert!(bench.all_run(2));
}
