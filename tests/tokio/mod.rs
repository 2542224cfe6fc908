//! The example of the documentation of `proto`: the protocol core driven from Tokio, as a stream
//! and a sink. It is the same file; here it runs, with a client of ours and with one that we have
//! not written.

mod echo;

use crate::net_support::PATIENCE;
use crate::net_support::client::upgrade;
use crate::support::frames::{close, ping, text};
use echo::{WebSocket, echo};
use futures_core::Stream;
use futures_sink::Sink;
use std::future::poll_fn;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::TcpStream;
use wirebell::client::{Client, Options};
use wirebell::{CloseCode, Message, MessageKind, Role};

/// A server that ends after its only client, and returns what `handle` returned.
fn serve<T: Send + 'static, F: Future<Output = T>>(
    handle: impl FnOnce(TcpStream) -> F + Send + 'static,
) -> (SocketAddr, JoinHandle<T>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            handle(stream).await
        })
    });
    (address, server)
}

#[test]
fn it_echoes_what_our_client_sends() {
    let (address, server) = serve(echo);
    let mut client = Client::connect(&format!("ws://{address}/"), Options::default()).unwrap();
    for len in [0, 5, 126, 70_000, 1_000_000] {
        let text = "x".repeat(len);
        client.send(Message::text(&text)).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text(&text)));
    }
    client.close(Some(CloseCode::NORMAL), "").unwrap();
    assert!(client.receive().unwrap().is_none());
    drop(client);
    server.join().unwrap().unwrap();
}

#[test]
fn it_echoes_what_tungstenite_sends() {
    let (address, server) = serve(echo);
    let stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut client, _) = tungstenite::client(format!("ws://{address}/"), stream).unwrap();
    client.send(tungstenite::Message::text("Grüße")).unwrap();
    assert_eq!(client.read().unwrap(), tungstenite::Message::text("Grüße"));
    client
        .send(tungstenite::Message::Ping(vec![7; 125].into()))
        .unwrap();
    assert_eq!(
        client.read().unwrap(),
        tungstenite::Message::Pong(vec![7; 125].into())
    );
    client.close(None).unwrap();
    while client.read().is_ok() {
        std::thread::sleep(Duration::from_millis(1));
    }
    server.join().unwrap().unwrap();
}

#[test]
fn what_came_together_is_answered_in_one_write() {
    let (address, server) = serve(echo);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(upgrade("/", "").as_bytes()).unwrap();
    let mut answer = [0; 4096];
    let len = stream.read(&mut answer).unwrap();
    assert!(answer[..len].ends_with(b"\r\n\r\n"));
    let frames: Vec<u8> = (0..100)
        .flat_map(|at| text(format!("message {at}")).to(Role::Server))
        .chain(ping(b"between").to(Role::Server))
        .collect();
    stream.write_all(&frames).unwrap();
    let answers = 100 * 2 + 10 * "message 1".len() + 90 * "message 11".len() + 2 + 7;
    assert_eq!(stream.read(&mut answer).unwrap(), answers, "in one read");
    stream.write_all(&close(1000, "").to(Role::Server)).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    server.join().unwrap().unwrap();
}

#[test]
fn both_halves_work_alone() {
    let (address, server) = serve(|stream| async {
        let mut socket = WebSocket::accept(stream).await?;
        for at in 0..3 {
            poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await?;
            let message = (MessageKind::Binary, vec![at; 50_000]);
            Pin::new(&mut socket).start_send(message)?;
        }
        poll_fn(|cx| Pin::new(&mut socket).poll_flush(cx)).await?;
        poll_fn(|cx| Pin::new(&mut socket).poll_close(cx)).await?;
        let late = Pin::new(&mut socket).start_send((MessageKind::Text, Vec::new()));
        let next = poll_fn(|cx| Pin::new(&mut socket).poll_next(cx)).await;
        std::io::Result::Ok((late.is_err(), next.is_none()))
    });
    let mut client = Client::connect(&format!("ws://{address}/"), Options::default()).unwrap();
    for at in 0..3 {
        let expected = vec![at; 50_000];
        assert_eq!(client.receive().unwrap(), Some(Message::binary(&expected)));
    }
    assert!(client.receive().unwrap().is_none());
    let closed = client.closed().expect("a Close");
    assert_eq!(closed.code, Some(CloseCode::NORMAL));
    drop(client);
    assert_eq!(server.join().unwrap().unwrap(), (true, true));
}

#[test]
fn what_is_no_handshake_is_answered() {
    let (address, server) = serve(echo);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"),
        "{answer}"
    );
    assert!(server.join().unwrap().is_err());
}

#[test]
fn it_is_short() {
    let lines = include_str!("echo.rs").lines().count();
    assert!(lines <= 160, "{lines} lines");
}
