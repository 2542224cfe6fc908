//! A push through the shipping server on a socket: a subscriber, and a publisher over HTTP.

use super::exchanges::SampleNonce;
use super::record::Record;
use crate::net_support::push::{publication, registration};
use crate::net_support::{PATIENCE, Push, limits};
use crate::support::Rng;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use wirebell::handshake::ClientHandshake;
use wirebell::{CloseCode, Connection, Limits, MessageKind, Outbox, Role};

/// The server in the record. The real one has a port that is free.
const HOST: &str = "localhost:8080";

/// The server says what time it is; the record says this one.
const DATE: &str = "Sat, 21 Nov 2026 12:00:00 GMT";

/// A socket, and all that went through it.
struct Wire {
    stream: TcpStream,
    /// Sent and received bytes by turns.
    turns: Vec<(Role, Vec<u8>)>,
}

impl Wire {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self {
            stream,
            turns: Vec::new(),
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
        self.turns.push((Role::Client, bytes.to_vec()));
    }

    /// Reads up to the end of what is expected, and not one byte more.
    #[track_caller]
    fn receive(&mut self, is_whole: impl Fn(&[u8]) -> bool) {
        let mut bytes = Vec::new();
        while !is_whole(&bytes) {
            let mut byte = [0];
            self.stream
                .read_exact(&mut byte)
                .expect("the server answers");
            bytes.push(byte[0]);
        }
        self.turns.push((Role::Server, bytes));
    }

    fn record(&self, name: &str, record: &mut Record) {
        record.connection(name);
        for (from, bytes) in &self.turns {
            record.sent(*from, bytes);
        }
    }
}

/// A whole frame of a server, shorter than 126 bytes.
fn frame(bytes: &[u8]) -> bool {
    bytes.len() >= 2 && bytes.len() == 2 + usize::from(bytes[1])
}

fn head(bytes: &[u8]) -> bool {
    bytes.ends_with(b"\r\n\r\n")
}

/// The client of the subscriber: our own, on a socket of the test.
struct Subscriber {
    wire: Wire,
    connection: Connection,
    outbox: Outbox,
    entropy: Rng,
}

impl Subscriber {
    fn open(address: SocketAddr) -> Self {
        let mut wire = Wire::connect(address);
        let asked = ClientHandshake::new(HOST, "/ws", &mut SampleNonce).expect("a good request");
        wire.send(asked.to_string().as_bytes());
        wire.receive(head);
        Self {
            wire,
            connection: Connection::new(Role::Client, &Limits::DEFAULT, 0),
            outbox: Outbox::new(),
            entropy: Rng::new(6455),
        }
    }

    fn text(&mut self, text: &str) {
        let mut payload = text.as_bytes().to_vec();
        let len = payload.len() as u64;
        let begun = self
            .connection
            .begin(MessageKind::Text, len, true, &mut self.entropy);
        let (header, mask) = begun.expect("open");
        mask.expect("a client masks").apply(&mut payload);
        self.wire.send(&[header.as_bytes(), &payload].concat());
    }

    /// Sends what waits in the outbox, and reads the frame that answers it.
    fn control(&mut self) {
        let mut out = [0; 256];
        let len = self
            .connection
            .transmit(&mut self.outbox, &mut out, &mut self.entropy);
        self.wire.send(&out[..len]);
        self.wire.receive(frame);
    }
}

#[test]
fn push() {
    let server = Push::limited(limits());
    let mut subscriber = Subscriber::open(server.address());
    subscriber.text(&registration("alice", "orders"));
    // Registering is not answered; a Ping after it is, once both were read.
    let put = subscriber
        .connection
        .ping(b"registered?", &mut subscriber.outbox);
    put.expect("open");
    subscriber.control();

    let mut publisher = Wire::connect(server.address());
    let body = publication("alice", "orders", "order 41 shipped");
    let request = format!(
        "POST /push HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    publisher.send(request.as_bytes());
    publisher.receive(|bytes| bytes.ends_with(b"message sent to 1 clients"));
    fix_date(&mut publisher.turns[1].1);

    subscriber.wire.receive(frame);
    let pushed = subscriber.wire.turns.last().expect("the push");
    assert_eq!(pushed.1, b"\x81\x10order 41 shipped");
    let put = subscriber
        .connection
        .close(Some(CloseCode::NORMAL), "", &mut subscriber.outbox);
    put.expect("no reason");
    subscriber.control();

    let mut record = Record::new(
        "6-push",
        "A push: a subscriber hears what a publisher posts.",
    );
    subscriber.wire.record("alice, who subscribes", &mut record);
    publisher.record("a publisher, which speaks HTTP", &mut record);
    record.agree(0);
}

/// The one thing that is another one each time, and always as long.
fn fix_date(response: &mut [u8]) {
    let name = b"\r\nDate: ";
    let at = response.windows(name.len()).position(|part| part == name);
    let at = at.expect("a response has a date") + name.len();
    response[at..at + DATE.len()].copy_from_slice(DATE.as_bytes());
    assert_eq!(&response[at + DATE.len()..][..2], b"\r\n");
}
