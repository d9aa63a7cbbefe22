//! Where the members of a file stand, as a table: one search finds the place of a value and holds it to its type.
//!
//! A reader is then its table and one `match`, and no reader compares keys by itself.

use crate::json::{Event, Kind, Step};
use crate::{Error, Told, told};

/// A place in a file that a reader looks at. It stands at its own number in the table; the first is the value that is read.
pub(super) struct Place {
    at: u8,
    within: u8,
    /// Which step leads here from the place around it: the number of a name, or one of the two below.
    by: u8,
    holds: Holds,
    /// What a refusal calls it.
    name: Told<&'static str>,
}

/// The place of the value that is read.
pub(super) const WHOLE: u8 = 0;
/// No place of a table.
const NOWHERE: u8 = u8::MAX;

/// Every element of an array leads there.
const ITEM: u8 = u8::MAX;
/// Every member of an object leads there.
const ANY_NAME: u8 = ITEM - 1;

/// What may stand at a place.
#[derive(Clone, Copy)]
pub(super) enum Holds {
    /// What another reader knows: the place of all that lies in it.
    Another,
    Anything,
    Array,
    Number,
    Object,
    /// Text, which may come in pieces.
    Pieces,
    /// Text that comes whole.
    Text,
    /// Text of which only short ones mean something: one that comes in pieces is found as none.
    Word,
}

impl Place {
    /// The value that is read, under the name that a refusal gives it.
    pub(super) const fn whole(name: &'static str, holds: Holds) -> Self {
        Self { at: WHOLE, within: NOWHERE, by: ITEM, holds, name: told(name) }
    }

    /// The member of this name in an object.
    pub(super) const fn member(at: u8, within: u8, name: &'static str, holds: Holds) -> Self {
        Self { at, within, by: number_of(name), holds, name: told(name) }
    }

    /// Every member of an object; a refusal calls it by the name of that.
    pub(super) const fn members(at: u8, within: u8, name: &'static str, holds: Holds) -> Self {
        Self { at, within, by: ANY_NAME, holds, name: told(name) }
    }

    /// Every element of an array; a refusal calls it by the name of that.
    pub(super) const fn items(at: u8, within: u8, name: &'static str, holds: Holds) -> Self {
        Self { at, within, by: ITEM, holds, name: told(name) }
    }

    fn is_reached_by(&self, step: &Step<'_>) -> bool {
        match (self.by, step) {
            (ITEM, step) => *step == Step::Item,
            (_, Step::Item) => false,
            (ANY_NAME, Step::Key(_)) => true,
            (name, Step::Key(key)) => NAMES.get(usize::from(name)) == Some(key),
        }
    }

    fn find<'e>(&self, event: Event<'e>) -> Result<Found<'e>, Error> {
        let mut found = Found { at: self.at, text: "", number: 0 };
        match (self.holds, event) {
            (Holds::Anything | Holds::Pieces | Holds::Text | Holds::Word, Event::Text(text))
            | (Holds::Pieces, Event::Part { piece: text, .. }) => found.text = text,
            (Holds::Another | Holds::Anything, _)
            | (Holds::Word, Event::Part { .. })
            | (Holds::Object, Event::Begin(Kind::Object) | Event::End(Kind::Object))
            | (Holds::Array, Event::Begin(Kind::Array) | Event::End(Kind::Array)) => {}
            (Holds::Number, Event::Integer(value)) => {
                found.number = u64::try_from(value).map_err(|_| Error::BadNumber { kind: self.name })?;
            }
            (Holds::Array | Holds::Number | Holds::Object | Holds::Pieces | Holds::Text | Holds::Word, _) => {
                return Err(Error::Schema { field: self.name });
            }
        }
        Ok(found)
    }
}

/// The names of the members that any reader looks at. Places have the numbers of their names: most names stand at several
/// places, and a number takes a byte where a name takes eight.
const NAMES: [&str; 49] = [
    "_type",
    "action",
    "base",
    "campaign",
    "custom",
    "delegations",
    "delta",
    "ecu",
    "ecus",
    "encryption",
    "expires",
    "fallback",
    "hardware_id",
    "hardware_ids",
    "hash",
    "hash_function",
    "hashes",
    "info",
    "keyid",
    "keyids",
    "keys",
    "keytype",
    "keyval",
    "length",
    "line",
    "match",
    "method",
    "name",
    "nonces",
    "not_before",
    "order",
    "public",
    "release_counter",
    "repository",
    "roles",
    "scheme",
    "sha256",
    "sha512",
    "sig",
    "signatures",
    "signed",
    "spec_version",
    "targets",
    "threshold",
    "time",
    "transaction",
    "uptane",
    "vehicle",
    "version",
];

/// The number of a name, which must be in the list.
const fn number_of(name: &str) -> u8 {
    let (mut names, mut number): (&[&str], u8) = (&NAMES, 0);
    while let [first, rest @ ..] = names {
        if is_same(first.as_bytes(), name.as_bytes()) {
            return number;
        }
        (names, number) = (rest, number + 1);
    }
    panic!("a place has a name that is not in the list")
}

const fn is_same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([first, after @ ..], [second, behind @ ..]) = (one, other) {
        if *first != *second {
            return false;
        }
        (one, other) = (after, behind);
    }
    one.is_empty() && other.is_empty()
}

/// A value at one of the places of a table.
#[derive(Clone, Copy)]
pub(super) struct Found<'e> {
    /// The place, or one that no table has.
    pub(super) at: u8,
    /// The text that stands there, if there is one.
    pub(super) text: &'e str,
    /// What stands there, where that must be a number.
    pub(super) number: u64,
}

/// Finds the place of a value, by the steps to it from the place `from`. Members that no table has are passed over, as TUF
/// asks; what stands at a place and is not of its type is refused by its name.
#[inline(never)]
pub(super) fn find<'e>(places: &[Place], from: u8, steps: &[Step<'_>], event: Event<'e>) -> Result<Found<'e>, Error> {
    let mut place = places.get(usize::from(from));
    for step in steps {
        let Some(outer) = place.filter(|place| !matches!(place.holds, Holds::Another)) else { break };
        place = places.iter().find(|inner| inner.within == outer.at && inner.is_reached_by(step));
    }
    place.map_or(Ok(Found { at: NOWHERE, text: "", number: 0 }), |place| place.find(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Place; 7] = [
        Place::whole("whole", Holds::Object),
        Place::member(1, WHOLE, "nonces", Holds::Array),
        Place::items(2, 1, "nonces", Holds::Number),
        Place::member(3, WHOLE, "targets", Holds::Object),
        Place::members(4, 3, "targets", Holds::Text),
        Place::member(5, WHOLE, "keytype", Holds::Word),
        Place::member(6, WHOLE, "time", Holds::Another),
    ];

    fn at(steps: &[Step<'_>], event: Event<'_>) -> Result<u8, Error> {
        find(&PLACES, WHOLE, steps, event).map(|found| found.at)
    }

    #[test]
    fn a_value_is_found_by_the_steps_to_it() {
        let object = Event::Begin(Kind::Object);
        assert_eq!(at(&[], object), Ok(WHOLE));
        assert_eq!(at(&[Step::Key("nonces"), Step::Item], Event::Integer(7)), Ok(2));
        assert_eq!(at(&[Step::Key("targets"), Step::Key("any")], Event::Text("text")), Ok(4));
        for elsewhere in [
            &[Step::Key("nonce")][..],
            &[Step::Key("any"), Step::Key("nonces")],
            &[Step::Key("nonces"), Step::Key("nonces")],
            &[Step::Key("targets"), Step::Item],
            &[Step::Key("targets"), Step::Key("any"), Step::Key("deeper")],
        ] {
            assert_eq!(at(elsewhere, object), Ok(NOWHERE), "{elsewhere:?}");
        }
    }

    #[test]
    fn what_is_not_of_the_type_of_its_place_is_refused_by_its_name() {
        let number = &[Step::Key("nonces"), Step::Item];
        assert_eq!(at(&[], Event::Null), Err(Error::Schema { field: "whole" }));
        assert_eq!(at(number, Event::Text("7")), Err(Error::Schema { field: "nonces" }));
        assert_eq!(at(number, Event::Integer(-7)), Err(Error::BadNumber { kind: "nonces" }));
        let part = Event::Part { piece: "te", last: false };
        assert_eq!(at(&[Step::Key("targets"), Step::Key("any")], part), Err(Error::Schema { field: "targets" }));
    }

    #[test]
    fn a_word_in_pieces_is_found_as_none() {
        let word = |event| find(&PLACES, WHOLE, &[Step::Key("keytype")], event).map(|found| found.text);
        assert_eq!(word(Event::Text("ed25519")), Ok("ed25519"));
        assert_eq!(word(Event::Part { piece: "ed25519", last: true }), Ok(""));
        assert_eq!(word(Event::Null), Err(Error::Schema { field: "keytype" }));
    }

    #[test]
    fn all_that_another_reader_knows_is_found_at_its_place() {
        for steps in [&[Step::Key("time")][..], &[Step::Key("time"), Step::Key("nonces"), Step::Item]] {
            assert_eq!(at(steps, Event::Null), Ok(6), "{steps:?}");
        }
    }

    #[test]
    fn a_value_is_found_from_any_place_of_the_table() {
        let number = find(&PLACES, 1, &[Step::Item], Event::Integer(7));
        assert_eq!(number.map(|found| (found.at, found.number)), Ok((2, 7)));
    }
}
