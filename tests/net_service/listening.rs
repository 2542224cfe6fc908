//! What a server listens on, with real sockets: several addresses, a path, an inherited socket.

use super::Probe;
use crate::net_support::{Client, PATIENCE, options};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use wirebell::net::{Builder, Listen, Server};

/// A path of this test alone, which is removed with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "wirebell-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Relaxed)
        );
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn builder(workers: usize) -> Builder {
    Server::<u32>::builder(options().workers(workers))
}

fn start(builder: Builder) -> io::Result<Server<u32>> {
    builder.start(|_| Probe::default())
}

fn end(server: Server<u32>) {
    server.stop();
    server.join().expect("no worker failed");
}

/// The answer to a plain request.
fn ask(mut stream: impl Read + Write) -> String {
    let request = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

fn answers_at(path: &Path) -> bool {
    let stream = UnixStream::connect(path).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    ask(stream).ends_with("/hello")
}

#[test]
fn all_of_them_are_served_by_all_workers() {
    let place = Place::new();
    let inherited = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let third = inherited.local_addr().expect("an address");
    let server = start(
        builder(2)
            .listen(Listen::tcp("127.0.0.1:0").expect("an address"))
            .listen(Listen::unix(&place.0))
            .listen(Listen::tcp("127.0.0.1:0").expect("an address"))
            .listen(Listen::inherited(inherited)),
    )
    .expect("starts");
    let addresses = server.local_addrs().to_vec();
    assert_eq!((addresses.len(), addresses[2]), (3, third));
    assert_eq!(server.local_addr(), addresses[0]);
    for address in addresses {
        for _ in 0..8 {
            Client::open(address);
        }
        assert!(ask(TcpStream::connect(address).expect("connects")).ends_with("/hello"));
    }
    for _ in 0..8 {
        assert!(answers_at(&place.0));
    }
    end(server);
    assert!(TcpStream::connect(third).is_err(), "the listener is gone");
}

#[test]
fn a_path_is_there_while_the_server_listens() {
    let place = Place::new();
    let server = start(builder(2).listen(Listen::unix(&place.0))).expect("starts");
    assert_eq!(server.local_addrs(), []);
    assert_eq!(server.local_addr().port(), 0);
    // One that has a connection does not end at once, but listens no more.
    assert!(answers_at(&place.0));
    end(server);
    assert!(!place.0.exists(), "it is removed");
}

#[test]
fn a_path_in_use_is_refused() {
    let place = Place::new();
    let first = start(builder(1).listen(Listen::unix(&place.0))).expect("starts");
    let second = start(builder(1).listen(Listen::unix(&place.0))).expect_err("in use");
    assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    assert!(answers_at(&place.0), "the first goes on");
    end(first);
}

#[test]
fn a_socket_that_was_left_behind_is_replaced() {
    let place = Place::new();
    drop(UnixListener::bind(&place.0).expect("binds"));
    assert!(place.0.exists() && UnixStream::connect(&place.0).is_err());
    let server = start(builder(1).listen(Listen::unix(&place.0))).expect("starts");
    assert!(answers_at(&place.0));
    end(server);
    assert!(!place.0.exists());
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let place = Place::new();
    fs::write(&place.0, "precious").expect("writes");
    let error = start(builder(1).listen(Listen::unix(&place.0))).expect_err("a file");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::read(&place.0).expect("reads"), b"precious");
}

#[test]
fn if_one_fails_the_others_are_let_go() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let builder = builder(1)
        .listen(Listen::unix(&place.0))
        .listen(Listen::tcp(address).expect("an address"));
    assert_eq!(
        start(builder).expect_err("in use").kind(),
        io::ErrorKind::AddrInUse
    );
    assert!(!place.0.exists());
}

#[test]
fn an_inherited_unix_socket_keeps_its_file() {
    let place = Place::new();
    let inherited = UnixListener::bind(&place.0).expect("binds");
    let server = start(builder(2).listen(Listen::inherited(inherited))).expect("starts");
    assert!(answers_at(&place.0));
    end(server);
    assert!(place.0.exists(), "the process that has bound it removes it");
}

#[test]
fn a_unix_peer_has_no_address() {
    let place = Place::new();
    let (sender, addresses) = std::sync::mpsc::channel();
    let server = builder(1)
        .listen(Listen::unix(&place.0))
        .start(move |_| {
            let sender = sender.clone();
            Probe {
                react: Some(Box::new(move |cx, peer, _| {
                    let _ = sender.send(cx.address(peer));
                })),
                ..Probe::default()
            }
        })
        .expect("starts");
    assert!(answers_at(&place.0));
    assert_eq!(addresses.recv_timeout(PATIENCE), Ok(None));
    end(server);
}
