//! The example of the documentation of `proto`: the protocol core driven from Tokio. It is the
//! same file; here it runs, with a client of ours and with one that we have not written.

mod echo;

use crate::net_support::PATIENCE;
use echo::echo;
use std::net::SocketAddr;
use std::time::Duration;
use wirebell::client::{Client, Options};
use wirebell::{CloseCode, Message};

/// A server that ends behind its last client.
fn serve(clients: usize) -> (SocketAddr, std::thread::JoinHandle<()>) {
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
            let mut tasks = Vec::new();
            for _ in 0..clients {
                let (stream, _) = listener.accept().await.unwrap();
                tasks.push(tokio::spawn(echo(stream)));
            }
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
    });
    (address, server)
}

#[test]
fn it_echoes_what_our_client_sends() {
    let (address, server) = serve(1);
    let mut client = Client::connect(&format!("ws://{address}/"), Options::default()).unwrap();
    for len in [0, 5, 126, 70_000, 1_000_000] {
        let text = "x".repeat(len);
        client.send(Message::text(&text)).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text(&text)));
    }
    client.close(Some(CloseCode::NORMAL), "").unwrap();
    assert!(client.receive().unwrap().is_none());
    drop(client);
    server.join().unwrap();
}

#[test]
fn it_echoes_what_tungstenite_sends() {
    let (address, server) = serve(1);
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
    server.join().unwrap();
}

#[test]
fn it_is_short() {
    let lines = include_str!("echo.rs").lines().count();
    assert!(lines <= 60, "{lines} lines");
}
