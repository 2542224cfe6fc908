//! Times of flags such as `--ping`, where a plain number is seconds.
//!
//! Input: a flag's value. Output: milliseconds. Other units are left to `common::units`.

use crate::cli::common::units::Period;
use std::str::FromStr;
use std::time::Duration;

/// A span of time in which a plain number means seconds: `5`, `0.5` or `500ms`; 0 disables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub u32);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().parse::<f64>() {
            Ok(number) => {
                let time =
                    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())?;
                let ms = u32::try_from(time.as_millis()).map_err(|_| "at most 49 days")?;
                Ok(Self(ms))
            }
            Err(_) => text.parse::<Period>().map(|period| Self(period.0)),
        }
    }
}
