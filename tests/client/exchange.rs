//! Messages both ways, with our own server at the other end.

use crate::net_support::echo::echo_server;
use crate::net_support::options;
use wirebell::client::{Client, Options};
use wirebell::net::Server;
use wirebell::{CloseCode, Event, Message, MessageKind};

fn end(mut client: Client, server: Server<()>) {
    client.close(Some(CloseCode::NORMAL), "done").unwrap();
    assert!(client.receive().unwrap().is_none());
    assert_eq!(client.closed().unwrap().code, Some(CloseCode::NORMAL));
    assert!(client.receive().unwrap().is_none());
    drop(client);
    server.stop();
    server.join().unwrap();
}

#[test]
fn messages_of_all_lengths_come_back() {
    let (server, uri) = echo_server(options());
    let mut client = Client::connect(&uri, Options::default()).unwrap();
    for len in [
        0, 1, 125, 126, 65_535, 65_536, 131_072, 131_073, 1_000_000, 5_000_000,
    ] {
        let payload: Vec<u8> = (0..len).map(|i: u32| (i / 3 % 96) as u8 + b' ').collect();
        let kind = [MessageKind::Text, MessageKind::Binary][len as usize % 2];
        let message = Message::of(kind, &payload).unwrap();
        client.send(message).unwrap();
        assert!(client.receive().unwrap() == Some(message), "{len} bytes");
    }
    end(client, server);
}

#[test]
fn fragments_make_one_message() {
    let (server, uri) = echo_server(options());
    let mut client = Client::connect(&uri, Options::default()).unwrap();
    let mut fragments = client.begin(MessageKind::Text);
    fragments.send(b"Gr\xC3").unwrap();
    fragments.send(b"").unwrap();
    fragments.finish(b"\xBC\xC3\x9Fe").unwrap();
    assert_eq!(client.receive().unwrap(), Some(Message::text("Grüße")));
    // One that has sent nothing leaves nothing behind.
    drop(client.begin(MessageKind::Binary));
    client.ping(b"there?").unwrap();
    assert_eq!(
        client.receive_event().unwrap(),
        Some(Event::Pong(b"there?"))
    );
    end(client, server);
}
