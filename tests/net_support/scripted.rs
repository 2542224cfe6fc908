//! A server that does what a test says, byte by byte, for tests of clients.

use super::PATIENCE;
use crate::support::frames::{Frame, wire};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use wirebell::Role;
use wirebell::handshake::accept_key;

/// Listens on a port of its own; nothing is accepted before it is asked for.
pub struct Scripted {
    listener: TcpListener,
}

/// One connection, as the server sees it.
pub struct Visit {
    stream: TcpStream,
}

/// A frame as a client sent it.
#[derive(Debug, PartialEq, Eq)]
pub struct Masked {
    pub first: u8,
    pub key: [u8; 4],
    pub payload: Vec<u8>,
}

impl Scripted {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub fn uri(&self) -> String {
        format!("ws://{}/", self.address())
    }

    /// The next connection.
    #[track_caller]
    pub fn accept(&self) -> Visit {
        self.accept_within(PATIENCE).expect("nobody connects")
    }

    /// The next connection, if there is one in this time.
    pub fn accept_within(&self, time: Duration) -> Option<Visit> {
        let began = Instant::now();
        while began.elapsed() < time {
            if let Ok((stream, _)) = self.listener.accept() {
                stream.set_nonblocking(false).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                return Some(Visit { stream });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    /// The next connection, with its WebSocket open.
    #[track_caller]
    pub fn open(&self) -> Visit {
        let mut visit = self.accept();
        let request = visit.request();
        visit.switch(&request, "");
        visit
    }
}

impl Visit {
    fn byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).ok().map(|()| byte[0])
    }

    /// The head of a request, its empty line included.
    #[track_caller]
    pub fn request(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(self.byte().expect("a whole head")));
        }
        head
    }

    /// Agrees, with these lines more.
    #[track_caller]
    pub fn switch(&mut self, request: &str, more: &str) {
        let key = request.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
        let accept = accept_key(key.lines().next().unwrap());
        self.write(format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n{more}\r\n",
            accept.as_str()
        ));
    }

    #[track_caller]
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    #[track_caller]
    pub fn send(&mut self, frames: &[Frame]) {
        self.write(wire(Role::Client, frames));
    }

    /// The next frame, which must be masked; `None` at the end of the stream.
    #[track_caller]
    pub fn frame(&mut self) -> Option<Masked> {
        let first = self.byte()?;
        let second = self.byte()?;
        assert!(second & 0x80 != 0, "a client masks");
        let bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mut length = u64::from(second & 0x7F);
        if bytes > 0 {
            length = (0..bytes).fold(0, |sum, _| sum << 8 | u64::from(self.byte().unwrap()));
        }
        let mut key = [0; 4];
        self.stream.read_exact(&mut key).unwrap();
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).unwrap();
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
        Some(Masked {
            first,
            key,
            payload,
        })
    }

    /// Expects a Close with this code.
    #[track_caller]
    pub fn expect_close(&mut self, code: u16) {
        let frame = self.frame().expect("a Close");
        assert_eq!(frame.first, 0x88, "{frame:?}");
        assert_eq!(
            frame.payload.get(..2),
            Some(&code.to_be_bytes()[..]),
            "{frame:?}"
        );
    }

    /// Expects that nothing more comes but the end, or a reset.
    #[track_caller]
    pub fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{rest:?}");
    }

    /// Whether nothing comes for a while.
    pub fn is_silent(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let silent = matches!(self.stream.peek(&mut [0]), Err(error) if matches!(
            error.kind(),
            std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
        ));
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    pub fn end_writing(&self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}
