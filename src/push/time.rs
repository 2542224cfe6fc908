//! Times and spans of time as people and protocols write them: `1m 30s`, RFC 3339.
//!
//! Input: text, or milliseconds. Output: the other of the two. Invariant: what is written here
//! reads back. Times are Unix times in milliseconds, without leap seconds. The clock itself is left
//! to the caller.

/// Names of units and what one of each is.
pub type Units<'u> = &'u [(&'u str, u64)];

/// Units of time in milliseconds, the smallest first.
pub const TIMES: Units<'static> = &[
    ("ms", 1),
    ("millisecond", 1),
    ("s", 1_000),
    ("sec", 1_000),
    ("second", 1_000),
    ("m", 60_000),
    ("min", 60_000),
    ("minute", 60_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("d", DAY),
    ("day", DAY),
];

/// Milliseconds.
const DAY: u64 = 86_400_000;

/// One number with its unit at the beginning of `text`, and the rest. The number may have a
/// fraction, the unit any case and a plural `s`. `None` if there is none, or it exceeds 64 bits.
///
/// ```
/// use wirebell::push::time::{TIMES, quantity};
/// assert_eq!(quantity("1.5 min 3s", TIMES), Some((90_000, " 3s")));
/// ```
pub fn quantity<'t>(text: &'t str, units: Units<'_>) -> Option<(u64, &'t str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, rest) = text.split_at(digits.unwrap_or(text.len()));
    let rest = rest.trim_start();
    let end = rest.find(|c: char| !c.is_ascii_alphabetic());
    let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
    let singular = name.strip_suffix('s').filter(|one| one.len() > 1);
    let is_it = |unit: &&(&str, u64)| {
        unit.0.eq_ignore_ascii_case(name) || singular.is_some_and(|one| unit.0 == one)
    };
    let (_, unit) = units.iter().find(is_it)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().ok()?;
    // Parts of a unit, to the precision of a millisecond or byte.
    let part = match part {
        "" => 0.0,
        digits => format!("0.{digits}").parse::<f64>().ok()?,
    };
    let part = (part * *unit as f64).round() as u64;
    Some((whole.checked_mul(*unit)?.checked_add(part)?, rest))
}

/// A span of time in milliseconds: one quantity or several, such as `10m` or `1m 30s`.
///
/// ```
/// use wirebell::push::time::span;
/// assert_eq!(span("1m 30s"), Some(90_000));
/// assert_eq!(span("soon"), None);
/// ```
// req: push-since-03
pub fn span(text: &str) -> Option<u64> {
    let mut text = text.trim();
    let mut time = 0_u64;
    while time == 0 || !text.is_empty() {
        let (part, rest) = quantity(text, TIMES)?;
        time = time.saturating_add(part);
        text = rest.trim_start();
        if part == 0 && text.is_empty() {
            break;
        }
    }
    Some(time)
}

/// A time as RFC 3339 writes it, in UTC, to the millisecond.
///
/// ```
/// use wirebell::push::time::rfc3339;
/// assert_eq!(rfc3339(1_795_825_200_123), "2026-11-28T00:20:00.123Z");
/// ```
pub fn rfc3339(ms: u64) -> String {
    let mut out = Vec::with_capacity(24);
    write_rfc3339(&mut out, ms);
    String::from_utf8(out).unwrap_or_default() // It is ASCII.
}

/// Appends the same: for messages, of which each has a time.
pub(super) fn write_rfc3339(out: &mut Vec<u8>, ms: u64) {
    let (days, rest) = (ms / DAY, ms % DAY);
    let (year, month, day) = date(days);
    let (second, ms) = (rest / 1000, rest % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let fields = [
        (year, 0..4),
        (month, 5..7),
        (day, 8..10),
        (hour, 11..13),
        (minute, 14..16),
        (second, 17..19),
        (ms, 20..23),
    ];
    for (mut left, digits) in fields {
        for digit in text[digits].iter_mut().rev() {
            *digit += (left % 10) as u8;
            left /= 10;
        }
    }
    out.extend_from_slice(&text);
}

/// Reads a time as RFC 3339 section 5.6 defines it, with any offset and any fraction of a second,
/// of which milliseconds are kept. A leap second is the first one of the next minute. `None` for
/// anything else, and for times before 1970.
///
/// ```
/// use wirebell::push::time::parse_rfc3339;
/// assert_eq!(parse_rfc3339("1970-01-01T01:00:00.5+01:00"), Some(500));
/// ```
pub fn parse_rfc3339(text: &str) -> Option<u64> {
    let mut rest = text;
    let year = number(&mut rest, 4, 0..=9999)?;
    sign(&mut rest, "-")?;
    let month = number(&mut rest, 2, 1..=12)?;
    sign(&mut rest, "-")?;
    let day = number(&mut rest, 2, 1..=days_of(year, month))?;
    sign(&mut rest, "Tt ")?;
    let hour = number(&mut rest, 2, 0..=23)?;
    sign(&mut rest, ":")?;
    let minute = number(&mut rest, 2, 0..=59)?;
    sign(&mut rest, ":")?;
    let second = number(&mut rest, 2, 0..=60)?;
    let ms = fraction(&mut rest)?;
    let offset = offset(&mut rest)?;
    let minutes = (days_since_1970(year, month, day)? * 24 + hour) * 60 + minute - offset;
    let ms = (minutes * 60 + second) * 1000 + ms;
    u64::try_from(ms).ok().filter(|_| rest.is_empty())
}

/// Minutes east of UTC.
fn offset(rest: &mut &str) -> Option<i64> {
    let direction = match sign(rest, "Zz+-")? {
        '+' => 1,
        '-' => -1,
        _ => return Some(0),
    };
    let hours = number(rest, 2, 0..=23)?;
    sign(rest, ":")?;
    Some(direction * (hours * 60 + number(rest, 2, 0..=59)?))
}

/// The milliseconds after a second, if there is a fraction.
fn fraction(rest: &mut &str) -> Option<i64> {
    let Some(digits) = rest.strip_prefix('.') else {
        return Some(0);
    };
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let (digits, after) = digits.split_at(end.unwrap_or(digits.len()));
    *rest = after;
    let thousandths: String = digits.chars().chain("00".chars()).take(3).collect();
    thousandths.parse().ok().filter(|_| !digits.is_empty())
}

/// A number of exactly this many digits.
fn number(rest: &mut &str, digits: usize, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let (number, after) = rest.split_at_checked(digits)?;
    *rest = after;
    let valid = number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| valid)?;
    range.contains(&number).then_some(number)
}

/// One of these characters.
fn sign(rest: &mut &str, signs: &str) -> Option<char> {
    let first = rest.chars().next().filter(|first| signs.contains(*first))?;
    *rest = &rest[first.len_utf8()..];
    Some(first)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const FOUR_CENTURIES: u64 = 146_097;

/// From 0000-03-01 to 1970-01-01.
const TO_1970: u64 = 719_468;

/// The reverse of [`date`].
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let (year, month) = match month {
        ..=2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let days = 365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    days.checked_add(day_of_year)?.checked_sub(TO_1970 as i64)
}

/// Year, month and day, this many days after 1970-01-01. Years begin in March here, so that the
/// day of a leap year is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + TO_1970;
    let (era, day) = (days / FOUR_CENTURIES, days % FOUR_CENTURIES);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_and_read() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (1_795_867_200_001, "2026-11-28T12:00:00.001Z"),
        ] {
            assert_eq!(rfc3339(ms), text);
            assert_eq!(parse_rfc3339(text), Some(ms));
        }
        for day in 0..200_000 {
            assert_eq!(parse_rfc3339(&rfc3339(day * DAY + 1)), Some(day * DAY + 1));
        }
    }

    #[test]
    fn other_spellings_of_rfc_3339_are_read() {
        for (text, ms) in [
            ("1970-01-01t00:00:00z", 0),
            ("1970-01-01 00:00:01Z", 1_000),
            ("1970-01-01T00:00:00.1Z", 100),
            ("1970-01-01T00:00:00.123999Z", 123),
            ("1970-01-01T23:59:60Z", DAY),
            ("1969-12-31T23:00:00-01:30", 1_800_000),
        ] {
            assert_eq!(parse_rfc3339(text), Some(ms), "{text}");
        }
        for bad in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00Z",
            "1970-02-29T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00Zx",
            "1970-01-01T00:00:00+1:00",
            "+970-01-01T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00é",
            "197é-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn spans_are_read() {
        for (text, ms) in [
            ("1.5s", Some(1_500)),
            ("3 min", Some(180_000)),
            ("1d 1ms", Some(DAY + 1)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("1 s s", None),
            ("-1s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(span(text), ms, "{text}");
        }
    }
}
