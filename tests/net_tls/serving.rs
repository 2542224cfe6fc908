//! The server's side: messages, ends, and peers that do not behave.

use super::*;
use crate::net_support::client::upgrade;
use crate::support::frames::{binary, binary_start, close, end as last, more};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::thread;

/// Bytes that do not repeat within a record.
fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 65_521) as u8).collect()
}

#[test]
fn messages_of_every_length_come_back_in_both_versions() {
    let server = serve(default_options(), acceptor());
    for version in [&version::TLS12, &version::TLS13] {
        let mut client = connect(server.local_addr(), version).upgraded("/");
        for len in [0, 1, 125, 126, 16_383, 16_384, 65_536, 300_000, 3_000_000] {
            let payload = bytes(len);
            client.send_frame(&binary(&payload));
            assert_eq!(client.frame(), binary(&payload), "{len}");
        }
        client.send_frame(&binary_start(&bytes(70_000)));
        client.send_frame(&more(bytes(70_000)));
        client.send_frame(&last(bytes(5)));
        assert_eq!(client.frame().payload.len(), 140_005);
        client.finish(1000);
    }
    end(server);
}

/// The buffer of the loop is smaller than a record.
#[test]
fn a_small_receive_buffer_is_enough() {
    let server = serve(default_options().receive_buffer(4096), acceptor());
    let mut client = connect(server.local_addr(), &version::TLS13).upgraded("/");
    for len in [10_000, 16_384, 200_000, 1] {
        client.send_frame(&binary(&bytes(len)));
        assert_eq!(client.frame().payload.len(), len);
    }
    client.finish(1000);
    end(server);
}

/// close_notify comes before the end of the stream: rustls reports an end without it as an error.
#[test]
fn the_end_is_announced_to_http_and_websocket() {
    let server = serve(default_options(), acceptor());
    let mut client = connect(server.local_addr(), &version::TLS13);
    client.send("GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(client.response().body.len(), 300_000);
    client.expect_end();
    connect(server.local_addr(), &version::TLS13)
        .upgraded("/")
        .finish(1000);
    end(server);
}

/// Neither does a missing close_notify spoil a clean end, nor does one make an end clean.
#[test]
fn a_client_may_end_as_it_likes() {
    let server = serve(default_options(), acceptor());
    let mut rude = connect(server.local_addr(), &version::TLS13).upgraded("/");
    rude.send_frame(&close(1000, ""));
    rude.expect_close(1000);
    rude.stream().sock.shutdown(Shutdown::Write).unwrap();
    rude.expect_end();
    let mut polite = connect(server.local_addr(), &version::TLS13).upgraded("/");
    polite.end_writing();
    polite.expect_gone();
    end(server);
}

#[test]
fn a_hello_may_be_cut_anywhere() {
    let server = serve(default_options(), acceptor());
    let config = client_config(&OURS, &version::TLS13, None);
    let mut hello = Vec::new();
    let mut connection = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    connection.write_tls(&mut hello).unwrap();
    for cut in 1..hello.len() {
        let mut stream = TcpStream::connect(server.local_addr()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.bound_reads(PATIENCE);
        stream.write_all(&hello[..cut]).unwrap();
        thread::yield_now();
        stream.write_all(&hello[cut..]).unwrap();
        let mut answer = [0; 6];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(
            (answer[0], answer[5]),
            (22, 2),
            "no ServerHello, cut at {cut}"
        );
    }
    end(server);
}

#[test]
fn a_request_in_clear_is_told_so() {
    let server = serve(default_options(), acceptor());
    let mut client = Client::connect(server.local_addr());
    client.send(upgrade("/", ""));
    let response = client.response();
    assert_eq!(response.status, 400);
    assert!(response.body.contains("https:// or wss://"), "{response:?}");
    client.expect_end();
    let mut other = Client::connect(server.local_addr());
    other.send([0xFF; 100]);
    other.expect_end();
    end(server);
}

/// A TLS client that has come to a port without TLS.
#[test]
fn tls_in_clear_is_ended() {
    let listen = Listen::tcp("127.0.0.1:0").unwrap();
    let server = Server::<()>::builder(default_options()).listen(listen);
    let server = server.start(|_| Echo).unwrap();
    let stream = TcpStream::connect(server.local_addr()).unwrap();
    let mut stream = tls_on(stream, client_config(&OURS, &version::TLS13, None));
    let error = stream.write_all(b"x").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
    end(server);
}

#[test]
fn a_client_that_trusts_others_only_is_counted_and_gone() {
    let server = serve(default_options(), acceptor());
    let stream = TcpStream::connect(server.local_addr()).unwrap();
    let other = Identity::new();
    let mut stream = tls_on(stream, client_config(&other, &version::TLS13, None));
    let error = stream.write_all(b"x").unwrap_err();
    assert!(
        error.to_string().contains("invalid peer certificate"),
        "{error}"
    );
    let mut rest = Vec::new();
    let _ = stream.sock.read_to_end(&mut rest);
    while server.counters()[0].tls_failed == 0 {
        thread::sleep(Duration::from_millis(1)); // Until the loop has read the alert.
    }
    end(server);
}

/// A message that the client does not read is sealed piece by piece, and arrives whole.
#[test]
fn a_reader_that_comes_late_misses_nothing() {
    let server = serve(default_options(), acceptor());
    let mut client = connect(server.local_addr(), &version::TLS13).upgraded("/");
    let payload = bytes(8 << 20);
    let frame = binary(&payload).to(wirebell::Role::Server);
    let mut writer = TcpStream::try_clone(&client.stream().sock).unwrap();
    // rustls has one lock for both directions: seal everything first.
    let connection = &mut client.stream_mut().conn;
    connection.set_buffer_limit(None);
    connection.writer().write_all(&frame).unwrap();
    let mut records = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut records).unwrap();
    }
    let sending = thread::spawn(move || writer.write_all(&records));
    let echoed = client.frame();
    assert_eq!(echoed.payload.len(), payload.len());
    assert!(echoed.payload == payload);
    sending.join().unwrap().unwrap();
    client.finish(1000);
    end(server);
}

/// Whichever side closes first, no reset and no loss.
#[test]
fn short_connections_end_without_a_reset() {
    let server = serve(default_options(), acceptor());
    let address = server.local_addr();
    let config = client_config(&OURS, &version::TLS13, None);
    let threads = (0..4).map(|number| {
        let config = Arc::clone(&config);
        thread::spawn(move || {
            for round in 0..50 {
                let stream = TcpStream::connect(address).unwrap();
                let mut client = Client::on(tls_on(stream, Arc::clone(&config)));
                match (number + round) % 2 {
                    0 => {
                        let request = "GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
                        assert_eq!(client.ask(request).body, "true 0");
                        client.expect_end();
                    }
                    _ => {
                        let mut client = client.upgraded("/");
                        client.expect_echo("hello");
                        client.finish(1000);
                    }
                }
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    end(server);
}

/// Open connections are served while many handshakes are on their way.
#[test]
fn a_storm_of_handshakes_leaves_room_for_messages() {
    let server = serve(default_options(), acceptor());
    let address = server.local_addr();
    let mut client = connect(address, &version::TLS13).upgraded("/");
    let config = client_config(&OURS, &version::TLS13, None);
    let mut hellos = Vec::new();
    for _ in 0..100 {
        let name = "localhost".try_into().unwrap();
        let mut connection = ClientConnection::new(Arc::clone(&config), name).unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        connection.write_tls(&mut stream).unwrap();
        hellos.push((connection, stream));
    }
    for _ in 0..20 {
        client.expect_echo("in between");
    }
    for (connection, stream) in hellos {
        let mut client = Client::on(StreamOwned::new(connection, stream)).upgraded("/");
        client.expect_echo("late");
    }
    end(server);
}

#[test]
fn a_plain_port_can_lead_to_the_other() {
    let port = NonZeroU16::new(8443).unwrap();
    let listen = Listen::tcp("127.0.0.1:0").unwrap().redirecting(port);
    let server = Server::<()>::builder(default_options()).listen(listen);
    let server = server.start(|_| Echo).unwrap();
    for (host, target, location) in [
        ("a.example", "/who?a=b", "https://a.example:8443/who?a=b"),
        ("[::1]:80", "/", "https://[::1]:8443/"),
    ] {
        let mut client = Client::connect(server.local_addr());
        let response = client.ask(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(response.status, 308);
        assert_eq!(response.field("location"), Some(location));
        client.expect_end();
    }
    end(server);
}

#[test]
fn a_client_may_have_to_show_a_certificate() {
    let (known, other) = (Identity::new(), Identity::new());
    let server = serve(default_options(), strict_acceptor(&known));
    let connected = |own| {
        let config = client_config(&OURS, &version::TLS13, own);
        let stream = TcpStream::connect(server.local_addr()).unwrap();
        Client::on(tls_on(stream, config))
    };
    let request = "GET /who HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(connected(Some(&known)).ask(request).body, "true 1");
    for own in [None, Some(&other)] {
        let mut client = connected(own);
        let refused =
            client.try_send(request).is_err() || client.stream_mut().read(&mut [0]).is_err();
        assert!(refused);
    }
    end(server);
}

/// What connections hold for their encryption is in the account, and out of it when they end.
#[test]
fn memory_of_sessions_is_counted() {
    let server = serve(default_options(), acceptor());
    let held = |client: &mut Client<Tls>| -> usize {
        let response = client.ask("GET /held HTTP/1.1\r\nHost: a\r\n\r\n");
        response.body.parse().unwrap()
    };
    let mut probe = connect(server.local_addr(), &version::TLS13);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(connect(server.local_addr(), &version::TLS13).upgraded("/"));
    }
    // The account is told in steps of 16 KiB.
    let before = held(&mut probe);
    assert!(before >= 20 * 3000, "{before}");
    for mut client in clients {
        client.finish(1000);
    }
    while held(&mut probe) > 20 * 1024 {
        thread::sleep(Duration::from_millis(1)); // Until the ends have been read.
    }
    end(server);
}

/// With a unix socket below.
#[test]
fn a_unix_socket_can_be_encrypted_too() {
    let path = std::env::temp_dir().join(format!("wirebell-tls-{}", std::process::id()));
    let listen = Listen::unix(&path).secured(acceptor());
    let server = Server::<()>::builder(default_options()).listen(listen);
    let server = server.start(|_| Echo).unwrap();
    let stream = std::os::unix::net::UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let config = client_config(&OURS, &version::TLS13, None);
    let name = "localhost".try_into().unwrap();
    let mut tls = StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream);
    tls.write_all(b"GET /who HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("true 0"), "{answer}");
    end(server);
}

/// A peer that opens a connection and says nothing is not waited for.
#[test]
fn a_handshake_has_a_deadline() {
    let mut options = default_options();
    options.limits.head_ms = 100;
    let server = serve(options, acceptor());
    let config = client_config(&OURS, &version::TLS13, None);
    let name = "localhost".try_into().unwrap();
    let mut connection = ClientConnection::new(config, name).unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    stream.bound_reads(PATIENCE);
    connection.write_tls(&mut stream).unwrap();
    // The server's flight comes, and then the end.
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(!rest.is_empty());
    end(server);
}
