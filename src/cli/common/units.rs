//! Sizes and times as people write them: `64 KiB`, `1.5s`.

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes, such as `65536`, `64KiB` or `1 MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Size(pub u64);

/// A span of time, such as `30s`, `1m 30s` or `250ms`; `0` switches off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "String")]
pub struct Period(pub u32);

impl Period {
    /// Milliseconds of a time limit that 0 switches off: 49 days are none.
    pub fn limit(self) -> u32 {
        match self.0 {
            0 => u32::MAX,
            ms => ms,
        }
    }
}

/// In a settings file, a plain number may stand without quotes.
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

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.trim().parse::<ByteSize>();
        size.map(|size| Self(size.as_u64()))
            .map_err(|_| "write a size like 64KiB or 1MB".into())
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let problem = || "write a time like 30s, 250ms or 1m 30s; 0 switches off".to_owned();
        let text = text.trim();
        let time = match text == "0" {
            true => Duration::ZERO,
            false => humantime::parse_duration(text).map_err(|_| problem())?,
        };
        u32::try_from(time.as_millis())
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
        let time = Duration::from_millis(period.0.into());
        humantime::format_duration(time).to_string()
    }
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
}
