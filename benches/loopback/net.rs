//! Sockets and epoll for both ends of the benchmark, in safe code.
//!
//! `recv` and `send` go straight to the system call and return `None` when the socket is not
//! ready. `Poller` registers once, edge-triggered, and either spins (the default: no sleeping
//! client, so no wake-up of it on the server's account) or blocks.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::{AsFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, connect, socket_with,
};
use rustix::time::Timespec;

/// Receives once; `Some(0)` is the end of the stream, `None` means not ready.
#[inline]
pub fn recv(socket: impl AsFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match rustix::net::recv(&socket, &mut *buffer, RecvFlags::empty()) {
            Ok((_, count)) => return Ok(Some(count)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends once; `None` means that the socket takes nothing at present.
#[inline]
pub fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<Option<usize>> {
    loop {
        match rustix::net::send(&socket, bytes, SendFlags::NOSIGNAL) {
            Ok(count) => return Ok(Some(count)),
            Err(Errno::AGAIN) => return Ok(None),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Sends what follows the first `at` bytes, as far as the socket takes it; once all of it has been
/// sent, both are empty.
pub fn send_rest(socket: impl AsFd, bytes: &mut Vec<u8>, at: &mut usize) -> io::Result<()> {
    while *at < bytes.len() {
        match send(&socket, &bytes[*at..])? {
            Some(count) => *at += count,
            None => return Ok(()),
        }
    }
    bytes.clear();
    *at = 0;
    Ok(())
}

/// Connects from one loopback address to another, without Nagle's delay.
pub fn connect_from(source: Ipv4Addr, target: SocketAddrV4) -> io::Result<TcpStream> {
    let socket = socket_with(
        AddressFamily::INET,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    if source != Ipv4Addr::LOCALHOST {
        bind(&socket, &SocketAddrV4::new(source, 0))?;
    }
    connect(&socket, &target)?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// An epoll instance and the events of its last wait.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<Event>,
    timeout: Timespec,
}

impl Poller {
    /// Events that one wait can return.
    const CAPACITY: usize = 1024;

    /// A poller whose `wait` returns at once (`spin`) or after 100 ms at most.
    pub fn new(spin: bool) -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            events: Vec::with_capacity(Self::CAPACITY),
            timeout: Timespec {
                tv_sec: 0,
                tv_nsec: if spin { 0 } else { 100_000_000 },
            },
        })
    }

    /// A poller that watches these streams, without blocking, by their numbers; `make` turns each
    /// into a connection.
    pub fn of<C>(
        streams: Vec<TcpStream>,
        spin: bool,
        mut make: impl FnMut(TcpStream) -> C,
    ) -> io::Result<(Self, Vec<C>)> {
        let poller = Self::new(spin)?;
        let mut connections = Vec::with_capacity(streams.len());
        for (token, stream) in streams.into_iter().enumerate() {
            stream.set_nonblocking(true)?;
            poller.add(&stream, token)?;
            connections.push(make(stream));
        }
        Ok((poller, connections))
    }

    /// Watches a socket, edge-triggered, both directions; its events carry `token`.
    pub fn add(&self, socket: impl AsFd, token: usize) -> io::Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        Ok(epoll::add(
            &self.epoll,
            socket,
            EventData::new_u64(token as u64),
            flags,
        )?)
    }

    /// Waits once and returns how many sockets are ready.
    pub fn wait(&mut self) -> io::Result<usize> {
        self.events.clear();
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.events),
            Some(&self.timeout),
        ) {
            Ok(_) | Err(Errno::INTR) => Ok(self.events.len()),
            Err(error) => Err(error.into()),
        }
    }

    /// The token of the `index`th event of the last wait.
    pub fn token(&self, index: usize) -> usize {
        let data = self.events[index].data;
        data.u64() as usize
    }
}
