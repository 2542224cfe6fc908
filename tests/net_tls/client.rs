//! The blocking client: to our own server, to rustls' own connections, and to servers that are not
//! to be trusted or that go away.

use super::*;
use crate::net_support::scripted::{self, Listener, switch};
use crate::support::frames::{Frame, close, text};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use std::io::{self, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use wirebell::Role;
use wirebell::client::{self, Client as Blocking, Error, Proxy, ProxyChoice, Wait};
use wirebell::tls::rustls::ServerConnection;
use wirebell::tls::{TlsError, TlsErrorKind};

fn trusting(connector: Connector) -> client::Options {
    client::Options::default()
        .proxy(ProxyChoice::Direct)
        .tls(Some(connector))
}

fn uri(address: SocketAddr) -> String {
    format!("wss://localhost:{}/", address.port())
}

/// Opens a connection to this port of `localhost`, with the certificate of [`OURS`].
fn open(address: SocketAddr) -> Result<Blocking, Error> {
    Blocking::connect(&uri(address), trusting(connector()))
}

#[track_caller]
fn tls_error(opened: Result<Blocking, Error>) -> TlsError {
    match opened {
        Err(Error::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A server by rustls' own connection that opens a WebSocket for one client.
type Peer = StreamOwned<ServerConnection, TcpStream>;

fn rustls_server(script: impl FnOnce(Peer) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let run = move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![OURS.certificate.clone()], OURS.key.clone_key())
            .unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut peer = StreamOwned::new(connection, stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            peer.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        peer.write_all(switch(&head, "").as_bytes()).unwrap();
        script(peer);
    };
    (address, thread::spawn(run))
}

fn send(peer: &mut Peer, frame: &Frame) {
    peer.write_all(&frame.to(Role::Client)).unwrap();
}

#[test]
fn messages_go_both_ways_at_once() {
    let server = serve(default_options(), acceptor());
    for version in [&version::TLS12, &version::TLS13] {
        let connector = Connector::from_config(client_config(&OURS, version, None));
        let options = trusting(connector);
        let mut client = Blocking::connect(&uri(server.local_addr()), options).unwrap();
        let sender = client.sender();
        let lens = [0, 1, 16_384, 1_500_000, 100, 70_000];
        let sending = thread::spawn(move || {
            for (len, byte) in lens.into_iter().zip(1..) {
                sender.send(Message::binary(&vec![byte; len])).unwrap();
                sender.ping(b"in between").unwrap();
            }
            sender.close(Some(CloseCode::NORMAL), "").unwrap();
        });
        for (len, byte) in lens.into_iter().zip(1..) {
            let message = client.receive().unwrap().unwrap();
            assert_eq!(message.bytes.len(), len);
            assert!(message.bytes.iter().all(|b| *b == byte));
        }
        assert!(client.receive().unwrap().is_none());
        assert_eq!(client.closed().unwrap().code, Some(CloseCode::NORMAL));
        sending.join().unwrap();
    }
    end(server);
}

#[test]
fn an_address_can_be_the_name() {
    let server = serve(default_options(), acceptor());
    let uri = format!("wss://{}/", server.local_addr());
    let mut client = Blocking::connect(&uri, trusting(connector())).unwrap();
    client.send(Message::text("hello")).unwrap();
    assert_eq!(client.receive().unwrap().unwrap().as_text(), Some("hello"));
    end(server);
}

/// close_notify comes before the end: rustls reports an end without it as an error. That the
/// server sends none spoils nothing.
#[test]
fn the_end_is_announced_and_needs_no_announcement() {
    for announces in [true, false] {
        let (address, server) = rustls_server(move |mut peer| {
            send(&mut peer, &close(1000, ""));
            if announces {
                peer.conn.send_close_notify();
                peer.conn.complete_io(&mut peer.sock).unwrap();
            }
            peer.sock.shutdown(Shutdown::Write).unwrap();
            let mut rest = Vec::new();
            peer.read_to_end(&mut rest).expect("close_notify");
            assert_eq!(rest.len(), 8, "a Close");
        });
        let mut client = open(address).unwrap();
        assert!(client.receive().unwrap().is_none());
        assert_eq!(client.closed().unwrap().code, Some(CloseCode::NORMAL));
        drop(client);
        server.join().unwrap();
    }
}

/// A dropped client says that nothing follows, too.
#[test]
fn a_dropped_client_announces_its_end() {
    let (address, server) = rustls_server(|mut peer| {
        assert_eq!(peer.read(&mut [0; 100]).expect("close_notify"), 0);
    });
    drop(open(address).unwrap());
    server.join().unwrap();
}

#[test]
fn an_end_without_a_close_is_a_loss_announced_or_not() {
    for announces in [true, false] {
        let (address, server) = rustls_server(move |mut peer| {
            send(&mut peer, &text("the last"));
            if announces {
                peer.conn.send_close_notify();
                peer.conn.complete_io(&mut peer.sock).unwrap();
            }
        });
        let mut client = open(address).unwrap();
        server.join().unwrap();
        let message = client.receive().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("the last"));
        let lost = client.receive();
        assert!(matches!(lost, Err(Error::Lost(None))), "{lost:?}");
    }
}

#[test]
fn a_record_that_is_cut_is_a_loss() {
    let (address, server) = rustls_server(|mut peer| {
        send(&mut peer, &text("whole"));
        peer.conn.writer().write_all(&[0x82, 100]).unwrap();
        let mut record = Vec::new();
        peer.conn.write_tls(&mut record).unwrap();
        peer.sock.write_all(&record[..record.len() - 1]).unwrap();
    });
    let mut client = open(address).unwrap();
    server.join().unwrap();
    assert_eq!(client.receive().unwrap().unwrap().as_text(), Some("whole"));
    let lost = client.receive();
    assert!(matches!(lost, Err(Error::Lost(None))), "{lost:?}");
}

#[test]
fn a_record_that_was_changed_ends_the_connection() {
    let (address, server) = rustls_server(|mut peer| {
        peer.conn.writer().write_all(&[0x82, 100]).unwrap();
        let mut record = Vec::new();
        peer.conn.write_tls(&mut record).unwrap();
        *record.last_mut().unwrap() ^= 1;
        peer.sock.write_all(&record).unwrap();
        let error = peer.read(&mut [0]).unwrap_err();
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    });
    let mut client = open(address).unwrap();
    match client.receive() {
        Err(Error::Tls(error)) => assert_eq!(error.kind(), TlsErrorKind::Broken),
        other => panic!("{other:?}"),
    }
    server.join().unwrap();
}

/// New keys come and go while messages do (RFC 8446 section 4.6.3).
#[test]
fn keys_may_change_at_any_time() {
    let (address, server) = rustls_server(|mut peer| {
        for _ in 0..3 {
            peer.conn.refresh_traffic_keys().unwrap();
            send(&mut peer, &text("with new keys"));
            let mut frame = [0; 2 + 4 + 5];
            peer.read_exact(&mut frame).unwrap();
        }
    });
    let mut client = open(address).unwrap();
    for _ in 0..3 {
        let message = client.receive().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("with new keys"));
        client.send(Message::text("again")).unwrap();
    }
    server.join().unwrap();
}

/// More than the buffers of two sockets hold, if one of them is small.
const LONG: usize = 6 * 1024 * 1024;

/// What is owed to the server must not make the reader wait for a writer that is blocked.
#[test]
fn the_reader_never_waits_for_a_blocked_writer() {
    let (tell, told) = std::sync::mpsc::channel();
    let (address, server) = rustls_server(move |mut peer| {
        set_socket_recv_buffer_size(&peer.sock, 64 * 1024).unwrap();
        for _ in 0..3 {
            // Each of these asks for an answer. Nothing is read yet.
            peer.conn.refresh_traffic_keys().unwrap();
            send(&mut peer, &text("you are not read"));
        }
        told.recv().unwrap();
        let mut frame = vec![0; LONG + 14];
        peer.read_exact(&mut frame).unwrap();
        send(&mut peer, &text("now you are"));
    });
    let mut client = open(address).unwrap();
    let sender = client.sender();
    let sending = thread::spawn(move || {
        sender.send(Message::binary(&vec![1; LONG])).unwrap();
    });
    for _ in 0..3 {
        let message = client.receive().unwrap().unwrap();
        assert_eq!(message.as_text(), Some("you are not read"));
    }
    tell.send(()).unwrap();
    let message = client.receive().unwrap().unwrap();
    assert_eq!(message.as_text(), Some("now you are"));
    sending.join().unwrap();
    server.join().unwrap();
}

#[test]
// req: 6455-4.1-16 6455-4.1-17
fn servers_that_are_not_to_be_trusted() {
    let server = serve(default_options(), acceptor());
    let others = Connector::from_config(client_config(&Identity::new(), &version::TLS13, None));
    let unknown = Blocking::connect(&uri(server.local_addr()), trusting(others));
    assert_eq!(tls_error(unknown).kind(), TlsErrorKind::Untrusted);
    let other = "wss://other.example/";
    let addresses = vec![server.local_addr()];
    let endpoint = client::Endpoint::at(other, trusting(connector()), addresses).unwrap();
    let error = tls_error(Blocking::open(&endpoint));
    assert_eq!(error.kind(), TlsErrorKind::WrongName);
    assert!(error.to_string().contains("localhost"), "{error}");
    end(server);
}

#[test]
fn a_certificate_has_its_time() {
    for (from, until, kind) in [
        (1999, 2000, TlsErrorKind::Expired),
        (2999, 3000, TlsErrorKind::NotYetValid),
    ] {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let identity = Identity {
            certificate: made.der().clone(),
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        };
        let config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
            .with_protocol_versions(&[&version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key());
        let acceptor = Acceptor::from_config(Arc::new(config.unwrap()));
        let server = serve(default_options(), acceptor);
        let connector = Connector::from_config(client_config(&identity, &version::TLS13, None));
        let opened = Blocking::connect(&uri(server.local_addr()), trusting(connector));
        assert_eq!(tls_error(opened).kind(), kind);
        end(server);
    }
}

/// The server says so after its part of the handshake, when the request may be on its way.
#[test]
fn a_server_may_want_a_certificate() {
    let (known, other) = (Identity::new(), Identity::new());
    let server = serve(default_options(), strict_acceptor(&known));
    let connect = |own| {
        let config = client_config(&OURS, &version::TLS13, own);
        Blocking::connect(
            &uri(server.local_addr()),
            trusting(Connector::from_config(config)),
        )
    };
    connect(Some(&known)).expect("knows us");
    for own in [None, Some(&other)] {
        for _ in 0..20 {
            let error = tls_error(connect(own));
            assert!(matches!(error.kind(), TlsErrorKind::Alert(_)), "{error}");
        }
    }
    end(server);
}

#[test]
fn servers_without_tls() {
    let listen = Listen::tcp("127.0.0.1:0").unwrap();
    let server = Server::<()>::builder(default_options()).listen(listen);
    let server = server.start(|_| Echo).unwrap();
    assert_eq!(
        tls_error(open(server.local_addr())).kind(),
        TlsErrorKind::NotTls
    );
    end(server);
    let greets = scripted::Server::once(|peer| {
        peer.read_some();
        peer.send("SSH-2.0-OpenSSH_9.2p1\r\n");
    });
    assert_eq!(
        tls_error(open(greets.address())).kind(),
        TlsErrorKind::NotTls
    );
    greets.finish();
    let none = Blocking::connect(
        "wss://localhost/",
        client::Options::default().proxy(ProxyChoice::Direct),
    );
    assert!(matches!(none, Err(Error::Secure)), "{none:?}");
}

#[test]
fn handshakes_that_end_or_never_do() {
    let listener = Listener::new();
    let address = listener.address();
    let closing = thread::spawn(move || open(address));
    drop(listener.accept());
    match closing.join().unwrap() {
        // By a reset: the hello had not been read.
        Err(Error::Tls(error)) => {
            assert!(error.to_string().contains("not completed: "), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let cut = scripted::Server::once(|peer| {
        peer.read_some();
        peer.send([22, 3, 3, 0, 100, 2]);
    });
    let error = tls_error(open(cut.address()));
    let text = "the TLS handshake was not completed: the peer ended the connection";
    assert_eq!(error.to_string(), text);
    cut.finish();
    let silent = Listener::new();
    let limits = client::Limits::default().open_ms(200);
    let options = trusting(connector()).limits(limits);
    let timed_out = Blocking::connect(&uri(silent.address()), options);
    assert!(
        matches!(timed_out, Err(Error::TimedOut(Wait::Open))),
        "{timed_out:?}"
    );
}

/// Stopped when it is dropped.
struct OpenSsl(Child);

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// By OpenSSL, where that is installed.
#[test]
fn a_server_of_an_old_version_is_refused() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("old-cert.pem"), folder.join("old-key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut command = Command::new("openssl");
    command.args([
        "s_server",
        "-tls1_1",
        "-cipher",
        "DEFAULT@SECLEVEL=0",
        "-quiet",
    ]);
    command.args(["-accept", &address.to_string()]);
    command.arg("-cert").arg(cert).arg("-key").arg(key);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let Ok(child) = command.spawn() else {
        return;
    };
    let _server = OpenSsl(child);
    let error = loop {
        match open(address) {
            Err(Error::Connect(_)) => thread::sleep(Duration::from_millis(5)), // It starts.
            other => break tls_error(other),
        }
    };
    let old = matches!(
        error.kind(),
        TlsErrorKind::Alert(70) | TlsErrorKind::Incompatible
    );
    assert!(old, "{error}");
}

/// What a proxy sends after its head would otherwise pass for the server's.
#[test]
fn nothing_in_clear_is_taken_for_the_servers() {
    let proxy = scripted::Server::once(|peer| {
        peer.head();
        let forged = "HTTP/1.1 302 Found\r\nLocation: ws://evil.example/\r\n\r\n";
        peer.send(format!("HTTP/1.1 200 OK\r\n\r\n{forged}"));
        peer.expect_gone();
    });
    let through: Proxy = format!("http://{}", proxy.address()).parse().unwrap();
    let options = trusting(connector()).proxy(ProxyChoice::Proxy(through));
    let opened = Blocking::connect("wss://server.example/", options);
    assert_eq!(tls_error(opened).kind(), TlsErrorKind::NotTls);
    proxy.finish();
}

#[test]
fn a_stream_can_be_used_by_itself() {
    let server = serve(default_options(), acceptor());
    let connect = || TcpStream::connect(server.local_addr()).unwrap();
    let mut stream =
        client::Stream::secure(connect(), &connector(), "localhost", PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.len() > 300_000, "{}", answer.len());
    stream.shutdown(Shutdown::Write);
    let error = stream.write_all(request).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);

    let stream = client::Stream::secure(connect(), &connector(), "localhost", PATIENCE).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let error = (&stream).read(&mut [0; 10]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let wrong = client::Stream::secure(connect(), &connector(), "a.example", PATIENCE);
    assert!(matches!(wrong, Err(Error::Tls(_))), "{wrong:?}");
    end(server);
}

/// Whoever closes first, nothing is lost and nothing is reset.
#[test]
fn short_connections_end_clean() {
    let server = serve(default_options(), acceptor());
    let address = server.local_addr();
    let threads = (0..4).map(|_| {
        thread::spawn(move || {
            let options = trusting(connector()).handshakes(4);
            for _ in 0..250 {
                let mut client = Blocking::connect(&uri(address), options.clone()).unwrap();
                client.send(Message::text("once")).unwrap();
                client.close(Some(CloseCode::NORMAL), "").unwrap();
                assert_eq!(client.receive().unwrap().unwrap().as_text(), Some("once"));
                assert!(client.receive().unwrap().is_none());
            }
        })
    });
    for thread in threads.collect::<Vec<_>>() {
        thread.join().unwrap();
    }
    end(server);
}
