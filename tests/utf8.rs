//! Text through a connection, against the UTF-8 of the standard library: section 8.1.
//!
//! A connection must accept what `std::str::from_utf8` accepts, and fail at the first byte from
//! which nothing that follows could make it good.

use crate::support::Rng;
use crate::support::driver::{Driver, Seen};
use crate::support::frames::{end, more, text_start};
use crate::support::frames::{head, shortest, text, wire};
use proptest::prelude::*;
use std::str::from_utf8;
use wirebell::{Limits, Role, Violation};

/// A client that has read the header of a text message of `length` bytes.
fn inside_a_text(length: u64) -> Driver {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    driver.feed(&head(0x81, false, &shortest(length)));
    driver
}

fn failed(driver: &Driver) -> bool {
    driver.seen == [Seen::Failed(Violation::InvalidUtf8)]
}

/// No bytes after these could make them valid.
fn is_hopeless(bytes: &[u8]) -> bool {
    from_utf8(bytes).is_err_and(|error| error.error_len().is_some())
}

/// Feeds one more byte to a copy and compares with the standard library.
fn next(driver: &Driver, bytes: &[u8], last: bool) -> Driver {
    let mut driver = driver.clone();
    driver.feed(&bytes[bytes.len() - 1..]);
    let bad = if last {
        from_utf8(bytes).is_err()
    } else {
        is_hopeless(bytes)
    };
    assert_eq!(failed(&driver), bad, "{bytes:02x?}");
    driver
}

#[test]
// req: 6455-8.1-01 6455-5.6-01
fn all_sequences_of_one_and_two_bytes() {
    let (one, two) = (inside_a_text(1), inside_a_text(2));
    for a in 0..=255 {
        next(&one, &[a], true);
        let driver = next(&two, &[a], false);
        if !failed(&driver) {
            (0..=255).for_each(|b| drop(next(&driver, &[a, b], true)));
        }
    }
}

/// After one byte of ASCII all are alike, so one represents them.
#[test]
// req: 6455-8.1-01
fn all_sequences_of_three_bytes() {
    let start = inside_a_text(3);
    for a in (b'a'..=b'a').chain(0x80..=255) {
        let first = next(&start, &[a], false);
        if failed(&first) {
            continue;
        }
        for b in 0..=255 {
            let second = next(&first, &[a, b], false);
            // Whatever is ASCII up to here has been seen with two bytes.
            if !failed(&second) && b >= 0x80 {
                (0..=255).for_each(|c| drop(next(&second, &[a, b, c], true)));
            }
        }
    }
}

/// The borders of each row of the table of well-formed sequences, in four bytes.
#[test]
// req: 6455-8.1-01
fn sequences_of_four_bytes_at_the_borders() {
    let start = inside_a_text(4);
    let borders = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF];
    for a in 0xEE..=255 {
        let first = next(&start, &[a], false);
        for b in borders {
            if failed(&first) {
                continue;
            }
            let second = next(&first, &[a, b], false);
            for c in borders {
                if failed(&second) {
                    continue;
                }
                let third = next(&second, &[a, b, c], false);
                for d in borders {
                    if !failed(&third) {
                        next(&third, &[a, b, c, d], true);
                    }
                }
            }
        }
    }
}

/// Each character, in a message of its own.
#[test]
// req: 6455-8.1-01
fn characters_of_every_length() {
    let fresh = Driver::new(Role::Server, &Limits::default());
    for c in (0..=u32::from(char::MAX))
        .step_by(61)
        .filter_map(char::from_u32)
    {
        let mut driver = fresh.clone();
        driver.feed(&text(c.to_string()).to(Role::Server));
        assert_eq!(driver.seen, [Seen::Text(c.to_string())]);
    }
}

/// Binary is not text: nothing is checked.
#[test]
// req: 6455-6.2-03
fn binary_is_not_checked() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    driver.feed(&[0x02, 1, 0xFF, 0x80, 2, 0xC0, 0x80]);
    assert_eq!(driver.seen, [Seen::Binary(vec![0xFF, 0xC0, 0x80])]);
}

/// A message begins without memory of the one before it.
#[test]
// req: 6455-5.6-01
fn each_message_begins_again() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    driver.feed(&wire(
        Role::Client,
        &[text("κ"), text("ό"), text_start("σ"), end("μ")],
    ));
    driver.feed(&wire(Role::Client, &[text([0xCE]), text([0xBA])]));
    assert_eq!(driver.seen.len(), 4);
    assert_eq!(driver.seen[3], Seen::Failed(Violation::InvalidUtf8));
}

/// Feeds a text in three fragments, byte by byte; returns how many bytes of payload it took to
/// fail, or `None`.
fn fails_at(bytes: &[u8], cuts: (usize, usize)) -> Option<usize> {
    let parts = [&bytes[..cuts.0], &bytes[cuts.0..cuts.1], &bytes[cuts.1..]];
    let frames = [text_start(parts[0]), more(parts[1]), end(parts[2])];
    let mut driver = Driver::new(Role::Client, &Limits::default());
    let mut payload = 0;
    for (frame, part) in frames.iter().zip(parts) {
        let bytes = frame.to(Role::Client);
        let header = bytes.len() - part.len();
        for (i, byte) in bytes.iter().enumerate() {
            driver.feed(&[*byte]);
            payload += usize::from(i >= header);
            if failed(&driver) {
                return Some(payload);
            }
        }
    }
    let whole = from_utf8(bytes)
        .expect("what was delivered is good")
        .to_owned();
    assert_eq!(driver.seen, [Seen::Text(whole)]);
    None
}

fn first_hopeless(bytes: &[u8]) -> Option<usize> {
    (1..=bytes.len()).find(|len| is_hopeless(&bytes[..*len]))
}

#[track_caller]
fn compare(bytes: &[u8], seed: u64) {
    let mut rng = Rng::new(seed);
    let (a, b) = (rng.below(bytes.len() + 1), rng.below(bytes.len() + 1));
    let expected = match from_utf8(bytes) {
        Ok(_) => None,
        // Cut short at the end: known only when the message ends.
        Err(_) => Some(first_hopeless(bytes).unwrap_or(bytes.len())),
    };
    assert_eq!(
        fails_at(bytes, (a.min(b), a.max(b))),
        expected,
        "{bytes:02x?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    // req: 6455-5.6-01 6455-8.1-01
    fn good_texts(text in ".{0,60}", seed: u64) {
        compare(text.as_bytes(), seed);
    }

    #[test]
    // req: 6455-5.6-01 6455-8.1-01
    fn texts_with_a_fault(text in ".{1,60}", at: prop::sample::Index, byte: u8, seed: u64) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        compare(&bytes, seed);
    }

    #[test]
    // req: 6455-8.1-01
    fn texts_that_are_cut_short(text in "\\PC{1,30}", drop in 1..4usize, seed: u64) {
        let bytes = text.as_bytes();
        compare(&bytes[..bytes.len().saturating_sub(drop)], seed);
    }

    #[test]
    // req: 6455-8.1-01 6455-10.7-01
    fn bytes_that_look_like_text(picks in prop::collection::vec(any::<u16>(), 0..80), seed: u64) {
        let likely = [0x41, 0x80, 0x8F, 0x9F, 0xBF, 0xC2, 0xCE, 0xE0, 0xE2, 0xED, 0xF0, 0xF4];
        let bytes: Vec<u8> = picks.iter().map(|pick| likely[*pick as usize % 12]).collect();
        compare(&bytes, seed);
    }
}
