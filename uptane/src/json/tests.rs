use alloc::string::String;
use alloc::vec::Vec;
use std::format;

use super::*;
use crate::limits::{MAX_DEPTH, MAX_OPEN_KEYS, MAX_STRING};
use crate::{Length, Role};

/// Writes down everything it hears.
#[derive(Clone, Default, Debug, PartialEq)]
pub(super) struct Notes {
    events: Vec<String>,
    signed: Vec<u8>,
}

impl Sink for Notes {
    fn event(&mut self, path: &Path<'_>, event: Event<'_>, span: Span) -> Result<(), Error> {
        self.events.push(format!("{:?} {event:?} {}..{}", path.steps(), span.start, span.end));
        Ok(())
    }

    fn descends(&self, path: &Path<'_>) -> bool {
        !matches!(path.steps().last(), Some(Step::Key("quiet")))
    }

    fn signed(&mut self, bytes: &[u8]) {
        self.signed.extend_from_slice(bytes);
    }
}

pub(super) fn scan(pieces: &[&[u8]]) -> Result<Notes, Error> {
    let (mut scanner, mut notes) = (Scanner::<16>::new(), Notes::default());
    for piece in pieces {
        scanner.feed(piece, &mut notes)?;
    }
    scanner.finish(&mut notes)?;
    Ok(notes)
}

fn refused(json: impl AsRef<[u8]>) -> Error {
    scan(&[json.as_ref()]).unwrap_err()
}

#[test]
fn every_value_is_told_with_its_path_and_place() {
    let notes = scan(&[br#"{"a":[1,-2],"b":{"c":"x"},"d":true,"e":null}"#]).unwrap();
    let expected = [
        "[] Begin(Object) 0..1",
        "[Key(\"a\")] Begin(Array) 5..6",
        "[Key(\"a\"), Item] Integer(1) 6..7",
        "[Key(\"a\"), Item] Integer(-2) 8..10",
        "[Key(\"a\")] End(Array) 5..11",
        "[Key(\"b\")] Begin(Object) 16..17",
        "[Key(\"b\"), Key(\"c\")] Text(\"x\") 21..24",
        "[Key(\"b\")] End(Object) 16..25",
        "[Key(\"d\")] Bool(true) 30..34",
        "[Key(\"e\")] Null 39..43",
        "[] End(Object) 0..44",
    ];
    assert_eq!(notes.events, expected);
}

#[test]
fn content_that_nobody_wants_is_told_by_its_span_alone() {
    let notes =
        scan(&[br#"{"quiet":{"a":[1,{"b":"12345678901234567890"}],"quiet":[]},"r":[{"quiet":[[1]]}],"s":1}"#]).unwrap();
    let expected = [
        "[] Begin(Object) 0..1",
        "[Key(\"quiet\")] Begin(Object) 9..10",
        "[Key(\"quiet\")] End(Object) 9..58",
        "[Key(\"r\")] Begin(Array) 63..64",
        "[Key(\"r\"), Item] Begin(Object) 64..65",
        "[Key(\"r\"), Item, Key(\"quiet\")] Begin(Array) 73..74",
        "[Key(\"r\"), Item, Key(\"quiet\")] End(Array) 73..78",
        "[Key(\"r\"), Item] End(Object) 64..79",
        "[Key(\"r\")] End(Array) 63..80",
        "[Key(\"s\")] Integer(1) 85..86",
        "[] End(Object) 0..87",
    ];
    assert_eq!(notes.events, expected);
}

#[test]
fn content_that_nobody_wants_is_judged_like_any_other() {
    let long = format!("\"{}\"", "s".repeat(MAX_STRING + 1));
    for content in [
        "01",
        "1.0",
        "9007199254740992",
        "tru",
        "\"\\/\"",
        "\"\t\"",
        "\"\\ud800\"",
        "[1,]",
        " 1",
        "{\"b\":1,\"a\":1}",
        "{\"a\":1,\"a\":1}",
        &long,
        &"[".repeat(MAX_DEPTH),
        "}",
        "1",
    ] {
        let heard = scan(&[format!("{{\"qui8t\":[{content}]}}").as_bytes()]).map(|_| ());
        assert_eq!(scan(&[format!("{{\"quiet\":[{content}]}}").as_bytes()]).map(|_| ()), heard, "{content}");
    }
}

#[test]
fn what_was_signed_has_control_characters_as_they_are() {
    let file = br#"{"signatures":[],"signed":{"a":"\u0001\b\t\n\f\r\u001f\"\\\\n","b":[]},"then":"\n"}"#;
    let signed = b"{\"a\":\"\x01\x08\t\n\x0c\r\x1f\\\"\\\\\\\\n\",\"b\":[]}";
    assert_eq!(scan(&[file]).unwrap().signed, signed);
}

#[test]
fn only_the_outermost_signed_is_signed() {
    assert_eq!(scan(&[br#"{"a":{"signed":{"b":1}}}"#]).unwrap().signed, b"");
}

#[test]
fn what_is_no_json_is_refused_at_the_byte_that_shows_it() {
    for (json, at) in [
        ("", 0),
        ("{", 1),
        ("[1", 2),
        ("[1,]", 3),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1,}", 7),
        ("[1}", 2),
        ("{\"a\":1]", 6),
        ("{}{}", 2),
        ("{}x", 2),
        ("tru", 3),
        ("trux", 3),
        ("nulll", 4),
        ("01", 1),
        ("-", 1),
        ("--1", 1),
        ("+1", 0),
        ("\"a", 2),
        ("\"\\x\"", 2),
        ("\"\\u12", 5),
        ("\"\\u12g4\"", 5),
        ("{a:1}", 1),
        ("'a'", 0),
        ("]", 0),
        ("NaN", 0),
        ("\"\t\"", 1),
        ("\"\\u0000\"", 6),
    ] {
        let error = refused(json);
        assert!(matches!(error, Error::NotJson { at: got } if got == at), "{json:?}: {error:?}");
    }
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    for bytes in [
        &b"\"\x80\""[..],
        b"\"\xc0\x80\"",
        b"\"\xc1\xbf\"",
        b"\"\xe0\x80\x80\"",
        b"\"\xed\xa0\x80\"",
        b"\"\xf0\x80\x80\x80\"",
        b"\"\xf4\x90\x80\x80\"",
        b"\"\xf5\x80\x80\x80\"",
        b"\"\xff\"",
        b"\"\xe2\x82\"",
        b"{\"\xc3\":1}",
    ] {
        assert!(matches!(refused(bytes), Error::NotJson { .. }), "{bytes:?}");
    }
    assert!(scan(&["\"ü€𝄞\u{7f}\u{80}\u{7ff}\u{800}\u{d7ff}\u{e000}\u{ffff}\u{10ffff}\"".as_bytes()]).is_ok());
}

#[test]
fn only_the_canonical_spelling_is_canonical() {
    for json in [
        " {}",
        "{} ",
        "[1, 2]",
        "{\"a\" :1}",
        "\n1",
        r#""\/""#,
        r#""\u0041""#,
        r#""\u000a""#,
        r#""\u001F""#,
        r#""\u00fc""#,
        r#""\ud834\udd1e""#,
        r#"{"b":1,"a":2}"#,
        r#"{"ab":1,"a":2}"#,
        r#"{"a":1,"B":2}"#,
    ] {
        assert!(matches!(refused(json), Error::NotCanonical { .. }), "{json:?}: {:?}", refused(json));
    }
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    assert_eq!(refused(r#"{"a":1,"a":1}"#), Error::Duplicate { what: "key" });
    assert_eq!(refused(r#"{"a":{"b":1,"c":{},"c":1}}"#), Error::Duplicate { what: "key" });
    assert!(scan(&[br#"{"a":{"a":{"a":1}},"b":{"a":1}}"#]).is_ok());
}

#[test]
fn lone_halves_of_a_surrogate_pair_are_refused() {
    for json in
        [r#""\ud800""#, r#""\udc00""#, r#""\ud800x""#, r#""\ud800\n""#, r#""\ud800\ud800""#, r#""\ud800\u0041""#]
    {
        assert!(matches!(refused(json), Error::NotJson { .. }), "{json:?}");
    }
}

#[test]
fn numbers_are_integers_that_every_reader_keeps_exactly() {
    assert!(scan(&[b"[9007199254740991,-9007199254740991,0]"]).is_ok());
    for json in ["9007199254740992", "-9007199254740992", "1.0", "1e3", "1E3", "-0", "0.5", "99999999999999999999999"] {
        assert_eq!(refused(json), Error::BadNumber { kind: "integer" }, "{json}");
    }
}

#[test]
fn nesting_open_keys_and_strings_are_bounded() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(scan(&[nested(MAX_DEPTH).as_bytes()]).is_ok());
    assert_eq!(refused(nested(MAX_DEPTH + 1)), Error::Limit { what: "nesting" });

    let key = |length: usize| format!("{{\"{}\":1}}", "k".repeat(length));
    assert!(scan(&[key(MAX_OPEN_KEYS).as_bytes()]).is_ok());
    assert_eq!(refused(key(MAX_OPEN_KEYS + 1)), Error::Limit { what: "open keys" });

    // Only the present key of an object is open, whatever came before it.
    let two = |first: usize, second: usize| format!("{{\"{}\":1,\"{}\":1}}", "k".repeat(first), "l".repeat(second));
    assert!(scan(&[two(MAX_OPEN_KEYS, MAX_OPEN_KEYS).as_bytes()]).is_ok());
    assert_eq!(refused(two(1, MAX_OPEN_KEYS + 1)), Error::Limit { what: "open keys" });
    let inner = |length: usize| format!("{{\"{}\":{{\"a\":1,\"b\":1}}}}", "k".repeat(length));
    assert!(scan(&[inner(MAX_OPEN_KEYS - 1).as_bytes()]).is_ok());
    assert_eq!(refused(inner(MAX_OPEN_KEYS)), Error::Limit { what: "open keys" });

    let string = |length: usize| format!("\"{}\"", "s".repeat(length));
    assert!(scan(&[string(MAX_STRING).as_bytes()]).is_ok());
    assert_eq!(refused(string(MAX_STRING + 1)), Error::Limit { what: "bytes in a string" });
}

#[test]
fn keys_are_compared_alike_whether_they_arrive_whole_or_byte_by_byte() {
    let keys = ["", "a", "ab", "abc", "abd", "b", "ba", "é", "éa", "z"];
    for (first, second) in keys.iter().flat_map(|first| keys.iter().map(move |second| (first, second))) {
        let json = format!("{{\"{first}\":1,\"{second}\":2}}");
        let bytes: Vec<&[u8]> = json.as_bytes().chunks(1).collect();
        assert_eq!(scan(&[json.as_bytes()]).is_ok(), first < second, "{json}");
        assert_eq!(scan(&bytes).is_ok(), first < second, "{json}");
    }
}

#[test]
fn a_string_that_fits_is_told_whole_and_a_longer_one_in_parts() {
    assert_eq!(scan(&[b"\"123456789012\""]).unwrap().events, ["[] Text(\"123456789012\") 0..14"]);
    let parts = scan(&["\"123456789012ü5\"".as_bytes()]).unwrap().events;
    assert_eq!(parts.len(), 2);
    assert!(parts[0].contains("Part { piece: \"123456789012ü\", last: false }"), "{parts:?}");
    assert!(parts[1].contains("Part { piece: \"5\", last: true }"), "{parts:?}");
}

#[cfg(feature = "alloc")]
pub(super) fn document(json: impl AsRef<[u8]>) -> Result<String, Error> {
    let limit = Length::new(1 << 20).unwrap();
    let document = Document::read(Role::Targets, json.as_ref(), limit)?;
    assert_eq!(document.sha256(), crate::Sha256::of(json.as_ref()));
    Ok(String::from_utf8(document.into_bytes()).unwrap())
}

#[test]
#[cfg(feature = "alloc")]
fn json_of_any_form_becomes_canonical() {
    let any =
        " { \"b\" : [ 1 , true , null , { } ] ,\n\t\"a\\u00fc\" : \"\\/\\u000a\\ud834\\udd1e\\u001F\" , \"B\" : -3 } ";
    assert_eq!(document(any).unwrap(), "{\"B\":-3,\"aü\":\"/\\n𝄞\\u001f\",\"b\":[1,true,null,{}]}");
    let long = format!("[\"{}\" ]", "ü".repeat(MAX_STRING / 2));
    assert_eq!(document(&long).unwrap(), long.replace(' ', ""));
}

#[test]
#[cfg(feature = "alloc")]
fn a_duplicate_is_refused_before_anything_is_rewritten() {
    for json in [r#"{"a":1, "b":2, "a":1}"#, r#"{"a":1, "\u0061":1}"#, r#"[ {"b":1,"a":1,"b":1} ]"#] {
        assert_eq!(document(json), Err(Error::Duplicate { what: "key" }), "{json}");
    }
}

#[test]
#[cfg(feature = "alloc")]
fn a_file_beyond_its_limit_is_not_read() {
    let limit = Length::new(3).unwrap();
    assert!(Document::read(Role::Root, b"[1]", limit).unwrap().is_canonical_as_sent());
    let error = Document::read(Role::Root, b"[12]", limit).unwrap_err();
    assert_eq!(error, Error::TooLong { role: Role::Root, limit });
}
