//! One handshake at a time for each server: RFC 6455 section 4.1, item 2, with erratum 3473, which
//! makes "server" an address and a port.
//!
//! A page that opens thousands of connections to one server would be a weapon; so a client waits
//! until its last attempt has succeeded or failed. Behind a proxy, which looks names up itself,
//! each name counts as a server of its own, and there are at most [`MOST_BY_NAME`] at a time.
//!
//! Input: the server to connect to. Output: a [`ConnectPermit`], after a wait or not at all.
//! Invariant: for each server this process has at most as many as the caller allows. The time limit
//! of an attempt is left to the caller: it begins with the permit.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError};

/// The server that is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Remote {
    /// A server whose address is known.
    Address(SocketAddr),
    /// Host and port, as given to a proxy.
    Name(String),
}

/// Attempts through proxies at the same time: a low number, as the section asks.
const MOST_BY_NAME: usize = 16;

/// The right to connect to one server; given back when dropped.
#[derive(Debug)]
pub(crate) struct ConnectPermit(Remote);

/// Handshakes in progress, by server.
type Connecting = HashMap<Remote, u32>;

static CONNECTING: LazyLock<Mutex<Connecting>> = LazyLock::new(Mutex::default);
static ENDED: Condvar = Condvar::new();

fn connecting() -> MutexGuard<'static, Connecting> {
    CONNECTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether one more handshake with this server may begin, with at most `most` at a time.
fn is_free(connecting: &Connecting, remote: &Remote, most: u32) -> bool {
    let by_name = |one: &&Remote| matches!(one, Remote::Name(_));
    let room = match remote {
        Remote::Address(_) => true,
        Remote::Name(_) => connecting.keys().filter(by_name).count() < MOST_BY_NAME,
    };
    let own = connecting.get(remote).copied().unwrap_or_default();
    (room || own > 0) && own < most.max(1)
}

impl ConnectPermit {
    /// Waits for a permit. Each holder gives its own back within the time of its handshake.
    // req: 6455-4.1-05 6455-4.1-06 6455-4.1-07 6455-4.1-08
    pub(crate) fn wait(remote: Remote, most: u32) -> Self {
        let mut connecting = connecting();
        while !is_free(&connecting, &remote, most) {
            let woken = ENDED.wait(connecting);
            connecting = woken.unwrap_or_else(PoisonError::into_inner);
        }
        *connecting.entry(remote.clone()).or_default() += 1;
        Self(remote)
    }

    /// Takes a permit if one is free.
    #[cfg_attr(not(feature = "net"), expect(dead_code))]
    pub(crate) fn take(remote: Remote, most: u32) -> Option<Self> {
        let mut connecting = connecting();
        if !is_free(&connecting, &remote, most) {
            return None;
        }
        *connecting.entry(remote.clone()).or_default() += 1;
        Some(Self(remote))
    }
}

impl Drop for ConnectPermit {
    fn drop(&mut self) {
        let mut connecting = connecting();
        if let Some(count) = connecting.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                connecting.remove(&self.0);
            }
        }
        drop(connecting);
        ENDED.notify_all();
    }
}
