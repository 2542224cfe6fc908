//! The Date of responses: RFC 9110 sections 5.6.7 and 6.6.1.
//!
//! Input: the time. Output: its 29 characters, made when they are needed. Invariant: it is
//! formatted at most once per second and thread.

use std::cell::Cell;
use std::io::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Text = [u8; 29];

thread_local! {
    /// The last one, and the second that it stands for.
    static LAST: Cell<(u64, Text)> = const { Cell::new((u64::MAX, [0; 29])) };
}

/// The current date. `None` if the clock is not set: RFC 9110 section 6.6.1 wants no Date then.
pub(super) fn now() -> Option<Text> {
    at(SystemTime::now())
}

fn at(time: SystemTime) -> Option<Text> {
    let second = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    if second > YEAR_9999 {
        return None;
    }
    let (last, text) = LAST.get();
    if last == second {
        return Some(text);
    }
    let mut text = [0; 29];
    let date = httpdate::HttpDate::from(UNIX_EPOCH + Duration::from_secs(second));
    write!(&mut text[..], "{date}").ok()?;
    LAST.set((second, text));
    Some(text)
}

/// The last second of a year with four digits.
const YEAR_9999: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_its_second() {
        let after = |ms| at(UNIX_EPOCH + Duration::from_millis(ms));
        let rows: [(u64, &[u8; 29]); 6] = [
            (784_111_777_000, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777_999, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_778_000, b"Sun, 06 Nov 1994 08:49:38 GMT"),
            // Clocks can be set back.
            (784_111_777_000, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (0, b"Thu, 01 Jan 1970 00:00:00 GMT"),
            (YEAR_9999 * 1000, b"Fri, 31 Dec 9999 23:59:59 GMT"),
        ];
        for (ms, expected) in rows {
            assert_eq!(after(ms).as_ref(), Some(expected), "{ms}");
        }
    }

    #[test]
    fn a_clock_that_is_not_set_has_no_date() {
        assert_eq!(at(UNIX_EPOCH - Duration::from_secs(1)), None);
        assert_eq!(at(UNIX_EPOCH + Duration::from_secs(YEAR_9999 + 1)), None);
    }
}
