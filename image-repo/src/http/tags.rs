//! Entity tags and the conditions that name them (RFC 9110 §8.8.3, §13.1). All tags of this server are strong.

use axum::http::header::{IF_MATCH, IF_NONE_MATCH, IF_RANGE};
use axum::http::{HeaderMap, HeaderName};
use uptane::Sha256;

/// The strong tag of bytes with this digest.
pub(super) fn strong(digest: Sha256) -> String {
    format!("\"{digest}\"")
}

/// Whether the client has these bytes already (§13.1.2).
pub(super) fn none_match_fails(headers: &HeaderMap, tag: &str) -> bool {
    // The comparison is the weak one: a cache in between may have weakened the tag.
    any(headers, &IF_NONE_MATCH, |given| given == "*" || given.trim_start_matches("W/") == tag)
}

/// Whether the client wants nothing but bytes that are no longer there (§13.1.1).
pub(super) fn match_fails(headers: &HeaderMap, tag: &str) -> bool {
    headers.contains_key(IF_MATCH) && !any(headers, &IF_MATCH, |given| given == "*" || given == tag)
}

/// Whether a part may be sent: the client holds the rest of these very bytes, or says nothing of what it holds (§13.1.5).
/// A date never fits, since no dates are given out.
pub(super) fn range_applies(headers: &HeaderMap, tag: &str) -> bool {
    headers.get(IF_RANGE).is_none_or(|given| given.as_bytes() == tag.as_bytes())
}

/// Whether one of the tags in a header, on however many lines, is as asked.
fn any(headers: &HeaderMap, name: &HeaderName, is: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|line| line.to_str().ok());
    // None of our tags holds a comma; a foreign one that does falls apart into pieces that are no tag of ours.
    lines.flat_map(|line| line.split(',')).any(|given| is(given.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (name.clone(), line.parse().unwrap())).collect()
    }

    #[test]
    fn a_tag_is_found_wherever_it_stands_weakened_or_not() {
        for lines in [&["\"a\""][..], &["\"x\", \"a\""], &["\"x\"", "\"y\" ,W/\"a\""], &["*"]] {
            assert!(none_match_fails(&headers(IF_NONE_MATCH, lines), "\"a\""), "{lines:?}");
        }
        for lines in [&[][..], &["\"x\""], &["a"], &["\"x,\"a\"\""], &["\"A\""]] {
            assert!(!none_match_fails(&headers(IF_NONE_MATCH, lines), "\"a\""), "{lines:?}");
        }
    }

    #[test]
    fn a_weak_tag_promises_nothing_about_bytes() {
        assert!(!match_fails(&headers(IF_MATCH, &["\"x\", \"a\""]), "\"a\""));
        assert!(!match_fails(&headers(IF_MATCH, &[]), "\"a\""));
        assert!(match_fails(&headers(IF_MATCH, &["W/\"a\""]), "\"a\""));
        assert!(range_applies(&headers(IF_RANGE, &["\"a\""]), "\"a\""));
        assert!(!range_applies(&headers(IF_RANGE, &["W/\"a\""]), "\"a\""));
        assert!(!range_applies(&headers(IF_RANGE, &["Fri, 27 Nov 2026 17:00:00 GMT"]), "\"a\""));
    }
}
