//! A publisher and many subscribers of one topic.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use crate::load::STALL;
use crate::net::{Poller, recv, send};
use crate::push::wires::{TOPIC, Wire, contains, count};
use crate::rounds::Work;
use crate::server::Server;
use crate::ws;

/// Connections from one source address, far below the 28,000 ports that it has.
const PER_ADDRESS: usize = 5_000;
const PUBLISHER: usize = usize::MAX;

pub struct Fan {
    poller: Poller,
    subscribers: Vec<Subscriber>,
    publisher: TcpStream,
    /// What the publisher sends at once, and how many publications that is.
    burst: Vec<u8>,
    in_flight: usize,
    /// The byte that each answer has once.
    answer: u8,
    message: String,
    sink: Vec<u8>,
}

struct Subscriber {
    stream: TcpStream,
    /// It has got the message.
    verified: bool,
}

impl Fan {
    /// Subscribes so many, one after another.
    pub fn new(
        server: &Server,
        wire: Wire,
        subscribers: usize,
        (length, in_flight): (usize, usize),
    ) -> io::Result<Self> {
        let poller = Poller::new(true)?;
        let mut open = Vec::with_capacity(subscribers);
        for token in 0..subscribers {
            let [.., last] = Ipv4Addr::LOCALHOST.octets();
            let last = last + (token / PER_ADDRESS).min(250) as u8;
            let stream = wire.subscriber(server.address, Ipv4Addr::new(127, 0, 0, last))?;
            stream.set_nonblocking(true)?;
            poller.add(&stream, token)?;
            let verified = false;
            open.push(Subscriber { stream, verified });
        }
        // Last: a server may close a connection on which no request comes.
        let publisher = wire.publisher(server.address)?;
        publisher.set_nonblocking(true)?;
        poller.add(&publisher, PUBLISHER)?;
        let message = ws::message(length);
        Ok(Self {
            poller,
            subscribers: open,
            publisher,
            burst: wire
                .publication(server.address, TOPIC, &message)
                .repeat(in_flight),
            in_flight,
            answer: wire.fan_out_answer(),
            message,
            sink: vec![0; 64 * 1024],
        })
    }

    /// Sends one burst and waits for its answers and all copies.
    pub fn publish(&mut self) -> io::Result<usize> {
        if send(&self.publisher, &self.burst)? != Some(self.burst.len()) {
            return Err(io::Error::other("the publisher's socket took only a part"));
        }
        let all = self.in_flight * self.subscribers.len();
        let (mut answers, mut copies) = (0, 0);
        let mut progress = Instant::now();
        while answers < self.in_flight || copies < all {
            let ready = self.poller.wait()?;
            for event in 0..ready {
                match self.poller.token(event) {
                    PUBLISHER => answers += self.read_answers()?,
                    token => copies += self.read_copies(token)?,
                }
            }
            if ready > 0 {
                progress = Instant::now();
            } else if progress.elapsed() > STALL {
                let text = format!("{answers} answers, {copies} copies, then nothing");
                return Err(io::Error::other(text));
            }
        }
        match copies == all {
            true => Ok(copies),
            false => Err(io::Error::other("more came than was published")),
        }
    }

    fn read_answers(&mut self) -> io::Result<usize> {
        match recv(&self.publisher, &mut self.sink)? {
            Some(0) => Err(io::Error::other("the server closed the publisher")),
            length => Ok(count(&self.sink[..length.unwrap_or(0)], self.answer)),
        }
    }

    fn read_copies(&mut self, token: usize) -> io::Result<usize> {
        let subscriber = &mut self.subscribers[token];
        let Some(length) = recv(&subscriber.stream, &mut self.sink)? else {
            return Ok(0);
        };
        let bytes = &self.sink[..length];
        let copies = count(bytes, ws::LAST);
        if length == 0 || copies > 0 && !subscriber.verified && !contains(bytes, &self.message) {
            let text = "a subscriber was closed, or a copy differs from what was published";
            return Err(io::Error::other(text));
        }
        subscriber.verified |= copies > 0;
        Ok(copies)
    }
}

impl Work for Fan {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let mut copies = 0;
        while start.elapsed() < time {
            copies += self.publish()? as u64;
        }
        Ok(copies)
    }
}
