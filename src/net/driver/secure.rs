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
        // Until the socket refuses something: nothing else would announce that there is room.
        let total: usize = parts.iter().map(|part| part.len()).sum();
        let mut taken = 0;
        while taken < total && (self.sealed.is_empty() || self.owes) {
            shared.output.clear();
            taken += seal(session, parts, taken, shared.output)?;
            let records = shared.output.as_bytes();
            if std::mem::take(&mut self.owes) {
                self.sealed.extend_from_slice(records);
                self.sent += send(socket, &self.sealed)?;
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

#[cfg(all(test, feature = "client", feature = "ring"))]
mod tests {
    use super::*;
    use crate::tls::rustls::version::{TLS12, TLS13};
    use crate::tls::testing::settings;
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    /// One direction of a connection.
    #[derive(Debug, Default)]
    struct Wire {
        bytes: VecDeque<u8>,
        ended: bool,
    }

    /// A socket that takes and gives as much as `sizes` say, in turn; 0 means "not now".
    #[derive(Debug)]
    struct Cut {
        input: Rc<RefCell<Wire>>,
        output: Rc<RefCell<Wire>>,
        sizes: Vec<usize>,
        at: usize,
    }

    impl Cut {
        fn pair(sizes: &[usize]) -> [Self; 2] {
            let (one, other) = (Rc::default(), Rc::default());
            let cut = |input: &Rc<_>, output: &Rc<_>| Self {
                input: Rc::clone(input),
                output: Rc::clone(output),
                sizes: sizes.to_vec(),
                at: 0,
            };
            [cut(&one, &other), cut(&other, &one)]
        }

        fn next(&mut self) -> io::Result<usize> {
            let size = self.sizes[self.at % self.sizes.len()];
            self.at += 1;
            match size {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                size => Ok(size),
            }
        }
    }

    impl Read for Cut {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let size = self.next()?;
            let mut input = self.input.borrow_mut();
            match input.bytes.is_empty() {
                true if input.ended => Ok(0),
                true => Err(io::ErrorKind::WouldBlock.into()),
                false => {
                    let size = size.min(into.len());
                    input.bytes.read(&mut into[..size])
                }
            }
        }
    }

    impl Write for Cut {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(!self.output.borrow().ended, "written after its end");
            let size = self.next()?.min(bytes.len());
            self.output.borrow_mut().bytes.extend(&bytes[..size]);
            Ok(size)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Socket for Cut {
        fn shut_down(&mut self) {
            self.output.borrow_mut().ended = true;
        }
    }

    /// One end, as the engine uses it.
    struct End {
        sessions: Sessions,
        socket: Cut,
        room: usize,
        to_send: Vec<u8>,
        received: Vec<u8>,
        ended: bool,
        error: Option<io::Error>,
    }

    impl End {
        fn new(sessions: Sessions, socket: Cut, room: usize) -> Self {
            Self {
                sessions,
                socket,
                room,
                to_send: Vec::new(),
                received: Vec::new(),
                ended: false,
                error: None,
            }
        }

        /// A turn: a write, a read, and what was refused before.
        fn turn(&mut self) {
            let Self {
                sessions, socket, ..
            } = self;
            sessions.begin_turn();
            sessions.flush(7, socket);
            let slices = self.to_send.chunks(900).take(100).map(IoSlice::new);
            let slices: Vec<_> = slices.collect();
            if !slices.is_empty() && self.error.is_none() {
                let taken = sessions.write(7, socket, &slices).expect("writes");
                self.to_send.drain(..taken);
            }
            let mut into = vec![0; self.room];
            match sessions.read(7, socket, &mut into, false) {
                Ok(Received::Bytes { len, .. }) => self.received.extend(&into[..len]),
                Ok(Received::Progress { .. }) => {}
                Ok(Received::End) => self.ended = true,
                Err(error) if is_transient(&error) => {}
                Err(error) => self.error = Some(error),
            }
        }

        fn slot(&self) -> &Secure {
            self.sessions.slots[7].as_ref().unwrap()
        }
    }

    /// A server and a client, before the first byte.
    fn pair(sizes: &[usize], room: usize, new: bool) -> [End; 2] {
        let (acceptor, server) = settings(if new { &TLS13 } else { &TLS12 });
        let [mut at_client, at_server] = Cut::pair(sizes);
        let (mut ours, mut theirs) = (Sessions::default(), Sessions::default());
        ours.accept(7, &acceptor);
        theirs.connect(7, &server, &mut at_client).unwrap();
        [
            End::new(ours, at_server, room),
            End::new(theirs, at_client, room),
        ]
    }

    fn run(ends: &mut [End; 2], until: impl Fn(&[End; 2]) -> bool) {
        for _ in 0..200_000 {
            if until(ends) {
                return;
            }
            ends.iter_mut().for_each(End::turn);
        }
        panic!("it never comes to an end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// However the socket cuts, and however little room there is for plaintext, everything
        /// arrives in order, then the end; and afterwards no buffer is left.
        #[test]
        fn everything_arrives(
            sizes in prop::collection::vec(0_usize..9000, 1..6),
            room in 1_usize..40_000,
            lens in [0_usize..150_000, 0_usize..150_000],
            new in any::<bool>(),
        ) {
            let mut sizes = sizes;
            sizes.push(500);
            let mut ends = pair(&sizes, room.max(lens[0].max(lens[1]) / 500), new);
            let sent = lens.map(|len| (0..len).map(|i| (i % 253) as u8).collect::<Vec<_>>());
            ends[0].to_send.clone_from(&sent[0]);
            ends[1].to_send.clone_from(&sent[1]);
            run(&mut ends, |[server, client]| {
                server.received.len() == sent[1].len() && client.received.len() == sent[0].len()
            });
            run(&mut ends, |ends| ends.iter().all(|end| {
                let secure = end.slot();
                secure.sealed.is_empty() || secure.owes
            }));
            prop_assert_eq!(&ends[0].received, &sent[1]);
            prop_assert_eq!(&ends[1].received, &sent[0]);
            for end in &mut ends {
                end.sessions.shut_down(7, &mut end.socket);
            }
            run(&mut ends, |ends| ends.iter().all(|end| end.ended && end.slot().shut == Shut::Done));
            for end in &mut ends {
                prop_assert!(end.error.is_none());
                prop_assert_eq!(end.slot().held(), SESSION_BYTES);
                prop_assert_eq!(end.sessions.held(), SESSION_BYTES);
                end.sessions.close(7);
                prop_assert_eq!(end.sessions.held(), 0);
            }
        }
    }

    #[test]
    fn requests_in_clear_are_answered_in_clear() {
        let mut ends = pair(&[10_000], 100, true);
        ends[1].socket.output.borrow_mut().bytes.clear();
        ends[1].socket.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        ends[0].turn();
        let error = ends[0].error.take().expect("not TLS");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let answer = Vec::from(std::mem::take(
            &mut ends[0].socket.output.borrow_mut().bytes,
        ));
        assert_eq!(answer, NOT_TLS);
        assert!(ends[0].socket.output.borrow().ended);
        let body = NOT_TLS.split(|byte| *byte == b'\n').next_back();
        assert_eq!(body, Some(&b""[..]));
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("Content-Length: {}", body.len())),
            "{head}"
        );
    }

    /// What a peer sends after an error is read and thrown away, so that no reset overtakes the
    /// alert.
    #[test]
    fn after_an_error_input_is_discarded() {
        let mut ends = pair(&[10_000], 100, true);
        run(&mut ends, |ends| {
            ends[0].sessions.budget < HANDSHAKES_PER_TURN
        });
        ends[1]
            .socket
            .write_all(&[23, 3, 3, 0, 3, 1, 2, 3])
            .unwrap();
        run(&mut ends, |ends| {
            ends[0].error.is_some() && ends[1].error.is_some()
        });
        ends[0].error = None;
        assert!(ends[0].socket.output.borrow().ended);
        ends[1].socket.output.borrow_mut().ended = false;
        ends[1].socket.write_all(&[7; 30]).unwrap();
        ends[0].received.clear();
        ends[0].turn();
        assert_eq!(ends[0].received, [7; 30]);
    }

    /// With no time left for handshakes, a connection that is not open yet is not read at all, and
    /// asks for another turn.
    #[test]
    fn handshakes_wait_when_their_time_is_up() {
        let mut ends = pair(&[10_000], 100, true);
        let [
            End {
                sessions, socket, ..
            },
            _,
        ] = &mut ends;
        sessions.budget = Duration::ZERO;
        let waiting = socket.input.borrow().bytes.len();
        let received = sessions.read(7, socket, &mut [0; 100], false).unwrap();
        assert_eq!(received, Received::Progress { more: true });
        assert_eq!(socket.input.borrow().bytes.len(), waiting);
        run(&mut ends, |[server, _]| match &server.slot().state {
            State::Session(session) => session.is_established(),
            _ => false,
        });
        let End {
            sessions, socket, ..
        } = &mut ends[0];
        sessions.budget = Duration::ZERO;
        let idle = sessions.read(7, socket, &mut [0; 100], false);
        assert!(idle.is_err_and(|error| is_transient(&error)), "it is read");
    }

    #[test]
    fn the_record_of_a_session_is_small() {
        assert!(size_of::<Secure>() <= 152, "{}", size_of::<Secure>());
    }
}
