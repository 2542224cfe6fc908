//! The three clients, each with a connection of its own to the same server.
//!
//! All are blocking, without Nagle's delay, and send one frame in one or more writes for each
//! message. The bare one does the least that can be done: it writes a frame that was masked
//! beforehand, and reads until it has as many bytes as the answers are long.

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

fn expect(same: bool) -> io::Result<()> {
    match same {
        true => Ok(()),
        false => Err(io::Error::other("an echo differs from what was sent")),
    }
}

struct Bare {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
    buffer: Vec<u8>,
}

impl Bare {
    fn open(server: SocketAddrV4, payload: &[u8]) -> io::Result<Self> {
        let mut stream = TcpStream::connect(server)?;
        stream.set_nodelay(true)?;
        ws::upgrade(&mut stream, &ws::upgrade_request(server, "/"))?;
        let answer = ws::server_frame(ws::BINARY, payload);
        Ok(Self {
            stream,
            request: ws::client_frame(ws::BINARY, payload),
            buffer: vec![0; answer.len()],
            answer,
        })
    }
}

impl Peer for Bare {
    fn exchange(&mut self, depth: usize) -> io::Result<()> {
        for _ in 0..depth {
            self.stream.write_all(&self.request)?;
        }
        let len = self.answer.len() * depth;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        self.stream.read_exact(&mut self.buffer[..len])
    }

    fn check(&mut self) -> io::Result<()> {
        self.exchange(1)?;
        expect(self.buffer[..self.answer.len()] == self.answer)
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
