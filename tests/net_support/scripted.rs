//! A server that does what a test tells it to, right or wrong, on bare sockets.
//!
//! It knows no more of the protocol than `support::frames` does, and computes the accept value
//! itself. No read waits longer than [`PATIENCE`].

use super::PATIENCE;
use crate::support::frames::{Frame, Sent, take_frame, wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sha1::{Digest as _, Sha1};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wirebell::Role;

/// Runs its script for each connection, each in a thread of its own.
pub struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<JoinHandle<()>>>>,
}

impl Server {
    /// The script also gets the number of the connection, the first is 0.
    pub fn each(script: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let accepted = Arc::new(AtomicUsize::new(0));
        let stopping = Arc::new(AtomicBool::new(false));
        let (counter, stop) = (accepted.clone(), stopping.clone());
        let script = Arc::new(script);
        let thread = thread::spawn(move || {
            let mut threads = Vec::new();
            loop {
                let (stream, _) = listener.accept().expect("a connection");
                if stop.load(Ordering::SeqCst) {
                    return threads;
                }
                let number = counter.fetch_add(1, Ordering::SeqCst);
                let script = script.clone();
                threads.push(thread::spawn(move || {
                    script(number, &mut Peer::new(stream));
                }));
            }
        });
        Self {
            address,
            accepted,
            stopping,
            thread: Some(thread),
        }
    }

    /// Expects no second connection.
    pub fn once(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        let script = Mutex::new(Some(script));
        Self::each(move |number, peer| {
            let script = script.lock().expect("not poisoned").take();
            let script = script.unwrap_or_else(|| panic!("connection {number}"));
            script(peer);
        })
    }

    /// Opens a WebSocket, then follows the script. Expects no second connection.
    pub fn opened(script: impl FnOnce(&mut Peer) + Send + 'static) -> Self {
        Self::once(|peer| {
            peer.open();
            script(peer);
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn uri(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// How many connections there have been.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits for all scripts. What failed in one of them fails here.
    #[track_caller]
    pub fn finish(mut self) {
        assert!(self.end(), "the script of the server has failed");
    }

    fn end(&mut self) -> bool {
        let Some(thread) = self.thread.take() else {
            return true;
        };
        self.stopping.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.address));
        let threads = thread.join().expect("the server accepts");
        let results: Vec<_> = threads.into_iter().map(JoinHandle::join).collect();
        results.iter().all(Result::is_ok)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A second panic while one is under way would end the whole test binary.
        let well = self.thread.is_none() || thread::panicking() || self.end();
        assert!(well, "the script of the server has failed");
    }
}

/// Listens on a port of its own; nothing is accepted before it is asked for.
pub struct Listener(TcpListener);

impl Listener {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("no waits");
        Self(listener)
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    pub fn uri(&self) -> String {
        format!("ws://{}/", self.address())
    }

    /// The next connection.
    #[track_caller]
    pub fn accept(&self) -> Peer {
        self.accept_within(PATIENCE).expect("a connection")
    }

    /// The next connection, if there is one in this time.
    pub fn accept_within(&self, time: Duration) -> Option<Peer> {
        let time = Timespec::try_from(time).expect("a time");
        let _ = poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&time));
        let (stream, _) = self.0.accept().ok()?;
        stream.set_nonblocking(false).expect("waits");
        Some(Peer::new(stream))
    }

    /// The next connection, with its WebSocket open.
    #[track_caller]
    pub fn open(&self) -> Peer {
        let mut peer = self.accept();
        peer.open();
        peer
    }
}

/// The server's end of one connection.
pub struct Peer {
    stream: TcpStream,
    input: Vec<u8>,
    /// All that came, and all that went.
    pub received: Vec<u8>,
    pub sent: Vec<u8>,
}

/// The value of the first field of this name in a head.
pub fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.find(|(other, _)| *other == name).map(|(_, v)| v)
}

/// The answer that opens a WebSocket; `more` are lines, each with its end.
pub fn switch(head: &str, more: &str) -> String {
    let key = field(head, "Sec-WebSocket-Key").expect("a key");
    let hash = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = STANDARD.encode(hash);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_nodelay(true).expect("no delay");
        Self {
            stream,
            input: Vec::new(),
            received: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Reads once; `false` at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 64 * 1024];
        let n = self.stream.read(&mut buffer)?;
        self.input.extend_from_slice(&buffer[..n]);
        self.received.extend_from_slice(&buffer[..n]);
        Ok(n > 0)
    }

    /// Reads once, something.
    #[track_caller]
    pub fn read_some(&mut self) {
        assert!(self.fill().expect("read"), "the end of the stream");
    }

    /// The head of a request, its empty line included.
    #[track_caller]
    pub fn head(&mut self) -> String {
        loop {
            let end = self.input.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.input.drain(..end + 4).collect();
                return String::from_utf8(head).expect("a head of ASCII");
            }
            assert!(self.fill().expect("read"), "the end inside a head");
        }
    }

    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("writes");
        self.sent.extend_from_slice(bytes.as_ref());
    }

    /// Writes, whether or not the client still listens.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Reads the request and opens a WebSocket.
    #[track_caller]
    pub fn open(&mut self) -> String {
        let head = self.head();
        self.send(switch(&head, ""));
        head
    }

    #[track_caller]
    pub fn send_frames(&mut self, frames: &[Frame]) {
        self.send(wire(Role::Client, frames));
    }

    /// The next frame, which must be masked; `None` if the stream ends before one begins.
    // req: 6455-5.1-01 6455-5.3-01
    #[track_caller]
    pub fn next_frame(&mut self) -> Option<Sent> {
        loop {
            if let Some((frame, len)) = take_frame(&self.input) {
                assert!(frame.key.is_some(), "a client masks everything");
                self.input.drain(..len);
                return Some(frame);
            }
            if !self.fill().expect("read") {
                assert!(self.input.is_empty(), "the end inside a frame");
                return None;
            }
        }
    }

    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.next_frame().expect("a frame, not the end").frame()
    }

    #[track_caller]
    pub fn expect(&mut self, frame: &Frame) {
        assert_eq!(self.frame(), *frame);
    }

    /// The next frame, which must be a Close with this code.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        let frame = self.frame();
        assert_eq!(frame.first, 0x88, "{frame:?}");
        assert_eq!(frame.payload[..2], code.to_be_bytes(), "{frame:?}");
    }

    /// The client sends no more: a clean end of the stream.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert!(!self.fill().expect("read"), "more came");
        assert!(self.input.is_empty(), "bytes before the end");
    }

    /// The connection is over, cleanly or not, and nothing came before.
    #[track_caller]
    pub fn expect_gone(&mut self) {
        match self.fill() {
            Ok(more) => assert!(!more, "more came"),
            Err(error) => assert_ne!(error.kind(), io::ErrorKind::WouldBlock, "still open"),
        }
        assert!(self.input.is_empty(), "bytes before the end");
    }

    /// Nothing comes for `time`.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        assert!(self.input.is_empty(), "something came before");
        self.stream.set_read_timeout(Some(time)).expect("timeout");
        let error = self.fill().expect_err("nothing comes");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        self.stream
            .set_read_timeout(Some(PATIENCE))
            .expect("timeout");
    }

    /// Sends no more, and goes on reading.
    pub fn end_writing(&self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// A port of this machine that takes no connection and does not say so: its queue is full.
pub fn silent() -> (SocketAddr, Vec<TcpStream>, socket2::Socket) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    socket.bind(&any.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(150));
    let waiting = std::iter::from_fn(|| connect().ok()).take(64).collect();
    (address, waiting, socket)
}
