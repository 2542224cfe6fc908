//! What passes from one process to another that takes over from it: connections and listeners.
//!
//! ```text
//!   old: rest ──▶ lend ──▶ …            leave ──▶ drains what could not be lent
//!   new:            adopt ──▶ …           go
//!                          one answer decides
//! ```
//!
//! Input: orders of the thread that talks to the other process. Output: sockets with what is known
//! of them. Invariants: a loop that lends only copies, so until it leaves it can go on as if
//! nothing had happened; one that has adopted reads and writes nothing before it is told to go.
//! How the sockets travel is left to the program.

use std::any::Any;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

/// A socket that is lent; those of a simulation are no descriptors.
pub(crate) type Lent = Box<dyn Any + Send>;

/// A connection on its way to another process.
pub struct Moved {
    pub(crate) socket: Lent,
    pub(crate) record: Vec<u8>,
}

impl Moved {
    /// What has arrived from another process.
    pub fn new(socket: OwnedFd, record: Vec<u8>) -> Self {
        Self {
            socket: Box::new(socket),
            record,
        }
    }

    /// What the other process needs. `None` if the connection is simulated.
    pub fn into_parts(self) -> Option<(OwnedFd, Vec<u8>)> {
        let socket = self.socket.downcast::<OwnedFd>().ok()?;
        Some((*socket, self.record))
    }
}

impl fmt::Debug for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = f.debug_struct("Moved");
        all.field("bytes", &self.record.len())
            .finish_non_exhaustive()
    }
}

/// Listening sockets on their way to another process: what one
/// [`Listen`](crate::net::Listen) has become.
#[derive(Debug)]
pub struct MovedListener {
    /// The address, or `unix:` and the path.
    pub name: String,
    /// The path, if it is to be removed in the end.
    pub path: Option<PathBuf>,
    /// One for each worker; they may be one socket or several.
    pub sockets: Vec<OwnedFd>,
}

/// Sockets that can go on in another process, by the numbers of their peers.
pub(crate) trait Movable {
    /// Another handle of this socket, for another process.
    fn lend(&self, index: u32) -> io::Result<Lent>;

    /// Takes a socket of another process, under the number `index`.
    fn adopt(&mut self, index: u32, socket: Lent) -> io::Result<()>;

    /// The connection goes on in another process.
    fn let_go(&mut self, index: u32);

    /// Other handles of the listening sockets.
    fn listeners(&self) -> io::Result<Vec<OneListener>>;

    /// Whether the paths of listening sockets are removed in the end, or belong to another process.
    fn own_paths(&mut self, _own: bool) {}
}

/// Connections of one loop, and where to go on.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) moved: Vec<Moved>,
    pub(crate) next: Option<u32>,
}

/// One listening socket of a loop.
#[derive(Debug)]
pub(crate) struct OneListener {
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    pub(crate) socket: OwnedFd,
}

/// What a loop is to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Reads and accepts nothing more. The answer: how many connections cannot be lent yet, and
    /// whether mail waits.
    Rest(Sender<Unsettled>),
    /// The listening sockets.
    Listeners(Sender<io::Result<Vec<OneListener>>>),
    /// At most this many connections, from that number on.
    Lend {
        from: u32,
        most: usize,
        to: Sender<Batch>,
    },
    /// Connections of another process. The answer: how many of them it takes.
    Adopt(Vec<Moved>, Sender<usize>),
    /// Reads, writes and accepts again, or for the first time.
    Go,
    /// What was lent is gone; what is left ends as in a stop, with close code 1012.
    Leave,
}

/// What keeps a loop that rests from being lent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsettled {
    /// Connections that can be lent soon.
    pub connections: usize,
    /// Mail waits.
    pub mail: bool,
}

impl Unsettled {
    /// Nothing does.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Waits for the answer to an order.
pub(crate) fn ask<R>(until: Instant, order: impl FnOnce(Sender<R>)) -> io::Result<R> {
    let (to, answer) = channel();
    order(to);
    wait(&answer, until)
}

pub(crate) fn wait<R>(answer: &Receiver<R>, until: Instant) -> io::Result<R> {
    let left = until.saturating_duration_since(Instant::now());
    answer.recv_timeout(left).map_err(|error| match error {
        RecvTimeoutError::Timeout => io::Error::new(io::ErrorKind::TimedOut, "a loop is stuck"),
        RecvTimeoutError::Disconnected => io::Error::other("a loop has ended"),
    })
}
