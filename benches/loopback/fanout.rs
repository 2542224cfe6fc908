//! CPU time per publish and subscriber, next to bare writes of the same frame.
//!
//! 1,000 subscribers of one event; a publisher on one keep-alive HTTP connection posts a message
//! and waits until its answer and all copies have come. `burst 8` sends eight requests in one
//! segment: Wirebell should answer with one write per subscriber, and the bare server, which
//! gets eight trigger bytes, writes all eight frames at once. For `deflate`, [`deflating`] has
//! the same with subscribers that offered permessage-deflate.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use crate::args::Options;
use crate::bare::{SUBSCRIBE, TRIGGER};
use crate::compression::Mode;
use crate::load::STALL;
use crate::net::{Poller, connect_from, recv, send};
use crate::report::Report;
use crate::rounds::{Comparison, Side, Work};
use crate::server::{Kind, Server};
use crate::ws;

const SUBSCRIBERS: usize = 1000;
const REGISTRATION: &[u8] = br#"{"token":"u1","event":"e"}"#;

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    report.table("fan-out, per copy", ["bare", "wirebell"]);
    for (length, burst, goal) in [
        (128, 1, Some(1.10)),
        (1024, 1, Some(1.10)),
        (4096, 1, Some(1.10)),
        (128, 8, None),
        (1024, 8, None),
    ] {
        let name = format!("fanout {length} B x{SUBSCRIBERS} burst {burst}");
        if options.wants(&name) {
            let bare = bare(length, burst, options)?;
            let wirebell = wirebell(length, burst, options)?;
            let result = Comparison::measure(bare, wirebell, options)?;
            report.row(&name, goal, &result);
            if let (true, Some(calls)) = (burst > 1, result.wirebell_calls) {
                let writes = calls.writes * burst as f64;
                println!("    {writes:.3} writes per subscriber and burst (goal: 1)");
            }
        }
    }
    Ok(())
}

fn bare(length: usize, burst: usize, options: &Options) -> io::Result<Side> {
    let server = Server::start(
        &Kind::BareFanout {
            length,
            each: false,
        },
        options.cpus,
    )?;
    let subscribe = |stream: &mut TcpStream| send(&*stream, &[SUBSCRIBE]).map(drop);
    let frame = ws::server_frame(ws::TEXT, ws::message(length).as_bytes());
    let publish = (vec![TRIGGER], Answer::Count);
    let fan = Fan::new(&server, frame, publish, subscribe, options)?;
    fan.side(server, burst)
}

fn wirebell(length: usize, burst: usize, options: &Options) -> io::Result<Side> {
    let server = Server::start(&Kind::Wirebell { command: "serve" }, options.cpus)?;
    let upgrade = ws::upgrade_request(server.address, "/ws");
    let registration = ws::client_frame(ws::TEXT, REGISTRATION);
    let subscribe = |stream: &mut TcpStream| {
        ws::upgrade(stream, &upgrade)?;
        send(&*stream, &registration).map(drop)
    };
    let message = ws::message(length);
    let frame = ws::server_frame(ws::TEXT, message.as_bytes());
    let publish = (post(server.address, &message), Answer::Http);
    let fan = Fan::new(&server, frame, publish, subscribe, options)?;
    fan.side(server, burst)
}

/// A server whose subscribers all offer permessage-deflate and must each get `frame`.
pub fn deflating(mode: Mode, message: &str, frame: Vec<u8>, options: &Options) -> io::Result<Side> {
    let server = Server::start(&mode.server("serve"), options.cpus)?;
    let upgrade = ws::deflate_request(server.address, "/ws");
    let registration = ws::client_frame(ws::TEXT, REGISTRATION);
    let subscribe = |stream: &mut TcpStream| {
        mode.check(&ws::upgrade(stream, &upgrade)?)?;
        send(&*stream, &registration).map(drop)
    };
    let publish = (post(server.address, message), Answer::Http);
    let fan = Fan::new(&server, frame, publish, subscribe, options)?;
    fan.side(server, 1)
}

fn post(server: SocketAddrV4, message: &str) -> Vec<u8> {
    let message = serde_json::Value::from(message);
    let body = format!(r#"{{"userId":"u1","event":"e","message":{message}}}"#);
    format!(
        "POST /push HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// How the server tells the publisher that a publish was taken, and by how many.
#[derive(Clone, Copy)]
enum Answer {
    /// Four bytes, big-endian.
    Count,
    /// An HTTP response with `message sent to N clients`.
    Http,
}

struct Fan {
    poller: Poller,
    subscribers: Vec<Subscriber>,
    publisher: TcpStream,
    /// What the publisher sends at once.
    publish: Vec<u8>,
    burst: usize,
    answer: Answer,
    /// Answers not yet parsed.
    answers: Vec<u8>,
    frame: Vec<u8>,
    sink: Vec<u8>,
}

struct Subscriber {
    stream: TcpStream,
    got: usize,
    verified: bool,
}

impl Fan {
    const PUBLISHER: usize = usize::MAX;

    fn new(
        server: &Server,
        frame: Vec<u8>,
        (publish, answer): (Vec<u8>, Answer),
        subscribe: impl Fn(&mut TcpStream) -> io::Result<()>,
        options: &Options,
    ) -> io::Result<Self> {
        let poller = Poller::new(options.spin)?;
        let mut subscribers = Vec::with_capacity(SUBSCRIBERS);
        for token in 0..SUBSCRIBERS {
            let mut stream = connect_from(Ipv4Addr::LOCALHOST, server.address)?;
            stream.set_read_timeout(Some(STALL))?;
            subscribe(&mut stream)?;
            stream.set_nonblocking(true)?;
            poller.add(&stream, token)?;
            subscribers.push(Subscriber {
                stream,
                got: 0,
                verified: false,
            });
        }
        let publisher = connect_from(Ipv4Addr::LOCALHOST, server.address)?;
        publisher.set_nonblocking(true)?;
        poller.add(&publisher, Self::PUBLISHER)?;
        Ok(Self {
            poller,
            subscribers,
            publisher,
            publish,
            burst: 1,
            answer,
            answers: Vec::new(),
            frame,
            sink: vec![0; 64 * 1024],
        })
    }

    /// Publishes until all clients are subscribed, which a server need not acknowledge, and turns
    /// to bursts of `burst`.
    fn side(mut self, server: Server, burst: usize) -> io::Result<Side> {
        let deadline = Instant::now() + STALL;
        while self.publish_once()? < SUBSCRIBERS {
            if Instant::now() > deadline {
                return Err(io::Error::other("some subscribers were never registered"));
            }
        }
        self.publish = self.publish.repeat(burst);
        self.burst = burst;
        Ok(Side {
            server,
            work: Box::new(self),
        })
    }

    /// Sends one burst and waits for its answers and all copies; returns the number of copies.
    fn publish_once(&mut self) -> io::Result<usize> {
        if send(&self.publisher, &self.publish)? != Some(self.publish.len()) {
            return Err(io::Error::other("the publisher's socket took only a part"));
        }
        let (mut answers, mut copies, mut bytes) = (0, 0, 0);
        let mut progress = Instant::now();
        while answers < self.burst || bytes < copies * self.frame.len() {
            let ready = self.poller.wait()?;
            for event in 0..ready {
                let token = self.poller.token(event);
                if token == Self::PUBLISHER {
                    self.read_answers(&mut answers, &mut copies)?;
                } else {
                    bytes += self.read_copies(token)?;
                }
            }
            if ready > 0 {
                progress = Instant::now();
            } else if progress.elapsed() > STALL {
                let text = format!("{answers} answers, {bytes} bytes, then nothing");
                return Err(io::Error::other(text));
            }
        }
        if bytes > copies * self.frame.len() {
            return Err(io::Error::other("more bytes came than were published"));
        }
        Ok(copies)
    }

    fn read_copies(&mut self, index: usize) -> io::Result<usize> {
        let Some(subscriber) = self.subscribers.get_mut(index) else {
            return Ok(0);
        };
        let Some(count) = recv(&subscriber.stream, &mut self.sink)? else {
            return Ok(0);
        };
        if count == 0 {
            return Err(io::Error::other("the server closed a subscriber"));
        }
        if !subscriber.verified {
            let length = count.min(self.frame.len() - subscriber.got);
            let expected = &self.frame[subscriber.got..subscriber.got + length];
            if self.sink[..length] != *expected {
                return Err(io::Error::other("a copy differs from what was published"));
            }
            subscriber.got += length;
            subscriber.verified = subscriber.got == self.frame.len();
        }
        Ok(count)
    }

    fn read_answers(&mut self, answers: &mut usize, copies: &mut usize) -> io::Result<()> {
        let Some(count) = recv(&self.publisher, &mut self.sink)? else {
            return Ok(());
        };
        if count == 0 {
            return Err(io::Error::other("the server closed the publisher"));
        }
        self.answers.extend_from_slice(&self.sink[..count]);
        while let Some((length, sent)) = self.answer.parse(&self.answers)? {
            self.answers.drain(..length);
            *answers += 1;
            *copies += sent;
        }
        Ok(())
    }
}

impl Work for Fan {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let mut units = 0;
        while start.elapsed() < time {
            let copies = self.publish_once()?;
            if copies != self.burst * SUBSCRIBERS {
                return Err(io::Error::other(format!("{copies} copies of one burst")));
            }
            units += copies as u64;
        }
        Ok(units)
    }
}

impl Answer {
    /// The length of the first whole answer, and the number of clients that it names.
    fn parse(self, bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
        match self {
            Self::Count => Ok(bytes
                .first_chunk::<4>()
                .map(|&count| (4, u32::from_be_bytes(count) as usize))),
            Self::Http => parse_http(bytes),
        }
    }
}

fn parse_http(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let bad = |what: &str| io::Error::other(format!("the answer to /push {what}"));
    let head = str::from_utf8(&bytes[..end]).map_err(|_| bad("is no text"))?;
    if !head.starts_with("HTTP/1.1 200") {
        return Err(bad(head.lines().next().unwrap_or_default()));
    }
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length
        .filter_map(|(_, value)| value.trim().parse::<usize>().ok())
        .next();
    let body = end + 4..end + 4 + length.ok_or_else(|| bad("has no length"))?;
    let Some(text) = bytes.get(body.clone()) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(text);
    let sent = text
        .strip_prefix("message sent to ")
        .and_then(|rest| rest.split(' ').next());
    let sent = sent
        .and_then(|count| count.parse().ok())
        .ok_or_else(|| bad(&text))?;
    Ok(Some((body.end, sent)))
}
