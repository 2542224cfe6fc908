//! Sizes and times as people write them: `64 KiB`, `1.5s`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

/// A number of bytes, such as `65536`, `64KiB` or `1 MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Size(pub u64);

/// A span of time, such as `30s`, `1m 30s` or `250ms`; `0` switches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Period(pub u32);

impl Period {
    /// Milliseconds of a time limit that 0 switches off: 49 days mean none.
    pub fn limit(self) -> u32 {
        match self.0 {
            0 => u32::MAX,
            ms => ms,
        }
    }
}

/// In a settings file, a plain number needs no quotes.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "write a number, or a text such as \"64KiB\" or \"30s\""
)]
enum Written {
    Number(u64),
    Text(String),
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Names of units, the smallest first; letters in any case for sizes.
type Units = &'static [(&'static str, u64)];

const SIZES: Units = &[
    ("", 1),
    ("B", 1),
    ("K", 1_000),
    ("KB", 1_000),
    ("Ki", 1 << 10),
    ("KiB", 1 << 10),
    ("M", 1_000_000),
    ("MB", 1_000_000),
    ("Mi", 1 << 20),
    ("MiB", 1 << 20),
    ("G", 1_000_000_000),
    ("GB", 1_000_000_000),
    ("Gi", 1 << 30),
    ("GiB", 1 << 30),
    ("TB", 1_000_000_000_000),
    ("TiB", 1 << 40),
];

const TIMES: Units = &[
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
    ("d", 86_400_000),
    ("day", 86_400_000),
];

/// One number with its unit at the beginning of `text`, as bytes or milliseconds, and the rest.
fn one(text: &str, units: Units) -> Option<(u64, &str)> {
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

/// The milliseconds of a time such as `30d` or `1m 30s`.
pub fn span(text: &str) -> Option<u64> {
    let mut text = text.trim();
    if text == "0" {
        return Some(0);
    }
    let mut time = 0_u64;
    while time == 0 || !text.is_empty() {
        let (part, rest) = one(text, TIMES)?;
        time = time.saturating_add(part);
        text = rest.trim_start();
        if part == 0 && text.is_empty() {
            break;
        }
    }
    Some(time)
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = one(text.trim(), SIZES).filter(|(_, rest)| rest.is_empty());
        size.map(|(bytes, _)| Self(bytes))
            .ok_or_else(|| "write a size like 64KiB or 1MB".into())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = "write a time like 30s, 250ms or 1m 30s; 0 switches off";
        let time = span(text).ok_or_else(|| problem.to_owned())?;
        u32::try_from(time)
            .map(Self)
            .map_err(|_| "at most 49 days".into())
    }
}

impl TryFrom<Written> for Size {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.to_string().parse()
    }
}

impl TryFrom<Written> for Period {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        written.to_string().parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        match size.0 {
            bytes if bytes != 0 && bytes % (1 << 20) == 0 => format!("{}MiB", bytes >> 20),
            bytes if bytes != 0 && bytes % (1 << 10) == 0 => format!("{}KiB", bytes >> 10),
            bytes => bytes.to_string(),
        }
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        let mut left = u64::from(period.0);
        let mut parts = Vec::new();
        for (name, unit) in TIMES.iter().rev().filter(|(name, _)| name.len() <= 2) {
            if left >= *unit {
                parts.push(format!("{}{name}", left / unit));
                left %= unit;
            }
        }
        match parts.is_empty() {
            true => "0".into(),
            false => parts.join(" "),
        }
    }
}

/// A time as in logs: RFC 3339, in UTC, to the second.
pub fn timestamp(time: SystemTime) -> String {
    let since = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (days, second) = (since / 86_400, since % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day, this many days after 1970-01-01. Years begin in March here, so that the
/// day of a leap year is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    const FOUR_CENTURIES: u64 = 146_097;
    let days = days + 719_468; // Since 0000-03-01.
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
    fn what_is_printed_reads_back() {
        for text in ["0", "1", "1023", "64KiB", "16MiB", "1025KiB"] {
            let size: Size = text.parse().unwrap();
            assert_eq!(String::from(size), text);
        }
        for (text, ms) in [
            ("0", 0),
            ("30s", 30_000),
            ("1m 30s", 90_000),
            ("250ms", 250),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.0, ms);
            assert_eq!(String::from(period).parse(), Ok(period));
        }
        for bad in ["", "many", "-1", "1 parsec", "100 years"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }
    #[test]
    fn sizes_and_times_as_people_write_them() {
        for (text, bytes) in [
            ("64 KiB", 65_536),
            ("64kib", 65_536),
            ("1 MB", 1_000_000),
            ("1.5MiB", 1_572_864),
            ("2g", 2_000_000_000),
            ("7B", 7),
        ] {
            assert_eq!(text.parse::<Size>(), Ok(Size(bytes)), "{text}");
        }
        for (text, ms) in [
            ("1.5s", 1_500),
            ("2h", 7_200_000),
            ("3 min", 180_000),
            ("90 seconds", 90_000),
            ("1d 1ms", 86_400_001),
            ("0s", 0),
        ] {
            assert_eq!(text.parse::<Period>(), Ok(Period(ms)), "{text}");
        }
        for bad in ["1.2.3s", "s", ".", "1 s s", "1s,", "99999999999999999999s"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn timestamps() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (1_795_867_200, "2026-11-28T12:00:00Z"),
        ] {
            let time = UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            assert_eq!(timestamp(time), text);
        }
    }
}
