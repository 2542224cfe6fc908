//! The client's side in the loop: to our own server, through a proxy, and to servers that are not
//! to be trusted.

use super::*;
use crate::net_dial::{Dialler, Told, Wish, loop_options};
use crate::net_support::{Ended, scripted};
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;
use wirebell::MessageKind;
use wirebell::client::{self, Endpoint, Proxy, ProxyChoice};
use wirebell::net::Dial;

fn dial(uri: &str, options: client::Options, tag: u32) -> Dial {
    let endpoint = Endpoint::resolve(uri, options).unwrap();
    Dial {
        tag,
        ..Dial::new(Arc::new(endpoint))
    }
}

fn direct(connector: Connector) -> client::Options {
    client::Options::default()
        .proxy(ProxyChoice::Direct)
        .tls(Some(connector))
}

fn uri(server: &Server<()>) -> String {
    format!("wss://localhost:{}/", server.local_addr().port())
}

/// Sends messages of several lengths, reads them back and closes.
#[track_caller]
fn talk(dialler: &Dialler, tag: u32) {
    assert_eq!(dialler.next(), Told::Opened(tag));
    for len in [0, 1, 20_000, 1_000_000] {
        let payload = vec![7; len];
        dialler.wish(Wish::Send(MessageKind::Binary, payload.clone()));
        let expected = Told::Message(tag, MessageKind::Binary, payload);
        assert!(dialler.next() == expected, "{len} bytes");
    }
    dialler.wish(Wish::Close(CloseCode::NORMAL));
    let ended = Ended {
        clean: true,
        code: NORMAL,
    };
    assert_eq!(dialler.next(), Told::Closed(tag, ended));
}

#[track_caller]
fn expect_not_opened(dialler: &Dialler, part: &str) {
    match dialler.next() {
        Told::NotOpened(_, why) => assert!(why.contains(part), "{part}: {why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn loops_talk_to_each_other() {
    let server = serve(default_options(), acceptor());
    let dialler = Dialler::start(
        loop_options(),
        vec![dial(&uri(&server), direct(connector()), 1)],
    );
    talk(&dialler, 1);
    let by_address = format!("wss://{}/", server.local_addr());
    dialler.wish(Wish::Dial(dial(&by_address, direct(connector()), 2)));
    talk(&dialler, 2);
    dialler.stop();
    end(server);
}

/// A proxy that opens one tunnel; returns its address, and the target that it was asked for.
fn proxy() -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let run = move || {
        let (client, _) = listener.accept().unwrap();
        let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        while !lines.next().unwrap().unwrap().is_empty() {}
        let target = first.split(' ').nth(1).unwrap().to_owned();
        let server = TcpStream::connect(&target).unwrap();
        (&client).write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let there = thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let _ = io::copy(&mut &server, &mut &client);
        let _ = client.shutdown(Shutdown::Write);
        there.join().unwrap();
        target
    };
    (address, thread::spawn(run))
}

/// CONNECT in clear, and nothing else.
#[test]
// req: 6455-4.1-14 6455-4.1-15
fn a_tunnel_comes_first() {
    let server = serve(default_options(), acceptor());
    let (address, tunnel) = proxy();
    let proxy: Proxy = format!("http://{address}").parse().unwrap();
    let options = direct(connector()).proxy(ProxyChoice::Proxy(proxy));
    let dialler = Dialler::start(loop_options(), vec![dial(&uri(&server), options, 1)]);
    talk(&dialler, 1);
    dialler.stop();
    let target = tunnel.join().unwrap();
    assert_eq!(target, format!("localhost:{}", server.local_addr().port()));
    end(server);
}

#[test]
// req: 6455-4.1-16 6455-4.1-17
fn servers_that_are_not_to_be_trusted() {
    let server = serve(default_options(), acceptor());
    let others = Connector::from_config(client_config(&Identity::new(), &version::TLS13, None));
    let dialler = Dialler::start(loop_options(), vec![dial(&uri(&server), direct(others), 1)]);
    expect_not_opened(&dialler, "no secure connection");
    let by_other_name = format!("wss://other.example:{}/", server.local_addr().port());
    let endpoint = Endpoint::at(
        &by_other_name,
        direct(connector()),
        vec![server.local_addr()],
    );
    dialler.wish(Wish::Dial(Dial::new(Arc::new(endpoint.unwrap()))));
    expect_not_opened(&dialler, "no secure connection");
    dialler.stop();
    end(server);
}

/// No TLS at the other end, and then none at ours.
#[test]
fn one_side_without_tls() {
    let listen = Listen::tcp("127.0.0.1:0").unwrap();
    let server = Server::<()>::builder(default_options()).listen(listen);
    let server = server.start(|_| Echo).unwrap();
    let dialler = Dialler::start(
        loop_options(),
        vec![dial(&uri(&server), direct(connector()), 1)],
    );
    expect_not_opened(&dialler, "no secure connection");
    dialler.stop();
    end(server);

    let options = client::Options::default().proxy(ProxyChoice::Direct);
    let refused = Endpoint::resolve("wss://localhost/", options);
    assert!(matches!(refused, Err(client::Error::Secure)));
}

/// A server that ends the connection within the handshake, by a reset or after a part of its
/// answer, or says nothing at all.
#[test]
fn handshakes_that_never_end() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("wss://{}/", listener.local_addr().unwrap());
    let limits = client::Limits::default().open_ms(300);
    let options = direct(connector()).limits(limits);
    let dialler = Dialler::start(loop_options(), vec![dial(&uri, options.clone(), 1)]);
    drop(listener.accept().unwrap());
    expect_not_opened(&dialler, "the TLS handshake was not completed: ");
    let cut = scripted::Server::once(|peer| {
        peer.read_some();
        peer.send([22, 3, 3, 0, 100, 2]);
    });
    let to_cut = format!("wss://{}/", cut.address());
    dialler.wish(Wish::Dial(dial(&to_cut, options.clone(), 3)));
    let ended = "the TLS handshake was not completed: the peer ended the connection";
    expect_not_opened(&dialler, ended);
    cut.finish();
    dialler.wish(Wish::Dial(dial(&uri, options, 2)));
    let silent = listener.accept().unwrap();
    expect_not_opened(&dialler, "timed out");
    drop(silent);
    dialler.stop();
}
