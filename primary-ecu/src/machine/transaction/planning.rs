//! Whom the next transaction is about.

use uptane::EcuId;

use super::Member;

/// Those of `needy` that are updated next, in one transaction.
///
/// An ECU with a single bank never joins others: between its old image and its new one it runs none, and no other ECU may
/// have to wait for that, or go back with it. It is flashed by itself, once nobody else needs anything (design D8). Those of
/// one order take turns: `failed` went back last, and keeps no other from its turn.
pub fn next_members(needy: Vec<Member>, failed: Option<EcuId>) -> Vec<Member> {
    let (single, mut chosen): (Vec<_>, Vec<_>) = needy.into_iter().partition(Member::has_single_bank);
    if chosen.is_empty() {
        let has_had_its_turn = |member: &Member| failed.is_some_and(|failed| member.ecu <= failed);
        chosen.extend(single.into_iter().min_by_key(|member| (member.order, has_had_its_turn(member), member.ecu)));
    }
    chosen
}
