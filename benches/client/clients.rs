//! Three ways to echo a binary message over one connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use wirebell::client::{Client, Options, ProxyChoice};
use wirebell::{Limits, Message};

pub trait Echo {
    /// Sends a message and receives it back.
    fn echo(&mut self, payload: &[u8]);
}

pub struct Wirebell(Client);

impl Wirebell {
    pub fn connect(address: SocketAddr) -> Self {
        let options = Options {
            proxy: ProxyChoice::Direct,
            limits: Limits::default(),
            ..Options::default()
        };
        Self(Client::connect(&format!("ws://{address}/"), options).expect("a connection"))
    }
}

impl Echo for Wirebell {
    fn echo(&mut self, payload: &[u8]) {
        self.0.send(Message::binary(payload)).expect("it is sent");
        let message = self
            .0
            .receive()
            .expect("a message")
            .expect("an open connection");
        assert_eq!(message.bytes.len(), payload.len());
    }
}

pub struct Tungstenite(tungstenite::WebSocket<TcpStream>);

impl Tungstenite {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let opened = tungstenite::client(format!("ws://{address}/"), stream);
        Self(opened.expect("an open connection").0)
    }
}

impl Echo for Tungstenite {
    fn echo(&mut self, payload: &[u8]) {
        // A message of its own for each send, as its interface has it.
        let message = tungstenite::Message::binary(payload.to_vec());
        self.0.send(message).expect("it is sent");
        let message = self.0.read().expect("a message");
        assert_eq!(message.len(), payload.len());
    }
}

/// The same bytes without a WebSocket in between: a frame that was masked long ago.
pub struct Bare {
    stream: TcpStream,
    frame: Vec<u8>,
    answer: Vec<u8>,
}

impl Bare {
    pub fn connect(address: SocketAddr, payload: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option");
        let request = "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
                       Sec-WebSocket-Version: 13\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).expect("an answer");
            head.push(byte[0]);
        }
        let length = match payload.len() {
            short @ 0..=125 => vec![short as u8],
            middle @ 126..=0xFFFF => [&[126][..], &(middle as u16).to_be_bytes()].concat(),
            long => [&[127][..], &(long as u64).to_be_bytes()].concat(),
        };
        let key = [7, 6, 5, 4];
        let mut frame = vec![0x82];
        frame.extend_from_slice(&length);
        frame[1] |= 0x80;
        frame.extend_from_slice(&key);
        frame.extend(
            payload
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key[i % 4]),
        );
        let answer = vec![0; 1 + length.len() + payload.len()];
        Self {
            stream,
            frame,
            answer,
        }
    }
}

impl Echo for Bare {
    fn echo(&mut self, _: &[u8]) {
        self.stream.write_all(&self.frame).expect("it is sent");
        self.stream.read_exact(&mut self.answer).expect("an answer");
    }
}
