//! What holds for any file, however it is cut.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use std::format;

use proptest::prelude::*;
use proptest::sample::Index;

#[cfg(feature = "alloc")]
use super::tests::document;
use super::tests::scan;
use super::*;

/// JSON values of the kinds signed files have, in canonical form; strings around the sizes at which they are cut.
fn canonical() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<u32>().prop_map(|n| n.to_string()),
        Just("true".to_string()),
        Just("null".to_string()),
        "[a-zü€𝄞\\\\\"]{0,40}".prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
        "[ -!#-~]{0,40}[üa]?".prop_map(|text| format!("\"{}\"", text.replace('\\', "/"))),
        Just("\"\\n\\u0007\"".to_string()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::btree_map("[a-zA-Z_ü]{0,12}|signed|quiet", inner, 0..5).prop_map(|members| {
                let members: Vec<_> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// The same with a few faults, or none.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\"\\,:{}[]019ue- \n\x80\xc3"[..])];
    let fault = (any::<Index>(), 0..3_u8, byte);
    (canonical(), prop::collection::vec(fault, 0..3)).prop_map(|(json, faults)| {
        let mut json = json.into_bytes();
        for (at, kind, byte) in faults {
            let at = at.index(json.len() + 1);
            match kind {
                0 => json.insert(at, byte),
                1 => json.truncate(at),
                _ => drop(json.splice(at..json.len().min(at + 1), [byte])),
            }
        }
        json
    })
}

proptest! {
    #[test]
    fn how_a_file_is_cut_changes_nothing(json in damaged(), cuts in prop::collection::vec(any::<Index>(), 0..8)) {
        let whole = scan(&[&json]);
        for size in 1..=json.len() {
            let pieces: Vec<_> = json.chunks(size).collect();
            prop_assert_eq!(&scan(&pieces), &whole, "pieces of {}", size);
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(json.len() + 1)).collect();
        cuts.extend([0, json.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &json[cut[0]..cut[1]]).collect();
        prop_assert_eq!(scan(&pieces), whole);
    }

    #[test]
    fn canonical_json_is_accepted(json in canonical()) {
        let heard = scan(&[json.as_bytes()]);
        prop_assert!(heard.is_ok(), "{:?}", heard);
    }

    #[test]
    fn a_quiet_file_is_accepted_exactly_when_a_heard_one_is(json in damaged()) {
        // The same bytes: damage may close the value and go on with members that another key would stand in order with.
        let file = [b"{\"quiet\":", json.as_slice(), b"}"].concat();
        prop_assert_eq!(scan(&[&file]).map(|_| ()), read(&file, &mut HearsAll));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _refused_or_not = scan(&[&bytes]);
        walk::elements(&bytes).count();
        walk::members(&bytes).count();
    }

    #[test]
    fn no_damage_makes_a_walk_panic(json in damaged()) {
        walk::elements(&json).count();
        walk::members(&json).count();
    }

    #[test]
    #[cfg(feature = "alloc")]
    fn canonical_json_is_taken_as_it_is(json in canonical()) {
        prop_assert_eq!(document(&json), Ok(json.clone()));
        prop_assert_eq!(document(format!(" {json} ")), Ok(json));
    }
}

/// Hears of everything, quiet or not.
struct HearsAll;

impl Sink for HearsAll {
    fn event(&mut self, _: &Path<'_>, _: Event<'_>, _: Span) -> Result<(), Error> {
        Ok(())
    }
}
