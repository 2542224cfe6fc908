//! The encrypted connections of one loop, by the numbers of its peers.
//!
//! Input: calls of the engine by number, with the socket. Output: what `connection` makes of them.
//! Invariant: what is held for all of them is known at any time. What they share is one buffer for
//! records on their way in, one for those on their way out, and the time for handshakes in a turn.

use crate::net::secure::connection::{Secure, Shared, State};
use crate::net::secure::socket::Socket;
use crate::net::sockets::Received;
use crate::tls::Acceptor;
#[cfg(feature = "client")]
use crate::tls::SecureServer;
use crate::tls::rustls::pki_types::CertificateDer;
#[cfg(feature = "client")]
use crate::tls::session::Session;
use crate::tls::session::{INPUT, Records};
use std::io::{self, IoSlice};
use std::time::Duration;

/// Time for handshakes in one turn. One takes as long as some 30 messages; when this is used up,
/// the others wait, and open connections are served in between.
const HANDSHAKES_PER_TURN: Duration = Duration::from_millis(2);

/// What the sessions of a loop share, and the sessions by the numbers of the peers.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    slots: Vec<Option<Box<Secure>>>,
    /// Records as they were read. Empty until there is a session.
    input: Vec<u8>,
    output: Records,
    /// Time left for handshakes in this turn.
    budget: Duration,
    /// What a step of a handshake takes of it, where nothing may depend on the time.
    step: Option<Duration>,
    held: usize,
    /// Handshakes that were completed.
    handshakes: u64,
}

impl Sessions {
    /// For a simulation: each step of a handshake counts as this long.
    pub(crate) fn simulated(step: Duration) -> Self {
        Self {
            step: Some(step),
            ..Self::default()
        }
    }

    /// A turn of the loop begins.
    pub(crate) fn begin_turn(&mut self) {
        self.budget = HANDSHAKES_PER_TURN;
    }

    /// This connection is accepted where TLS is spoken.
    pub(crate) fn accept(&mut self, index: u32, acceptor: &Acceptor) {
        self.insert(index, State::Accepted(acceptor.clone()));
    }

    /// The server at the other end has this name: the handshake begins.
    #[cfg(feature = "client")]
    pub(crate) fn connect(
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
            self.input = vec![0; INPUT];
        }
        self.slots[index] = Some(Box::new(Secure::new(state)));
    }

    /// Whether this connection is encrypted.
    #[inline]
    pub(crate) fn has(&self, index: u32) -> bool {
        self.slots.get(index as usize).is_some_and(Option::is_some)
    }

    /// The certificates that the other end has shown.
    pub(crate) fn peer_certificates(&self, index: u32) -> Option<&[CertificateDer<'static>]> {
        match &self.slots.get(index as usize)?.as_ref()?.state {
            State::Session(session) => session.peer_certificates(),
            State::Accepted(_) | State::Over => None,
        }
    }

    /// Bytes held for all sessions.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Handshakes that were completed.
    pub(crate) fn handshakes(&self) -> u64 {
        self.handshakes
    }

    /// Bytes held for this one.
    pub(crate) fn held_by(&self, index: u32) -> usize {
        let slot = self.slots.get(index as usize).and_then(Option::as_ref);
        slot.map_or(0, |secure| secure.charged)
    }

    /// The connection has ended.
    pub(crate) fn close(&mut self, index: u32) {
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
    /// [`io::ErrorKind::InvalidData`] with a `TlsError` if the session is over because of what has
    /// come: the peer has been told, and what it sends from now on is to be discarded.
    pub(crate) fn read(
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
    pub(crate) fn write(
        &mut self,
        index: u32,
        socket: &mut impl Socket,
        parts: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        self.with(index, |secure, shared| secure.write(shared, socket, parts))
    }

    /// The socket is writable: continues with what it had refused.
    pub(crate) fn flush(&mut self, index: u32, socket: &mut impl Socket) {
        // An error is found by the next read too.
        let _ = self.with(index, |secure, _| secure.flush(socket));
    }

    /// Nothing more will be sent: close_notify, and when that has left, the end of our side.
    pub(crate) fn shut_down(&mut self, index: u32, socket: &mut impl Socket) {
        let _ = self.with(index, |secure, shared| secure.shut_down(shared, socket));
    }

    /// Takes a step for one connection, and counts what it then holds.
    #[inline]
    fn with<R>(
        &mut self,
        index: u32,
        take: impl FnOnce(&mut Secure, &mut Shared<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        let Self {
            slots,
            input,
            output,
            budget,
            step,
            held,
            handshakes,
        } = self;
        let Some(Some(secure)) = slots.get_mut(index as usize) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let shared = &mut Shared {
            input,
            output,
            budget,
            step: *step,
            handshakes,
        };
        let result = take(secure, shared);
        let now = secure.held();
        *held = *held + now - secure.charged;
        secure.charged = now;
        result
    }
}

#[cfg(all(feature = "client", feature = "ring"))]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::secure::connection::{NOT_TLS, Shut};
    use crate::net::sockets::is_transient;
    use crate::tls::in_tests::settings;
    use crate::tls::rustls::version::{TLS12, TLS13};
    use crate::tls::session::{SEAL, SESSION_BYTES};
    use proptest::prelude::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::io::{Read, Write};
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
            if self.to_send.is_empty() {
                sessions.flush(7, socket);
            }
            let slices = self.to_send.chunks(900).take(100).map(IoSlice::new);
            let slices: Vec<_> = slices.collect();
            if !slices.is_empty() && self.error.is_none() {
                let taken = sessions.write(7, socket, &slices).expect("writes");
                self.to_send.drain(..taken);
            }
            let waits = sessions.slots[7].as_ref().unwrap().sealed.len();
            assert!(waits < SEAL + 8 * 1024, "{waits} bytes are sealed ahead");
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
            let is_over = |end: &End| end.ended && end.slot().shut == Shut::Done;
            run(&mut ends, |ends| ends.iter().all(is_over));
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
        run(&mut ends, |ends| ends[0].received.ends_with(&[7; 30]));
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
