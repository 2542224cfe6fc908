//! What a loop and its peers keep for permessage-deflate (RFC 7692).
//!
//! The extension itself is left to `deflate`, its use to `output` and `input`.

use crate::deflate::{Budget, Params, Pool, Session};
use crate::net::options::Options;
use crate::net::words::PeerId;
use crate::proto::Millis;
use crate::wire::MessageKind;
use std::collections::VecDeque;

/// What a peer has agreed to.
pub(crate) type Terms = Option<Params>;

/// Inflated bytes after which a peer waits for its next turn, so that a peer whose input expands a
/// lot does not delay the others.
const WORK_PER_TURN: usize = 1024 * 1024;

/// The compression of one loop.
#[derive(Debug, Default)]
pub(crate) struct Compression {
    pub(crate) pool: Option<Pool>,
    /// Compressed payload on its way into a frame.
    pub(crate) scratch: Vec<u8>,
    /// Peers with their own compressor, and when to check whether it is still in use.
    pub(crate) held: VecDeque<(Millis, PeerId)>,
    /// Bytes inflated since the current peer's turn began.
    pub(crate) work: usize,
}

/// The compression of one peer, in its side table.
#[derive(Debug, Default)]
pub(crate) struct DeflateState {
    pub(crate) session: Session,
    /// When its compressor was last used.
    pub(crate) used: Millis,
    /// Payload that is inflated once its input is no longer paused.
    pub(crate) waiting: Option<Waiting>,
}

/// The rest of a piece of a compressed message.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) kind: MessageKind,
    pub(crate) bytes: Vec<u8>,
    /// The last piece of its message.
    pub(crate) last: bool,
}

impl DeflateState {
    pub(crate) fn is_empty(&self) -> bool {
        self.session.is_empty() && self.waiting.is_none()
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| waiting.bytes.capacity())
    }
}

impl Compression {
    /// `budget` is shared by all loops of a server.
    pub(crate) fn new(options: &Options, budget: Option<Budget>) -> Self {
        let pool = options.deflate_settings().zip(budget);
        Self {
            pool: pool.map(|(settings, budget)| Pool::new(settings, budget)),
            ..Self::default()
        }
    }

    /// Enough has been inflated for one peer: the others go first.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.work >= WORK_PER_TURN
    }

    /// When to call [`Output::drop_idle_compressors`](crate::net::output::Output).
    pub(crate) fn deadline(&self) -> Option<Millis> {
        self.held.front().map(|(at, _)| *at)
    }
}
