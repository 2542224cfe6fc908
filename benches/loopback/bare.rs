//! The yardstick: the cheapest single-threaded epoll server that moves the same bytes.
//!
//! It runs in a child process. As `echo` it returns each block that it reads: one `recv` into
//! one reused 256 KiB buffer and one `send` per readable event, the refused remainder kept, no
//! other copy and no allocation. As `fanout` it writes one frame, encoded at the start, to every
//! subscriber with one `send` each when a trigger byte arrives; several bytes at once are one
//! `send` of as many frames, or, with `--each`, as many sends. As `answer` it sends so many bytes
//! for each so many that it gets.
//!
//! Edge-triggered by default; `--level` is there to see which of the two is cheaper. It knows no
//! protocol, no limits and no deadlines, and it may panic: it serves only this benchmark.

use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use crate::net::{recv, send};
use crate::ws;

/// What fits one `recv`, the same as the receive buffer of a Wirebell worker.
const BUFFER: usize = 256 * 1024;
const LISTENER: u64 = u64::MAX;

/// First byte of a connection to the fan-out server that wants the frames.
pub const SUBSCRIBE: u8 = b'S';
/// A byte on any other connection: one publish.
pub const TRIGGER: u8 = b'T';
/// How an answer begins, over and over.
pub const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\n";
/// The last byte of an answer.
pub const ANSWERED: u8 = b'}';

/// Runs the server named by the internal arguments until the process is killed.
pub fn main(arguments: &[String]) -> io::Result<()> {
    let usage = || io::Error::other("internal: bare echo|fanout|answer PORT [ARGUMENT...]");
    let mode = arguments.first().ok_or_else(usage)?;
    let port = arguments
        .get(1)
        .and_then(|text| text.parse().ok())
        .ok_or_else(usage)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    match mode.as_str() {
        "echo" => {
            let level = arguments.get(2).is_some_and(|text| text == "--level");
            Bare::new(listener, level)?.run(Bare::echo)
        }
        "fanout" => {
            let length = number(2).ok_or_else(usage)?;
            let mut bare = Bare::new(listener, false)?;
            bare.frame = ws::server_frame(ws::TEXT, ws::message(length).as_bytes());
            bare.each = arguments.get(3).is_some_and(|text| text == "--each");
            bare.run(Bare::fan_out)
        }
        "answer" => {
            let (request, answer) = number(2).zip(number(3)).ok_or_else(usage)?;
            let mut bare = Bare::new(listener, false)?;
            bare.request = request;
            bare.frame = ANSWER.iter().copied().cycle().take(answer - 1).collect();
            bare.frame.push(ANSWERED);
            bare.run(Bare::answer)
        }
        _ => Err(usage()),
    }
}

struct Peer {
    stream: TcpStream,
    /// What the socket refused, from `sent` on.
    rest: Vec<u8>,
    sent: usize,
    subscriber: bool,
    /// Bytes of a request that is not whole.
    got: usize,
}

struct Bare {
    listener: TcpListener,
    epoll: OwnedFd,
    level: bool,
    peers: Vec<Option<Peer>>,
    free: Vec<usize>,
    buffer: Vec<u8>,
    frame: Vec<u8>,
    /// `frame` as often as one burst of triggers asks for.
    burst: Vec<u8>,
    /// Whether each trigger of a burst is a `send` of its own.
    each: bool,
    /// Bytes of a request.
    request: usize,
}

impl Bare {
    fn new(listener: TcpListener, level: bool) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(
            &epoll,
            &listener,
            EventData::new_u64(LISTENER),
            EventFlags::IN,
        )?;
        Ok(Self {
            listener,
            epoll,
            level,
            peers: Vec::new(),
            free: Vec::new(),
            buffer: vec![0; BUFFER],
            frame: Vec::new(),
            burst: Vec::new(),
            each: false,
            request: 1,
        })
    }

    /// `serve` handles one ready peer and says whether the peer is finished.
    fn run(
        mut self,
        serve: fn(&mut Self, usize, EventFlags) -> io::Result<bool>,
    ) -> io::Result<()> {
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        loop {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in &events {
                let (data, flags) = (event.data, event.flags);
                if data.u64() == LISTENER {
                    self.accept()?;
                    continue;
                }
                let slot = data.u64() as usize;
                if serve(&mut self, slot, flags).unwrap_or(true) {
                    self.peers[slot] = None;
                    self.free.push(slot);
                }
            }
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let slot = self.free.pop().unwrap_or(self.peers.len());
        if slot == self.peers.len() {
            self.peers.push(None);
        }
        let flags = if self.level {
            EventFlags::IN
        } else {
            EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET
        };
        epoll::add(&self.epoll, &stream, EventData::new_u64(slot as u64), flags)?;
        self.peers[slot] = Some(Peer {
            stream,
            rest: Vec::new(),
            sent: 0,
            subscriber: false,
            got: 0,
        });
        Ok(())
    }

    fn echo(&mut self, slot: usize, flags: EventFlags) -> io::Result<bool> {
        let Some(peer) = self.peers[slot].as_mut() else {
            return Ok(false);
        };
        if !peer.rest.is_empty() {
            if !peer.flush()? {
                return Ok(false);
            }
            if self.level {
                watch(&self.epoll, peer, slot, EventFlags::IN)?;
                return Ok(false);
            }
        }
        loop {
            let Some(count) = recv(&peer.stream, &mut self.buffer)? else {
                return Ok(false);
            };
            if count == 0 {
                return Ok(true);
            }
            let sent = send(&peer.stream, &self.buffer[..count])?.unwrap_or(0);
            if sent < count {
                peer.rest.extend_from_slice(&self.buffer[sent..count]);
                if self.level {
                    watch(&self.epoll, peer, slot, EventFlags::OUT)?;
                }
                return Ok(false);
            }
            // A short read has drained the socket: what comes later is a new edge. Only an end
            // of the stream that came together with the data must be looked for.
            let drained = count < BUFFER && !flags.contains(EventFlags::RDHUP);
            if drained || self.level {
                return Ok(false);
            }
        }
    }

    fn fan_out(&mut self, slot: usize, _: EventFlags) -> io::Result<bool> {
        let Some(peer) = self.peers[slot].as_mut() else {
            return Ok(false);
        };
        let Some(count) = recv(&peer.stream, &mut self.buffer)? else {
            return Ok(false);
        };
        if count == 0 {
            return Ok(true);
        }
        if self.buffer[0] == SUBSCRIBE {
            peer.subscriber = true;
            return Ok(false);
        }
        let (sends, frames) = if self.each { (count, 1) } else { (1, count) };
        self.repeat(frames);
        let mut written = 0_u32;
        for _ in 0..sends {
            written = 0;
            for peer in self.peers.iter().flatten().filter(|peer| peer.subscriber) {
                let sent = send(&peer.stream, &self.burst)?.unwrap_or(0);
                assert_eq!(sent, self.burst.len(), "a subscriber does not read");
                written += 1;
            }
        }
        if let Some(peer) = &self.peers[slot] {
            // One answer per trigger: the number of subscribers.
            let answer = written.to_be_bytes().repeat(count);
            let sent = send(&peer.stream, &answer)?;
            assert_eq!(sent, Some(answer.len()), "the publisher does not read");
        }
        Ok(false)
    }

    fn answer(&mut self, slot: usize, _: EventFlags) -> io::Result<bool> {
        let Some(peer) = self.peers[slot].as_mut() else {
            return Ok(false);
        };
        let Some(count) = recv(&peer.stream, &mut self.buffer)? else {
            return Ok(false);
        };
        let got = peer.got + count;
        peer.got = got % self.request;
        let answers = got / self.request;
        if answers > 0 {
            self.repeat(answers);
            let stream = self.peers[slot].as_ref().map(|peer| &peer.stream);
            let sent = stream.map(|stream| send(stream, &self.burst)).transpose()?;
            let all = Some(Some(self.burst.len()));
            assert_eq!(sent, all, "a client does not read");
        }
        Ok(count == 0)
    }

    /// Makes `burst` so many frames.
    fn repeat(&mut self, frames: usize) {
        if self.burst.len() != frames * self.frame.len() {
            self.burst = self.frame.repeat(frames);
        }
    }
}

impl Peer {
    /// Sends the remainder; true when nothing is left.
    fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.rest.len() {
            match send(&self.stream, &self.rest[self.sent..])? {
                Some(count) => self.sent += count,
                None => return Ok(false),
            }
        }
        self.rest.clear();
        self.sent = 0;
        Ok(true)
    }
}

fn watch(epoll: &OwnedFd, peer: &Peer, slot: usize, flags: EventFlags) -> io::Result<()> {
    Ok(epoll::modify(
        epoll,
        &peer.stream,
        EventData::new_u64(slot as u64),
        flags,
    )?)
}
