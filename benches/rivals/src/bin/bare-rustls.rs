//! The least that an echo server over TLS must do: one loop on mio, rustls' own buffers, frames
//! unmasked and sent back. It checks nothing, and has no limits.

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rivals::{Options, Outcome, listen, tls};
use rustls::{ServerConfig, ServerConnection};
use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use tungstenite::handshake::derive_accept_key;

const NAME: &str = "bare-rustls";
const LISTENER: Token = Token(0);

struct Peer {
    socket: TcpStream,
    tls: ServerConnection,
    input: Vec<u8>,
    open: bool,
}

fn main() -> Outcome {
    let options = Options::with_tls(NAME, false, true);
    if !options.tls {
        return Err("only with --tls".into());
    }
    let config = tls::config()?;
    let listener = listen(NAME, "rustls", options)?;
    listener.set_nonblocking(true)?;
    let mut listener = mio::net::TcpListener::from_std(listener);
    let mut poll = Poll::new()?;
    let registry = poll.registry();
    registry.register(&mut listener, LISTENER, Interest::READABLE)?;
    let (mut events, mut peers, mut next) = (Events::with_capacity(1024), HashMap::new(), 1);
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut socket, _)) = listener.accept() {
                    socket.set_nodelay(true)?;
                    let token = Token(next);
                    next += 1;
                    let both = Interest::READABLE | Interest::WRITABLE;
                    poll.registry().register(&mut socket, token, both)?;
                    peers.insert(token, peer(socket, &config)?);
                }
            } else if let Some(peer) = peers.get_mut(&event.token())
                && peer.turn().is_err()
            {
                peers.remove(&event.token());
            }
        }
    }
}

fn peer(socket: TcpStream, config: &Arc<ServerConfig>) -> Result<Peer, rustls::Error> {
    let mut tls = ServerConnection::new(Arc::clone(config))?;
    tls.set_buffer_limit(None);
    Ok(Peer {
        socket,
        tls,
        input: Vec::new(),
        open: false,
    })
}

impl Peer {
    /// Reads until the socket is empty, answers, writes until it is full.
    fn turn(&mut self) -> Outcome {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.tls.read_tls(&mut self.socket) {
                Ok(0) => return Err("the end".into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
            self.tls.process_new_packets()?;
            while let Ok(len @ 1..) = self.tls.reader().read(&mut buffer) {
                self.input.extend_from_slice(&buffer[..len]);
            }
            self.answer()?;
        }
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn answer(&mut self) -> Outcome {
        if !self.open {
            let Some(end) = self.input.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(());
            };
            let head = String::from_utf8_lossy(&self.input[..end]).to_ascii_lowercase();
            let at = head.find("sec-websocket-key:").ok_or("no key")? + 18;
            let key = self.input[at..end].split(|byte| *byte == b'\r').next();
            let accept = derive_accept_key(key.unwrap_or_default().trim_ascii());
            write!(
                self.tls.writer(),
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            )?;
            self.input.drain(..end + 4);
            self.open = true;
        }
        let mut at = 0;
        while let Some(len) = echo(&mut self.input[at..], &mut self.tls)? {
            at += len;
        }
        self.input.drain(..at);
        Ok(())
    }
}

/// One frame; returns its length, or `None` if it is not whole.
fn echo(bytes: &mut [u8], tls: &mut ServerConnection) -> std::io::Result<Option<usize>> {
    let [first, second, ..] = *bytes else {
        return Ok(None);
    };
    let more = match second & 0x7F {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let start = 2 + more + 4;
    if bytes.len() < start {
        return Ok(None);
    }
    let len = match more {
        0 => usize::from(second & 0x7F),
        _ => bytes[2..2 + more]
            .iter()
            .fold(0, |len, byte| len << 8 | usize::from(*byte)),
    };
    if bytes.len() < start + len {
        return Ok(None);
    }
    let (head, payload) = bytes.split_at_mut(start);
    let key: [u8; 4] = head[2 + more..].try_into().expect("four bytes");
    let wide = u64::from_ne_bytes([key, key].concat().try_into().expect("eight bytes"));
    let mut chunks = payload[..len].chunks_exact_mut(8);
    for chunk in &mut chunks {
        let value = u64::from_ne_bytes((&*chunk).try_into().expect("eight bytes")) ^ wide;
        chunk.copy_from_slice(&value.to_ne_bytes());
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key) {
        *byte ^= key;
    }
    head[0] = first;
    head[1] &= 0x7F;
    let mut out = tls.writer();
    out.write_all(&head[..2 + more])?;
    out.write_all(&payload[..len])?;
    Ok(Some(start + len))
}
