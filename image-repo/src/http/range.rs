//! The `Range` header (RFC 9110 §14).

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The whole file.
    All,
    /// These bytes, both ends included; they exist.
    Part { first: u64, last: u64 },
    /// Bytes the file does not have.
    Nothing,
}

/// Reads the header. More than one range, or what is no range of bytes, is answered with the whole file, as §14.2 allows.
pub(super) fn asked(header: &str, size: u64) -> Asked {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Asked::All;
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Asked::All,
        (Some(first), Some(last)) => part(first, last.min(size.saturating_sub(1)), size),
        (Some(first), None) if last.is_empty() => part(first, size.saturating_sub(1), size),
        // The last so many bytes.
        (None, Some(0)) if first.is_empty() => Asked::Nothing,
        (None, Some(count)) if first.is_empty() => part(size.saturating_sub(count), size.saturating_sub(1), size),
        _ => Asked::All,
    }
}

fn part(first: u64, last: u64, size: u64) -> Asked {
    if first < size { Asked::Part { first, last } } else { Asked::Nothing }
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_one_range_is_read() {
        let part = |first, last| Asked::Part { first, last };
        for (header, expected) in [
            ("bytes=0-", part(0, 9)),
            ("bytes=3-5", part(3, 5)),
            ("bytes=3-99", part(3, 9)),
            ("bytes=-4", part(6, 9)),
            ("bytes=-99", part(0, 9)),
            ("bytes=10-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=5-3", Asked::All),
            ("bytes=0-1,4-5", Asked::All),
            ("bytes=+1-", Asked::All),
            ("bytes=-", Asked::All),
            ("lines=1-2", Asked::All),
            ("bytes=99999999999999999999-", Asked::All),
        ] {
            assert_eq!(asked(header, 10), expected, "{header}");
        }
    }

    #[test]
    fn an_empty_file_has_no_part() {
        assert_eq!(asked("bytes=0-", 0), Asked::Nothing);
        assert_eq!(asked("bytes=-1", 0), Asked::Nothing);
    }
}
