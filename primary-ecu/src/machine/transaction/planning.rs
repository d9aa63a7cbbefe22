//! Whom the next transaction is about.

use super::Member;

/// Those of `needy` that are updated next, in one transaction.
///
/// An ECU with a single bank never joins others: between its old image and its new one it runs none, and no other ECU may
/// have to wait for that, or go back with it. It is flashed by itself, once nobody else needs anything (design D8).
pub fn next_members(needy: Vec<Member>) -> Vec<Member> {
    let (single, mut chosen): (Vec<_>, Vec<_>) = needy.into_iter().partition(Member::has_single_bank);
    if chosen.is_empty() {
        chosen.extend(single.into_iter().min_by_key(|member| (member.order, member.ecu)));
    }
    chosen
}
