//! One case: a world, and one of its files changed.

use super::chance::Chance;
use super::forge;
use super::keys::Key;
use super::tree::{Spelling, Tree};
use super::world::{Which, Whose, World};
use super::{bytes, meaning, structure};
use crate::oracle::Served;

/// A changed file among those a repository serves.
pub(super) struct Case {
    pub(super) whose: Whose,
    pub(super) which: Which,
    pub(super) kind: &'static str,
    /// Whether the role's keys signed what the file says now.
    pub(super) resigned: bool,
    pub(super) served: Served,
}

const TOP: [Which; 4] = [Which::Root, Which::Timestamp, Which::Snapshot, Which::Targets];

/// The world of a case, and the case.
pub(super) fn make<'w>(worlds: &'w [World], chance: &mut Chance) -> Option<(&'w World, Case)> {
    let whose = *chance.one(&[Whose::Director, Whose::Image])?;
    let which = match whose {
        Whose::Director => *chance.one(&TOP)?,
        // Delegated files come in many forms, and so do the files that delegate.
        Whose::Image => {
            *chance.one(&[TOP.as_slice(), &[Which::Targets, Which::Delegated, Which::Delegated]].concat())?
        }
    };
    // Roots cost the most to verify, so few cases meet new ones beside the file that was changed.
    let with_roots = which == Which::Root || chance.percent(10);
    let fit = |world: &&World| match which {
        Which::Delegated => world.searches,
        Which::Root | Which::Timestamp | Which::Snapshot | Which::Targets => {
            world.side(whose).served.roots.is_empty() != with_roots
        }
    };
    let fitting: Vec<&World> = worlds.iter().filter(fit).collect();
    let world = *chance.one(&fitting)?;
    let side = world.side(whose);
    let number = *chance.one(&side.served.roots.keys().copied().collect::<Vec<_>>()).unwrap_or(&0);
    let roles: Vec<String> = side.served.delegated.keys().cloned().collect();
    let role = chance.one(&roles).filter(|_| which == Which::Delegated).cloned().unwrap_or_default();
    let mut served = side.served.clone();
    let file = match which {
        Which::Root => served.roots.get_mut(&number)?,
        Which::Timestamp => &mut served.timestamp,
        Which::Snapshot => &mut served.snapshot,
        Which::Targets => &mut served.targets,
        Which::Delegated => served.delegated.get_mut(&role)?,
    };
    let stranger = world.side(if whose == Whose::Director { Whose::Image } else { Whose::Director });
    let strangers = stranger.keys.role(if which == Which::Delegated { Which::Targets } else { which }, "");
    let (kind, resigned) = change(file, side.keys.role(which, &role), which, strangers, chance)?;
    if chance.percent(90) {
        forge::list_again(side, &mut served, which, &role, chance);
    }
    Some((world, Case { whose, which, kind, resigned, served }))
}

/// Changes a file; what was done, and whether it was signed again.
fn change(
    file: &mut Vec<u8>,
    keys: &[Key],
    which: Which,
    strangers: &[Key],
    chance: &mut Chance,
) -> Option<(&'static str, bool)> {
    let mut signed = forge::signed_of(file)?;
    match chance.below(20) {
        0..3 => Some((bytes::mutate(file, chance), false)),
        3..5 => {
            let mut raw = signed.write(Spelling::Wire);
            let kind = bytes::mutate(&mut raw, chance);
            *file = forge::file(&raw, keys);
            Some((kind, true))
        }
        5..7 => {
            let mut frame = forge::envelope(Tree::List(forge::signatures(&signed.write(Spelling::Wire), keys)), signed);
            let kind = structure::mutate(&mut frame, chance);
            *file = frame.write(spelling(chance));
            Some((kind, false))
        }
        7..10 => {
            let mut entries = forge::signatures(&signed.write(Spelling::Wire), keys);
            let kind = meaning::signatures(&mut entries, stranger(&signed, strangers)?, chance);
            *file = forge::envelope(Tree::List(entries), signed).write(spelling(chance));
            Some((kind, false))
        }
        under => {
            let mutate = |signed: &mut Tree, chance: &mut Chance| match under {
                10..14 => structure::mutate(signed, chance),
                _ => meaning::mutate(signed, which, chance),
            };
            let mut kind = mutate(&mut signed, chance);
            while chance.percent(15) {
                kind = mutate(&mut signed, chance);
            }
            // At times by the wrong keys, or by none but those who signed before.
            let resigned = chance.percent(92);
            let by = if resigned { keys } else { strangers };
            let entries = Tree::List(forge::signatures(&signed.write(Spelling::Wire), by));
            *file = forge::envelope(entries, signed).write(spelling(chance));
            Some((kind, resigned))
        }
    }
}

fn stranger(signed: &Tree, strangers: &[Key]) -> Option<Tree> {
    forge::signatures(&signed.write(Spelling::Wire), strangers).pop()
}

fn spelling(chance: &mut Chance) -> Spelling {
    match chance.below(8) {
        0 => Spelling::Pretty,
        1 => Spelling::Escaped,
        _ => Spelling::Wire,
    }
}
