//! Sockets of a loop that go on in another process, and those that come from one.
//!
//! Input: calls of the engine by number. Output: other handles of the sockets, which stay as they
//! are. Invariant: a socket that goes on elsewhere is neither shut down nor watched here.

use crate::net::driver::listeners::{Listener, ListenerKind};
use crate::net::driver::sockets::{SystemSockets, at};
use crate::net::moving::{Lent, Movable, OneListener};
use crate::net::sockets::{ListenerCounts, Sockets as _};
use mio::net::TcpStream;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;

impl Listener {
    /// Another handle of it.
    fn lend(&self, name: &str) -> io::Result<OneListener> {
        let socket = match &self.kind {
            ListenerKind::Tcp(listener) => listener.as_fd(),
            #[cfg(unix)]
            ListenerKind::Unix(listener) => listener.as_fd(),
        };
        Ok(OneListener {
            name: name.to_owned(),
            path: self.path.as_ref().map(|bound| bound.path.clone()),
            socket: socket.try_clone_to_owned()?,
        })
    }

    /// Whether the file of its path is this process's, to be removed in the end.
    fn own_path(&self, own: bool) {
        if let Some(bound) = &self.path {
            bound.is_ours.store(own, Relaxed);
        }
    }
}

impl Movable for SystemSockets {
    fn lend(&self, index: u32) -> io::Result<Lent> {
        let socket = self.sockets.get(index as usize).and_then(Option::as_ref);
        let socket = socket.ok_or(io::ErrorKind::NotConnected)?;
        Ok(Box::new(socket.as_fd().try_clone_to_owned()?))
    }

    fn adopt(&mut self, index: u32, socket: Lent) -> io::Result<()> {
        let Ok(socket) = socket.downcast::<OwnedFd>() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        self.insert(index, TcpStream::from_std((*socket).into()))
    }

    /// The event queue forgets a socket only with its last handle, and the other process has one.
    fn let_go(&mut self, index: u32) {
        if let Ok(socket) = at(&mut self.sockets, index) {
            let _ = self.registry.deregister(socket);
        }
        self.close(index);
    }

    fn listeners(&self) -> io::Result<Vec<OneListener>> {
        let all = self.listeners.iter().zip(&self.counts);
        let one = |(listener, counts): (&Listener, &ListenerCounts)| listener.lend(&counts.name);
        all.map(one).collect()
    }

    fn own_paths(&mut self, own: bool) {
        self.listeners.iter().for_each(|one| one.own_path(own));
    }
}
