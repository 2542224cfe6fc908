//! The sockets of one simulated loop.
//!
//! Input: what the peers of a test write and read. Output: what the engine may read, and how much
//! it may write, as the test has bounded it.

#[cfg(feature = "take-over")]
use crate::net::moving::Movable;
use crate::net::sockets::{Accepted, Received, Sockets};
use crate::net::testing::network::{EndId, State};
use crate::proto::Role;
use crate::tap::Tap;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Ends of simulated connections, by the numbers of a loop's peers.
#[derive(Debug)]
pub(super) struct SimulatedSockets {
    pub(super) state: Rc<RefCell<State>>,
    /// The number of the loop.
    pub(super) number: usize,
    pub(super) ends: HashMap<u32, EndId>,
    /// Connections that are never accepted.
    refused: Vec<u32>,
}

impl SimulatedSockets {
    pub(super) fn new(state: &Rc<RefCell<State>>, number: usize) -> Self {
        Self {
            state: Rc::clone(state),
            number,
            ends: HashMap::new(),
            refused: Vec::new(),
        }
    }

    pub(super) fn end(&self, index: u32) -> io::Result<EndId> {
        let end = self.ends.get(&index).copied();
        end.ok_or_else(|| ErrorKind::NotConnected.into())
    }
}

impl Sockets for SimulatedSockets {
    fn accept(&mut self, _: usize, index: u32) -> io::Result<Accepted> {
        let mut state = self.state.borrow_mut();
        let end = state.accept(self.number)?;
        self.ends.insert(index, end);
        state.give(end, self.number, index);
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
        self.state.borrow_mut().read(end, into)
    }

    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let end = self.end(index)?;
        self.state.borrow_mut().write(end, parts)
    }

    fn shutdown_write(&mut self, index: u32) {
        if let Ok(end) = self.end(index) {
            self.state.borrow_mut().end(end);
        }
    }

    fn close(&mut self, index: u32) {
        self.refused.retain(|refused| *refused != index);
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

    #[cfg(feature = "client")]
    fn connected(&mut self, index: u32) -> io::Result<Option<()>> {
        match self.refused.contains(&index) {
            true => Err(ErrorKind::ConnectionRefused.into()),
            false => Ok(Some(())),
        }
    }
}
