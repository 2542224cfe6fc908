//! Messages that come in chunks: every cut of the input says the same.

use super::{Loop, Part, Told, messages, parts, send, serve, told};
use crate::support::Rng;
use crate::support::frames::{
    Frame, binary, binary_start, end, more, ping, text, text_start, wire,
};
use wirebell::net::testing::{Peer, Received};
use wirebell::{Limits, MessageKind, Role, net};

/// A server with a peer on `/chunks`; what was told so far is forgotten.
fn open(limits: net::Limits) -> (Loop, Peer) {
    let mut server = serve(limits);
    let peer = server.open("/chunks");
    assert_eq!(told(&mut server).len(), 2, "a request, and a connection");
    (server, peer)
}

fn frames() -> Vec<Frame> {
    vec![
        text_start("a€"),
        more(""),
        ping(b"between"),
        more(&"€𐍈".as_bytes()[..4]),
        end(&"€𐍈".as_bytes()[4..]),
        binary(&[]),
        binary(&[7; 300]),
        text("once more"),
    ]
}

fn expected() -> Vec<(MessageKind, Vec<u8>)> {
    vec![
        (MessageKind::Text, "a€€𐍈".into()),
        (MessageKind::Binary, vec![]),
        (MessageKind::Binary, vec![7; 300]),
        (MessageKind::Text, "once more".into()),
    ]
}

#[test]
fn every_cut_gives_the_same_messages() {
    let bytes = wire(Role::Server, &frames());
    for cut in 0..=bytes.len() {
        let (mut server, mut peer) = open(net::Limits::default());
        peer.send(&bytes[..cut]);
        server.run();
        peer.send(&bytes[cut..]);
        assert_eq!(messages(&parts(&mut server)), expected(), "cut at {cut}");
        assert_eq!(peer.received(), [Received::Pong(b"between".into())]);
    }
}

#[test]
fn byte_by_byte_and_in_random_cuts() {
    let bytes = wire(Role::Server, &frames());
    let mut rng = Rng::new(5);
    for most in [1, 2, 5, 50] {
        let (mut server, mut peer) = open(net::Limits::default());
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let len = (1 + rng.below(most)).min(rest.len());
            peer.send(&rest[..len]);
            server.run();
            rest = &rest[len..];
        }
        assert_eq!(messages(&parts(&mut server)), expected(), "up to {most}");
    }
}

#[test]
fn a_message_that_came_at_once_is_one_chunk() {
    let (mut server, mut peer) = open(net::Limits::default());
    send(&mut peer, &[text("hello"), binary(&[])]);
    let whole = |kind, bytes: &[u8]| Part {
        kind,
        bytes: bytes.to_vec(),
        first: true,
        last: true,
        left: Some(0),
    };
    let both = [
        whole(MessageKind::Text, b"hello"),
        whole(MessageKind::Binary, b""),
    ];
    assert_eq!(parts(&mut server), both);
}

#[test]
fn what_is_left_of_the_frame_is_told() {
    let (mut server, mut peer) = open(net::Limits::default());
    let bytes = wire(Role::Server, &[binary_start(&[1; 100]), end([2; 50])]);
    // Each header has six bytes.
    for (from, to) in [(0, 46), (46, 106), (106, 122), (122, 162)] {
        peer.send(&bytes[from..to]);
        server.run();
    }
    let left: Vec<_> = parts(&mut server)
        .iter()
        .map(|part| (part.bytes.len(), part.left, part.first, part.last))
        .collect();
    let expected = [
        (40, Some(60), true, false),
        (60, Some(0), false, false),
        (10, Some(40), false, false),
        (40, Some(0), false, true),
    ];
    assert_eq!(left, expected);
}

#[test]
fn text_is_checked_across_chunks() {
    let (mut server, mut peer) = open(net::Limits::default());
    send(&mut peer, &[text_start(&"€".as_bytes()[..2]), end("x")]);
    server.run();
    let code = match &peer.received()[..] {
        [Received::Close(Some(code), _), ..] => code.get(),
        other => panic!("no Close: {other:?}"),
    };
    assert_eq!(code, 1007);
}

// req: 6455-10.4-01
#[test]
fn no_limit_of_messages_holds() {
    let limits = net::Limits::default()
        .protocol(
            Limits::default()
                .message_bytes(1000)
                .frame_bytes(500)
                .fragments(3),
        )
        .message_ms(1000);
    let (mut server, mut peer) = open(limits);
    let mut sent = vec![3; 2000];
    send(&mut peer, &[binary_start(&sent)]);
    for number in 0..20_u8 {
        send(&mut peer, &[more([number; 1000])]);
        sent.extend([number; 1000]);
        server.advance(500);
    }
    send(&mut peer, &[end("")]);
    assert_eq!(messages(&parts(&mut server)), [(MessageKind::Binary, sent)]);
    assert!(peer.received().is_empty());
}

#[test]
fn a_limit_of_its_own_holds_again() {
    let (mut server, mut peer) = open(net::Limits::default());
    super::with_last(&mut server, |cx, peer| cx.set_message_limit(peer, 100));
    send(&mut peer, &[binary_start(&[1; 60]), end([2; 41])]);
    assert_eq!(parts_before_the_end(&mut server), 60);
    assert!(matches!(
        &peer.received()[..],
        [Received::Close(Some(code), _), ..] if code.get() == 1009
    ));
}

fn parts_before_the_end(server: &mut Loop) -> usize {
    let len = |told: &Told| match told {
        Told::Chunk(part) => part.bytes.len(),
        _ => 0,
    };
    told(server).iter().map(len).sum()
}

#[test]
fn a_long_message_holds_no_memory() {
    let (mut server, mut peer) = open(net::Limits::default());
    const LEN: usize = 8 * 1024 * 1024;
    let bytes = binary(&vec![9; LEN]).to(Role::Server);
    let mut most = 0;
    for part in bytes.chunks(100_000) {
        peer.send(part);
        server.run();
        while peer.unsent() > 0 {
            peer.send(&[]);
            server.run();
        }
        most = most.max(server.handle().held_bytes());
    }
    assert_eq!(parts_before_the_end(&mut server), LEN);
    assert!(most < 1024, "{most} bytes");
}
