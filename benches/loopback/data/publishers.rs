//! Publishers that keep the time of each acknowledgement.
//!
//! Answers come in the order of the requests on each connection, so the oldest request that waits
//! is the one that is answered.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::load::STALL;
use crate::net::{Poller, recv, send_rest};
use crate::push::wires::{contains, count};

pub struct Publishers {
    poller: Poller,
    connections: Vec<Connection>,
    request: Vec<u8>,
    /// A byte that an answer has once.
    unit: u8,
    sink: Vec<u8>,
    outstanding: usize,
    /// Nanoseconds of each answer.
    times: Vec<u64>,
}

struct Connection {
    stream: TcpStream,
    /// Requests, of which what begins at `at` is not sent.
    out: Vec<u8>,
    at: usize,
    /// When those that are not answered were sent.
    sent: VecDeque<Instant>,
}

/// What a turn has shown.
pub struct Turn {
    pub rate: f64,
    /// Nanoseconds of each answer, in rising order.
    pub times: Vec<u64>,
}

impl Publishers {
    pub fn new(
        streams: Vec<TcpStream>,
        request: Vec<u8>,
        unit: u8,
        spin: bool,
    ) -> io::Result<Self> {
        let (poller, connections) = Poller::of(streams, spin, |stream| Connection {
            stream,
            out: Vec::new(),
            at: 0,
            sent: VecDeque::new(),
        })?;
        Ok(Self {
            poller,
            connections,
            request,
            unit,
            sink: vec![0; 64 * 1024],
            outstanding: 0,
            times: Vec::new(),
        })
    }

    /// Keeps so many in flight on each connection for `time`, then waits for all answers.
    pub fn run(&mut self, in_flight: usize, time: Duration) -> io::Result<Turn> {
        self.times.clear();
        for index in 0..self.connections.len() {
            self.publish(index, in_flight)?;
        }
        let start = Instant::now();
        let mut progress = start;
        let mut sending = true;
        while self.outstanding > 0 {
            let before = self.times.len();
            self.poll(sending)?;
            let now = Instant::now();
            sending = now - start < time;
            if self.times.len() > before {
                progress = now;
            } else if now - progress > STALL {
                return Err(io::Error::other("acknowledgements are missing"));
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        Ok(self.turn(seconds))
    }

    /// Publishes once on the next of the connections that wait for nothing, if there is one.
    pub fn publish_on_free(&mut self, next: &mut usize) -> io::Result<bool> {
        let count = self.connections.len();
        let mut places = (*next..*next + count).map(|it| it % count);
        let Some(index) = places.find(|it| self.connections[*it].sent.is_empty()) else {
            return Ok(false);
        };
        *next = (index + 1) % count;
        self.publish(index, 1)?;
        Ok(true)
    }

    /// What has come since the last turn, which lasted so long.
    pub fn turn(&mut self, seconds: f64) -> Turn {
        let mut times = std::mem::take(&mut self.times);
        times.sort_unstable();
        Turn {
            rate: times.len() as f64 / seconds,
            times,
        }
    }

    /// Nothing waits for an answer.
    pub fn is_idle(&self) -> bool {
        self.outstanding == 0
    }

    /// Takes the answers that are there; each is followed by another request if `again`.
    pub fn poll(&mut self, again: bool) -> io::Result<()> {
        let ready = self.poller.wait()?;
        for event in 0..ready {
            let index = self.poller.token(event);
            self.connections[index].write()?;
            self.read(index, again)?;
        }
        Ok(())
    }

    fn publish(&mut self, index: usize, requests: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let now = Instant::now();
        for _ in 0..requests {
            connection.out.extend_from_slice(&self.request);
            connection.sent.push_back(now);
        }
        self.outstanding += requests;
        connection.write()
    }

    fn read(&mut self, index: usize, again: bool) -> io::Result<()> {
        loop {
            let connection = &mut self.connections[index];
            let Some(length) = recv(&connection.stream, &mut self.sink)? else {
                return Ok(());
            };
            let bytes = &self.sink[..length];
            let answers = count(bytes, self.unit);
            let is_wrong = length == 0 || answers > connection.sent.len();
            if is_wrong || contains(bytes, "\"error\"") {
                let shown = String::from_utf8_lossy(&bytes[..length.min(300)]);
                return Err(io::Error::other(format!("an unexpected answer: {shown}")));
            }
            let now = Instant::now();
            let answered = connection.sent.drain(..answers);
            self.times
                .extend(answered.map(|sent| (now - sent).as_nanos() as u64));
            self.outstanding -= answers;
            if again && answers > 0 {
                self.publish(index, answers)?;
            }
            if length < self.sink.len() {
                return Ok(());
            }
        }
    }
}

impl Connection {
    fn write(&mut self) -> io::Result<()> {
        send_rest(&self.stream, &mut self.out, &mut self.at)
    }
}

/// The value that this share of all is below. They are in rising order.
pub fn quantile(sorted: &[u64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).map_or(f64::NAN, |it| *it as f64)
}
