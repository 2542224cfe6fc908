//! A run of frames that overflows as it is written, because something else follows it in its turn:
//! the peer ends for that reason and no other, once, and its Close is the last frame.

use super::{Loop, Told, last_peer, told};
use crate::support::frames::{close_empty, wire};
use wirebell::net::testing::{Faults, Network, Peer, Received};
use wirebell::net::{Cause, Context, Options, PeerId, Sent, SharedChunk};
use wirebell::{CloseCode, Message, MessageKind, Role, net};

/// Bytes that a connection holds in each direction.
const CAPACITY: usize = 4096;

/// Two messages that fit into the bound of a queue, but not together with their records.
const RUN: [usize; 2] = [70, 1890];
const BOUND: usize = 2000;

fn serve() -> Loop {
    let faults = Faults {
        capacity: CAPACITY,
        ..Faults::default()
    };
    let limits = net::Limits::default().queued_bytes(BOUND);
    let options = Options::default().limits(limits);
    Network::with_faults(faults).serve(options, |_| super::Probe::default())
}

/// A connection whose socket is full and for which nothing waits; then a run is sent to it, and the
/// rest is done in the same turn.
fn overflow(path: &str, rest: impl FnOnce(&mut Loop, PeerId)) -> (Loop, Peer) {
    let mut server = serve();
    let mut peer = server.open(path);
    let id = last_peer(&mut server);
    let fill = Message::binary(&[0; CAPACITY - 4]);
    assert!(server.with(|_, cx| cx.send(id, fill)).is_taken());
    let _ = told(&mut server);
    for bytes in RUN {
        let message = vec![0; bytes];
        let sent = server.with(|_, cx| cx.send(id, Message::binary(&message)));
        assert!(sent.is_taken());
    }
    rest(&mut server, id);
    server.run();
    assert_eq!(peer.received().len(), 1, "what filled the socket");
    (server, peer)
}

fn closings(server: &mut Loop) -> usize {
    let told = told(server);
    told.iter().filter(|told| **told == Told::Closing).count()
}

type Rest = fn(&mut Loop, PeerId);

/// What may follow a run in its turn.
const RESTS: [(&str, Rest); 6] = [
    ("stop", |server, _| server.handle().stop()),
    ("close", |server, id| {
        server.with(|_, cx| cx.close(id, CloseCode::NORMAL, "enough"));
    }),
    ("ping", |server, id| {
        expect_closed(server, |cx| cx.ping(id, b"there?"));
    }),
    ("kept", |server, id| {
        expect_closed(server, |cx| cx.send_kept(id, &[Message::text("kept")]));
    }),
    ("piece", |server, id| send_piece(server, id, 10)),
    ("long piece", |server, id| send_piece(server, id, BOUND)),
];

fn send_piece(server: &mut Loop, id: PeerId, bytes: usize) {
    let piece = vec![b'a'; bytes];
    expect_closed(server, |cx| {
        cx.send_piece(id, MessageKind::Text, &piece, false)
    });
}

#[track_caller]
fn expect_closed(server: &mut Loop, send: impl FnOnce(&mut Context<'_>) -> Sent) {
    assert_eq!(server.with(|_, cx| send(cx)), Sent::Closed);
}

#[test]
fn the_peer_learns_of_the_overflow_whatever_follows() {
    for (what, rest) in RESTS {
        let (mut server, mut peer) = overflow("/", rest);
        let counters = server.counters();
        assert_eq!((counters.overflowed, counters.stopped), (1, 0), "{what}");
        assert_eq!(closings(&mut server), 1, "{what}");
        let code = CloseCode::new(1013);
        let close = Received::Close(code, "reading too slowly".into());
        assert_eq!(peer.received(), [close], "{what}");
        peer.send(&wire(Role::Server, &[close_empty()]));
        let cause = cause_of_end(&mut server);
        assert_eq!(cause, Some(Cause::Overflow), "{what}");
        assert_eq!(peer.received(), [Received::End], "{what}");
    }
}

/// The cause that the service is told, of a server that may end.
fn cause_of_end(server: &mut Loop) -> Option<Cause> {
    use std::{cell::Cell, rc::Rc};
    let cause = Rc::new(Cell::new(None));
    let seen = Rc::clone(&cause);
    super::react(server, move |_, _, told| {
        if let Told::Closed(end) = told {
            seen.set(Some(end.cause));
        }
    });
    server.run();
    cause.get()
}

/// Its end is not announced as that of a whole body.
#[test]
fn a_body_that_overflows_has_no_last_chunk() {
    for stops in [false, true] {
        let mut server = serve();
        let mut peer = server.connect();
        peer.send(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let _ = told(&mut server);
        let _ = super::bytes(&mut peer);
        let id = last_peer(&mut server);
        // With the length, 1000 in four bytes, and two line ends: the socket is full.
        let write = |server: &mut Loop, bytes: usize| {
            let part = SharedChunk::new(&vec![b'a'; bytes]);
            assert!(server.with(|_, cx| cx.write(id, &part, 0)).is_taken());
        };
        write(&mut server, CAPACITY - 7);
        let _ = told(&mut server);
        for bytes in RUN {
            write(&mut server, bytes);
        }
        match stops {
            true => server.handle().stop(),
            false => expect_closed(&mut server, |cx| cx.finish(id)),
        }
        let cause = cause_of_end(&mut server);
        assert_eq!(cause, Some(Cause::Overflow), "{stops}");
        let rest = super::text(&mut peer);
        assert!(!rest.ends_with("0\r\n\r\n"), "{stops}");
        assert_eq!(server.counters().overflowed, 1, "{stops}");
    }
}

/// Who is closing already is not told of that again.
#[test]
fn a_stop_announces_no_close_to_the_service_that_has_closed() {
    let mut server = serve();
    let mut peer = server.open("/");
    let id = last_peer(&mut server);
    let _ = told(&mut server);
    server.with(|_, cx| cx.close(id, CloseCode::NORMAL, "enough"));
    server.handle().stop();
    assert_eq!(closings(&mut server), 0);
    assert_eq!(peer.received().len(), 1);
}
