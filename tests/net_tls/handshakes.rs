//! Handshakes that take long, or are meant to do harm.

use super::*;
use crate::support::frames::binary;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use wirebell::client::{self, Client as Blocking, ProxyChoice};

/// The beginning of a message of this type that is as long as one may be, each byte in a record of
/// its own.
fn in_short_records(kind: u8) -> Vec<u8> {
    let message = [&[kind, 0, 0xFF, 0xFF][..], &[0; 0xFFFE]].concat();
    let records = message.iter().flat_map(|byte| [22, 3, 3, 0, 1, *byte]);
    records.collect()
}

/// Until a message of a handshake is whole its records wait, and they may be as short as a byte.
#[test]
fn a_hello_in_too_many_records_ends_its_connection_alone() {
    let server = serve(default_options(), acceptor());
    let mut good = connect(server.local_addr(), &version::TLS13).upgraded("/");
    let mut bad = TcpStream::connect(server.local_addr()).unwrap();
    bad.bound_reads(PATIENCE);
    let _ = bad.write_all(&in_short_records(1)); // It may be closed before the last of them.
    let mut rest = Vec::new();
    let _ = bad.read_to_end(&mut rest);
    good.send_frame(&binary(b"still there"));
    assert_eq!(good.frame(), binary(b"still there"));
    good.finish(1000);
    end(server);
}

#[test]
fn a_server_hello_in_too_many_records_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(&in_short_records(2));
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let uri = format!("wss://localhost:{}/", address.port());
    let options = client::Options::default()
        .proxy(ProxyChoice::Direct)
        .tls(Some(connector()));
    let error = Blocking::connect(&uri, options).unwrap_err();
    assert!(error.to_string().contains("too many records"), "{error}");
    server.join().unwrap();
}

/// More time than the clock can express is a long time.
#[test]
fn a_handshake_may_take_any_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let tcp = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let accepting = thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        client::Stream::accept(tcp, &acceptor(), Duration::MAX).map(drop)
    });
    client::Stream::secure(tcp, &connector(), "localhost", Duration::MAX).unwrap();
    accepting.join().unwrap().unwrap();
}
