//! The sockets of one simulated loop.
//!
//! Input: what the peers of a test write and read. Output: what the engine may read, and how much
//! it may write, as the test has bounded it.

#[cfg(feature = "take-over")]
use crate::net::moving::Movable;
use crate::net::secure::{Sessions, Socket};
use crate::net::sockets::{Accepted, Received, SocketCounts, Sockets};
use crate::net::testing::network::{EndId, State};
use crate::proto::Role;
use crate::tap::Tap;
#[cfg(all(feature = "client", feature = "tls"))]
use crate::tls::SecureServer;
#[cfg(feature = "tls")]
use crate::tls::rustls::pki_types::CertificateDer;
use std::cell::{RefCell, RefMut};
use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Of each, four fit into a turn.
const HANDSHAKE_STEP: Duration = Duration::from_micros(500);

/// Ends of simulated connections, by the numbers of a loop's peers.
#[derive(Debug)]
pub(super) struct SimulatedSockets {
    pub(super) state: Rc<RefCell<State>>,
    /// The number of the loop.
    pub(super) number: usize,
    pub(super) ends: HashMap<u32, EndId>,
    /// Connections that are never accepted.
    refused: Vec<u32>,
    sessions: Sessions,
}

/// One end, as a session uses it.
struct End<'s>(RefMut<'s, State>, EndId);

impl Read for End<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(self.1, into)? {
            Received::Bytes { len, .. } => Ok(len),
            _ => Ok(0),
        }
    }
}

impl Write for End<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(self.1, &[IoSlice::new(bytes)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Socket for End<'_> {
    fn shut_down(&mut self) {
        self.0.end(self.1);
    }
}

impl SimulatedSockets {
    pub(super) fn new(state: &Rc<RefCell<State>>, number: usize) -> Self {
        Self {
            state: Rc::clone(state),
            number,
            ends: HashMap::new(),
            refused: Vec::new(),
            sessions: Sessions::simulated(HANDSHAKE_STEP),
        }
    }

    pub(super) fn end(&self, index: u32) -> io::Result<EndId> {
        let end = self.ends.get(&index).copied();
        end.ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

impl Sockets for SimulatedSockets {
    fn begin_turn(&mut self) {
        self.sessions.begin_turn();
    }

    fn accept(&mut self, _: usize, index: u32) -> io::Result<Accepted> {
        let mut state = self.state.borrow_mut();
        let end = state.accept(self.number)?;
        self.ends.insert(index, end);
        state.give(end, self.number, index);
        if let Some(acceptor) = &state.acceptor {
            self.sessions.accept(index, acceptor);
        }
        Ok(Accepted {
            remote: state.address(end),
            ..Accepted::default()
        })
    }

    fn stop_listening(&mut self) {
        self.state.borrow_mut().stop_listening(self.number);
    }

    fn read(&mut self, index: u32, into: &mut [u8]) -> io::Result<Received> {
        let end = self.end(index)?;
        let mut state = self.state.borrow_mut();
        match self.sessions.has(index) {
            false => state.read(end, into),
            // A short read does not mean that nothing is left.
            true => self.sessions.read(index, &mut End(state, end), into, true),
        }
    }

    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let end = self.end(index)?;
        let mut state = self.state.borrow_mut();
        match self.sessions.has(index) {
            false => state.write(end, parts),
            true => self.sessions.write(index, &mut End(state, end), parts),
        }
    }

    fn flush(&mut self, index: u32) {
        if let Ok(end) = self.end(index) {
            let state = self.state.borrow_mut();
            self.sessions.flush(index, &mut End(state, end));
        }
    }

    fn counts(&self) -> SocketCounts {
        SocketCounts {
            handshakes: self.sessions.handshakes(),
            ..SocketCounts::default()
        }
    }

    fn is_secure(&self, index: u32) -> bool {
        self.sessions.has(index)
    }

    fn held(&self) -> usize {
        self.sessions.held()
    }

    fn held_by(&self, index: u32) -> usize {
        self.sessions.held_by(index)
    }

    #[cfg(feature = "tls")]
    fn peer_certificates(&self, index: u32) -> Option<&[CertificateDer<'static>]> {
        self.sessions.peer_certificates(index)
    }

    fn shutdown_write(&mut self, index: u32) {
        let Ok(end) = self.end(index) else {
            return;
        };
        let mut state = self.state.borrow_mut();
        match self.sessions.has(index) {
            false => state.end(end),
            true => self.sessions.shut_down(index, &mut End(state, end)),
        }
    }

    fn close(&mut self, index: u32) {
        self.refused.retain(|refused| *refused != index);
        if self.sessions.has(index) {
            self.shutdown_write(index); // If that has not been said.
            self.sessions.close(index);
        }
        if let Some(end) = self.ends.remove(&index) {
            self.state.borrow_mut().close(end);
        }
    }

    #[cfg(feature = "take-over")]
    fn movable(&mut self) -> &mut dyn Movable {
        self
    }

    fn remote(&self, index: u32) -> Option<SocketAddr> {
        self.state.borrow().address(self.end(index).ok()?)
    }

    fn show(&mut self, _: u32, _: Role, _: &Arc<dyn Tap>) {}

    #[cfg(feature = "client")]
    fn connect(&mut self, index: u32, address: SocketAddr) -> io::Result<()> {
        let mut state = self.state.borrow_mut();
        match state.connect(address) {
            Ok(end) => {
                self.ends.insert(index, end);
                state.give(end, self.number, index);
            }
            Err(_) => {
                self.refused.push(index);
                state.refuse(self.number, index);
            }
        }
        Ok(())
    }

    #[cfg(feature = "client")]
    fn run(&mut self, job: Box<dyn FnOnce() + Send>) {
        job();
    }

    #[cfg(all(feature = "client", feature = "tls"))]
    fn secure(&mut self, index: u32, server: &SecureServer) -> io::Result<()> {
        let end = self.end(index)?;
        let state = self.state.borrow_mut();
        self.sessions.connect(index, server, &mut End(state, end))
    }

    #[cfg(feature = "client")]
    fn connected(&mut self, index: u32) -> io::Result<Option<()>> {
        match self.refused.contains(&index) {
            true => Err(ErrorKind::ConnectionRefused.into()),
            false => Ok(Some(())),
        }
    }
}
