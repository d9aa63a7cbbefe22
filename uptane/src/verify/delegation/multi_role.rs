//! How to resolve multi-role delegations (§5.4.4.8; TAP 3).

use alloc::vec::Vec;

use super::search::Found;

/// What enough of the roles agree on. `votes` is what each of them says, in the order of the list they stand in.
pub(super) fn agreed(votes: Vec<Found>, needed: usize) -> Option<Found> {
    // §5.4.4.8 step 2.1: roles are of one group that say the same.
    let group = |vote: &Found| votes.iter().filter(|other| other.says_the_same_as(vote)).count();
    // §5.4.4.8 steps 2.1, 2.2 and 2.3: of the groups that are large enough, the one with the earliest role.
    let earliest = votes.iter().position(|vote| group(vote) >= needed);
    // §5.4.4.8 step 2.4: without such a group, nothing.
    earliest.and_then(|place| votes.into_iter().nth(place))
}
