//! The three clients, each with a connection of its own to the same server.
//!
//! All are blocking, without Nagle's delay, and send one frame in one or more writes for each
//! message. The bare one does the least that can be done: it writes a frame that was masked
//! beforehand, and reads until the last frame of each answer has come. The server echoes a long
//! message in several frames, whose lengths depend on how its bytes arrive.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddrV4, TcpStream};

use tungstenite::{Bytes, WebSocket};
use wirebell::Message;
use wirebell::client::{Client, Options, ProxyChoice};

use crate::ws;

pub trait Peer {
    /// Sends `depth` messages, then receives as many. Looks at no more than lengths, as a check
    /// of every byte would cost more than some of what is measured.
    fn exchange(&mut self, depth: usize) -> io::Result<()>;

    /// One message there and back, every byte compared.
    fn check(&mut self) -> io::Result<()>;
}

pub const NAMES: [&str; 3] = ["bare", "wirebell", "tungstenite"];

/// One of [`NAMES`], connected.
pub fn open(name: &str, server: SocketAddrV4, payload: &[u8]) -> io::Result<Box<dyn Peer>> {
    Ok(match name {
        "bare" => Box::new(Bare::open(server, payload)?),
        "wirebell" => Box::new(Wirebell::open(server, payload)?),
        "tungstenite" => Box::new(Tungstenite::open(server, payload)?),
        _ => return Err(io::Error::other(format!("there is no client {name}"))),
    })
}

/// The length of the payload of a server's frame; `None` until its header is complete.
fn payload_length(header: &[u8]) -> Option<usize> {
    match *header {
        [_, short @ ..=125] => Some(short.into()),
        [_, 126, a, b] => Some(u16::from_be_bytes([a, b]).into()),
        [_, 127, ref rest @ ..] => {
            let length = u64::from_be_bytes(rest.try_into().ok()?);
            usize::try_from(length).ok()
        }
        _ => None,
    }
}

fn expect(same: bool) -> io::Result<()> {
    match same {
        true => Ok(()),
        false => Err(io::Error::other("an echo differs from what was sent")),
    }
}

struct Bare {
    stream: TcpStream,
    request: Vec<u8>,
    payload: Vec<u8>,
    buffer: Vec<u8>,
    frames: Frames,
}

/// Bytes that one read of the bare client asks for at least.
const READ_BYTES: usize = 64 * 1024;

/// Where the bytes of the server are among its frames.
#[derive(Default)]
struct Frames {
    /// The beginning of a header.
    header: Vec<u8>,
    /// Bytes of the present payload that are still to come.
    left: usize,
    is_last: bool,
}

impl Frames {
    /// Takes what was read, and shows the payloads in it. Returns how many messages have ended.
    fn take(&mut self, mut bytes: &[u8], mut payload: impl FnMut(&[u8])) -> usize {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.left == 0 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                let Some(length) = payload_length(&self.header) else {
                    continue;
                };
                (self.left, self.is_last) = (length, self.header[0] & 0x80 != 0);
                self.header.clear();
            }
            let (now, later) = bytes.split_at(self.left.min(bytes.len()));
            payload(now);
            self.left -= now.len();
            bytes = later;
            ended += usize::from(self.left == 0 && self.is_last);
        }
        ended
    }
}

impl Bare {
    fn open(server: SocketAddrV4, payload: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        ws::upgrade(&mut stream, &ws::upgrade_request(server, "/"))?;
        Ok(Self {
            stream,
            request: ws::client_frame(ws::BINARY, payload),
            payload: payload.to_vec(),
            buffer: vec![0; READ_BYTES.max(payload.len() + 16)],
            frames: Frames::default(),
        })
    }

    fn receive(&mut self, count: usize, mut payload: impl FnMut(&[u8])) -> io::Result<()> {
        let mut ended = 0;
        while ended < count {
            let len = self.stream.read(&mut self.buffer)?;
            if len == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            ended += self.frames.take(&self.buffer[..len], &mut payload);
        }
        Ok(())
    }
}

impl Peer for Bare {
    fn exchange(&mut self, depth: usize) -> io::Result<()> {
        for _ in 0..depth {
            self.stream.write_all(&self.request)?;
        }
        self.receive(depth, |_| {})
    }

    fn check(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request)?;
        let mut echo = Vec::with_capacity(self.payload.len());
        self.receive(1, |bytes| echo.extend_from_slice(bytes))?;
        expect(echo == self.payload)
    }
}

struct Wirebell {
    client: Client,
    payload: Vec<u8>,
}

impl Wirebell {
    fn open(server: SocketAddrV4, payload: &[u8]) -> io::Result<Self> {
        let options = Options::default().proxy(ProxyChoice::Direct);
        let client = Client::connect(&format!("ws://{server}/"), options);
        Ok(Self {
            client: client.map_err(io::Error::other)?,
            payload: payload.to_vec(),
        })
    }

    fn receive(&mut self) -> io::Result<&[u8]> {
        match self.client.receive().map_err(io::Error::other)? {
            Some(message) => Ok(message.bytes),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl Peer for Wirebell {
    fn exchange(&mut self, depth: usize) -> io::Result<()> {
        for _ in 0..depth {
            let sent = self.client.send(Message::binary(&self.payload));
            sent.map_err(io::Error::other)?;
        }
        let len = self.payload.len();
        for _ in 0..depth {
            expect(self.receive()?.len() == len)?;
        }
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        let sent = self.client.send(Message::binary(&self.payload));
        sent.map_err(io::Error::other)?;
        let payload = self.payload.clone();
        expect(self.receive()? == payload)
    }
}

struct Tungstenite {
    socket: WebSocket<TcpStream>,
    payload: Bytes,
}

impl Tungstenite {
    fn open(server: SocketAddrV4, payload: &[u8]) -> io::Result<Self> {
        let stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        let opened = tungstenite::client(format!("ws://{server}/"), stream);
        let (socket, _) = opened.map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self {
            socket,
            payload: payload.to_vec().into(),
        })
    }

    fn send(&mut self) -> io::Result<()> {
        // Only counts a reference: the payload is not copied for the call.
        let message = tungstenite::Message::Binary(self.payload.clone());
        self.socket.send(message).map_err(io::Error::other)
    }

    fn receive(&mut self) -> io::Result<Bytes> {
        match self.socket.read().map_err(io::Error::other)? {
            tungstenite::Message::Binary(bytes) => Ok(bytes),
            other => Err(io::Error::other(format!("no echo: {other:?}"))),
        }
    }
}

impl Peer for Tungstenite {
    fn exchange(&mut self, depth: usize) -> io::Result<()> {
        for _ in 0..depth {
            self.send()?;
        }
        for _ in 0..depth {
            expect(self.receive()?.len() == self.payload.len())?;
        }
        Ok(())
    }

    fn check(&mut self) -> io::Result<()> {
        self.send()?;
        expect(self.receive()? == self.payload)
    }
}
