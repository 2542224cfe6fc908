//! Compressed data that breaks a rule ends its own connection with the right code, and no other.

use super::peer::Peer;
use super::{compressing, json};
use crate::net_support::{Ended, Probes, limits, protocol};
use crate::support::frames::{Frame, end, frame};
use wirebell::handshake::DeflatePolicy;
use wirebell::{Role, Violation};

/// Frames, and what they break. None refers to earlier messages.
fn rows() -> Vec<(Violation, Vec<Frame>)> {
    let bomb = Peer::zlib().compress(&vec![0; 3_000_000]);
    let small = Peer::zlib().compress(&vec![0; 990_000]);
    let good = Peer::zlib().compress(json(1, 500).as_bytes());
    let latin = Peer::zlib().compress(b"caf\xE9 au lait");
    vec![
        (Violation::ReservedBit, vec![frame(0xC9, b"")]),
        (
            Violation::ReservedBit,
            vec![frame(0x41, &good), frame(0xC0, b"")],
        ),
        (Violation::ReservedBit, vec![frame(0xE1, &good)]),
        (Violation::CorruptDeflate, vec![frame(0xC1, &[0x07, 0x00])]),
        (
            Violation::CorruptDeflate,
            vec![frame(0xC2, b"\x00\x01\x00\x00\x00x")],
        ),
        (
            Violation::TruncatedDeflate,
            vec![frame(0xC1, &good[..good.len() / 2])],
        ),
        (Violation::InvalidUtf8, vec![frame(0xC1, &latin)]),
        // Before the message ends.
        (Violation::InvalidUtf8, vec![frame(0x41, &latin)]),
        (Violation::MessageTooBig, vec![frame(0xC2, &bomb)]),
        (
            Violation::MessageTooBig,
            vec![frame(0x42, &bomb[..2000]), end(&bomb[2000..])],
        ),
        (Violation::InflateRatio, vec![frame(0xC2, &small)]),
    ]
}

// req: 7692-6.1-04 7692-6.1-i02 7692-7.2.2-i02
#[test]
fn each_fails_with_its_code_and_the_others_go_on() {
    for policy in [DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER] {
        let server = Probes::start(
            compressing(policy)
                .limits(limits().protocol(protocol().message_bytes(1_000_000).inflate_ratio(1000))),
        );
        let mut other = Peer::open(server.address(), "permessage-deflate");
        let _ = server.opened();
        for (violation, frames) in rows() {
            let mut peer = Peer::open(server.address(), "permessage-deflate");
            let id = server.opened();
            for frame in &frames {
                let _ = peer.client.try_send(frame.to(Role::Server));
            }
            let reason = peer.client.expect_close(violation.close_code().get());
            assert_eq!(reason, violation.text());
            let end = Ended {
                clean: false,
                code: None,
            };
            assert_eq!(server.closed(id), end, "{violation}");
            other.expect_echo(&json(2, 500));
        }
    }
}

#[test]
fn a_compressed_frame_without_the_extension_is_a_reserved_bit() {
    let server = Probes::start(compressing(DeflatePolicy::TAKEOVER));
    let mut client = server.open();
    client.send_frame(&frame(0xC1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]));
    assert_eq!(client.expect_close(1002), Violation::ReservedBit.text());
}
