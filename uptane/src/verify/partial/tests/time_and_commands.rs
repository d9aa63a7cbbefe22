use super::*;
use crate::sign::{CommandBuilder, Signer as _};
use crate::testing::signer;
use crate::verify::time::MAX_JUMP;
use crate::{Action, Nonce, TransactionId};

fn time(repo: &Repo, attested: Time, nonce: u8, known: Time, size: usize) -> Result<Time, Error> {
    let file = repo.time(attested, [Nonce([1; 16]), Nonce([2; 16])]);
    let mut check = TimeCheck::new(root(repo).time_keys().unwrap(), Nonce([nonce; 16]), known);
    let closed = check.read(|stream| file.chunks(size).try_for_each(|piece| stream.feed(piece)))?;
    closed.verify().map(|time| time.time())
}

#[test]
fn time_is_taken_from_an_answer_to_the_own_nonce_and_never_goes_back() {
    let repo = Repo::seeded(1);
    let now = repo.now();
    let later = now.saturating_add(core::time::Duration::from_secs(1));
    for size in [1, 7, 4096] {
        assert_eq!(time(&repo, now, 2, now, size), Ok(now));
        assert_eq!(time(&repo, now, 3, now, size), Err(Error::Replay));
        assert_eq!(time(&repo, now, 1, later, size), Err(Error::TimeRollback { known: later, offered: now }));
    }
}

#[test]
fn a_jump_of_more_than_400_days_needs_a_second_source() {
    let repo = Repo::seeded(1);
    let (known, second) = (repo.now(), core::time::Duration::from_secs(1));
    let limit = known.saturating_add(MAX_JUMP);
    let beyond = limit.saturating_add(second);
    assert_eq!(time(&repo, limit, 1, known, 64), Ok(limit));
    assert_eq!(time(&repo, beyond, 1, known, 64), Err(Error::TimeJump { known, offered: beyond }));

    let file = repo.time(beyond, [Nonce([1; 16])]);
    let mut check = TimeCheck::new(root(&repo).time_keys().unwrap(), Nonce([1; 16]), known);
    let closed = check.read(|stream| stream.feed(&file)).unwrap();
    let other_clock = known.saturating_add(second);
    assert_eq!(closed.verify_with_second_source(other_clock).unwrap().time(), beyond);
}

fn command(builder: &CommandBuilder, repo: &Repo, key: &str) -> Result<VerifiedCommand, Error> {
    let file = builder.sign(&signer("primary")).unwrap();
    let (key, ecu) = (signer(key).public_key(), repo.ecus()[0].ecu);
    let run = |size: usize| {
        let mut stream = CommandStream::new(key.clone(), ecu, repo.vehicle());
        file.chunks(size).try_for_each(|piece| stream.feed(piece))?;
        stream.finish()
    };
    assert_eq!(run(1), run(usize::MAX));
    run(8)
}

#[test]
fn a_command_is_for_one_ecu_of_one_vehicle_in_one_transaction() {
    let repo = Repo::seeded(2);
    let (transaction, targets) = (TransactionId([3; 16]), Sha256([4; 32]));
    let (vehicle, ecu) = (repo.vehicle(), repo.ecus()[0].ecu);
    let good = CommandBuilder { vehicle, ecu, action: Action::Commit, transaction, targets };

    let verified = command(&good, &repo, "primary").unwrap();
    assert_eq!(verified.action_in(transaction, targets), Ok(Action::Commit));
    assert_eq!(verified.action_in(TransactionId([0; 16]), targets), Err(Error::WrongTransaction));
    assert_eq!(verified.action_in(transaction, Sha256([0; 32])), Err(Error::WrongTransaction));

    assert_eq!(verified.rolls_back(), None);
    let back = command(&CommandBuilder { action: Action::Rollback, ..good.clone() }, &repo, "primary").unwrap();
    assert_eq!(back.rolls_back(), Some(transaction));

    let stranger = Error::BelowThreshold { role: Role::Command, valid: 0, needed: 1 };
    assert_eq!(command(&good, &repo, "stranger"), Err(stranger));
    let other = CommandBuilder { ecu: repo.ecus()[1].ecu, ..good.clone() };
    assert_eq!(command(&other, &repo, "primary"), Err(Error::WrongTransaction));
    let other = CommandBuilder { vehicle: crate::VehicleId([0; 16]), ..good };
    assert_eq!(command(&other, &repo, "primary"), Err(Error::WrongVehicle { role: Role::Command }));
}
