//! Times as people write them: RFC 3339.
//!
//! Input: a text such as `2026-11-28T00:20:00.123+01:00`. Output: milliseconds since 1970 in UTC.
//! Invariant: what is not a time of the calendar is `None`, never another time.

/// Milliseconds since 1970. Digits beyond milliseconds are dropped, and a leap second is the first
/// one of the next minute. `None` if the text is not RFC 3339, or before 1970.
pub fn parse(text: &str) -> Option<u64> {
    let (date, rest) = text.split_at_checked(10)?;
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = time.split_at_checked(8)?;
    let (year, month, day) = (
        number(date.get(..4)?)?,
        number(date.get(5..7)?)?,
        number(date.get(8..)?)?,
    );
    let (hour, minute, second) = (
        number(clock.get(..2)?)?,
        number(clock.get(3..5)?)?,
        number(clock.get(6..)?)?,
    );
    let is_separated =
        |text: &str, by: u8, at: [usize; 2]| at.map(|at| text.as_bytes()[at]) == [by; 2];
    let is_right = is_separated(date, b'-', [4, 7])
        && is_separated(clock, b':', [2, 5])
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !is_right {
        return None;
    }
    let (ms, zone) = fraction(rest)?;
    let seconds = (days(year, month, day) * 24 + hour) * 3600 + minute * 60 + second;
    u64::try_from((seconds - offset(zone)?) * 1000 + ms).ok()
}

/// Digits alone: `parse` would take a sign.
fn number(digits: &str) -> Option<i64> {
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().ok()).flatten()
}

/// The milliseconds of a fraction, if there is one, and what follows it.
fn fraction(text: &str) -> Option<(i64, &str)> {
    let Some(text) = text.strip_prefix('.') else {
        return Some((0, text));
    };
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, rest) = text.split_at(end);
    let ms = digits.bytes().chain(*b"00").take(3);
    let ms = ms.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    (end > 0).then_some((ms, rest))
}

/// Seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, zone) = match zone.as_bytes() {
        [b'Z' | b'z'] => return Some(0),
        [b'+', ..] => (1, &zone[1..]),
        [b'-', ..] => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = zone.split_once(':')?;
    if (hours.len(), minutes.len()) != (2, 2) {
        return None;
    }
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years begin in March here, so that the day of a leap year is the
/// last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    const FROM_MARCH_OF_0_TO_1970: i64 = 719_468;
    let (year, month) = match month {
        1 | 2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leap_days + (153 * month + 2) / 5 + day - 1 - FROM_MARCH_OF_0_TO_1970
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_of_rfc_3339() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.0019z", 1),
            ("1985-04-12T23:20:50.52Z", 482_196_050_520),
            ("1996-12-19T16:39:57-08:00", 851_042_397_000),
            ("1990-12-31T23:59:60Z", 662_688_000_000),
            ("1990-12-31t15:59:60-08:00", 662_688_000_000),
            ("2000-02-29 00:00:00+00:00", 951_782_400_000),
            ("2026-11-28T00:20:00.123Z", 1_795_825_200_123),
            ("9999-12-31T23:59:59Z", 253_402_300_799_000),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "2026-11-28",
            "2026-11-28T00:20Z",
            "2026-11-28T00:20:00",
            "2026-11-28T00:20:00.Z",
            "2026-11-28T00:20:00.5",
            "2026-11-28T00:20:00+1:00",
            "2026-11-28T00:20:00+0100",
            "2026-11-28T00:20:00+01:60",
            "2026-11-28T00:20:00 Z",
            "2026-11-28T24:00:00Z",
            "2026-11-28T00:60:00Z",
            "2026-11-28T00:00:61Z",
            "2026-02-29T00:00:00Z",
            "2100-02-29T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026/11/28T00:20:00Z",
            "2026-11-28T00.20.00Z",
            "+026-11-28T00:20:00Z",
            "2026-11-28T00:2é:00Z",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9TZ:.+é-]{0,40}") {
            let _ = parse(&text);
        }

        /// Every day follows the one before.
        #[test]
        fn days_are_24_hours_apart(day in 0u64..2_900_000) {
            let (mut year, mut left) = (1970, day as i64);
            let length = |year| (1..=12).map(|month| days_of(year, month)).sum::<i64>();
            while left >= length(year) {
                left -= length(year);
                year += 1;
            }
            let mut month = 1;
            while left >= days_of(year, month) {
                left -= days_of(year, month);
                month += 1;
            }
            let text = format!("{year:04}-{month:02}-{:02}T00:00:00Z", left + 1);
            prop_assert_eq!(parse(&text), Some(day * 86_400_000), "{}", text);
        }
    }
}
