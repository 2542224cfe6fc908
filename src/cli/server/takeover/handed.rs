//! What another process listens on, which hands it over.
//!
//! Input: listeners, and what is wanted. Output: those that are, to listen on.

use std::net::SocketAddr;
use wirebell::net::{Listen, MovedListener};

/// The listeners that are left.
#[derive(Default)]
pub struct Handed(Vec<MovedListener>);

/// One that was taken.
pub struct HandedListener {
    listener: MovedListener,
    address: Option<SocketAddr>,
}

impl Handed {
    pub(super) fn new(listeners: Vec<MovedListener>) -> Self {
        Self(listeners)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As `--listen` names them.
    pub fn names(&self) -> Vec<String> {
        self.0.iter().map(|one| one.name.clone()).collect()
    }

    /// Takes the first one that is wanted, by its name and address.
    pub fn take(
        &mut self,
        wants: impl Fn(&str, Option<SocketAddr>) -> bool,
    ) -> Option<HandedListener> {
        let address = |one: &MovedListener| one.name.parse().ok();
        let mut all = self.0.iter();
        let at = all.position(|one| wants(&one.name, address(one)))?;
        let listener = self.0.remove(at);
        Some(HandedListener {
            address: address(&listener),
            listener,
        })
    }
}

impl HandedListener {
    /// None, of a unix socket.
    pub fn address(&self) -> &Option<SocketAddr> {
        &self.address
    }

    /// Also returns its name, if it is not an address.
    pub fn open(self) -> (Listen, Option<String>) {
        let name = self.address.is_none().then(|| self.listener.name.clone());
        (Listen::moved(self.listener), name)
    }
}
