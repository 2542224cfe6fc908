//! A log in memory that goes on in another process.
//!
//! Input: the log of the one process. Output: bytes; of bytes, the log of the other. Invariant:
//! both count alike and know the same keys.

use crate::net::fields::{Reader, Writer};
use crate::push::hub::Past;
use crate::push::log::keys::{KeyLimits, Keys};
use crate::push::log::memory::{MemoryLog, State};
use crate::push::position::Epoch;
use std::sync::Mutex;

impl MemoryLog {
    /// Goes on with that of another process, which has handed over its `state` and what histories
    /// hold. `None` if the state cannot be read.
    pub(in crate::push) fn go_on(
        epoch: Epoch,
        limits: KeyLimits,
        state: &[u8],
        past: Past,
    ) -> Option<Self> {
        let mut from = Reader(state);
        let state = State {
            sequence: from.number()?,
            time: from.number()?,
            keys: Keys::read(limits, &mut from)?,
        };
        Some(Self {
            epoch,
            state: Mutex::new(state),
            past: Mutex::new(past),
        })
    }

    /// What the other process goes on with.
    pub(super) fn told(&self) -> Vec<u8> {
        let state = self.lock();
        let mut out = Writer::default();
        out.number(state.sequence);
        out.number(state.time);
        state.keys.write(&mut out);
        out.0
    }
}
