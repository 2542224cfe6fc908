//! What happens on the wire when a peer breaks a rule: RFC 6455 sections 7.1.7 and 7.1.1.
//!
//! The replies to what was good come first, then the Close with its code, then a clean end of the
//! stream: a reset would take the Close away again. Nothing that follows is looked at.

use crate::net_support::{Ended, Probes, limits, options_with, protocol};
use crate::support::frames::{binary, binary_start, body, close, end, frame, head, length_in_2};
use crate::support::frames::{length_in_8, more, text, text_start, wire};
use wirebell::net::Options;
use wirebell::{Role, Violation};

fn small() -> Options {
    options_with(
        limits().protocol(
            protocol()
                .frame_bytes(1000)
                .message_bytes(1500)
                .fragments(4),
        ),
    )
}

/// Each rule that a client can break, with bytes that break it.
fn rows() -> Vec<(Violation, Vec<u8>)> {
    let to_server = |frames: &[_]| wire(Role::Server, frames);
    let padded = [
        head(0x81, true, &length_in_2(125)),
        body(true, &[b'x'; 125]),
    ]
    .concat();
    let top_bit = [head(0x82, true, &length_in_8(1 << 63)), vec![0; 4]].concat();
    let oversized = frame(0x89, &[b'x'; 126]);
    let huge = [head(0x82, true, &length_in_8(1 << 62)), vec![1; 4]].concat();
    let sum = [binary_start(&[1; 800]), end([2; 800])];
    let many = [binary_start(b""), more("a"), more("b"), more(""), more("c")];
    vec![
        (Violation::ReservedBit, to_server(&[frame(0xC1, b"x")])),
        (Violation::ReservedBit, to_server(&[frame(0xA2, b"x")])),
        (Violation::ReservedBit, to_server(&[frame(0x99, b"")])),
        (Violation::ReservedOpcode, to_server(&[frame(0x83, b"")])),
        (Violation::ReservedOpcode, to_server(&[frame(0x8F, b"x")])),
        (
            Violation::FragmentedControl,
            to_server(&[frame(0x09, b"x")]),
        ),
        (Violation::OversizedControl, to_server(&[oversized])),
        (
            Violation::UnmaskedFrame,
            to_server(&[text("x").wrong_mask()]),
        ),
        (Violation::NonMinimalLength, padded),
        (Violation::LengthTopBit, top_bit),
        (Violation::UnexpectedContinuation, to_server(&[end("x")])),
        (
            Violation::InterleavedMessage,
            to_server(&[text_start("a"), text("b")]),
        ),
        (
            Violation::CloseBodyCutShort,
            to_server(&[frame(0x88, b"x")]),
        ),
        (Violation::InvalidCloseCode, to_server(&[close(1005, "")])),
        (Violation::InvalidCloseCode, to_server(&[close(999, "")])),
        (
            Violation::CloseReasonNotUtf8,
            to_server(&[close(1000, b"\xff")]),
        ),
        (
            Violation::InvalidUtf8,
            to_server(&[text(b"good until \xff")]),
        ),
        (
            Violation::InvalidUtf8,
            to_server(&[text_start("a"), end(b"\xed\xa0\x80")]),
        ),
        (Violation::FrameTooBig, huge),
        (Violation::MessageTooBig, to_server(&sum)),
        (Violation::TooManyFragments, to_server(&many)),
    ]
}

#[test]
fn the_table_has_every_violation_of_a_client() {
    // Those of RFC 7692 need an extension, and have their own tests.
    for violation in Violation::ALL
        .iter()
        .filter(|violation| violation.rfc() == 6455)
    {
        let has = rows().iter().any(|(other, _)| other == violation);
        // The one rule here that only a server can break.
        assert_eq!(has, *violation != Violation::MaskedFrame, "{violation:?}");
    }
}

// req: 6455-7.1.7-03 6455-7.1.7-07 6455-10.7-01
#[test]
fn good_replies_then_the_code_then_a_clean_end() {
    let server = Probes::start(small());
    for (violation, bytes) in rows() {
        let mut client = server.open();
        let peer = server.opened();
        let good = [
            text("good").to(Role::Server),
            frame(0x89, b"?").to(Role::Server),
        ]
        .concat();
        let behind = text("behind").to(Role::Server).repeat(100);
        client.send([good, bytes, behind.clone()].concat());
        client.expect_text("good");
        assert_eq!(client.frame(), frame(0x8A, b"?"), "{violation}");
        let reason = client.expect_close(violation.close_code().get());
        assert_eq!(reason, violation.text());
        // The client has not closed its side; it goes on as if nothing had happened.
        let _ = client.try_send(&behind);
        client.expect_end();
        let end = Ended {
            clean: false,
            code: None,
        };
        assert_eq!(server.closed(peer), end, "{violation}");
    }
}

// req: 6455-7.1.7-07
#[test]
fn a_violation_is_told_with_much_still_on_its_way() {
    let server = Probes::start(small());
    for (violation, bytes) in rows() {
        let mut client = server.open();
        client.send(bytes);
        client.send(binary(&[0; 900]).to(Role::Server).repeat(300));
        client.end_writing();
        client.expect_close(violation.close_code().get());
        client.expect_end();
    }
}

#[test]
fn a_bad_byte_of_a_text_is_found_before_the_frame_is_whole() {
    let server = Probes::start(small());
    let mut client = server.open();
    let whole = text([b"good, \xc0".as_slice(), &[b'x'; 500]].concat()).to(Role::Server);
    // Header, key and the seven bytes up to the bad one.
    client.send(&whole[..4 + 4 + 7]);
    client.expect_close(1007);
    client.expect_end();
}
