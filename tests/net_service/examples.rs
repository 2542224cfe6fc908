//! The examples do what they say, in little memory.

use crate::net_support::{PATIENCE, options, wait_until};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use wirebell::client::{self, Client, Endpoint, ProxyChoice};
use wirebell::net::Server;
use wirebell::{CloseCode, Event, MessageKind};

#[path = "../examples/proxy.rs"]
#[expect(dead_code, reason = "its main function")]
mod proxy;
#[path = "../examples/upload.rs"]
#[expect(dead_code, reason = "its main function")]
mod upload;

/// The most that a server may hold for its peers in these tests.
const HELD: usize = 1024 * 1024;

#[test]
fn an_upload_holds_no_memory() {
    const LEN: u64 = 64 * 1024 * 1024;
    let server = upload::serve(options()).expect("a free port");
    let (handle, address) = (server.handle(), server.local_addr());
    let uploading = thread::spawn(move || upload::upload(address, LEN));
    let mut most = 0;
    // Sockets and threads of a real server: what it holds can only be looked at now and then.
    while !uploading.is_finished() {
        most = most.max(handle.held_bytes());
        thread::sleep(Duration::from_millis(1));
    }
    let report = uploading.join().expect("an upload");
    assert!(report.starts_with(&format!("{LEN} bytes, ")), "{report}");
    assert!(most < HELD, "{most} bytes were held");
    server.stop();
    server.join().expect("no worker failed");
}

/// What goes through the proxy: more than all sockets on the way hold.
const LEN: usize = 40 * 1024 * 1024;

/// What the bytes of both directions are.
fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 251 + at) as u8).collect()
}

struct Proxied {
    server: Server<proxy::FromTcp>,
    target: TcpListener,
}

impl Proxied {
    fn start() -> Self {
        let target = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = target.local_addr().expect("an address");
        let server = proxy::serve("127.0.0.1:0", address, options()).expect("a free port");
        Self { server, target }
    }

    /// Both ends of a proxied connection.
    fn open(&self) -> (Client, TcpStream) {
        let client = connect(self.server.local_addr());
        let (stream, _) = self.target.accept().expect("the proxy connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        (client, stream)
    }

    /// Waits until no more moves, and says how much has.
    fn stalled_at(&self, moved: &AtomicUsize) -> usize {
        let (mut before, mut since) = (moved.load(Relaxed), Instant::now());
        wait_until("it stalls", || {
            let now = moved.load(Relaxed);
            if now != before {
                (before, since) = (now, Instant::now());
            }
            let held = self.server.handle().held_bytes();
            assert!(held < HELD, "{held} bytes are held");
            before > 0 && since.elapsed() > Duration::from_millis(300)
        });
        before
    }

    fn end(self) {
        self.server.stop();
        self.server.join().expect("no worker failed");
    }
}

fn connect(address: SocketAddr) -> Client {
    let options = client::Options::default().proxy(ProxyChoice::Direct);
    let endpoint = Endpoint::at("ws://localhost/", options, vec![address]).expect("a URI");
    Client::open(&endpoint).expect("the proxy opens it")
}

/// Writes on a thread and counts.
fn write_all(
    moved: &Arc<AtomicUsize>,
    mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
) -> JoinHandle<()> {
    let moved = Arc::clone(moved);
    thread::spawn(move || {
        for part in pattern(LEN).chunks(32 * 1024) {
            write(part).expect("writes");
            moved.fetch_add(part.len(), Relaxed);
        }
    })
}

/// Payload of the next chunks, as many as are wanted.
fn receive(client: &mut Client, len: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while all.len() < len {
        match client.receive_event().expect("an event") {
            Some(Event::Piece(piece)) => all.extend_from_slice(piece.bytes),
            other => panic!("no piece: {other:?}"),
        }
    }
    all
}

#[test]
fn a_proxy_passes_both_ways() {
    let proxied = Proxied::start();
    let (mut client, mut stream) = proxied.open();
    client
        .send(wirebell::Message::text("from the left"))
        .expect("sends");
    let mut came = [0; 13];
    stream.read_exact(&mut came).expect("reads");
    assert_eq!(&came, b"from the left");
    stream.write_all(b"from the right").expect("writes");
    assert_eq!(receive(&mut client, 14), b"from the right");
    // TCP ends first.
    drop(stream);
    let closed = client.receive_event().expect("an event");
    assert!(matches!(closed, Some(Event::Close(body)) if body.code == Some(CloseCode::NORMAL)));
    // And the WebSocket.
    let (client, mut stream) = proxied.open();
    client
        .send(wirebell::Message::text("last words"))
        .expect("sends");
    client.close(Some(CloseCode::NORMAL), "").expect("closes");
    let mut all = String::new();
    stream.read_to_string(&mut all).expect("reads to the end");
    assert_eq!(all, "last words");
    drop(client);
    proxied.end();
}

#[test]
fn a_target_that_does_not_read_stops_the_websocket() {
    let proxied = Proxied::start();
    let (client, mut stream) = proxied.open();
    let moved = Arc::default();
    let sender = client.sender();
    let writer = write_all(&moved, move |part| {
        let fragments = sender.begin(MessageKind::Binary);
        fragments.finish(part).map_err(io::Error::other)
    });
    let stalled = proxied.stalled_at(&moved);
    assert!(stalled < LEN, "all of it went somewhere");
    let mut all = vec![0; LEN];
    stream.read_exact(&mut all).expect("reads");
    assert!(all == pattern(LEN));
    writer.join().expect("all is sent");
    drop(client);
    proxied.end();
}

#[test]
fn a_browser_that_does_not_read_stops_the_target() {
    let proxied = Proxied::start();
    let (mut client, mut stream) = proxied.open();
    let moved = Arc::default();
    let writer = write_all(&moved, move |part| stream.write_all(part));
    let stalled = proxied.stalled_at(&moved);
    assert!(stalled < LEN, "all of it went somewhere");
    assert!(receive(&mut client, LEN) == pattern(LEN));
    writer.join().expect("all is sent");
    drop(client);
    proxied.end();
}

#[test]
fn without_a_target_the_websocket_is_closed() {
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let server = proxy::serve("127.0.0.1:0", address, options()).expect("a free port");
    let mut client = connect(server.local_addr());
    let closed = client.receive_event().expect("an event");
    assert!(matches!(closed, Some(Event::Close(_))), "{closed:?}");
    server.stop();
    server.join().expect("no worker failed");
}
