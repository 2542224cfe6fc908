//! Connections that go on in another loop of the same network, as if it were another process.

use crate::net::moving::{Lent, Movable, Moved, OneListener, Order};
use crate::net::service::Service;
use crate::net::testing::network::EndId;
use crate::net::testing::sockets::SimulatedSockets;
use crate::net::testing::test_loop::TestLoop;
use std::io::{self, ErrorKind};
use std::sync::mpsc::channel;

/// Upgrades without reconnects.
impl<S: Service> TestLoop<S> {
    /// All connections that can go on in another process: nothing is read before
    /// [`TestLoop::go`] or [`TestLoop::leave`].
    ///
    /// # Panics
    ///
    /// If the loop has ended.
    pub fn lend(&mut self) -> Vec<Moved> {
        let (to, answer) = channel();
        self.handle.mailboxes()[self.number].order(Order::Rest(to));
        self.run();
        assert!(answer.try_recv().is_ok(), "it does not rest");
        let engine = self.engine.as_mut().expect("a loop that runs");
        engine.lend(0, usize::MAX).moved
    }

    /// Takes connections of another loop of the same network, which has lent them. Returns how many
    /// of them it takes.
    ///
    /// # Panics
    ///
    /// If the loop has ended.
    pub fn adopt(&mut self, moved: Vec<Moved>) -> usize {
        let engine = self.engine.as_mut().expect("a loop that runs");
        engine.begin_by_resting();
        let adopted = moved.into_iter().filter_map(|one| engine.adopt(one));
        let count = adopted.count();
        self.go();
        count
    }

    /// It goes on with what it has lent, or with what it has adopted.
    pub fn go(&self) {
        self.handle.mailboxes()[self.number].order(Order::Go);
    }

    /// Another loop has what this one has lent; the rest ends.
    pub fn leave(&self) {
        self.handle.mailboxes()[self.number].order(Order::Leave);
    }
}

impl Movable for SimulatedSockets {
    fn lend(&self, index: u32) -> io::Result<Lent> {
        Ok(Box::new(self.end(index)?))
    }

    fn adopt(&mut self, index: u32, socket: Lent) -> io::Result<()> {
        let Ok(end) = socket.downcast::<EndId>() else {
            return Err(ErrorKind::InvalidInput.into());
        };
        self.ends.insert(index, *end);
        self.state.borrow_mut().give(*end, self.number, index);
        Ok(())
    }

    fn let_go(&mut self, index: u32) {
        self.ends.remove(&index);
    }

    fn listeners(&self) -> io::Result<Vec<OneListener>> {
        Ok(Vec::new())
    }
}
