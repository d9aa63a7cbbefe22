//! Time as signed files carry it: whole seconds, UTC, written `2027-01-31T12:00:00Z`.
//!
//! Nothing in this crate reads a clock; `now` is always an argument.

use core::fmt;
use core::time::Duration;

use crate::Error;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted. At most 9999-12-31T23:59:59Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// 9999-12-31T23:59:59Z, the last time with a four-digit year.
    pub const MAX: Self = Self(253_402_300_799);

    /// A time from seconds since the epoch.
    pub fn from_unix(seconds: u64) -> Result<Self, Error> {
        (seconds <= Self::MAX.0).then_some(Self(seconds)).ok_or(Error::BadTime)
    }

    /// Seconds since the epoch.
    pub fn unix(self) -> u64 {
        self.0
    }

    /// This time and `duration`, stopping at the last representable one.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()).min(Self::MAX.0))
    }

    /// How long after `earlier` this is; zero if it is not.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }

    /// Parses exactly `YYYY-MM-DDTHH:MM:SSZ`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let [year, month, day, hour, minute, second] = numbers(text).ok_or(Error::BadTime)?;
        if year < 1970 || hour > 23 || minute > 59 || second > 59 {
            return Err(Error::BadTime);
        }
        let days = days_before(year, month, day).ok_or(Error::BadTime)?;
        Self::from_unix(u64::from(days) * 86_400 + u64::from(hour * 3_600 + minute * 60 + second))
    }

    /// The text form, for those who have no use for [`Display`](fmt::Display).
    pub fn text(self) -> [u8; 20] {
        let (days, second) = self.days_and_second();
        let (year, month, day) = date(days);
        let [y1, y2] = two_digits(year / 100);
        let [y3, y4] = two_digits(year % 100);
        let [m1, m2] = two_digits(month);
        let [d1, d2] = two_digits(day);
        let [h1, h2] = two_digits(second / 3_600);
        let [i1, i2] = two_digits(second / 60 % 60);
        let [s1, s2] = two_digits(second % 60);
        [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'Z']
    }

    /// A day is 675 times 128 seconds, and 128ths of a time fit into 32 bits, in which every processor divides.
    fn days_and_second(self) -> (u32, u32) {
        let days = u32::try_from(self.0 >> 7).unwrap_or(u32::MAX) / 675;
        let second = self.0.saturating_sub(u64::from(days) * 86_400);
        (days, u32::try_from(second).unwrap_or(u32::MAX))
    }
}

impl core::str::FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Digits and what stands between them.
        f.write_str(core::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// The form of a time, a zero standing for any digit.
const FORM: &[u8; 20] = b"0000-00-00T00:00:00Z";

/// The six numbers of a text in this form.
fn numbers(text: &str) -> Option<[u32; 6]> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let (mut numbers, mut place) = ([0; 6], 0);
    for (byte, form) in bytes.iter().zip(FORM) {
        match (byte, form) {
            (b'0'..=b'9', b'0') => {
                let number: &mut u32 = numbers.get_mut(place)?;
                *number = *number * 10 + u32::from(*byte - b'0');
            }
            _ if byte == form => place += 1,
            _ => return None,
        }
    }
    Some(numbers)
}

#[inline(never)]
fn two_digits(number: u32) -> [u8; 2] {
    [number / 10, number % 10].map(|digit| b'0' + u8::try_from(digit).unwrap_or_default())
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_month(year: u32, month: u32) -> Option<u32> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(28 + u32::from(is_leap(year))),
        _ => None,
    }
}

/// Days from 1970-01-01 to the first of January of `year`.
fn days_to_year(year: u32) -> u32 {
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400;
    // 477 leap years lie before 1970.
    (year - 1970) * 365 + leaps - 477
}

fn days_before(year: u32, month: u32, day: u32) -> Option<u32> {
    if day == 0 || day > days_of_month(year, month)? {
        return None;
    }
    let months = (1..month).try_fold(0, |days, m| Some(days + days_of_month(year, m)?))?;
    Some(days_to_year(year) + months + day - 1)
}

fn date(days: u32) -> (u32, u32, u32) {
    // A first guess that is never too late by more than a year.
    let mut year = 1970 + days / 366;
    while days_to_year(year + 1) <= days {
        year += 1;
    }
    let mut rest = days - days_to_year(year);
    let mut month = 1;
    while let Some(length) = days_of_month(year, month).filter(|length| rest >= *length) {
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_day_until_the_last_reads_back_as_it_was_written() {
        for day in 0..=Time::MAX.unix() / 86_400 {
            let time = Time::from_unix(day * 86_400 + 86_399).unwrap();
            assert_eq!(Time::parse(&time.to_string()), Ok(time));
        }
    }

    #[test]
    fn known_dates_have_their_known_seconds() {
        assert_eq!(Time::parse("2000-02-29T00:00:00Z").unwrap().unix(), 951_782_400);
        assert_eq!(Time::parse("2026-11-22T20:15:38Z").unwrap().unix(), 1_795_378_538);
        assert_eq!(Time::parse("9999-12-31T23:59:59Z"), Ok(Time::MAX));
    }

    #[test]
    fn only_one_form_is_a_time() {
        for text in [
            "",
            "2026-11-22T20:15:38",
            "2026-11-22T20:15:38+00:00",
            "2026-11-22T20:15:38.0Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
        ] {
            assert_eq!(Time::parse(text), Err(Error::BadTime), "{text}");
        }
    }
}
