//! A random sequence of changes leaves every store telling the same.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// Changes on the current generation plus this.
    Apply(u64, Vec<Change>),
    Published(Vec<(RoleId, Version)>),
    Prune(Vec<(RoleId, Version)>),
    /// An entry after the last one, or after one that was never recorded.
    Record(bool),
}

const ROLES: [&str; 4] = ["root", "targets", "a'", "b"];
const NAMES: [&str; 3] = ["x", "y/z", "Y"];
const LINES: [&str; 2] = ["brake", "steer"];

fn role_name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&ROLES[..])
}

fn name() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&NAMES[..])
}

fn change() -> impl Strategy<Value = Change> {
    let line = proptest::sample::select(&LINES[..]);
    prop_oneof![
        3 => (role_name(), 1..9_u64).prop_map(|(role, number)| Change::File(file(role, number))),
        3 => (role_name(), name(), line, 0..9_u64)
            .prop_map(|(of, name, line, counter)| Change::List(role(of), listing(name, line, counter))),
        1 => (role_name(), name())
            .prop_map(|(of, name)| Change::Unlist(role(of), TargetNameBuf::parse(name).unwrap())),
        1 => (role_name(), proptest::sample::subsequence(&["a'", "b"][..], 0..=2))
            .prop_map(|(from, to)| delegate(from, &to)),
        1 => (0..9_u64, 0..9_u64).prop_map(|(snapshot, timestamp)| {
            let [snapshot, timestamp] = [snapshot, timestamp].map(Duration::from_secs);
            Change::Lifetimes(Lifetimes { snapshot, timestamp })
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let files = || proptest::collection::vec((role_name().prop_map(role), (1..9_u64).prop_map(version)), 0..6);
    prop_oneof![
        8 => (prop_oneof![9 => Just(0), 1 => Just(1)], proptest::collection::vec(change(), 0..6))
            .prop_map(|(ahead, changes)| Step::Apply(ahead, changes)),
        1 => files().prop_map(Step::Published),
        1 => files().prop_map(Step::Prune),
        1 => proptest::bool::ANY.prop_map(Step::Record),
    ]
}

/// What a store answered, and then all that it tells.
async fn answer(store: &impl Store, step: &Step) -> String {
    let answered = match step {
        Step::Apply(ahead, changes) => {
            let generation = Generation::of(generation(store).await + ahead);
            store.apply(generation, changes).await
        }
        Step::Published(files) => store.published(files).await,
        Step::Prune(files) => store.prune(files).await,
        Step::Record(follows) => {
            let last = store.head().await.unwrap().last_entry;
            let last = if *follows { last } else { Some(done(last.as_ref(), "never recorded")) };
            apply(store, &[Change::Record(done(last.as_ref(), "recorded"))]).await
        }
    };
    format!("{answered:?} {}", told(store).await.unwrap())
}

async fn told(store: &impl Store) -> Result<String, Error> {
    let mut told = format!("{:?} {:?} {:?}", store.head().await?, store.unpublished().await?, store.history().await?);
    for name in ROLES {
        told += &format!("{:?}", store.listed(role(name)).await?);
        for number in 1..9 {
            told += &format!("{:?}", store.file(role(name), version(number)).await?);
        }
    }
    told += &format!("{:?}", store.entries(0, 99).await?);
    for name in ["a'", "b"] {
        told += &format!("{:?}", store.delegators(RoleName::parse(name).unwrap()).await?);
    }
    told += &format!("{:?}", store.named(&NAMES.map(|name| TargetNameBuf::parse(name).unwrap())).await?);
    told += &format!("{:?}", store.lines().await?);
    told += &format!("{:?}", store.highest(&LINES.map(|line| ImageLine::parse(line).unwrap())).await?);
    Ok(told)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_store_answers_and_tells_the_same(steps in proptest::collection::vec(step(), 1..12)) {
        let folder = tempfile::tempdir().unwrap();
        run(async {
            let memory = Memory::new();
            let sqlite = Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap();
            let postgres = Postgres::connect(&database()).await.unwrap();
            for step in &steps {
                let expected = answer(&memory, step).await;
                assert_eq!(answer(&sqlite, step).await, expected, "SQLite after {step:?}");
                assert_eq!(answer(&postgres, step).await, expected, "PostgreSQL after {step:?}");
            }
            sqlite.close().await;
            postgres.close().await;
        });
    }
}
