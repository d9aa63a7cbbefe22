//! Changes that know nothing of JSON.

use super::chance::Chance;

/// Changes bytes in one to three places; the name of what was done last.
pub(super) fn mutate(bytes: &mut Vec<u8>, chance: &mut Chance) -> &'static str {
    let mut kind = once(bytes, chance);
    while chance.percent(25) {
        kind = once(bytes, chance);
    }
    kind
}

fn once(bytes: &mut Vec<u8>, chance: &mut Chance) -> &'static str {
    let at = chance.below(bytes.len());
    let until = (at + 1 + chance.below(24)).min(bytes.len());
    match chance.below(8) {
        0 => {
            bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << chance.below(8));
            "bytes: a bit flipped"
        }
        1 => {
            bytes.get_mut(at).into_iter().for_each(|byte| *byte = any_byte(chance));
            "bytes: one written over"
        }
        2 => {
            bytes.insert(at, any_byte(chance));
            "bytes: one inserted"
        }
        3 => {
            bytes.drain(at..until);
            "bytes: some deleted"
        }
        4 => {
            let other = chance.below(bytes.len());
            if at < bytes.len() {
                bytes.swap(at, other);
            }
            "bytes: two swapped"
        }
        5 => {
            bytes.truncate(at);
            "bytes: cut off"
        }
        6 => {
            let slice: Vec<u8> = bytes.get(at..until).unwrap_or_default().to_vec();
            bytes.splice(at..at, slice);
            "bytes: a slice twice"
        }
        _ => {
            // A digit for a digit keeps the file readable, so that what it says is judged.
            let digits: Vec<usize> =
                bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(at, _)| at).collect();
            let digit = chance.one(b"0123456789").copied().unwrap_or_default();
            let place = chance.one(&digits).and_then(|at| bytes.get_mut(*at));
            place.into_iter().for_each(|byte| *byte = digit);
            "bytes: a digit for a digit"
        }
    }
}

/// One that JSON is made of, as a rule.
fn any_byte(chance: &mut Chance) -> u8 {
    let likely = b"{}[]\",:\\ 0123456789-.eEtfnu\n\x00\x7f\x80\xc3\xff";
    match chance.percent(80) {
        true => chance.one(likely).copied().unwrap_or_default(),
        false => u8::try_from(chance.below(256)).unwrap_or_default(),
    }
}
