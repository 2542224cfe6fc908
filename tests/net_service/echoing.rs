//! The echo server returns messages whole, and passes long ones on as they come, within little
//! memory for peers that read meanwhile.

use super::drain;
use crate::support::frames::{binary, binary_start, end, frame, more, take_frames, text, wire};
use wirebell::net::Options;
use wirebell::net::testing::{Faults, Network, Peer, Received, TestLoop};
use wirebell::push::EchoServer;
use wirebell::{CloseCode, Limits, Message, Role, net};

fn serve(limits: net::Limits) -> TestLoop<EchoServer> {
    let options = Options::default().limits(limits);
    Network::new().serve(options, |_| EchoServer::default())
}

fn long_messages() -> net::Limits {
    net::Limits::default().protocol(
        Limits::default()
            .message_bytes(1 << 30)
            .frame_bytes(1 << 30),
    )
}

/// The payload of frames that are one message of this kind.
#[track_caller]
fn message(first: u8, frames: &[crate::support::frames::Sent]) -> Vec<u8> {
    let last = frames.len() - 1;
    for (number, frame) in frames.iter().enumerate() {
        let fin = if number == last { 0x80 } else { 0 };
        let opcode = if number == 0 { first } else { 0 };
        assert_eq!(frame.first, fin | opcode, "frame {number} of {last}");
    }
    frames
        .iter()
        .flat_map(|frame| frame.payload.clone())
        .collect()
}

/// It may not read before it has sent all, and it has bytes of a second message under way.
#[test]
fn a_peer_that_reads_later_gets_a_long_message_and_is_not_read_from_after_it() {
    const LEN: usize = 2 * 1024 * 1024;
    let limits = net::Limits::default().protocol(Limits::default().message_bytes(LEN as u64));
    let mut server = serve(limits);
    let mut peer = server.open("/");
    let frame = binary(&vec![0xA5; LEN]).to(Role::Server);
    let more = binary(&vec![0x5A; LEN]).to(Role::Server);
    peer.send(&frame);
    while peer.unsent() > 0 {
        let before = peer.unsent();
        server.run();
        server.advance(1000); // It is slow, but it is there.
        peer.send(&[]);
        assert!(peer.unsent() < before, "it is not read");
    }
    peer.send(&more);
    server.run();
    peer.send(&[]);
    server.run();
    assert!(peer.unsent() > LEN - 1024 * 1024, "it is read from");
    assert!(server.handle().held_bytes() < LEN + LEN / 16);
    let mut came = drain(&mut server, &mut peer);
    while peer.unsent() > 0 {
        peer.send(&[]);
        came.extend(drain(&mut server, &mut peer));
    }
    let frames = take_frames(&came);
    let first = 1 + frames
        .iter()
        .position(|frame| frame.first & 0x80 != 0)
        .expect("an end");
    assert!(message(0x02, &frames[..first]) == vec![0xA5; LEN]);
    assert!(message(0x02, &frames[first..]) == vec![0x5A; LEN]);
    assert_eq!(server.handle().held_bytes(), 0);
}

/// Frames of one byte become frames of three: what waits is bounded by bytes, not by messages.
#[test]
fn what_waits_for_a_peer_that_never_reads_is_bounded() {
    const LEN: usize = 16 * 1024;
    let options = Options::default()
        .limits(
            net::Limits::default()
                .protocol(Limits::default().message_bytes(LEN as u64))
                .queued_bytes(4 * 1024),
        )
        .receive_buffer(4 * 1024);
    let narrow = Faults {
        capacity: 4 * 1024,
        ..Faults::default()
    };
    let mut server = Network::with_faults(narrow).serve(options, |_| EchoServer::default());
    let mut peer = server.open("/");
    let frame = binary(&[1; LEN]).to(Role::Server);
    for byte in frame.chunks(1) {
        peer.send(byte);
        server.run();
    }
    let held = server.handle().held_bytes();
    assert!((LEN..LEN + LEN / 2).contains(&held), "{held} bytes");
    let mut came = Vec::new();
    while {
        peer.send(&[]);
        came.extend(drain(&mut server, &mut peer));
        peer.unsent() > 0
    } {}
    assert!(message(0x02, &take_frames(&came)) == vec![1; LEN]);
}

#[test]
fn what_arrived_at_once_comes_back_in_one_frame() {
    let mut server = serve(net::Limits::default());
    let mut peer = server.open("/");
    let frames = [text("hello"), binary(&[]), binary(&[7; 60_000])];
    peer.send(&wire(Role::Server, &frames));
    server.run();
    assert_eq!(drain(&mut server, &mut peer), wire(Role::Client, &frames));
}

#[test]
fn a_peer_that_reads_gets_a_huge_message_while_it_sends_it() {
    const LEN: usize = 8 * 1024 * 1024;
    let mut server = serve(long_messages());
    let mut peer = server.open("/");
    let head = binary(&vec![0xA5; LEN]).to(Role::Server);
    let (mut most, mut came) = (0, Vec::new());
    for part in head.chunks(50_000) {
        peer.send(part);
        came.extend(drain(&mut server, &mut peer));
        most = most.max(server.handle().held_bytes());
    }
    assert!(most < 256 * 1024, "{most} bytes");
    let payload = message(0x02, &take_frames(&came));
    assert!(payload == vec![0xA5; LEN]);
}

#[cfg(feature = "deflate")]
#[test]
fn a_compressed_message_comes_back_compressed() {
    use crate::net_deflate::peer::Zlib;
    use wirebell::deflate::Settings;
    const LEN: usize = 8 * 1024 * 1024;
    let options = Options::default()
        .limits(long_messages())
        .deflate(Some(Settings::default()));
    let mut server = Network::new().serve(options, |_| EchoServer::default());
    let mut peer = server.connect();
    peer.send(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
          Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    server.run();
    assert!(drain(&mut server, &mut peer).starts_with(b"HTTP/1.1 101"));
    // A short one is compressed on its way back.
    let mut zlib = Zlib::new(false);
    let short = zlib.compress(&[b'x'; 1000]);
    peer.send(&frame(0xC1, &short).to(Role::Server));
    let frames = take_frames(&drain(&mut server, &mut peer));
    assert_eq!((frames.len(), frames[0].first), (1, 0xC1));
    // A long one comes whole, so it is, too.
    let payload = zlib.compress(&vec![b'x'; LEN]);
    peer.send(&frame(0xC1, &payload).to(Role::Server));
    let frames = take_frames(&drain(&mut server, &mut peer));
    assert_eq!((frames.len(), frames[0].first), (1, 0xC1));
    assert!(frames[0].payload.len() < LEN / 100);
    assert_eq!(server.handle().held_bytes(), 0);
}

// req: 6455-10.4-01
#[test]
fn the_limit_of_a_message_holds() {
    let limits = net::Limits::default().protocol(Limits::default().message_bytes(1000));
    let too_big = |frames: &[_]| {
        let mut server = serve(limits);
        let mut peer: Peer = server.open("/");
        peer.send(&wire(Role::Server, frames));
        server.run();
        peer.received().iter().any(|received| {
            matches!(received, Received::Close(Some(code), _) if *code == CloseCode::TOO_BIG)
        })
    };
    assert!(too_big(&[binary(&[0; 1001])]));
    assert!(too_big(&[
        binary_start(&[0; 500]),
        more([0; 500]),
        end([0; 1])
    ]));
    assert!(!too_big(&[binary(&[0; 1000])]));
}

#[test]
fn a_stop_in_the_middle_of_a_message_is_clean() {
    let mut server = serve(net::Limits::default());
    let mut peer = server.open("/");
    peer.send(&wire(Role::Server, &[binary_start(b"begun")]));
    server.run();
    server.handle().stop();
    server.run();
    let received = peer.received();
    assert!(matches!(
        &received[..],
        [.., Received::Close(Some(CloseCode::GOING_AWAY), _)]
    ));
    peer.message(Message::text("too late"));
    peer.shutdown();
    server.run();
    assert!(server.has_ended());
}
