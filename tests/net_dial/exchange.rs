//! Messages both ways, between two event loops.

use super::{Dialler, Told, Wish, dial, loop_options};
use crate::net_support::echo::echo_server;
use crate::net_support::scripted::{Listener, switch};
use crate::net_support::{Ended, limits, options_with};
use wirebell::client::Options;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::{self, SharedFrame};
use wirebell::{CloseCode, Message, MessageKind, deflate};

fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 5 % 64) as u8 + b' ').collect()
}

/// Sends messages of many lengths through 20 connections and expects each of them back.
fn run(server_options: net::Options, client_options: Options) {
    let (server, uri) = echo_server(server_options);
    let dials = (0..20).map(|tag| dial(&uri, client_options.clone(), tag));
    let dialler = Dialler::start(loop_options(), dials.collect());
    for tag in 0..20 {
        assert_eq!(dialler.next(), Told::Opened(tag));
    }
    for len in [0, 1, 125, 126, 4000, 5000, 65_536, 300_000] {
        let bytes = payload(len);
        let kind = [MessageKind::Text, MessageKind::Binary][len % 2];
        match len {
            126 | 300_000 => {
                let frame = SharedFrame::new(Message::of(kind, &bytes).unwrap());
                dialler.wish(Wish::SendFrame(frame));
            }
            _ => dialler.wish(Wish::Send(kind, bytes.clone())),
        }
        let mut tags: Vec<u32> = (0..20)
            .map(|_| match dialler.next() {
                Told::Message(tag, got, echo) if got == kind && echo == bytes => tag,
                other => panic!("{len} bytes: {:.80}", format!("{other:?}")),
            })
            .collect();
        tags.sort_unstable();
        assert_eq!(tags, (0..20).collect::<Vec<_>>());
    }
    dialler.wish(Wish::Close(CloseCode::NORMAL));
    for _ in 0..20 {
        let end = Ended {
            clean: true,
            code: Some(CloseCode::NORMAL),
        };
        assert!(matches!(dialler.next(), Told::Closed(_, e) if e == end));
    }
    dialler.stop();
    server.stop();
    server.join().unwrap();
}

#[test]
fn as_they_are() {
    run(loop_options(), Options::default());
}

#[test]
fn compressed() {
    for policy in [DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER] {
        let settings = deflate::Settings::DEFAULT.policy(policy);
        let server = loop_options().deflate(Some(settings));
        let client = Options::default().deflate(Some(settings));
        run(server, client);
    }
}

#[test]
fn two_loops_that_have_filled_the_sockets_do_not_wait_for_each_other() {
    let limits = limits().queued_bytes(256 * 1024 * 1024);
    let (server, uri) = echo_server(options_with(limits));
    let to_server = dial(&uri, Options::default(), 0);
    let dialler = Dialler::start(options_with(limits), vec![to_server]);
    assert_eq!(dialler.next(), Told::Opened(0));
    // More than the buffers of both sockets hold.
    let (bytes, count) = (vec![7; 256 * 1024], 200);
    for _ in 0..count {
        dialler.wish(Wish::Send(MessageKind::Binary, bytes.clone()));
    }
    for _ in 0..count {
        assert!(matches!(dialler.next(), Told::Message(0, _, echo) if echo == bytes));
    }
    dialler.stop();
    server.stop();
    server.join().unwrap();
}

#[test]
fn a_frame_for_many_is_compressed_for_a_server_too() {
    let listener = Listener::new();
    let settings = deflate::Settings::DEFAULT;
    let options = Options::default().deflate(Some(settings));
    let dialler = Dialler::start(loop_options(), vec![dial(&listener.uri(), options, 1)]);
    let mut visit = listener.accept();
    let head = visit.head();
    visit.send(switch(
        &head,
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
         client_no_context_takeover\r\n",
    ));
    assert_eq!(dialler.next(), Told::Opened(1));
    let bytes = vec![b'x'; 2000];
    let message = Message::of(MessageKind::Text, &bytes).unwrap();
    for (frame, first) in [
        (SharedFrame::new(message), 0xC1),
        (SharedFrame::uncompressed(message), 0x81),
    ] {
        dialler.wish(Wish::SendFrame(frame));
        let sent = visit.frame();
        assert_eq!(sent.first, first);
        assert_eq!(sent.payload.len() < bytes.len(), first == 0xC1);
    }
    dialler.stop();
}
