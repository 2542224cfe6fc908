//! One handshake at a time for each server: RFC 6455 section 4.1, item 2, with erratum 3473, which
//! makes "server" an address and a port.
//!
//! A page that opens thousands of connections to one server would be a weapon; so a client waits
//! until its last attempt has succeeded or failed. Behind a proxy, which looks names up itself,
//! each name counts as a server of its own, and there are at most [`MOST_BY_NAME`] at a time.
//!
//! Invariant: a [`Turn`] is the only one for its server in this process.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Who is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Remote {
    /// A server whose address is known.
    Address(SocketAddr),
    /// Host and port, as a proxy is told them.
    Name(String),
}

/// Attempts through proxies at the same time: a low number, as the section asks.
const MOST_BY_NAME: usize = 16;

/// The right to connect to one server; gone when dropped.
#[derive(Debug)]
pub(crate) struct Turn(Remote);

static CONNECTING: LazyLock<Mutex<HashSet<Remote>>> = LazyLock::new(Mutex::default);
static ENDED: Condvar = Condvar::new();

fn connecting() -> MutexGuard<'static, HashSet<Remote>> {
    CONNECTING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_free(connecting: &HashSet<Remote>, remote: &Remote) -> bool {
    let by_name = |one: &&Remote| matches!(one, Remote::Name(_));
    let room = match remote {
        Remote::Address(_) => true,
        Remote::Name(_) => connecting.iter().filter(by_name).count() < MOST_BY_NAME,
    };
    room && !connecting.contains(remote)
}

impl Turn {
    /// Waits for it until `deadline`; `None` if that comes first.
    // req: 6455-4.1-05 6455-4.1-06 6455-4.1-07 6455-4.1-08
    pub(crate) fn wait(remote: Remote, deadline: Instant) -> Option<Self> {
        let mut connecting = connecting();
        while !is_free(&connecting, &remote) {
            let left = deadline.checked_duration_since(Instant::now())?;
            let woken = ENDED.wait_timeout(connecting, left);
            connecting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        connecting.insert(remote.clone());
        Some(Self(remote))
    }

    /// Takes it if nobody has it.
    #[cfg_attr(not(feature = "net"), expect(dead_code))]
    pub(crate) fn take(remote: Remote) -> Option<Self> {
        let mut connecting = connecting();
        if !is_free(&connecting, &remote) {
            return None;
        }
        connecting.insert(remote.clone());
        Some(Self(remote))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        connecting().remove(&self.0);
        ENDED.notify_all();
    }
}
