//! The `Accept-Encoding` header (RFC 9110 §12.5.3).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// Whether the client would rather have gzip than the bytes as they are. One that says nothing would not.
pub(super) fn prefers_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
    let mut wishes = Wishes::default();
    for one in lines.flat_map(|line| line.split(',')) {
        wishes.take(one);
    }
    let gzip = wishes.gzip.or(wishes.any).unwrap_or(0);
    // What is not refused is acceptable, but only the client's own word ranks it above gzip.
    gzip > 0 && gzip >= wishes.identity.unwrap_or(0)
}

/// Weights in thousandths, of the codings that matter here.
#[derive(Default)]
struct Wishes {
    gzip: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Wishes {
    /// Takes one element of the list; what is malformed says nothing.
    fn take(&mut self, element: &str) {
        let (coding, weight) = match element.split_once(';') {
            Some((coding, parameter)) => (coding, thousandths(parameter)),
            None => (element, Some(1_000)),
        };
        let coding = coding.trim();
        let wish = match coding {
            "*" => &mut self.any,
            _ if coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip") => &mut self.gzip,
            _ if coding.eq_ignore_ascii_case("identity") => &mut self.identity,
            _ => return,
        };
        *wish = weight.or(*wish);
    }
}

/// `q=0.5` as 500 (§12.4.2: at most three digits after the point, and no more than 1).
fn thousandths(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.trim().split_once('=')?;
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    let digits = part.len() <= 3 && part.bytes().all(|digit| digit.is_ascii_digit());
    if !name.trim_end().eq_ignore_ascii_case("q") || !digits {
        return None;
    }
    let part: u16 = format!("{part:0<3}").parse().ok()?;
    match (whole, part) {
        ("0", part) => Some(part),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_who_wants_it_at_least_as_much_as_plain_bytes() {
        for (lines, expected) in [
            (&["gzip"][..], true),
            (&["GZip"], true),
            (&["br, gzip"], true),
            (&["br", "x-gzip;q=0.1"], true),
            (&["*"], true),
            (&["gzip;q=0.5, identity;q=0.5"], true),
            (&["gzip ; Q=0.001"], true),
            (&["*;q=0, gzip;q=1.000"], true),
            (&["identity;q=0, gzip"], true),
            (&[], false),
            (&[""], false),
            (&["br, deflate"], false),
            (&["gzip;q=0"], false),
            (&["gzip;q=0.000, *"], false),
            (&["gzip;q=0.4, identity;q=0.5"], false),
            (&["identity"], false),
            (&["gzip;q=2"], false),
            (&["gzip;q=1.5"], false),
            (&["gzip;q=0.1234"], false),
            (&["gzip;level=1"], false),
            (&["xgzip"], false),
        ] {
            let headers = lines.iter().map(|line| (ACCEPT_ENCODING, line.parse().unwrap())).collect();
            assert_eq!(prefers_gzip(&headers), expected, "{lines:?}");
        }
    }
}
