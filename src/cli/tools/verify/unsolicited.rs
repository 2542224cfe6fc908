//! Messages that a server sends unsolicited, which cases ignore.
//!
//! Input: the frames that come on a connection. Output: which of them are unsolicited. Detecting
//! them is left to `preflight`.

use crate::cli::tools::verify::wire::{Frame, describe};
use std::collections::VecDeque;

/// What a server sends on each connection unsolicited.
#[derive(Clone, Debug, Default)]
pub struct Unsolicited {
    /// Complete messages before the first echo: a greeting, whatever its text.
    pub first: VecDeque<Frame>,
    /// Later messages, recognized by their text.
    pub later: Vec<Frame>,
}

impl Unsolicited {
    /// Whether this frame belongs to an unsolicited message.
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

    /// What the report says about them.
    pub fn describe(&self) -> Option<String> {
        let all: Vec<String> = self
            .first
            .iter()
            .chain(&self.later)
            .map(|message| describe(message.first, &message.payload))
            .collect();
        (!all.is_empty()).then(|| {
            format!(
                "ignored messages that the server sends unsolicited on each connection: {}",
                all.join("; ")
            )
        })
    }
}
