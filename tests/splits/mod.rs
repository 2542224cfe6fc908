//! The verdict never depends on how the bytes were cut.
//!
//! - here: every transcript of a list, with every cut, every pair of cuts, and byte by byte;
//! - `earliest`: the very byte with which each violation is reported;
//! - `whole`: the quick path for messages that are whole against the general one;
//! - `random`: random frames and mutated bytes.

mod earliest;
mod random;
mod whole;

use crate::rules::violations;
use crate::support::driver::{Transcript, run};
use crate::support::frames::{Frame, binary, binary_start, close, close_empty, end, frame};
use crate::support::frames::{more, ping, pong, text, text_start, wire};
use wirebell::{Limits, Role};

/// Bytes for one role, with the limits that hold.
struct Case {
    role: Role,
    limits: Limits,
    bytes: Vec<u8>,
}

impl Case {
    fn run(&self, cuts: &[usize]) -> Transcript {
        let mut chunks = Vec::new();
        let mut from = 0;
        for &cut in cuts {
            chunks.push(&self.bytes[from..cut]);
            from = cut;
        }
        chunks.push(&self.bytes[from..]);
        run(self.role, &self.limits, chunks)
    }

    #[track_caller]
    fn expect(&self, cuts: &[usize], whole: &Transcript) {
        let cut = self.run(cuts);
        assert_eq!(
            &cut, whole,
            "{:?} {:02x?} cut at {cuts:?}",
            self.role, self.bytes
        );
    }
}

/// Streams that break no rule.
fn good_streams() -> Vec<Vec<Frame>> {
    let long = "κόσμε €𝄞 and 128 bytes more or less, so that the length takes two bytes. \
                The rest of this line is only here to make it long enough for that.";
    vec![
        vec![text("Hello"), text(""), binary(b""), binary(&[0xFF, 0])],
        vec![text("κόσμε €𝄞"), ping(b"?"), text("z")],
        vec![text(long), binary(&[7; 300])],
        vec![
            text_start("κό"),
            ping(b"one"),
            more("σμ"),
            pong(b"two"),
            end("ε"),
        ],
        vec![
            text_start([0xF0]),
            more([0x9D]),
            ping(b""),
            more([0x84]),
            end([0x9E]),
        ],
        vec![
            text_start(""),
            more(""),
            end(""),
            binary_start(b""),
            end(b"x"),
        ],
        vec![ping(b""), ping(&[9; 125]), pong(b""), pong(&[8; 125])],
        vec![close_empty()],
        vec![close(1000, ""), text("late"), ping(b"late")],
        vec![
            text("first"),
            binary_start(b"a"),
            close(3000, "κόσμε €𝄞"),
            end("b"),
        ],
        vec![
            ping(b"a"),
            ping(b"b"),
            text_start("c"),
            ping(b"d"),
            close(1001, "e"),
        ],
    ]
}

/// Streams that break one at some point, and go on after it.
fn bad_streams() -> Vec<Vec<Frame>> {
    vec![
        vec![text("good"), frame(0x83, b"bad"), text("never")],
        vec![
            text_start("κ"),
            ping(b"p"),
            text("interleaved"),
            ping(b"never"),
        ],
        vec![
            text("abcdefghijk\u{7f}"),
            text([b'a', 0xC3, b'b', b'c', b'd']),
        ],
        vec![
            text_start([0xE2, 0x82]),
            ping(b""),
            end([0x41]),
            text("never"),
        ],
        vec![text_start([0xE2, 0x82]), end("")],
        vec![end("stray"), text("never")],
        vec![close(1004, "undefined"), ping(b"never")],
        vec![close(1000, [0xCE]), ping(b"never")],
        vec![ping(b"a"), frame(0x8F, b""), ping(b"never")],
        vec![text("x").wrong_mask(), text("never")],
        vec![binary_start(b"abc"), ping(&[0; 126]), end("")],
        vec![frame(0xC1, b"compressed?"), text("never")],
        vec![text("a"), frame(0x09, b"half a ping"), text("never")],
    ]
}

fn cases() -> Vec<Case> {
    let streams = [good_streams(), bad_streams()].concat();
    let of_role = |role| {
        let limits = Limits::default();
        streams.iter().map(move |frames| Case {
            role,
            limits,
            bytes: wire(role, frames),
        })
    };
    let mut cases: Vec<Case> = of_role(Role::Client).chain(of_role(Role::Server)).collect();
    for row in violations::rows() {
        let in_front = wire(row.receiver, &[text("good"), ping(b"p")]);
        let after = violations::tempting(row.receiver);
        cases.push(Case {
            role: row.receiver,
            limits: row.limits,
            bytes: [in_front, row.bytes, after].concat(),
        });
    }
    cases
}

#[test]
fn good_streams_have_no_violation_and_bad_ones_have_one() {
    for role in [Role::Client, Role::Server] {
        for frames in good_streams() {
            let transcript = run(role, &Limits::default(), [wire(role, &frames)]);
            assert_eq!(transcript.violation(), None, "{frames:02x?}");
        }
        for frames in bad_streams() {
            let transcript = run(role, &Limits::default(), [wire(role, &frames)]);
            assert!(transcript.violation().is_some(), "{frames:02x?}");
        }
    }
}

#[test]
// req: 6455-6.2-01 6455-5.4-03 6455-5.4-05 6455-5.6-01 6455-7.1.7-07
fn every_single_cut() {
    for case in cases() {
        let whole = case.run(&[]);
        for cut in 0..=case.bytes.len() {
            case.expect(&[cut], &whole);
        }
    }
}

#[test]
// req: 6455-6.2-01 6455-7.1.7-07
fn every_pair_of_cuts_of_the_short_ones() {
    for case in cases().iter().filter(|case| case.bytes.len() <= 90) {
        let whole = case.run(&[]);
        for second in 0..=case.bytes.len() {
            for first in 0..=second {
                case.expect(&[first, second], &whole);
            }
        }
    }
}

#[test]
// req: 6455-6.2-01 6455-7.1.7-07
fn byte_by_byte() {
    for case in cases() {
        let cuts: Vec<usize> = (0..case.bytes.len()).collect();
        case.expect(&cuts, &case.run(&[]));
    }
}

/// A length in eight bytes, cut at every place in and around the header.
#[test]
// req: 6455-6.2-01
fn a_large_frame_cut_around_its_header() {
    for role in [Role::Client, Role::Server] {
        let case = Case {
            role,
            limits: Limits::default(),
            bytes: wire(role, &[binary(&[5; 65_536]), text("next")]),
        };
        let whole = case.run(&[]);
        let len = case.bytes.len();
        for cut in (0..20).chain([4096, 65_535]).chain(len - 20..=len) {
            case.expect(&[cut], &whole);
        }
        let sized: Vec<usize> = (0..len).step_by(1460).collect();
        case.expect(&sized, &whole);
    }
}
