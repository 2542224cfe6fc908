//! All 256 first bytes, for both roles, masked and not, inside a fragmented message and outside.

use crate::support::driver::{Driver, Seen};
use crate::support::frames::{body, head, text_start};
use wirebell::{Limits, Role, State, Violation};

/// What section 5 says about a frame without payload.
fn verdict(first: u8, mask_is_right: bool, role: Role, in_message: bool) -> Option<Violation> {
    let fin = first & 0x80 != 0;
    let rsv = first & 0x70;
    let opcode = first & 0x0F;
    // The first byte alone.
    if !matches!(opcode, 0..=2 | 8..=10) {
        return Some(Violation::ReservedOpcode);
    }
    let compressible = rsv == 0x40 && matches!(opcode, 1 | 2);
    if rsv != 0 && !compressible {
        return Some(Violation::ReservedBit);
    }
    if opcode >= 8 && !fin {
        return Some(Violation::FragmentedControl);
    }
    // The second byte.
    if !mask_is_right {
        return Some(match role {
            Role::Server => Violation::UnmaskedFrame,
            Role::Client => Violation::MaskedFrame,
        });
    }
    // The whole header: RSV1 may have a meaning on the first frame of a message, but only if an
    // extension was negotiated.
    if compressible {
        return Some(Violation::ReservedBit);
    }
    match (opcode, in_message) {
        (0, false) => Some(Violation::UnexpectedContinuation),
        (1 | 2, true) => Some(Violation::InterleavedMessage),
        _ => None,
    }
}

/// What a good frame without payload makes visible.
fn visible(first: u8, in_message: bool) -> Vec<Seen> {
    match (first, in_message) {
        (0x80, true) => vec![Seen::Text("a".into())],
        (0x81, false) => vec![Seen::Text(String::new())],
        (0x82, false) => vec![Seen::Binary(Vec::new())],
        (0x88, _) => vec![Seen::Close(None, String::new())],
        (0x89, _) => vec![Seen::Ping(Vec::new())],
        (0x8A, _) => vec![Seen::Pong(Vec::new())],
        _ => Vec::new(),
    }
}

#[test]
// req: 6455-5.2-02 6455-5.2-03 6455-5.2-04 6455-5.2-09 6455-5.2-10 6455-5.2-11
// req: 6455-5.1-02 6455-5.1-05 6455-5.4-02 6455-5.4-04 6455-5.4-05 6455-5.4-12 6455-5.5-02
// req: 6455-5.8-01 6455-6.2-01 6455-6.2-04
fn all_first_bytes() {
    for (role, masked) in [
        (Role::Server, true),
        (Role::Server, false),
        (Role::Client, true),
        (Role::Client, false),
    ] {
        for in_message in [false, true] {
            (0..=255).for_each(|first| first_byte(first, role, masked, in_message));
        }
    }
}

fn first_byte(first: u8, role: Role, masked: bool, in_message: bool) {
    let mut driver = Driver::new(role, &Limits::default());
    if in_message {
        driver.feed(&text_start("a").to(role));
    }
    driver.feed(&[head(first, masked, &[0]), body(masked, b"")].concat());
    let transcript = driver.transcript();
    let context = format!("{first:02x} to {role:?}, masked {masked}, in message {in_message}");
    let mask_is_right = masked == (role == Role::Server);
    match verdict(first, mask_is_right, role, in_message) {
        Some(violation) => {
            assert_eq!(transcript.seen, [Seen::Failed(violation)], "{context}");
            assert_eq!(transcript.state, State::Failed, "{context}");
        }
        None => {
            assert_eq!(transcript.seen, visible(first, in_message), "{context}");
            let state = match first {
                0x88 => State::Closed,
                _ => State::Open,
            };
            assert_eq!(transcript.state, state, "{context}");
        }
    }
}

/// What the first byte alone decides, no second byte is waited for.
#[test]
// req: 6455-5.2-04 6455-5.2-10 6455-5.2-11 6455-5.5-02
fn a_first_byte_that_cannot_be_right_fails_alone() {
    for role in [Role::Client, Role::Server] {
        for first in 0..=255 {
            let mut driver = Driver::new(role, &Limits::default());
            driver.feed(&[first]);
            let alone = match verdict(first, true, role, first & 0x0F == 0) {
                Some(Violation::ReservedBit) if matches!(first & 0x7F, 0x41 | 0x42) => None,
                verdict => verdict,
            };
            assert_eq!(
                driver.transcript().violation(),
                alone,
                "{first:02x} {role:?}"
            );
        }
    }
}
