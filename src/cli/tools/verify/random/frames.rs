//! Frames as a stream needs them: any first byte, length and mask, whole or in pieces.
//!
//! RFC 6455 section 5, RFC 7692 section 7.2.1. Input: dice. Output: steps. Invariant: nothing is
//! broken unless the caller says so.

use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::stream::Step;
use crate::cli::tools::verify::wire::shortest;
use wirebell::deflate::{Compressor, Params};

/// Draws one stream.
pub struct Generator<'d> {
    pub dice: &'d mut Dice,
    /// Frames that we send are masked.
    pub masks: bool,
    /// Our direction first.
    pub params: Option<Params>,
    pub compressor: Option<Compressor>,
    pub steps: Vec<Step>,
    /// A message is open, so data frames are continuations.
    pub inside: bool,
    pub chops: bool,
}

impl Generator<'_> {
    /// What happens between two frames.
    pub fn between(&mut self) {
        match self.dice.below(100) {
            0..15 => self.steps.push(Step::Settle),
            15..35 => self.steps.push(Step::Cut),
            35 => {
                let time = 1 + self.dice.below(4) as u16;
                self.steps.push(Step::Pause(time));
            }
            _ => {}
        }
    }

    /// Sends a frame, perhaps in pieces.
    pub fn send(&mut self, frame: Vec<u8>) {
        if !self.chops || frame.len() < 2 || !self.dice.percent(40) {
            return self.steps.push(Step::Send(frame));
        }
        // Inside the header, after it, or anywhere.
        let at = match self.dice.below(3) {
            0 => 1 + self.dice.below((frame.len() - 1).min(14)),
            _ => 1 + self.dice.below(frame.len() - 1),
        };
        let (head, rest) = frame.split_at(at);
        self.steps.push(Step::Send(head.to_vec()));
        let pause = self.dice.percent(50);
        self.steps
            .push(if pause { Step::Pause(1) } else { Step::Cut });
        self.steps.push(Step::Send(rest.to_vec()));
    }

    /// A frame as it should be.
    pub fn frame(&mut self, first: u8, payload: &[u8]) -> Vec<u8> {
        self.frame_with(first, shortest(payload.len() as u64), payload, self.masks)
    }

    /// A frame with any length and mask.
    pub fn frame_with(
        &mut self,
        first: u8,
        mut length: Vec<u8>,
        payload: &[u8],
        masks: bool,
    ) -> Vec<u8> {
        length[0] |= u8::from(masks) << 7;
        let mut frame = vec![first];
        frame.extend(length);
        let key: [u8; 4] = match masks {
            false => [0; 4],
            true => {
                let key = (self.dice.number() as u32).to_be_bytes();
                frame.extend(key);
                key
            }
        };
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
        frame
    }

    /// Text of this many bytes, with characters of one to four bytes.
    pub fn text(&mut self, len: usize) -> Vec<u8> {
        let plain = self.dice.percent(50);
        let mut text = String::new();
        while text.len() < len {
            let mut next = match self.dice.below(if plain { 1 } else { 5 }) {
                0 | 1 => self.dice.pick(&['a', 'e', ' ', 'Z', '\0', '~']),
                2 => self.dice.pick(&['é', '\u{80}', '\u{7FF}']),
                3 => self.dice.pick(&['€', '\u{800}', '\u{FFFF}', '\u{D7FF}']),
                _ => self.dice.pick(&['😀', '\u{10000}', '\u{10FFFF}']),
            };
            if text.len() + next.len_utf8() > len {
                next = 'x';
            }
            text.push(next);
        }
        text.into_bytes()
    }

    /// Compressed in three of five cases, if that was negotiated.
    pub fn compressed(&mut self, payload: &[u8]) -> Option<Vec<u8>> {
        let params = self.params?;
        if !self.dice.percent(60) {
            return None;
        }
        let restarts = !params.send.takeover || self.dice.percent(50);
        let compressor = self.compressor.as_mut()?;
        if restarts {
            compressor.restart();
        }
        let mut out = Vec::new();
        compressor.fragment(payload, true, true, &mut out);
        Some(out)
    }
}
