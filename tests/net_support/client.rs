//! A client on a bare socket, real or simulated: bytes out, frames or HTTP responses in, each read
//! bounded in time.

use super::PATIENCE;
use crate::support::frames::{Frame, Sent, close, take_frame, text};
use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;
use wirebell::Role;

/// The key of the example in RFC 6455 section 1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// What a server must answer to [`KEY`].
pub const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A socket of a client.
pub trait Stream: Read + Write {
    /// Reads that take longer end with [`io::ErrorKind::WouldBlock`].
    fn bound_reads(&mut self, time: Duration);

    /// Sends no more.
    fn end_writing(&mut self);
}

impl Stream for TcpStream {
    fn bound_reads(&mut self, time: Duration) {
        self.set_read_timeout(Some(time)).expect("timeout");
    }

    fn end_writing(&mut self) {
        self.shutdown(Shutdown::Write).expect("shuts down");
    }
}

#[derive(Debug)]
pub struct Client<S = TcpStream> {
    stream: S,
    /// Bytes that have come; those before `at` were looked at.
    bytes: Vec<u8>,
    at: usize,
    /// RSV1 may be set: compression was agreed.
    compression: bool,
}

/// A response, split into its parts. Names of fields are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl HttpResponse {
    /// The value of a field that must not be repeated.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.fields.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} appears twice in {self:?}");
        value
    }

    /// The elements of the Connection field, in lower case.
    pub fn connection(&self) -> Vec<String> {
        let value = self.field("connection").unwrap_or_default();
        let elements = value
            .split(',')
            .map(|part| part.trim().to_ascii_lowercase());
        elements.filter(|part| !part.is_empty()).collect()
    }
}

/// The opening handshake for a path, with further fields (each with its line end).
pub fn upgrade(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n{more}\r\n"
    )
}

/// Connecting.
impl Client {
    /// A TCP connection, nothing more.
    #[track_caller]
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("connects");
        Self::new(stream)
    }

    /// A TCP connection whose receive buffer is so small that it fills at once.
    pub fn connect_narrow(address: SocketAddr) -> Self {
        Self::connect_buffered(address, 4096)
    }

    /// A TCP connection with a receive buffer of about this size, which does not grow.
    pub fn connect_buffered(address: SocketAddr, bytes: usize) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        socket.set_recv_buffer_size(bytes).expect("buffer size");
        socket.connect(&address.into()).expect("connects");
        Self::new(socket.into())
    }

    /// A TCP connection in whose buffers little fits, at either end: a server sizes its own by the
    /// segments that its client takes.
    pub fn connect_tiny(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        socket.set_recv_buffer_size(2048).expect("buffer size");
        socket.set_tcp_mss(536).expect("segment size");
        socket.connect(&address.into()).expect("connects");
        Self::new(socket.into())
    }

    /// A TCP connection from another address of this machine.
    pub fn connect_from(from: SocketAddr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("socket");
        socket.bind(&from.into()).expect("binds");
        socket.connect(&address.into()).expect("connects");
        Self::new(socket.into())
    }

    fn new(stream: TcpStream) -> Self {
        stream.set_write_timeout(Some(PATIENCE)).expect("timeout");
        stream.set_nodelay(true).expect("no delay");
        Self::on(stream)
    }

    /// A WebSocket connection on `/`.
    #[track_caller]
    pub fn open(address: SocketAddr) -> Self {
        Self::open_at(address, "/")
    }

    /// A WebSocket connection on any path.
    #[track_caller]
    pub fn open_at(address: SocketAddr, path: &str) -> Self {
        Self::connect(address).upgraded(path)
    }

    /// Another handle of the same connection, to write while this one reads.
    pub fn second_handle(&self) -> Self {
        Self::new(self.stream.try_clone().expect("a second handle"))
    }

    /// Ends the connection with a reset.
    pub fn reset(self) {
        let socket = SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("linger");
    }
}

/// Opening.
impl<S: Stream> Client<S> {
    /// On a socket that is connected.
    pub fn on(mut stream: S) -> Self {
        stream.bound_reads(PATIENCE);
        Self {
            stream,
            bytes: Vec::new(),
            at: 0,
            compression: false,
        }
    }

    /// The opening handshake, and the check of its answer.
    #[track_caller]
    pub fn upgraded(mut self, path: &str) -> Self {
        self.send(upgrade(path, ""));
        self.expect_switch();
        self
    }

    /// Reads the answer to an opening handshake, which must be the right one.
    #[track_caller]
    pub fn expect_switch(&mut self) -> HttpResponse {
        let response = self.head();
        assert_eq!(response.status, 101, "{response:?}");
        assert_eq!(response.field("sec-websocket-accept"), Some(ACCEPT));
        response
    }

    /// The opening handshake with an offer of extensions; returns the answer to it.
    #[cfg(feature = "deflate")]
    #[track_caller]
    pub fn negotiate(&mut self, path: &str, offer: &str) -> Option<String> {
        let field = format!("Sec-WebSocket-Extensions: {offer}\r\n");
        self.send(upgrade(path, &field));
        let response = self.expect_switch();
        let answer = response.field("sec-websocket-extensions");
        self.compression = answer.is_some();
        answer.map(str::to_owned)
    }

    /// The socket, for what has no method here.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    pub fn stream_mut(&mut self) -> &mut S {
        &mut self.stream
    }
}

/// Writing.
impl<S: Stream> Client<S> {
    #[track_caller]
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("writes");
    }

    /// Writes, whether or not the other end still listens.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    #[track_caller]
    pub fn send_frame(&mut self, frame: &Frame) {
        self.send(frame.to(Role::Server));
    }

    #[track_caller]
    pub fn send_text(&mut self, payload: &str) {
        self.send_frame(&text(payload));
    }

    /// Sends no more, and goes on reading.
    pub fn end_writing(&mut self) {
        self.stream.end_writing();
    }
}

/// Reading.
impl<S: Stream> Client<S> {
    /// Reads once; `false` at the end of the stream. A reset or a timeout fails the test.
    #[track_caller]
    fn fill(&mut self) -> bool {
        match self.try_fill() {
            Ok(some) => some,
            Err(error) => panic!("read: {error}; so far {:?}", self.shown()),
        }
    }

    fn try_fill(&mut self) -> io::Result<bool> {
        self.bytes.drain(..std::mem::take(&mut self.at));
        let mut buffer = [0; 64 * 1024];
        let n = self.stream.read(&mut buffer)?;
        self.bytes.extend_from_slice(&buffer[..n]);
        Ok(n > 0)
    }

    /// A whole frame has come that was not looked at.
    pub fn holds_frame(&self) -> bool {
        take_frame(self.left()).is_some()
    }

    /// Reads once.
    #[track_caller]
    pub fn read_some(&mut self) {
        assert!(self.fill(), "the end of the stream");
    }

    /// What was not looked at.
    fn left(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        let taken = self.left()[..len].to_vec();
        self.at += len;
        taken
    }

    fn shown(&self) -> String {
        let left = self.left();
        String::from_utf8_lossy(&left[..left.len().min(300)]).into_owned()
    }

    /// The next frame, or `None` if the stream ends cleanly before one begins.
    #[track_caller]
    pub fn next_frame(&mut self) -> Option<Sent> {
        loop {
            if let Some((frame, len)) = take_frame(self.left()) {
                assert_eq!(frame.key, None, "a server masks nothing");
                let free = if self.compression { 0x30 } else { 0x70 };
                assert_eq!(frame.first & free, 0, "no reserved bit was agreed");
                self.at += len;
                return Some(frame);
            }
            if !self.fill() {
                assert_eq!(self.shown(), "", "the stream ends inside a frame");
                return None;
            }
        }
    }

    #[track_caller]
    pub fn frame(&mut self) -> Frame {
        self.next_frame().expect("a frame, not the end").frame()
    }

    /// The next frame, which must be a whole text.
    #[track_caller]
    pub fn text(&mut self) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, 0x81, "{frame:?}");
        String::from_utf8(frame.payload).expect("UTF-8")
    }

    #[track_caller]
    pub fn expect_text(&mut self, payload: &str) {
        assert_eq!(self.text(), payload);
    }

    /// Sends a text and reads it back: the connection works.
    #[track_caller]
    pub fn expect_echo(&mut self, payload: &str) {
        self.send_text(payload);
        self.expect_text(payload);
    }

    /// The next frame, which must be a Close with this code; returns the reason.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) -> String {
        let frame = self.frame();
        assert_eq!(frame.first, 0x88, "{frame:?}");
        assert_eq!(frame.payload[..2], code.to_be_bytes(), "{frame:?}");
        String::from_utf8(frame.payload[2..].to_vec()).expect("UTF-8")
    }

    /// The other end sends no more: a clean end of the stream, and no reset.
    #[track_caller]
    pub fn expect_end(&mut self) {
        assert_eq!(self.shown(), "", "bytes before the end");
        assert!(!self.fill(), "more came: {:?}", self.shown());
    }

    /// The connection is over, cleanly or not.
    #[track_caller]
    pub fn expect_gone(&mut self) {
        loop {
            match self.try_fill() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return,
                Err(error) => panic!("still open: {error}"),
            }
        }
    }

    /// Whether something comes before `time` has passed.
    #[track_caller]
    pub fn answers_within(&mut self, time: Duration) -> bool {
        self.stream.bound_reads(time);
        let read = self.try_fill();
        self.stream.bound_reads(PATIENCE);
        match read {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => panic!("read: {error}"),
            Ok(some) => some,
        }
    }

    /// Nothing comes for `time`.
    #[track_caller]
    pub fn expect_silence(&mut self, time: Duration) {
        assert_eq!(self.shown(), "");
        assert!(!self.answers_within(time), "{:?}", self.shown());
    }

    /// Closes, reads the echo of the code and then the end.
    #[track_caller]
    pub fn finish(&mut self, code: u16) {
        self.send_frame(&close(code, ""));
        self.expect_close(code);
        self.expect_end();
    }

    /// Everything until the end of the stream, which must be clean.
    #[track_caller]
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        self.take(self.left().len())
    }
}

/// HTTP.
impl<S: Stream> Client<S> {
    /// Sends a request and reads its response.
    #[track_caller]
    pub fn ask(&mut self, request: impl AsRef<[u8]>) -> HttpResponse {
        self.send(request);
        self.response()
    }

    /// The head of a response, whatever follows it.
    #[track_caller]
    pub fn head(&mut self) -> HttpResponse {
        let end = loop {
            let end = self.left().windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                break end;
            }
            assert!(
                self.fill(),
                "the stream ends inside a head: {:?}",
                self.shown()
            );
        };
        let head = String::from_utf8(self.take(end + 4)).expect("a head of UTF-8");
        let mut lines = head[..end].split("\r\n");
        let first = lines.next().expect("a first line");
        let (version, rest) = first.split_once(' ').expect("a version");
        assert_eq!(version, "HTTP/1.1");
        let (status, reason) = rest.split_once(' ').expect("a status and a reason");
        assert!(!reason.is_empty());
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(": ").expect("a field");
            (name.to_ascii_lowercase(), value.to_owned())
        });
        HttpResponse {
            status: status.parse().expect("a status"),
            fields: fields.collect(),
            body: String::new(),
        }
    }

    /// The next chunk of a body in chunks; the last one is empty.
    #[track_caller]
    pub fn chunk(&mut self) -> String {
        let end = loop {
            if let Some(end) = self.left().windows(2).position(|two| two == b"\r\n") {
                break end;
            }
            assert!(self.fill(), "the stream ends between chunks");
        };
        let size = String::from_utf8(self.take(end + 2)).expect("ASCII");
        let size = usize::from_str_radix(&size[..end], 16).expect("a size");
        while self.left().len() < size + 2 {
            assert!(self.fill(), "the stream ends inside a chunk");
        }
        let mut chunk = self.take(size + 2);
        assert_eq!(chunk.split_off(size), b"\r\n");
        String::from_utf8(chunk).expect("UTF-8")
    }

    /// A response with the body that its length announces.
    #[track_caller]
    pub fn response(&mut self) -> HttpResponse {
        let mut response = self.head();
        if matches!(response.status, 204 | 304) {
            return response;
        }
        let length = response.field("content-length").expect("a length");
        let length: usize = length.parse().expect("a number");
        while self.left().len() < length {
            assert!(self.fill(), "the stream ends inside a body");
        }
        response.body = String::from_utf8(self.take(length)).expect("UTF-8");
        response
    }
}
