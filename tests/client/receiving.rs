//! Messages and events, however their bytes come.

use crate::net_support::scripted::Server;
use crate::net_support::{MOMENT, protocol};
use crate::support::frames::{Frame, binary, close, close_empty, end, more, ping, pong};
use crate::support::frames::{text, text_start, wire};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use wirebell::client::{Client, Closed, Error, Options, Wait};
use wirebell::{CloseBody, CloseCode, Event, Message, MessageKind, Piece, Role, client};

pub fn options() -> Options {
    Options::default().limits(client::Limits::default().protocol(protocol()))
}

/// Fragments, a Ping between them, empty ones, and a Close behind all.
fn transcript() -> Vec<u8> {
    let frames = [
        text_start("Gr\u{fc}").cut_text(),
        ping(b"p"),
        more(""),
        end(b"\xBC\xC3\x9Fe"),
        binary(b""),
        text_start(""),
        more(""),
        end("ab"),
        pong(b"unasked"),
        text("last"),
        close(1000, "bye"),
    ];
    wire(Role::Client, &frames)
}

trait CutText {
    fn cut_text(self) -> Self;
}

impl CutText for Frame {
    /// Without its last byte, which is half a character.
    fn cut_text(mut self) -> Self {
        self.payload.pop();
        self
    }
}

/// Sends the parts one by one, with a pause between them, and checks what the client has to say.
fn expect_transcript(parts: Vec<Vec<u8>>) {
    let server = Server::opened(move |peer| {
        for part in parts {
            peer.send(part);
            thread::sleep(MOMENT);
        }
        peer.expect(&pong(b"p"));
        peer.expect(&close(1000, ""));
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let expected = [
        Message::text("Gr\u{fc}\u{df}e"),
        Message::binary(b""),
        Message::text("ab"),
        Message::text("last"),
    ];
    for message in expected {
        assert_eq!(client.receive().unwrap(), Some(message));
        assert_eq!(client.closed(), None);
    }
    assert_eq!(client.receive().unwrap(), None);
    let closed = Closed {
        code: Some(CloseCode::NORMAL),
        reason: "bye".into(),
    };
    assert_eq!(client.closed(), Some(&closed));
    assert_eq!(client.receive().unwrap(), None);
    server.finish();
}

#[test]
// req: 6455-6.2-01 6455-6.2-02 6455-5.4-03 6455-5.4-05 6455-5.5.1-06
// req: 6455-5.5.2-02
fn messages_are_the_same_wherever_the_bytes_are_cut() {
    let bytes = transcript();
    for at in 1..bytes.len() {
        expect_transcript(vec![bytes[..at].to_vec(), bytes[at..].to_vec()]);
    }
    expect_transcript(vec![bytes.clone()]);
    expect_transcript(bytes.chunks(1).map(<[u8]>::to_vec).collect());
}

#[test]
// req: 6455-6.2-01 6455-5.5.2-02 6455-5.5.1-06
fn events_come_one_by_one() {
    let (sender, received) = channel();
    let server = Server::opened(move |peer| {
        let mut bytes = transcript();
        // What comes behind a Close is not looked at.
        bytes.extend(wire(Role::Client, &[text("too late")]));
        peer.send(bytes);
        peer.expect(&pong(b"p"));
        sender.send(()).unwrap();
        peer.expect(&close(1000, ""));
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let piece = |kind, bytes, first, last| {
        Event::Piece(Piece {
            kind,
            bytes,
            compressed: false,
            first,
            last,
        })
    };
    let bye = CloseBody {
        code: Some(CloseCode::NORMAL),
        reason: "bye",
    };
    let expected = [
        piece(MessageKind::Text, b"Gr\xC3", true, false),
        Event::Ping(b"p"),
        piece(MessageKind::Text, b"", false, false),
        piece(MessageKind::Text, b"\xBC\xC3\x9Fe", false, true),
        piece(MessageKind::Binary, b"", true, true),
        piece(MessageKind::Text, b"", true, false),
        piece(MessageKind::Text, b"", false, false),
        piece(MessageKind::Text, b"ab", false, true),
        Event::Pong(b"unasked"),
        piece(MessageKind::Text, b"last", true, true),
        Event::Close(bye),
    ];
    for event in expected {
        let answered = matches!(event, Event::Ping(_));
        assert_eq!(client.receive_event().unwrap(), Some(event));
        if answered {
            // The answer does not wait for the next call.
            received.recv().unwrap();
        }
    }
    assert_eq!(client.receive_event().unwrap(), None);
    assert_eq!(client.receive().unwrap(), None);
    server.finish();
}

#[test]
fn a_frame_is_lent_in_pieces_as_it_comes() {
    let (sender, go_on) = channel::<()>();
    let payload = "x".repeat(300);
    let bytes = wire(Role::Client, &[text(&payload)]);
    let server = Server::opened(move |peer| {
        for part in bytes.chunks(100) {
            peer.send(part);
            go_on.recv().unwrap();
        }
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    let mut pieces = Vec::new();
    loop {
        let Some(Event::Piece(piece)) = client.receive_event().unwrap() else {
            panic!("only pieces come");
        };
        pieces.push((piece.bytes.len(), piece.first, piece.last));
        sender.send(()).unwrap();
        if piece.last {
            break;
        }
    }
    // A header of four bytes.
    let expected = [(96, true, false), (100, false, false), (100, false, false)];
    assert_eq!(pieces[..3], expected);
    assert_eq!(pieces[3..], [(4, false, true)]);
    drop(client);
    server.finish();
}

#[test]
fn long_messages_in_many_fragments() {
    // More than the receive buffer begins with, in frames of all lengths.
    let lengths = [0, 1, 125, 126, 65_535, 65_536, 200_000, 3, 700_000, 131_072];
    let fragments: Vec<Vec<u8>> = (0u32..)
        .zip(lengths)
        .map(|(i, len)| (0..len).map(|j| (i + j / 3) as u8).collect())
        .collect();
    let expected = fragments.concat();
    let server = Server::opened(move |peer| {
        for _ in 0..3 {
            for (i, fragment) in fragments.iter().enumerate() {
                let mut piece = more(fragment);
                piece.first |= if i == 0 { 0x02 } else { 0 };
                piece.first |= if i == fragments.len() - 1 { 0x80 } else { 0 };
                peer.send_frames(&[piece, ping(&[i as u8])]);
            }
            peer.send_frames(&[text("between")]);
            for i in 0..fragments.len() {
                peer.expect(&pong(&[i as u8]));
            }
        }
        peer.expect_gone();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    for _ in 0..3 {
        let message = client.receive().unwrap().unwrap();
        assert_eq!(message.kind, MessageKind::Binary);
        assert!(message.bytes == expected);
        assert_eq!(client.receive().unwrap(), Some(Message::text("between")));
    }
    drop(client);
    server.finish();
}

#[test]
fn half_a_message_survives_a_timeout() {
    let message = [text_start("one, "), ping(b"?"), end("two"), text("three")];
    let bytes = wire(Role::Client, &message);
    for at in 0..bytes.len() {
        let (sender, go_on) = channel::<()>();
        let bytes = bytes.clone();
        let server = Server::opened(move |peer| {
            peer.send(&bytes[..at]);
            go_on.recv().unwrap();
            peer.send(&bytes[at..]);
            peer.expect(&pong(b"?"));
            peer.expect_gone();
        });
        let mut client = Client::connect(&server.uri(), options()).unwrap();
        let mut messages = Vec::new();
        client.set_receive_timeout(Some(Duration::from_millis(5)));
        loop {
            match client.receive() {
                Ok(message) => messages.push(message.unwrap().as_text().unwrap().to_owned()),
                Err(Error::TimedOut(Wait::Receive)) => break,
                Err(error) => panic!("{at}: {error}"),
            }
        }
        sender.send(()).unwrap();
        client.set_receive_timeout(None);
        while messages.len() < 2 {
            let message = client.receive().unwrap().unwrap();
            messages.push(message.as_text().unwrap().to_owned());
        }
        assert_eq!(messages, ["one, two", "three"], "{at}");
        drop(client);
        server.finish();
    }
}

#[test]
// req: 6455-5.5.1-06 6455-5.5.1-10
fn the_server_may_close_without_a_code_and_ends_tcp_first() {
    let server = Server::opened(|peer| {
        peer.send_frames(&[close_empty()]);
        peer.expect(&close_empty());
        // The client waits for us.
        peer.expect_silence(Duration::from_millis(100));
        peer.end_writing();
        peer.expect_end();
    });
    let mut client = Client::connect(&server.uri(), options()).unwrap();
    assert_eq!(client.receive().unwrap(), None);
    let closed = client.closed().unwrap();
    assert_eq!((closed.code, &closed.reason[..]), (None, ""));
    server.finish();
}
