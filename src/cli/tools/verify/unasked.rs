//! What a server sends without being asked, which cases pass over.
//!
//! Input: the frames that come on a connection. Output: which of them nobody asked for. How it is
//! found out is left to `preflight`.

use crate::cli::tools::verify::wire::{Frame, describe};
use std::collections::VecDeque;

/// What a server sends on each connection without being asked.
#[derive(Clone, Debug, Default)]
pub struct Unasked {
    /// Whole messages in front of the first echo: a greeting, whatever it says this time.
    pub first: VecDeque<Frame>,
    /// Messages some time later, known by what they say.
    pub later: Vec<Frame>,
}

impl Unasked {
    /// Whether this frame is of a message that nobody asked for.
    pub fn takes(&mut self, frame: &Frame) -> bool {
        let (opcode, last) = (frame.opcode(), frame.first & 0x80 != 0);
        if opcode > 2 {
            return false;
        }
        if !self.first.is_empty() {
            if last {
                self.first.pop_front();
            }
            return true;
        }
        let known = self.later.iter().position(|known| known == frame);
        known.map(|at| self.later.swap_remove(at)).is_some()
    }

    /// What the report says of it.
    pub fn describe(&self) -> Option<String> {
        let all: Vec<String> = self
            .first
            .iter()
            .chain(&self.later)
            .map(|message| describe(message.first, &message.payload))
            .collect();
        (!all.is_empty()).then(|| {
            format!(
                "unasked, the server sends on each connection, and it was passed over: {}",
                all.join("; ")
            )
        })
    }
}
