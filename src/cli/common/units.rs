//! Sizes and times as people write them: `64 KiB`, `1.5s`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};
use wirebell::push::time::{TIMES, Units, quantity, rfc3339, span};

/// A number of bytes, such as `65536`, `64KiB` or `1 MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Size(pub u64);

/// A span of time, such as `30s`, `1m 30s` or `250ms`. What `0` means is up to the setting.
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

    /// Milliseconds that something is kept; 0 means no limit.
    pub fn age(self) -> u64 {
        match self.0 {
            0 => u64::MAX,
            ms => ms.into(),
        }
    }

    /// Reads a time for which 0 makes no sense.
    ///
    /// # Errors
    ///
    /// What to write instead.
    pub fn above_zero(text: &str) -> Result<Self, String> {
        match text.parse()? {
            Self(0) => Err("write a time above 0, like 30s or 250ms".into()),
            period => Ok(period),
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

/// Units of size, the smallest first.
const SIZES: Units<'static> = &[
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

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = quantity(text.trim(), SIZES).filter(|(_, rest)| rest.is_empty());
        size.map(|(bytes, _)| Self(bytes))
            .ok_or_else(|| "write a size like 64KiB or 1MB".into())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || "write a time like 30s, 250ms or 1m 30s".to_owned();
        let time = match text.trim() {
            "0" => 0,
            text => span(text).ok_or_else(problem)?,
        };
        u32::try_from(time)
            .map(Self)
            .map_err(|_| "write a time of at most 49 days".into())
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
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = rfc3339(since.as_secs() * 1000);
    text.replace(".000", "")
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
    fn zero_means_no_limit_or_is_refused() {
        assert_eq!((Period(0).limit(), Period(5).limit()), (u32::MAX, 5));
        assert_eq!((Period(0).age(), Period(5).age()), (u64::MAX, 5));
        assert_eq!(Period::above_zero("1ms"), Ok(Period(1)));
        for bad in ["0", "0s", "0ms", "many"] {
            let problem = Period::above_zero(bad).unwrap_err();
            assert!(problem.starts_with("write a time"), "{bad}: {problem}");
        }
        let long = "50 days".parse::<Period>().unwrap_err();
        assert_eq!(long, "write a time of at most 49 days");
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
