//! One encrypted connection (RFC 6455 section 10.6).
//!
//! ```text
//!   socket ──records──▶ input ──Session::open──▶ receive buffer of the loop
//!                         └─ not whole yet ────▶ tail      (put in front of the next read)
//!   socket ◀─records── output ◀──Session::seal── what the engine writes
//!                         └─ refused by the socket ─▶ sealed (leaves before anything else)
//! ```
//!
//! Input: a socket, and what the engine wants of it. Output: plaintext, and as few calls of the
//! socket as possible: one for each read. Invariants: records leave in the order in which they were
//! sealed; while some wait, nothing more is sealed; a session that waits for nothing owns no
//! buffer. Cryptography is left to `tls`.

use crate::net::secure::socket::Socket;
use crate::net::sockets::{Received, is_transient};
use crate::tls::plaintext::Plaintext;
use crate::tls::session::{Opened, Records, SEAL, SESSION_BYTES, Session, end_of_read};
use crate::tls::{Acceptor, TlsError};
use std::io::{self, IoSlice, Write};
use std::time::{Duration, Instant};

/// The first byte of a TLS connection: the type of a record with a handshake message (RFC 8446
/// section 5.1).
const HANDSHAKE: u8 = 22;

/// The answer to an unencrypted request.
pub(super) const NOT_TLS: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Length: 58\r\nConnection: close\r\n\r\n\
    This port speaks TLS: use an https:// or wss:// address.\r\n";

/// One connection.
#[derive(Debug)]
pub(super) struct Secure {
    pub(super) state: State,
    /// The beginning of a record, or the records of a handshake message, that is not whole.
    tail: Vec<u8>,
    /// Plaintext for which there was no room.
    plain: Plaintext,
    /// Records that the socket has refused, from `sent` on.
    pub(super) sealed: Vec<u8>,
    sent: usize,
    /// Replies of the session may wait for the next write, as plaintext came with them.
    pub(super) owes: bool,
    pub(super) shut: Shut,
    /// What the account of the loop counts.
    pub(super) charged: usize,
}

#[derive(Debug)]
pub(super) enum State {
    /// Accepted; no byte has come.
    Accepted(Acceptor),
    Session(Session),
    /// Not TLS, or an error: what is left to send leaves, and input is ignored.
    Over,
}

/// How far the end of our side has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shut {
    No,
    /// When everything has left, our side of the socket is shut down.
    Wanted,
    Done,
}

/// What a step may use besides the connection.
pub(super) struct Shared<'l> {
    pub(super) input: &'l mut [u8],
    pub(super) output: &'l mut Records,
    /// Time left for handshakes in this turn.
    pub(super) budget: &'l mut Duration,
    /// What a step of a handshake takes of it; measured if this is `None`.
    pub(super) step: Option<Duration>,
    /// Handshakes that were completed.
    pub(super) handshakes: &'l mut u64,
}

impl Secure {
    pub(super) fn new(state: State) -> Self {
        Self {
            state,
            tail: Vec::new(),
            plain: Plaintext::default(),
            sealed: Vec::new(),
            sent: 0,
            owes: false,
            shut: Shut::No,
            charged: 0,
        }
    }

    /// Bytes of memory.
    pub(super) fn held(&self) -> usize {
        let session = match self.state {
            State::Session(_) => SESSION_BYTES,
            State::Accepted(_) | State::Over => 0,
        };
        session + self.tail.capacity() + self.plain.held() + self.sealed.capacity()
    }

    pub(super) fn read(
        &mut self,
        shared: &mut Shared<'_>,
        socket: &mut impl Socket,
        into: &mut [u8],
        until_would_block: bool,
    ) -> io::Result<Received> {
        if !self.plain.is_empty() {
            let len = self.plain.give(into);
            // Records may have come after it, with no event that announces them.
            return Ok(Received::Bytes { len, more: true });
        }
        let shakes = match &self.state {
            State::Over => return discard(socket, into),
            // Only the end of the stream matters: RFC 6455 section 7.1.1.
            State::Session(_) if self.shut != Shut::No => return discard(socket, into),
            State::Session(session) => !session.is_established(),
            State::Accepted(_) => true,
        };
        if shakes && shared.budget.is_zero() {
            return Ok(Received::Progress { more: true });
        }
        let began = shakes.then(Instant::now);
        let tail = self.tail.len();
        shared.input[..tail].copy_from_slice(&self.tail);
        let room = end_of_read(tail, into.len()) - tail;
        let len = match socket.read(&mut shared.input[tail..tail + room]) {
            Ok(0) if self.dials() => return Err(TlsError::incomplete(None).into()),
            Err(error) if self.dials() && !is_transient(&error) => {
                return Err(TlsError::incomplete(Some(&error)).into());
            }
            Ok(0) => return Ok(Received::End),
            other => other?,
        };
        let more = len == room || until_would_block;
        let received = self.received(shared, socket, tail + len, into, more);
        if let Some(began) = began {
            let took = shared.step.unwrap_or_else(|| began.elapsed());
            *shared.budget = shared.budget.saturating_sub(took);
        }
        received
    }

    /// The client of a handshake that is not complete.
    fn dials(&self) -> bool {
        match &self.state {
            State::Session(session) => session.is_client() && !session.is_established(),
            State::Accepted(_) | State::Over => false,
        }
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
        shared.output.clear();
        let records = &mut shared.input[..end];
        let was_open = session.is_established();
        let (at, opened) = self.plain.open(session, records, into, shared.output);
        *shared.handshakes += u64::from(!was_open && session.is_established());
        let Opened {
            used,
            closed,
            error,
        } = opened;
        self.tail.clear();
        self.tail.extend_from_slice(&shared.input[used..end]);
        if self.tail.is_empty() {
            self.tail = Vec::new();
        }
        // What the socket has refused waits for the socket, and not for an answer.
        let refused = !self.sealed.is_empty() && !self.owes;
        self.take_output(shared.output);
        if let Some(error) = error {
            return Err(self.fail(error, socket));
        }
        self.owes = at > 0 && !refused; // They leave with the answer.
        if !self.owes {
            self.flush(socket)?;
        }
        Ok(match (at, closed) {
            (0, true) => Received::End,
            (0, false) => Received::Progress { more },
            // After close_notify the next read finds the end of the stream, or reports it again.
            (len, closed) => Received::Bytes {
                len,
                more: more || closed || !self.plain.is_empty(),
            },
        })
    }

    /// What the session has to say waits until it can leave.
    pub(super) fn take_output(&mut self, output: &mut Records) {
        self.sealed.extend_from_slice(output.as_bytes());
        output.clear();
    }

    pub(super) fn write(
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
        // Until the socket refuses something: nothing else would announce that there is room.
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut taken = 0;
        while taken < total && (self.sealed.is_empty() || self.owes) {
            shared.output.clear();
            taken += seal(session, parts, taken, shared.output)?;
            let records = shared.output.as_bytes();
            if std::mem::take(&mut self.owes) {
                self.sealed.extend_from_slice(records);
                self.sent += send(socket, &self.sealed[self.sent..])?;
            } else {
                let written = send(socket, records)?;
                self.sealed.extend_from_slice(&records[written..]);
            }
            if self.sent == self.sealed.len() {
                (self.sealed, self.sent) = (Vec::new(), 0);
            }
        }
        Ok(taken)
    }

    /// One write of what the socket has refused; after the last byte, the end of our side if that
    /// is wanted.
    pub(super) fn flush(&mut self, socket: &mut impl Socket) -> io::Result<()> {
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

    pub(super) fn shut_down(
        &mut self,
        shared: &mut Shared<'_>,
        socket: &mut impl Socket,
    ) -> io::Result<()> {
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

    /// The peer speaks something else. HTTP is answered unencrypted, so that a person sees why.
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
        self.plain = Plaintext::default();
        self.shut = Shut::Wanted;
        match self.flush(socket) {
            Ok(()) => error.into(),
            Err(lost) => lost,
        }
    }
}

/// Seals at most [`SEAL`] bytes of these parts, from `skip` on; returns how many.
fn seal(
    session: &mut Session,
    parts: &[IoSlice<'_>],
    mut skip: usize,
    output: &mut Records,
) -> Result<usize, TlsError> {
    let (mut left, mut count) = (SEAL, 0);
    let mut some: [&[u8]; MAX_PARTS] = [&[]; MAX_PARTS];
    for part in parts {
        let bytes = &part[skip.min(part.len())..];
        skip -= part.len() - bytes.len();
        if bytes.is_empty() {
            continue;
        }
        if left == 0 || count == MAX_PARTS {
            break;
        }
        some[count] = &bytes[..left.min(bytes.len())];
        left -= some[count].len();
        count += 1;
    }
    session.seal(&some[..count], output)?;
    Ok(SEAL - left)
}

/// Parts that are sealed at a time.
const MAX_PARTS: usize = 64;

/// One write; "not now" is zero bytes.
fn send(socket: &mut impl Write, bytes: &[u8]) -> io::Result<usize> {
    match socket.write(bytes) {
        Err(error) if is_transient(&error) => Ok(0),
        other => other,
    }
}

fn discard(socket: &mut impl Socket, into: &mut [u8]) -> io::Result<Received> {
    Ok(match socket.read(into)? {
        0 => Received::End,
        len => Received::Bytes { len, more: true },
    })
}
