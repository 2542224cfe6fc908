//! Our clients against the server of tungstenite, which we have not written.

use crate::net_support::PATIENCE;
use std::net::TcpListener;
use std::thread::JoinHandle;
use tungstenite::protocol::frame::coding::CloseCode as Code;
use wirebell::client::{Client, Options};
use wirebell::{CloseCode, Event, Message};

/// Echoes messages of one client and tells how it closed.
fn echo() -> (String, JoinHandle<Option<u16>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut server = tungstenite::accept(stream).unwrap();
        loop {
            match server.read() {
                Ok(message) if message.is_text() || message.is_binary() => {
                    server.send(message).unwrap();
                }
                Ok(tungstenite::Message::Close(close)) => {
                    while server.read().is_ok() {}
                    return close.map(|close| close.code.into());
                }
                Ok(_) => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
    (uri, server)
}

#[test]
fn messages_pings_and_the_close() {
    let (uri, server) = echo();
    let mut client = Client::connect(&uri, Options::default()).unwrap();
    for len in [0, 1, 125, 126, 65_535, 65_536, 3_000_000] {
        let text = "x".repeat(len);
        client.send(Message::text(&text)).unwrap();
        assert!(
            client.receive().unwrap() == Some(Message::text(&text)),
            "{len}"
        );
    }
    client.ping(b"1").unwrap();
    assert_eq!(client.receive_event().unwrap(), Some(Event::Pong(b"1")));
    client.close(CloseCode::new(4321), "enough").unwrap();
    assert_eq!(client.receive().unwrap(), None);
    assert_eq!(client.closed().unwrap().code, CloseCode::new(4321));
    drop(client);
    assert_eq!(server.join().unwrap(), Some(4321));
}

#[test]
fn it_closes_first() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut server = tungstenite::accept(stream).unwrap();
        let frame = tungstenite::protocol::CloseFrame {
            code: Code::Away,
            reason: "tea".into(),
        };
        server.close(Some(frame)).unwrap();
        while server.read().is_ok() {}
    });
    let mut client = Client::connect(&uri, Options::default()).unwrap();
    assert_eq!(client.receive().unwrap(), None);
    let closed = client.closed().unwrap();
    assert_eq!(
        (closed.code, &*closed.reason),
        (Some(CloseCode::GOING_AWAY), "tea")
    );
    server.join().unwrap();
}
