//! A valid repository of any size and age, one thing wrong in one file, and the refusal that says exactly this.

use proptest::prelude::*;
use uptane::testing::{Draft, Next, Repo, Vehicle};
use uptane::{Error, Role, Time};

use super::below;

/// What can be wrong with any file but Root, and is told in the same way of each.
#[derive(Clone, Copy, Debug)]
enum Fault {
    BadExpiry,
    Corrupt,
    Expired,
    NoExpiry,
    NoType,
    OfAnotherRepository,
    OfAnotherRole,
    OfAnotherVehicle,
    SignedByAStranger,
}

const FAULTS: [Fault; 9] = [
    Fault::BadExpiry,
    Fault::Corrupt,
    Fault::Expired,
    Fault::NoExpiry,
    Fault::NoType,
    Fault::OfAnotherRepository,
    Fault::OfAnotherRole,
    Fault::OfAnotherVehicle,
    Fault::SignedByAStranger,
];

const ROLES: [Role; 3] = [Role::Timestamp, Role::Snapshot, Role::Targets];

impl Fault {
    /// Puts it into the next file of `role`, and says how that is to be refused.
    fn put(self, draft: &mut Draft, role: Role, (own, other): (&str, &str), now: Time) -> Error {
        match self {
            Self::BadExpiry => draft.set(role, &["expires"], "\"soon\""),
            Self::Corrupt => draft.corrupt(role, |file| *file.last_mut().unwrap() ^= 1),
            Self::Expired => draft.expires(role, now),
            Self::NoExpiry => draft.remove(role, &["expires"]),
            Self::NoType => draft.remove(role, &["_type"]),
            Self::OfAnotherRepository => draft.set(role, &["uptane", "repository"], format!("\"{other}\"")),
            Self::OfAnotherRole => draft.set(role, &["_type"], "\"root\""),
            Self::OfAnotherVehicle => draft.set(role, &["uptane", "vehicle"], format!("\"{}\"", "0".repeat(32))),
            Self::SignedByAStranger => draft.signed_by(role, &[&format!("a stranger to the {own}")]),
        }
        match self {
            Self::BadExpiry => Error::BadTime,
            Self::Corrupt => Error::MixAndMatch { role, what: "hashes" },
            Self::Expired => Error::Expired { role, expires: now, now },
            Self::NoExpiry => Error::Schema { field: "expires" },
            Self::NoType => Error::Schema { field: "_type" },
            Self::OfAnotherRepository => Error::WrongType { field: "repository" },
            Self::OfAnotherRole => Error::WrongType { field: "_type" },
            Self::OfAnotherVehicle => Error::WrongVehicle { role },
            // Two keys sign the Targets of the Image repository of tests.
            Self::SignedByAStranger => below(role, 0, if (own, role) == ("image", Role::Targets) { 2 } else { 1 }),
        }
    }

    /// Nothing lists Timestamp, and the Image repository speaks to every vehicle.
    fn fits(self, role: Role, is_director: bool) -> bool {
        match self {
            Self::Corrupt => role != Role::Timestamp,
            Self::OfAnotherVehicle => is_director,
            Self::BadExpiry
            | Self::Expired
            | Self::NoExpiry
            | Self::NoType
            | Self::OfAnotherRepository
            | Self::OfAnotherRole
            | Self::SignedByAStranger => true,
        }
    }
}

fn draft(next: &mut Next, is_director: bool) -> (&mut Draft, (&'static str, &'static str)) {
    match is_director {
        true => (&mut next.director, ("director", "image")),
        false => (&mut next.image, ("image", "director")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn one_fault_in_one_file_is_refused_by_its_name_and_the_next_good_files_are_taken(
        fault in prop::sample::select(&FAULTS[..]),
        role in prop::sample::select(&ROLES[..]),
        is_director in any::<bool>(),
        ecus in 1..4_usize,
        before in 0..3_usize,
    ) {
        prop_assume!(fault.fits(role, is_director));
        let mut repo = Repo::seeded(ecus);
        let mut vehicle = Vehicle::provisioned(&repo);
        vehicle.update(&repo).unwrap();
        for _ in 0..before {
            repo.publish(Next::release);
            vehicle.update(&repo).unwrap();
        }
        let now = repo.now();
        let mut expected = None;
        repo.publish(|next| {
            next.release();
            let (draft, names) = draft(next, is_director);
            expected = Some(fault.put(draft, role, names, now));
        });
        prop_assert_eq!(vehicle.update(&repo).err(), expected);
        // §5.4.4: whatever was refused, the vehicle can be updated later.
        repo.publish(Next::release);
        prop_assert!(vehicle.update(&repo).is_ok());
    }
}
