//! What publishers and subscribers of each server say, and which byte of what they get is counted.
//!
//! A message ends with a byte that nothing else has that a subscriber gets, so copies are counted
//! by it in any framing; the same holds for a byte of each answer to a publisher.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};

use crate::bare::{ANSWERED, SUBSCRIBE, TRIGGER};
use crate::load::STALL;
use crate::net::connect_from;
use crate::server::{Kind, Server};
use crate::ws;

/// The whole dialect of topics is in this command.
pub const SERVE: Kind = Kind::Wirebell { command: "serve" };

/// What all subscribe and publish to.
pub const TOPIC: &str = "orders";

/// Messages that a subscriber gets when it joins.
pub const HISTORY: usize = 100;

#[derive(Clone, Copy, Debug)]
pub enum Wire {
    /// One byte in each direction.
    Bare,
    /// Topics of Wirebell: payloads alone.
    Raw,
    /// The same with `wirebell.v1`.
    Envelopes,
    /// The same as server-sent events.
    Events,
    Nchan,
    /// MQTT 3.1.1 over TCP, as the package has no WebSockets: published with QoS 1, so that there
    /// is an answer, and received with QoS 0.
    Mqtt,
    /// The protocol of NATS over WebSockets; publishers are verbose, so that there is an answer.
    Nats,
}

/// What an answer looks like.
#[derive(Clone, Copy)]
pub struct Answer {
    /// Its first bytes.
    pub start: &'static [u8],
    /// A byte that it has once.
    pub unit: u8,
}

/// The answer to the last part of [`subscribe_and_leave`]; the first begins with a text frame.
pub const JOINED: Answer = Answer {
    start: &[ws::TEXT],
    unit: b'#',
};

/// The low byte of the number of subscribers, 1,000.
const THOUSAND: u8 = 0xE8;

const MQTT_CONNECT: &[u8] = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00";
const MQTT_CONNECTED: &[u8] = b"\x20\x02\x00\x00";
const MQTT_SUBSCRIBED: &[u8] = b"\x90\x03\x00\x01\x00";

impl Wire {
    /// A connection that has subscribed. It blocks.
    pub fn subscriber(self, server: SocketAddrV4, source: Ipv4Addr) -> io::Result<TcpStream> {
        let mut stream = connect_from(source, server)?;
        stream.set_read_timeout(Some(STALL))?;
        let topic = format!("/topics/{TOPIC}");
        match self {
            Self::Bare => stream.write_all(&[SUBSCRIBE])?,
            Self::Raw => {
                let request = ws::upgrade_request(server, &topic);
                say(&mut stream, request.as_bytes(), b"\r\n\r\n")?;
            }
            Self::Envelopes => {
                let request = ws::subprotocol_request(server, &topic, "wirebell.v1");
                say(&mut stream, request.as_bytes(), b"\"recovered\":true}")?;
            }
            Self::Events => {
                let accept = "Accept: text/event-stream";
                let request = format!("GET {topic} HTTP/1.1\r\nHost: {server}\r\n{accept}\r\n\r\n");
                say(&mut stream, request.as_bytes(), b"\nid: ")?;
            }
            Self::Nchan => {
                let request = ws::upgrade_request(server, &format!("/sub/{TOPIC}"));
                say(&mut stream, request.as_bytes(), b"\r\n\r\n")?;
            }
            Self::Mqtt => {
                say(&mut stream, MQTT_CONNECT, MQTT_CONNECTED)?;
                let mut subscribe = vec![0x82, TOPIC.len() as u8 + 5, 0, 1];
                mqtt_text(&mut subscribe, TOPIC);
                subscribe.push(0);
                say(&mut stream, &subscribe, MQTT_SUBSCRIBED)?;
            }
            Self::Nats => {
                let text = format!("CONNECT {{\"verbose\":false}}\r\nSUB {TOPIC} 1\r\nPING\r\n");
                nats(&mut stream, server, &text)?;
            }
        }
        Ok(stream)
    }

    /// A connection to publish on. It blocks.
    pub fn publisher(self, server: SocketAddrV4) -> io::Result<TcpStream> {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, server)?;
        stream.set_read_timeout(Some(STALL))?;
        match self {
            Self::Mqtt => say(&mut stream, MQTT_CONNECT, MQTT_CONNECTED)?,
            Self::Nats => {
                let text = "CONNECT {\"verbose\":true}\r\nPING\r\n";
                nats(&mut stream, server, text)?;
            }
            _ => {}
        }
        Ok(stream)
    }

    pub fn publication(self, server: SocketAddrV4, topic: &str, message: &str) -> Vec<u8> {
        let http = |path: String, field: &str| {
            let length = message.len();
            format!(
                "POST {path} HTTP/1.1\r\nHost: {server}\r\n{field}Content-Length: {length}\r\n\
                 \r\n{message}"
            )
            .into_bytes()
        };
        match self {
            Self::Bare => vec![TRIGGER],
            Self::Raw | Self::Envelopes | Self::Events => http(format!("/topics/{topic}"), ""),
            Self::Nchan => http(format!("/pub/{topic}"), "Accept: text/json\r\n"),
            Self::Mqtt => mqtt_publication(topic, message),
            Self::Nats => {
                let text = format!("PUB {topic} {}\r\n{message}\r\n", message.len());
                ws::client_frame(ws::BINARY, text.as_bytes())
            }
        }
    }

    pub fn answer(self) -> Answer {
        let (start, unit): (&[u8], u8) = match self {
            Self::Mqtt => (b"\x40\x02\x00\x01", 0x40),
            Self::Nats => (&[ws::BINARY], b'+'),
            _ => (b"HTTP/1.1 20", ANSWERED),
        };
        Answer { start, unit }
    }

    /// The byte that each answer has once, of a topic with 1,000 subscribers.
    pub fn fan_out_answer(self) -> u8 {
        match self {
            Self::Bare => THOUSAND,
            wire => wire.answer().unit,
        }
    }
}

/// Publishes messages to Wirebell, and returns the answers.
pub fn publish(server: &Server, count: usize) -> io::Result<Vec<u8>> {
    let mut stream = Wire::Raw.publisher(server.address)?;
    let message = ws::message(128);
    let request = Wire::Raw.publication(server.address, TOPIC, &message);
    stream.write_all(&request.repeat(count))?;
    read_until(&mut stream, |bytes| self::count(bytes, ANSWERED) == count)
}

/// A connection with `wirebell.v1` and no subscriptions.
pub fn opened(server: &Server) -> io::Result<TcpStream> {
    let mut stream = Wire::Raw.publisher(server.address)?;
    let request = ws::subprotocol_request(server.address, "/topics", "wirebell.v1");
    say(&mut stream, request.as_bytes(), b"\r\n\r\n")?;
    Ok(stream)
}

/// Subscribes with `wirebell.v1` to all that is kept, and leaves.
pub fn subscribe_and_leave() -> Vec<u8> {
    let subscribe = format!(r#"{{"type":"subscribe","topics":["{TOPIC}"],"since":"all"}}"#);
    let leave = format!(r##"{{"type":"unsubscribe","ref":"#","topics":["{TOPIC}"]}}"##);
    let mut request = ws::client_frame(ws::TEXT, subscribe.as_bytes());
    request.extend(ws::client_frame(ws::TEXT, leave.as_bytes()));
    request
}

/// How many bytes such a request is answered with.
pub fn joined(server: &Server, request: &[u8]) -> io::Result<usize> {
    let mut stream = opened(server)?;
    stream.write_all(request)?;
    let answer = read_until(&mut stream, |bytes| count(bytes, JOINED.unit) == 1)?;
    let messages = count(&answer, ws::LAST);
    match messages {
        HISTORY => Ok(answer.len()),
        _ => Err(io::Error::other(format!("{messages} messages were kept"))),
    }
}

/// A line of a batch. A key is never the same.
pub fn line(number: usize, topics: usize, key: bool) -> String {
    let topic = number % topics;
    let key = match key {
        true => format!(",\"key\":\"k{number:09}\""),
        false => String::new(),
    };
    format!("{{\"topic\":\"orders.{topic}\",\"data\":\"order {number} shipped\"{key}}}\n")
}

pub fn batch(server: SocketAddrV4, lines: &str) -> Vec<u8> {
    let length = lines.len();
    let head = format!("POST /topics HTTP/1.1\r\nHost: {server}\r\nContent-Length: {length}\r\n");
    format!("{head}\r\n{lines}").into_bytes()
}

/// How often a byte occurs.
pub fn count(bytes: &[u8], byte: u8) -> usize {
    bytes.iter().filter(|it| **it == byte).count()
}

pub fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

/// Opens a WebSocket to NATS and sends a text that ends with a PING.
fn nats(stream: &mut TcpStream, server: SocketAddrV4, text: &str) -> io::Result<()> {
    let request = ws::upgrade_request(server, "/");
    say(stream, request.as_bytes(), b"} \r\n")?;
    let frame = ws::client_frame(ws::BINARY, text.as_bytes());
    say(stream, &frame, b"PONG\r\n")
}

fn mqtt_publication(topic: &str, message: &str) -> Vec<u8> {
    let mut packet = vec![0x32];
    let mut length = 2 + topic.len() + 2 + message.len();
    while length > 0x7F {
        packet.push(0x80 | (length & 0x7F) as u8);
        length >>= 7;
    }
    packet.push(length as u8);
    mqtt_text(&mut packet, topic);
    packet.extend([0, 1]);
    packet.extend_from_slice(message.as_bytes());
    packet
}

fn mqtt_text(packet: &mut Vec<u8>, text: &str) {
    packet.extend((text.len() as u16).to_be_bytes());
    packet.extend_from_slice(text.as_bytes());
}

/// Sends, and reads until what comes contains `end`.
fn say(stream: &mut TcpStream, bytes: &[u8], end: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    let has_end = |bytes: &[u8]| bytes.windows(end.len()).any(|it| it == end);
    read_until(stream, has_end).map(drop)
}

fn read_until(stream: &mut TcpStream, done: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    let mut buffer = [0; 4096];
    while !done(&all) {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => all.extend_from_slice(&buffer[..length]),
            end => {
                let shown = String::from_utf8_lossy(&all);
                return Err(io::Error::other(format!("{end:?} after {shown}")));
            }
        }
    }
    Ok(all)
}
