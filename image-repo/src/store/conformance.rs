//! What every store must do. The same tests run on each.

use std::time::Duration;

use uptane::{ImageLine, ReleaseCounter, RoleName, TargetNameBuf, Version};

use super::*;
use crate::facts::Lifetimes;

mod fixtures;
mod property;

pub(super) use fixtures::*;

macro_rules! every_store {
    ($($name:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $name() {
                super::run(super::$name(super::Memory::new()));
            })*
        }
        mod sqlite {
            $(#[test]
            fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::run(async {
                    super::$name(super::Sqlite::create(&folder.path().join("state.sqlite")).await.unwrap()).await;
                });
            })*
        }
        mod postgres {
            $(#[test]
            fn $name() {
                super::run(async {
                    super::$name(super::Postgres::connect(&super::database()).await.unwrap()).await;
                });
            })*
        }
        mod any {
            $(#[test]
            fn $name() {
                super::run(async {
                    let url = "memory:".parse().unwrap();
                    super::$name(super::AnyStore::create(&url).await.unwrap()).await;
                });
            })*
        }
    };
}

every_store!(
    an_empty_repository_has_nothing,
    everything_that_was_applied_is_told,
    every_clone_sees_a_change,
    changes_on_another_generation_conflict_and_change_nothing,
    of_two_who_change_the_same_generation_one_conflicts,
    a_change_of_nothing_counts_as_well,
    a_version_is_never_used_twice_and_nothing_of_the_attempt_stays,
    a_lower_version_never_follows_a_higher_one,
    changes_are_made_in_their_order,
    an_image_takes_the_place_of_another_of_its_name_in_its_role,
    a_line_keeps_its_highest_release,
    a_role_delegates_to_what_was_said_last,
    only_what_is_not_known_to_be_published_is_unpublished,
    what_was_done_is_told_in_its_order,
    an_entry_that_does_not_follow_is_a_conflict_and_nothing_of_it_stays,
    an_entry_that_would_come_back_as_another_is_refused,
    pruned_files_keep_their_versions_used,
    the_newest_files_and_unpublished_ones_are_not_pruned,
    lifetimes_are_kept_in_seconds,
    a_lifetime_that_cannot_be_kept_is_refused,
    what_there_is_not_is_neither_unlisted_nor_published_nor_pruned,
    order_is_that_of_roles_and_of_bytes,
    any_name_a_role_may_have_is_kept,
    a_file_of_megabytes_comes_back_as_it_was,
    more_rows_than_one_statement_takes_are_all_kept,
);

async fn an_empty_repository_has_nothing(store: impl Store) {
    assert_eq!(store.head().await.unwrap(), Head::default());
    assert_eq!(store.file(RoleId::Root, Version::FIRST).await.unwrap(), None);
    assert_eq!(listed(&store, "targets").await, []);
    assert_eq!(store.named(&[listing("a", "brake", 1).name]).await.unwrap(), []);
    assert!(store.highest(&[listing("a", "brake", 1).line]).await.unwrap().is_empty());
    assert_eq!(store.delegators(RoleName::parse("a").unwrap()).await.unwrap(), []);
    assert_eq!(store.unpublished().await.unwrap(), []);
    assert_eq!(store.history().await.unwrap(), []);
}

async fn everything_that_was_applied_is_told(store: impl Store) {
    let lifetimes = Lifetimes { snapshot: Duration::from_secs(7), timestamp: Duration::from_secs(3) };
    let changes = [
        Change::File(file("root", 1)),
        Change::File(file("targets", 1)),
        Change::File(file("targets", 2)),
        list("targets", "fw.bin", 4),
        delegate("targets", &["a", "b"]),
        Change::Lifetimes(lifetimes),
    ];
    store.apply(Generation::default(), &changes).await.unwrap();

    let files = [file("root", 1), file("targets", 2)].map(|file| (file.role, file.current().unwrap()));
    let head = Head { generation: Generation::of(1), files: files.into(), lifetimes, last_entry: None };
    assert_eq!(store.head().await.unwrap(), head);
    for file in [file("root", 1), file("targets", 1), file("targets", 2)] {
        assert_eq!(store.file(file.role, file.version).await.unwrap(), Some(file.bytes));
    }
    let image = listing("fw.bin", "brake", 4);
    assert_eq!(listed(&store, "targets").await, std::slice::from_ref(&image));
    assert_eq!(store.named(&[image.name]).await.unwrap(), [(RoleId::Targets, image.clone())]);
    assert_eq!(store.highest(&[image.line]).await.unwrap(), [(image.line, image.release_counter)].into());
    for name in ["a", "b"] {
        assert_eq!(store.delegators(RoleName::parse(name).unwrap()).await.unwrap(), [RoleId::Targets]);
    }
    let all = [file("root", 1), file("targets", 1), file("targets", 2)];
    assert_eq!(store.unpublished().await.unwrap(), all);
    let kept = all.map(|SignedFile { role, version, expires, .. }| Kept { role, version, expires });
    assert_eq!(store.history().await.unwrap(), kept);
}

async fn every_clone_sees_a_change(store: impl Store) {
    let other = store.clone();
    apply(&store, &[Change::File(file("root", 1))]).await.unwrap();
    assert_eq!(other.head().await.unwrap(), store.head().await.unwrap());
    assert_eq!(generation(&other).await, 1);
}

async fn changes_on_another_generation_conflict_and_change_nothing(store: impl Store) {
    apply(&store, &[Change::File(file("root", 1))]).await.unwrap();
    let before = store.head().await.unwrap();
    for wrong in [0, 2, u64::MAX] {
        let refused = store.apply(Generation::of(wrong), &[Change::File(file("root", 2))]).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    }
    assert_eq!(store.head().await.unwrap(), before);
    assert_eq!(store.history().await.unwrap().len(), 1);
}

async fn of_two_who_change_the_same_generation_one_conflicts(store: impl Store) {
    let (mine, yours) = ([list("targets", "mine", 1)], [list("targets", "yours", 2)]);
    let both = [store.apply(Generation::default(), &mine), store.apply(Generation::default(), &yours)];
    let both = futures_util::future::join_all(both).await;
    assert_eq!(both.iter().filter(|made| made.is_ok()).count(), 1, "{both:?}");
    assert_eq!(both.iter().filter(|made| matches!(made, Err(Error::Conflict))).count(), 1, "{both:?}");
    assert_eq!((generation(&store).await, listed(&store, "targets").await.len()), (1, 1));
}

async fn a_change_of_nothing_counts_as_well(store: impl Store) {
    apply(&store, &[]).await.unwrap();
    assert_eq!(generation(&store).await, 1);
}

async fn a_version_is_never_used_twice_and_nothing_of_the_attempt_stays(store: impl Store) {
    apply(&store, &[Change::File(file("targets", 1))]).await.unwrap();
    let before = store.head().await.unwrap();
    let twice = [list("targets", "fw.bin", 1), Change::File(file("root", 1)), Change::File(file("targets", 1))];
    let refused = apply(&store, &twice).await;
    assert!(used(&refused, "targets", 1), "{refused:?}");
    let refused = apply(&store, &[Change::File(file("root", 1)), Change::File(file("root", 1))]).await;
    assert!(used(&refused, "root", 1), "{refused:?}");
    assert_eq!(store.head().await.unwrap(), before);
    assert_eq!(listed(&store, "targets").await, []);
    assert!(store.highest(&[listing("fw.bin", "brake", 1).line]).await.unwrap().is_empty());
    assert_eq!(store.history().await.unwrap().len(), 1);
}

async fn a_lower_version_never_follows_a_higher_one(store: impl Store) {
    apply(&store, &[Change::File(file("targets", 5))]).await.unwrap();
    let refused = apply(&store, &[Change::File(file("targets", 4))]).await;
    assert!(used(&refused, "targets", 4), "{refused:?}");
    apply(&store, &[Change::File(file("targets", 7)), Change::File(file("root", 2))]).await.unwrap();
    assert_eq!(store.head().await.unwrap().newest(&RoleId::Targets).unwrap().version, version(7));
}

async fn changes_are_made_in_their_order(store: impl Store) {
    let unlist = |name: &str| Change::Unlist(RoleId::Targets, TargetNameBuf::parse(name).unwrap());
    let changes = [
        unlist("b"),
        list("targets", "a", 1),
        list("targets", "b", 2),
        list("targets", "b", 1),
        unlist("a"),
        unlist("c"),
        list("targets", "c", 3),
        delegate("targets", &["a"]),
        delegate("targets", &["b"]),
    ];
    apply(&store, &changes).await.unwrap();
    assert_eq!(listed(&store, "targets").await, [listing("b", "brake", 1), listing("c", "brake", 3)]);
    assert_eq!(store.delegators(RoleName::parse("a").unwrap()).await.unwrap(), []);
}

async fn an_image_takes_the_place_of_another_of_its_name_in_its_role(store: impl Store) {
    apply(&store, &[list("targets", "fw.bin", 1), list("supplier", "fw.bin", 2)]).await.unwrap();
    apply(&store, &[list("targets", "fw.bin", 3)]).await.unwrap();
    assert_eq!(listed(&store, "targets").await, [listing("fw.bin", "brake", 3)]);
    assert_eq!(listed(&store, "supplier").await, [listing("fw.bin", "brake", 2)]);
    let named = store.named(&[listing("fw.bin", "brake", 1).name]).await.unwrap();
    let both =
        [("targets", 3), ("supplier", 2)].map(|(name, counter)| (role(name), listing("fw.bin", "brake", counter)));
    assert_eq!(named, both);
}

async fn a_line_keeps_its_highest_release(store: impl Store) {
    let [brake, other] = ["brake", "other"].map(|line| ImageLine::parse(line).unwrap());
    apply(&store, &[list("targets", "a", 5), list("targets", "a", 3)]).await.unwrap();
    apply(&store, &[Change::Unlist(RoleId::Targets, TargetNameBuf::parse("a").unwrap())]).await.unwrap();
    apply(&store, &[list("targets", "a", 4)]).await.unwrap();
    let highest = store.highest(&[brake, other, brake]).await.unwrap();
    assert_eq!(highest, [(brake, ReleaseCounter::new(5).unwrap())].into());
}

async fn a_role_delegates_to_what_was_said_last(store: impl Store) {
    apply(&store, &[delegate("targets", &["a", "b"]), delegate("a", &["b"])]).await.unwrap();
    let [a, b] = ["a", "b"].map(|name| RoleName::parse(name).unwrap());
    assert_eq!(store.delegators(b).await.unwrap(), [RoleId::Targets, role("a")]);
    apply(&store, &[delegate("targets", &["a"])]).await.unwrap();
    assert_eq!(store.delegators(a).await.unwrap(), [RoleId::Targets]);
    assert_eq!(store.delegators(b).await.unwrap(), [role("a")]);
    apply(&store, &[delegate("a", &[])]).await.unwrap();
    assert_eq!(store.delegators(b).await.unwrap(), []);
}

async fn only_what_is_not_known_to_be_published_is_unpublished(store: impl Store) {
    apply(&store, &[Change::File(file("root", 1)), Change::File(file("a", 1))]).await.unwrap();
    store.published(&[(RoleId::Root, version(1))]).await.unwrap();
    assert_eq!(store.unpublished().await.unwrap(), [file("a", 1)]);
    assert_eq!(generation(&store).await, 1);
    assert_eq!(store.history().await.unwrap().len(), 2);
}

async fn what_was_done_is_told_in_its_order(store: impl Store) {
    assert_eq!(store.entries(0, 9).await.unwrap(), []);
    let first = done(None, "it's \"ö\"\n");
    let second = done(Some(&first), "");
    let third = done(Some(&second), "c");
    apply(&store, &[Change::Record(first.clone()), Change::Record(second.clone())]).await.unwrap();
    apply(&store, &[Change::File(file("root", 1)), Change::Record(third.clone())]).await.unwrap();
    assert_eq!(store.head().await.unwrap().last_entry, Some(third.clone()));
    assert_eq!(store.entries(0, 2).await.unwrap(), [first, second]);
    assert_eq!(store.entries(2, usize::MAX).await.unwrap(), [third]);
    assert_eq!(store.entries(u64::MAX, 9).await.unwrap(), []);
    assert!(host::audit::verify(store.entries(0, 9).await.unwrap()).is_ok());
}

async fn an_entry_that_does_not_follow_is_a_conflict_and_nothing_of_it_stays(store: impl Store) {
    let first = done(None, "a");
    let [second, other] = ["b", "c"].map(|object| done(Some(&first), object));
    let late = apply(&store, &[Change::Record(second.clone())]).await;
    assert!(matches!(late, Err(Error::Conflict)), "{late:?}");
    apply(&store, &[Change::Record(first.clone()), Change::Record(second.clone())]).await.unwrap();
    for wrong in [&first, &second, &other, &done(Some(&other), "d"), &done(Some(&done(Some(&second), "d")), "e")] {
        let refused = apply(&store, &[list("targets", "x", 1), Change::Record(wrong.clone())]).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    }
    assert_eq!(store.head().await.unwrap().last_entry, Some(second));
    assert_eq!(listed(&store, "targets").await, []);
}

async fn an_entry_that_would_come_back_as_another_is_refused(store: impl Store) {
    let refused = apply(&store, &[Change::Record(done(None, "a\0b"))]).await;
    assert!(matches!(refused, Err(Error::Store(Fault::Unfit { .. }))), "{refused:?}");
    assert_eq!(store.entries(0, 9).await.unwrap(), []);
}

async fn pruned_files_keep_their_versions_used(store: impl Store) {
    apply(&store, &[Change::File(file("a", 1)), Change::File(file("a", 2))]).await.unwrap();
    store.published(&[(role("a"), version(1)), (role("a"), version(2))]).await.unwrap();
    store.prune(&[(role("a"), version(1))]).await.unwrap();
    assert_eq!(store.file(role("a"), version(1)).await.unwrap(), None);
    assert_eq!(store.history().await.unwrap().len(), 1);
    let refused = apply(&store, &[Change::File(file("a", 1))]).await;
    assert!(used(&refused, "a", 1), "{refused:?}");
}

async fn the_newest_files_and_unpublished_ones_are_not_pruned(store: impl Store) {
    apply(&store, &[Change::File(file("a", 1)), Change::File(file("a", 2))]).await.unwrap();
    store.published(&[(role("a"), version(2))]).await.unwrap();
    store.prune(&[(role("a"), version(1)), (role("a"), version(2))]).await.unwrap();
    assert_eq!(store.history().await.unwrap().len(), 2);
}

async fn lifetimes_are_kept_in_seconds(store: impl Store) {
    let given = Lifetimes { snapshot: Duration::from_millis(7_900), timestamp: Duration::from_secs(5) };
    apply(&store, &[Change::Lifetimes(given)]).await.unwrap();
    let kept = Lifetimes { snapshot: Duration::from_secs(7), ..given };
    assert_eq!(store.head().await.unwrap().lifetimes, kept);
}

async fn a_lifetime_that_cannot_be_kept_is_refused(store: impl Store) {
    let endless = Lifetimes { snapshot: Duration::MAX, ..Lifetimes::default() };
    let refused = apply(&store, &[Change::File(file("root", 1)), Change::Lifetimes(endless)]).await;
    assert!(matches!(refused, Err(Error::Store(Fault::Unfit { .. }))), "{refused:?}");
    assert_eq!(store.head().await.unwrap(), Head::default());
}

async fn what_there_is_not_is_neither_unlisted_nor_published_nor_pruned(store: impl Store) {
    apply(&store, &[Change::File(file("a", 1)), list("a", "x", 1)]).await.unwrap();
    apply(&store, &[Change::Unlist(role("b"), TargetNameBuf::parse("x").unwrap())]).await.unwrap();
    for absent in [(role("a"), version(2)), (role("b"), version(1))] {
        store.published(&[absent]).await.unwrap();
        store.prune(&[absent]).await.unwrap();
    }
    assert_eq!(listed(&store, "a").await.len(), 1);
    assert_eq!(store.unpublished().await.unwrap(), [file("a", 1)]);
}

async fn order_is_that_of_roles_and_of_bytes(store: impl Store) {
    let roles = ["root", "targets", "snapshot", "timestamp", "B", "a", "é"];
    let files: Vec<_> = roles.iter().rev().map(|name| Change::File(file(name, 1))).collect();
    apply(&store, &files).await.unwrap();
    let expected = roles.map(role);
    assert_eq!(store.history().await.unwrap().iter().map(|kept| kept.role).collect::<Vec<_>>(), expected);
    assert_eq!(store.unpublished().await.unwrap().iter().map(|file| file.role).collect::<Vec<_>>(), expected);

    let names = ["A", "Z/1", "_", "a", "a-b", "a/b", "ab"];
    let listings: Vec<_> = names.iter().rev().map(|name| list("targets", name, 1)).collect();
    apply(&store, &listings).await.unwrap();
    let told: Vec<_> = listed(&store, "targets").await.iter().map(|listing| listing.name.to_string()).collect();
    assert_eq!(told, names);
}

async fn any_name_a_role_may_have_is_kept(store: impl Store) {
    for name in ["it's", "a\"b\\", "[\"x\"]", "%s;--", "Targets", "ö/..", "7", "null", " a ", "😀"] {
        apply(&store, &[Change::File(file(name, 1)), list(name, "x", 1), delegate(name, &[name])]).await.unwrap();
        store.published(&[(role(name), version(1))]).await.unwrap();
        assert!(store.head().await.unwrap().newest(&role(name)).is_some(), "{name}");
        assert_eq!(listed(&store, name).await.len(), 1, "{name}");
        assert_eq!(store.delegators(RoleName::parse(name).unwrap()).await.unwrap(), [role(name)]);
    }
    assert_eq!(store.unpublished().await.unwrap(), []);
}

async fn a_file_of_megabytes_comes_back_as_it_was(store: impl Store) {
    let bytes: Vec<u8> = (0_u32..1_000_000).flat_map(u32::to_le_bytes).collect();
    apply(&store, &[Change::File(SignedFile { bytes: bytes.clone(), ..file("a", 1) })]).await.unwrap();
    assert!(store.file(role("a"), version(1)).await.unwrap() == Some(bytes));
}

async fn more_rows_than_one_statement_takes_are_all_kept(store: impl Store) {
    let name = |number: u64| format!("images/{number:05}");
    let mut changes: Vec<_> = (1..=9_000).map(|number| list("targets", &name(number), number)).collect();
    // One name twice in a statement, and one in two.
    changes.extend([list("targets", &name(8_999), 1), list("targets", &name(1), 9_999)]);
    apply(&store, &changes).await.unwrap();
    let told = listed(&store, "targets").await;
    assert_eq!(told.len(), 9_000);
    assert_eq!((told[8_998].release_counter.get(), told[0].release_counter.get()), (1, 9_999));
    let names: Vec<_> = told.iter().map(|listing| listing.name).collect();
    assert_eq!(store.named(&names).await.unwrap().len(), 9_000);
    assert_eq!(store.highest(&[told[0].line]).await.unwrap()[&told[0].line].get(), 9_999);

    let files: Vec<_> = (1..=5_000).map(|number| Change::File(file("a", number))).collect();
    apply(&store, &files).await.unwrap();
    let files: Vec<_> = (1..=5_000).map(|number| (role("a"), version(number))).collect();
    store.published(&files).await.unwrap();
    store.prune(&files).await.unwrap();
    assert_eq!(store.history().await.unwrap().len(), 1);
}
