//! What the receiving thread and the sending threads of a connection share.
//!
//! ```text
//!   sending ─▶ messages ─▶ writer ─▶ state       receiving ─▶ state
//!              one message  one frame  a moment               a moment
//!              at a time    at a time
//! ```
//!
//! Locks are taken from left to right only. No thread waits for `state` for longer than the
//! protocol core needs; `writer` may be held for as long as the server accepts nothing, so the
//! receiving thread never waits for it: it leaves what it owes in the outbox, and a thread that
//! releases `writer` checks there.
//!
//! Input: frames and intents from any thread. Output: bytes to the stream. Invariant: frames leave
//! whole and in an order that the closing table allows.

use crate::client::blocking::compression::Codec;
use crate::client::blocking::transport::{Transport, is_timeout, lock};
use crate::client::open::{Error, Random, Wait};
use crate::error::Misuse;
use crate::proto::{Connection, MAX_CONTROL_FRAME, Millis, Outbox};
use crate::tap::Tapped;
use crate::wire::{HeaderBytes, MAX_HEADER, Mask, MessageKind};
use std::net::Shutdown;
use std::sync::{Mutex, TryLockError};
use std::time::Instant;

#[derive(Debug)]
pub(super) struct Shared<T> {
    pub(super) stream: T,
    pub(super) state: Mutex<State>,
    /// Held for the length of a message; compresses, if that was negotiated.
    pub(super) messages: Mutex<Option<Codec>>,
    /// Held for the length of a frame: masked bytes on their way out.
    writer: Mutex<Vec<u8>>,
    pub(super) tap: Option<Tapped>,
    pub(super) began: Instant,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    pub(super) outbox: Outbox,
}

/// Where payload begins, after the longest header: masking to an address that is not a multiple of
/// 16 takes half as long again.
const ALIGNED: usize = MAX_HEADER.next_multiple_of(16);

/// Bytes masked and written at a time. A connection keeps this much after a large message, until
/// smaller ones have followed; with less, the server is woken more often: sending 4 MiB in parts of
/// 1 MiB took a quarter more CPU.
const CHUNK: usize = ALIGNED + 4 * 1024 * 1024;

/// With more memory than this, the writer's shrinks when a message needs little of it.
const KEEP: usize = ALIGNED + 1024 * 1024;

impl<T: Transport> Shared<T> {
    pub(super) fn new(
        stream: T,
        connection: Connection,
        sending: Option<Codec>,
        tap: Option<Tapped>,
        began: Instant,
    ) -> Self {
        let outbox = Outbox::new();
        Self {
            stream,
            state: Mutex::new(State { connection, outbox }),
            messages: Mutex::new(sending),
            writer: Mutex::default(),
            tap,
            began,
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.began.elapsed().as_millis() as Millis
    }

    /// One frame of data.
    // req: 6455-5.1-01
    pub(super) fn frame(
        &self,
        kind: MessageKind,
        payload: &[u8],
        last: bool,
        compressed: bool,
    ) -> Result<(), Error> {
        let mut writer = lock(&self.writer);
        let (header, mask) = self.begin(kind, payload.len() as u64, last, compressed)?;
        let written = self.write_masked(&mut writer, &header, mask, payload);
        drop(writer);
        written?;
        self.transmit()
    }

    fn begin(
        &self,
        kind: MessageKind,
        len: u64,
        last: bool,
        compressed: bool,
    ) -> Result<(HeaderBytes, Option<Mask>), Misuse> {
        let connection = &mut lock(&self.state).connection;
        match compressed {
            true => connection.begin_compressed(kind, len, last, &mut Random),
            false => connection.begin(kind, len, last, &mut Random),
        }
    }

    /// Copies the payload once, masking it on the way.
    fn write_masked(
        &self,
        out: &mut Vec<u8>,
        header: &[u8],
        mask: Option<Mask>,
        mut payload: &[u8],
    ) -> Result<(), Error> {
        let mut mask = mask.unwrap_or(Mask::new([0; 4]));
        fit(out, CHUNK.min(ALIGNED + payload.len()));
        let mut start = ALIGNED - header.len();
        out[start..ALIGNED].copy_from_slice(header);
        loop {
            let (part, rest) = payload.split_at(payload.len().min(CHUNK - ALIGNED));
            let end = ALIGNED + part.len();
            mask.copy(part, &mut out[ALIGNED..end]);
            self.write(&out[start..end])?;
            if rest.is_empty() {
                return Ok(());
            }
            (payload, start) = (rest, ALIGNED);
        }
    }

    /// Passes an intent to the protocol core, then sends the control frames that it produced.
    pub(super) fn intend(
        &self,
        intent: impl FnOnce(&mut Connection, &mut Outbox) -> Result<(), Misuse>,
    ) -> Result<(), Error> {
        {
            let State { connection, outbox } = &mut *lock(&self.state);
            intent(connection, outbox)?;
        }
        self.transmit()
    }

    /// Sends what the outbox holds, now or as soon as the thread that is writing has finished.
    pub(super) fn transmit(&self) -> Result<(), Error> {
        while !lock(&self.state).outbox.is_empty() {
            let mut writer = match self.writer.try_lock() {
                Ok(writer) => writer,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                // The thread that holds it calls this when it is done.
                Err(TryLockError::WouldBlock) => return Ok(()),
            };
            if writer.len() < 3 * MAX_CONTROL_FRAME {
                writer.resize(3 * MAX_CONTROL_FRAME, 0);
            }
            let len = {
                let State { connection, outbox } = &mut *lock(&self.state);
                connection.transmit(outbox, &mut writer, &mut Random)
            };
            self.write(&writer[..len])?;
        }
        Ok(())
    }

    /// All of it, or the connection is over: half a frame cannot be withdrawn.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(tap) = &self.tap {
            tap.sent(bytes); // Before they are sent, or another thread may show the answer first.
        }
        if let Err(error) = self.stream.write_all(bytes) {
            self.stream.shutdown(Shutdown::Both);
            return Err(match is_timeout(&error) {
                true => Error::TimedOut(Wait::Send),
                false => Error::of_stream(error),
            });
        }
        Ok(())
    }
}

/// Makes room for `size` bytes in `out`, and eventually frees the memory of a large message.
fn fit(out: &mut Vec<u8>, size: usize) {
    if out.len() < size {
        out.resize(size, 0);
    } else if out.len() > KEEP && size < out.len() / 4 {
        out.truncate(out.len() / 2);
        out.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_a_large_message_is_given_back() {
        let mut out = Vec::new();
        fit(&mut out, CHUNK);
        fit(&mut out, CHUNK / 2);
        assert_eq!(out.len(), CHUNK, "large messages in turn cost nothing");
        for _ in 0..3 {
            fit(&mut out, 100);
        }
        assert!(out.capacity() <= KEEP);
        fit(&mut out, 100);
        assert!(out.len() >= KEEP / 2, "small ones do not take it all");
    }
}
