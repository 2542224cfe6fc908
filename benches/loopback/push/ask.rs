//! Requests over open connections, of which a fixed number is in flight on each.
//!
//! Answers need not all have the same length: one byte of each is counted, and how the first of
//! each turn begins is compared.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::load::STALL;
use crate::net::{Poller, recv, send_rest};
use crate::push::wires::{Answer, contains, count};
use crate::rounds::Work;

/// Appends the next request.
pub type Requests = Box<dyn FnMut(&mut Vec<u8>)>;

pub struct Ask {
    poller: Poller,
    connections: Vec<Connection>,
    requests: Requests,
    /// Answers to a request: those to the lines of a batch count one by one.
    units: usize,
    /// Requests on each connection.
    in_flight: usize,
    answer: Answer,
    sink: Vec<u8>,
    sending: bool,
    outstanding: usize,
    finished: u64,
}

struct Connection {
    stream: TcpStream,
    /// Requests, of which what begins at `at` is not sent.
    out: Vec<u8>,
    at: usize,
    owed: usize,
    /// Answers to a request of which some are still owed.
    got: usize,
    /// Nothing has come in this turn.
    fresh: bool,
}

impl Ask {
    pub fn new(
        streams: Vec<TcpStream>,
        requests: Requests,
        (units, in_flight): (usize, usize),
        answer: Answer,
    ) -> io::Result<Self> {
        let (poller, connections) = Poller::of(streams, true, |stream| Connection {
            stream,
            out: Vec::new(),
            at: 0,
            owed: 0,
            got: 0,
            fresh: true,
        })?;
        Ok(Self {
            poller,
            connections,
            requests,
            units,
            in_flight,
            answer,
            sink: vec![0; 256 * 1024],
            sending: false,
            outstanding: 0,
            finished: 0,
        })
    }

    fn ask(&mut self, index: usize, requests: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        for _ in 0..requests {
            (self.requests)(&mut connection.out);
        }
        connection.owed += requests * self.units;
        self.outstanding += requests * self.units;
        connection.write()
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        loop {
            let connection = &mut self.connections[index];
            let Some(length) = recv(&connection.stream, &mut self.sink)? else {
                return Ok(());
            };
            let bytes = &self.sink[..length];
            if std::mem::take(&mut connection.fresh) {
                self.answer.check(bytes)?;
            }
            let answers = count(bytes, self.answer.unit);
            if length == 0 || answers > connection.owed {
                return Err(io::Error::other("a connection ended or got too much"));
            }
            connection.owed -= answers;
            connection.got += answers;
            let requests = connection.got / self.units;
            connection.got %= self.units;
            self.outstanding -= answers;
            self.finished += answers as u64;
            if self.sending && requests > 0 {
                self.ask(index, requests)?;
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

impl Work for Ask {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let before = self.finished;
        self.sending = true;
        for index in 0..self.connections.len() {
            self.connections[index].fresh = true;
            self.ask(index, self.in_flight)?;
        }
        let start = Instant::now();
        let mut progress = start;
        while self.outstanding > 0 {
            let ready = self.poller.wait()?;
            for event in 0..ready {
                let index = self.poller.token(event);
                self.connections[index].write()?;
                self.read(index)?;
            }
            let now = Instant::now();
            self.sending = now - start < time;
            if ready > 0 {
                progress = now;
            } else if now - progress > STALL {
                let text = format!("{} answers are missing", self.outstanding);
                return Err(io::Error::other(text));
            }
        }
        Ok(self.finished - before)
    }
}

impl Answer {
    /// Compares how the first answer of a turn begins, and looks for what none may have.
    fn check(&self, bytes: &[u8]) -> io::Result<()> {
        let bad = ["\"error\"", "\"replayed\""];
        if bytes.starts_with(self.start) && !bad.iter().any(|bad| contains(bytes, bad)) {
            return Ok(());
        }
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]);
        Err(io::Error::other(format!("an unexpected answer: {shown}")))
    }
}
