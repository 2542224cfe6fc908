//! The TLS sessions of one loop, between its sockets and its engine (RFC 6455 section 10.6).
//!
//! ```text
//!   socket ──records──▶ input ──Session::open──▶ receive buffer of the loop
//!                         └─ part of a record ─▶ tail        (put in front of the next read)
//!   socket ◀─records── output ◀──Session::seal── what the engine writes
//!                         └─ refused by the socket ─▶ sealed (leaves before anything else)
//! ```
//!
//! Input: calls of the engine by number, with the socket. Output: plaintext, and at most one read or
//! write each. Invariants: records leave in the order in which they were sealed; while some wait,
//! nothing more is sealed; a session that waits for nothing owns no buffer. What the plaintext
//! means is left to the engine, and cryptography to `tls`.

use crate::net::sockets::{Received, is_transient};
#[cfg(feature = "client")]
use crate::tls::SecureServer;
use crate::tls::rustls::pki_types::CertificateDer;
use crate::tls::session::{MAX_RECORD_ON_WIRE, Opened, Records, SESSION_BYTES, Session};
use crate::tls::{Acceptor, TlsError};
use std::io::{self, IoSlice, Read, Write};
use std::time::{Duration, Instant};

/// Bytes of records taken in one read; one record more may wait in front of them.
const READ: usize = 64 * 1024;

/// Plaintext sealed for one write: more would only wait here if the socket refuses it.
const SEAL: usize = 64 * 1024;

/// Time for handshakes in one turn. One takes as long as some 30 messages; when this is used up,
/// the others wait, and open connections are served in between.
const HANDSHAKES_PER_TURN: Duration = Duration::from_millis(2);

/// The first byte of a TLS connection: the type of a record with a handshake message (RFC 8446
/// section 5.1).
const HANDSHAKE: u8 = 22;

/// The answer to a request in clear.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 58\r\nConnection: close\r\n\r\n\
    This port speaks TLS: use an https:// or wss:// address.\r\n";

/// What the sessions of a loop share, and the sessions by the numbers of the peers.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    slots: Vec<Option<Box<Secure>>>,
    /// Records as they were read. Empty until there is a session.
    input: Vec<u8>,
    output: Records,
    /// Left for handshakes in this turn.
    budget: Duration,
    held: usize,
}

/// One connection.
#[derive(Debug)]
struct Secure {
    state: State,
    /// The beginning of a record that has not arrived whole.
    tail: Vec<u8>,
    /// Plaintext for which there was no room, from `taken` on.
    plain: Vec<u8>,
    taken: usize,
    /// Records that the socket has refused, from `sent` on.
    sealed: Vec<u8>,
    sent: usize,
    /// Replies of the session may wait for the next write, as plaintext came with them.
    owes: bool,
    shut: Shut,
    /// What the account of the loop counts.
    charged: usize,
}

#[derive(Debug)]
enum State {
    /// Accepted; no byte has come.
    Accepted(Acceptor),
    Session(Session),
    /// Not TLS, or an error: what is left to send leaves, and input is not looked at.
    Over,
}

/// How far the end of our side has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shut {
    No,
    /// When everything has left, our side of the socket is shut down.
    Wanted,
    Done,
}

/// A socket that a session is carried by.
pub(super) trait Socket: Read + Write {
    fn shut_down(&mut self);
}

impl Socket for mio::net::TcpStream {
    fn shut_down(&mut self) {
        let _ = self.shutdown(std::net::Shutdown::Write);
    }
}

impl Sessions {
    /// A turn of the loop begins.
    pub(super) fn begin_turn(&mut self) {
        self.budget = HANDSHAKES_PER_TURN;
    }

    /// This connection is accepted where TLS is spoken.
    pub(super) fn accept(&mut self, index: u32, acceptor: &Acceptor) {
        self.insert(index, State::Accepted(acceptor.clone()));
    }

    /// The server at the other end has this name: the handshake begins.
    #[cfg(feature = "client")]
    pub(super) fn connect(
        &mut self,
        index: u32,
        server: &SecureServer,
        socket: &mut impl Socket,
    ) -> io::Result<()> {
        self.output.clear();
        let session = Session::connect(server, &mut self.output)?;
        self.insert(index, State::Session(session));
        self.with(index, |secure, shared| {
            secure.take_output(shared.output);
            secure.flush(socket)
        })
    }

    fn insert(&mut self, index: u32, state: State) {
        let index = index as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        if self.input.is_empty() {
            self.input = vec![0; READ + MAX_RECORD_ON_WIRE];
        }
        self.slots[index] = Some(Box::new(Secure {
            state,
            tail: Vec::new(),
            plain: Vec::new(),
            taken: 0,
            sealed: Vec::new(),
            sent: 0,
            owes: false,
            shut: Shut::No,
            charged: 0,
        }));
    }

    /// Whether this connection is encrypted.
    #[inline]
    pub(super) fn has(&self, index: u32) -> bool {
        self.slots.get(index as usize).is_some_and(Option::is_some)
    }

    /// The certificates that the other end has shown.
    pub(super) fn peer_certificates(&self, index: u32) -> Option<&[CertificateDer<'static>]> {
        match &self.slots.get(index as usize)?.as_ref()?.state {
            State::Session(session) => session.peer_certificates(),
            State::Accepted(_) | State::Over => None,
        }
    }

    /// Bytes held for all sessions.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Bytes held for this one.
    pub(super) fn held_by(&self, index: u32) -> usize {
        let slot = self.slots.get(index as usize).and_then(Option::as_ref);
        slot.map_or(0, |secure| secure.charged)
    }

    /// The connection has ended.
    pub(super) fn close(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(index as usize)
            && let Some(secure) = slot.take()
        {
            self.held -= secure.charged;
        }
    }

    /// Plaintext, as much as there is room for.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidData`] with a [`TlsError`] if the session is over because of what has
    /// come: the peer has been told, and what it sends from now on is to be discarded.
    pub(super) fn read(
        &mut self,
        index: u32,
        socket: &mut impl Socket,
        into: &mut [u8],
        until_would_block: bool,
    ) -> io::Result<Received> {
        self.with(index, |secure, shared| {
            secure.read(shared, socket, into, until_would_block)
        })
    }

    /// Seals and writes; returns how much of the plaintext was taken.
    pub(super) fn write(
        &mut self,
        index: u32,
        socket: &mut impl Socket,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.with(index, |secure, shared| secure.write(shared, socket, parts))
    }

    /// The socket is writable: continues with what it had refused.
    pub(super) fn flush(&mut self, index: u32, socket: &mut impl Socket) {
        // An error is found by the next read too.
        let _ = self.with(index, |secure, _| secure.flush(socket));
    }

    /// Nothing more will be sent: close_notify, and when that has left, the end of our side.
    pub(super) fn shut_down(&mut self, index: u32, socket: &mut impl Socket) {
        let _ = self.with(index, |secure, shared| secure.shut_down(shared, socket));
    }

    /// Takes a step for one connection, and counts what it then holds.
    #[inline]
    fn with<R>(
        &mut self,
        index: u32,
        step: impl FnOnce(&mut Secure, &mut Shared<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        let Self {
            slots,
            input,
            output,
            budget,
            held,
        } = self;
        let Some(Some(secure)) = slots.get_mut(index as usize) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let shared = &mut Shared {
            input,
            output,
            budget,
        };
        let result = step(secure, shared);
        let now = secure.held();
        *held = *held + now - secure.charged;
        secure.charged = now;
        result
    }
}

/// What a step may use besides the connection.
struct Shared<'l> {
    input: &'l mut [u8],
    output: &'l mut Records,
    budget: &'l mut Duration,
}

impl Secure {
    /// Bytes of memory.
    fn held(&self) -> usize {
        let session = match self.state {
            State::Session(_) => SESSION_BYTES,
            State::Accepted(_) | State::Over => 0,
        };
        session + self.tail.capacity() + self.plain.capacity() + self.sealed.capacity()
    }

    fn read(
        &mut self,
        shared: &mut Shared<'_>,
        socket: &mut impl Socket,
        into: &mut [u8],
        until_would_block: bool,
    ) -> io::Result<Received> {
        if self.taken < self.plain.len() {
            return Ok(self.give_plain(into));
        }
        let shakes = match &self.state {
            State::Over => return discard(socket, into),
            // A server has nothing more to learn: RFC 6455 section 7.1.1.
            State::Session(session) if self.shut != Shut::No && session.is_server() => {
                return discard(socket, into);
            }
            State::Session(session) => !session.is_established(),
            State::Accepted(_) => true,
        };
        if shakes && shared.budget.is_zero() {
            return Ok(Received::Progress { more: true });
        }
        let began = shakes.then(Instant::now);
        let tail = self.tail.len();
        shared.input[..tail].copy_from_slice(&self.tail);
        // What does not fit into the caller's buffer waits here: one record at most, unless the
        // buffer has room for more.
        let room = into.len().clamp(MAX_RECORD_ON_WIRE, READ).max(tail + 1) - tail;
        let len = socket.read(&mut shared.input[tail..tail + room])?;
        if len == 0 {
            return Ok(Received::End);
        }
        let more = len == room || until_would_block;
        let received = self.received(shared, socket, tail + len, into, more);
        if let Some(began) = began {
            *shared.budget = shared.budget.saturating_sub(began.elapsed());
        }
        received
    }

    /// The first `end` bytes of the input are records that have come.
    fn received(
        &mut self,
        shared: &mut Shared<'_>,
        socket: &mut impl Socket,
        end: usize,
        into: &mut [u8],
        more: bool,
    ) -> io::Result<Received> {
        if let State::Accepted(acceptor) = &self.state {
            if shared.input[0] != HANDSHAKE {
                return Err(self.refuse(shared.input[0], socket));
            }
            match Session::accept(acceptor) {
                Ok(session) => self.state = State::Session(session),
                Err(error) => return Err(self.fail(error, socket)),
            }
        }
        let State::Session(session) = &mut self.state else {
            return Ok(Received::End);
        };
        let (mut at, plain) = (0, &mut self.plain);
        shared.output.clear();
        let sink = |bytes: &[u8]| {
            let (now, later) = bytes.split_at(bytes.len().min(into.len() - at));
            into[at..at + now.len()].copy_from_slice(now);
            at += now.len();
            plain.extend_from_slice(later);
        };
        let Opened {
            used,
            closed,
            error,
        } = session.open(&mut shared.input[..end], sink, shared.output);
        self.tail.clear();
        self.tail.extend_from_slice(&shared.input[used..end]);
        if self.tail.is_empty() {
            self.tail = Vec::new();
        }
        self.take_output(shared.output);
        if let Some(error) = error {
            return Err(self.fail(error, socket));
        }
        self.owes = at > 0; // They leave with the answer.
        if !self.owes {
            self.flush(socket)?;
        }
        Ok(match (at, closed) {
            (0, true) => Received::End,
            (0, false) => Received::Progress { more },
            // After close_notify the next read finds the end of the stream, or reports it again.
            (len, closed) => Received::Bytes {
                len,
                more: more || closed || self.taken < self.plain.len(),
            },
        })
    }

    /// Plaintext that has waited for room.
    fn give_plain(&mut self, into: &mut [u8]) -> Received {
        let waiting = &self.plain[self.taken..];
        let len = waiting.len().min(into.len());
        into[..len].copy_from_slice(&waiting[..len]);
        self.taken += len;
        if self.taken == self.plain.len() {
            (self.plain, self.taken) = (Vec::new(), 0);
        }
        // Records may have come after it, with no event that announces them.
        Received::Bytes { len, more: true }
    }

    /// What the session has to say waits until it can leave.
    fn take_output(&mut self, output: &mut Records) {
        self.sealed.extend_from_slice(output.as_bytes());
        output.clear();
    }

    fn write(
        &mut self,
        shared: &mut Shared<'_>,
        socket: &mut impl Socket,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        if !self.owes {
            self.flush(socket)?;
        }
        let State::Session(session) = &mut self.state else {
            return match self.state {
                State::Over => Err(io::ErrorKind::BrokenPipe.into()),
                _ => Ok(0),
            };
        };
        let waits = self.sent < self.sealed.len() && !self.owes;
        if waits || !session.is_established() || self.shut != Shut::No {
            return Ok(0);
        }
        shared.output.clear();
        let taken = seal(session, parts, shared.output)?;
        if self.owes {
            self.owes = false;
            self.take_output(shared.output);
            self.flush(socket)?;
            return Ok(taken);
        }
        let records = shared.output.as_bytes();
        let written = match socket.write(records) {
            Err(error) if is_transient(&error) => 0,
            other => other?,
        };
        self.sealed.extend_from_slice(&records[written..]);
        Ok(taken)
    }

    /// One write of what the socket has refused; after the last byte, the end of our side if that
    /// is wanted.
    fn flush(&mut self, socket: &mut impl Socket) -> io::Result<()> {
        self.owes = false;
        while self.sent < self.sealed.len() {
            match socket.write(&self.sealed[self.sent..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.sent += written,
                Err(error) if is_transient(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        (self.sealed, self.sent) = (Vec::new(), 0);
        if self.shut == Shut::Wanted {
            self.shut = Shut::Done;
            socket.shut_down();
        }
        Ok(())
    }

    fn shut_down(&mut self, shared: &mut Shared<'_>, socket: &mut impl Socket) -> io::Result<()> {
        if self.shut != Shut::No {
            return Ok(());
        }
        self.shut = Shut::Wanted;
        if let State::Session(session) = &mut self.state {
            shared.output.clear();
            session.close(shared.output);
            self.take_output(shared.output);
        }
        self.flush(socket)
    }

    /// The peer speaks something else. HTTP is answered in clear, so that a person sees why.
    fn refuse(&mut self, first: u8, socket: &mut impl Socket) -> io::Error {
        if first.is_ascii_uppercase() {
            self.sealed.extend_from_slice(NOT_TLS);
        }
        self.fail(TlsError::not_tls(), socket)
    }

    /// The session is over: the alert leaves, then the end of our side.
    fn fail(&mut self, error: TlsError, socket: &mut impl Socket) -> io::Error {
        self.state = State::Over;
        self.tail = Vec::new();
        (self.plain, self.taken) = (Vec::new(), 0);
        self.shut = Shut::Wanted;
        match self.flush(socket) {
            Ok(()) => error.into(),
            Err(lost) => lost,
        }
    }
}

/// Seals at most [`SEAL`] bytes of these parts; returns how many.
fn seal(
    session: &mut Session,
    parts: &[IoSlice<'_>],
    output: &mut Records,
) -> Result<usize, TlsError> {
    let total: usize = parts.iter().map(|part| part.len()).sum();
    if total <= SEAL {
        session.seal(parts, output)?;
        return Ok(total);
    }
    let mut left = SEAL;
    let mut some: [&[u8]; MAX_PARTS] = [&[]; MAX_PARTS];
    for (part, taken) in some.iter_mut().zip(parts) {
        *part = &taken[..left.min(taken.len())];
        left -= part.len();
    }
    session.seal(&some, output)?;
    Ok(SEAL - left)
}

/// Parts of a long write that are looked at.
const MAX_PARTS: usize = 64;

fn discard(socket: &mut impl Socket, into: &mut [u8]) -> io::Result<Received> {
    Ok(match socket.read(into)? {
        0 => Received::End,
        len => Received::Bytes { len, more: true },
    })
}
