//! Draws streams: valid and broken frames, fragments, control frames between them, compression,
//! cuts at every kind of boundary, pauses and ends.
//!
//! RFC 6455 section 5, RFC 7692 sections 6 and 7. Input: dice and the negotiated terms. Output: a
//! [`Stream`]. Invariant: at most one rule is broken in a stream, and nothing else depends on
//! anything but the dice. What follows from a stream is left to `oracle`.

use crate::cli::tools::verify::random::broken;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::stream::{Step, Stream};
use crate::cli::tools::verify::wire::shortest;
use wirebell::deflate::{Compressor, Params};

/// Lengths at which the form of the header, or a buffer of an endpoint, changes.
const LENGTHS: [usize; 16] = [
    0, 1, 2, 3, 5, 16, 64, 124, 125, 126, 127, 128, 300, 1_000, 4_096, 4_097,
];

/// They are rarer: each costs as much as a hundred others.
const LONG: [usize; 4] = [16_384, 65_535, 65_536, 70_000];

/// Codes that may be sent (RFC 6455 section 7.4).
const CODES: [u16; 10] = [1000, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999];

/// How a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    Close,
    Broken,
    End,
    EndInFrame,
}

/// Draws one stream.
pub struct Generator<'d> {
    pub dice: &'d mut Dice,
    /// Frames that we send are masked.
    pub masks: bool,
    /// Our direction first.
    pub params: Option<Params>,
    compressor: Option<Compressor>,
    steps: Vec<Step>,
    /// A message is open, so data frames are continuations.
    pub inside: bool,
    chops: bool,
}

/// The stream that these dice give.
pub fn stream(dice: &mut Dice, masks: bool, extensions: &str, params: Option<Params>) -> Stream {
    let compressor = params.map(|params| Compressor::new(params.send.window_bits, 6));
    let chops = dice.percent(15);
    let mut generator = Generator {
        dice,
        masks,
        params,
        compressor,
        steps: Vec::new(),
        inside: false,
        chops,
    };
    generator.units();
    Stream {
        extensions: extensions.to_owned(),
        steps: generator.steps,
        ..Stream::default()
    }
}

impl Generator<'_> {
    fn units(&mut self) {
        let (count, finish) = (1 + self.dice.below(10), self.dice.below(100));
        for _ in 0..count {
            match self.dice.below(100) {
                0..60 => self.message(),
                60..85 => self.ping(),
                85..92 => self.pong(),
                _ => self.between(),
            }
            self.between();
        }
        let finish = match finish {
            0..40 => Finish::Close,
            40..90 => Finish::Broken,
            90..97 => Finish::End,
            _ => Finish::EndInFrame,
        };
        self.finish(finish);
    }

    fn finish(&mut self, finish: Finish) {
        let settled = self.dice.percent(80);
        if settled || matches!(finish, Finish::End | Finish::EndInFrame) {
            self.steps.push(Step::Settle);
        }
        match finish {
            Finish::Close => self.close(),
            Finish::Broken => {
                if self.dice.percent(20) {
                    self.open_message();
                }
                broken::add(self);
                if self.dice.percent(30) {
                    self.inside = false;
                    self.message();
                }
            }
            Finish::End => self.steps.push(Step::End),
            Finish::EndInFrame => {
                let payload = self.dice.bytes(9);
                let mut frame = self.frame(0x82, &payload);
                frame.truncate(1 + self.dice.below(frame.len() - 1));
                self.steps.push(Step::Send(frame));
                self.steps.push(Step::End);
            }
        }
    }

    /// The first fragment of a message that something interrupts.
    fn open_message(&mut self) {
        let text = self.text(20);
        let frame = self.frame(0x01, &text);
        self.inside = true;
        self.send(frame);
    }

    /// What happens between two frames.
    fn between(&mut self) {
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

    fn length(&mut self) -> usize {
        match self.dice.percent(1) {
            true => self.dice.pick(&LONG),
            false => self.dice.pick(&LENGTHS),
        }
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

    /// A payload with hardly any repetition, which then comes once more: with a small window, the
    /// second half cannot refer to the first.
    fn twice(&mut self, half: usize) -> Vec<u8> {
        let letters = self
            .dice
            .bytes(half)
            .into_iter()
            .map(|byte| b'A' + byte % 58);
        let once: Vec<u8> = letters.collect();
        [&once[..], &once].concat()
    }

    fn message(&mut self) {
        let (text, len) = (self.dice.percent(60), self.length());
        let payload = match (text, self.params) {
            (_, Some(params)) if params.receive.window_bits < 12 && self.dice.percent(10) => {
                self.twice((1 << params.receive.window_bits) * 15 / 16)
            }
            (true, _) => self.text(len),
            (false, _) => self.dice.bytes(len),
        };
        let opcode = if text { 1 } else { 2 };
        let packed = self.compressed(&payload);
        let (first, wire) = match &packed {
            Some(packed) => (opcode | 0x40, packed),
            None => (opcode, &payload),
        };
        self.fragments(first, wire);
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

    /// A message in fragments, with control frames between them.
    fn fragments(&mut self, first: u8, wire: &[u8]) {
        let count = match self.dice.below(10) {
            0..6 => 1,
            6..9 => 2 + self.dice.below(3),
            _ => 2 + self.dice.below(12),
        };
        let mut rest = wire;
        for at in 0..count {
            let last = at + 1 == count;
            let take = match last {
                true => rest.len(),
                false => self.dice.below(rest.len() + 1),
            };
            let (piece, after) = rest.split_at(take);
            rest = after;
            let opcode = if at == 0 { first } else { 0 };
            let frame = self.frame(opcode | u8::from(last) << 7, piece);
            self.send(frame);
            if !last {
                self.inside = true;
                self.interlude();
            }
        }
        self.inside = false;
    }

    fn interlude(&mut self) {
        match self.dice.below(10) {
            0 | 1 => self.ping(),
            2 => self.pong(),
            _ => {}
        }
        self.between();
    }

    fn ping(&mut self) {
        let len = self.dice.pick(&[0, 1, 2, 4, 8, 124, 125]);
        let payload = self.dice.bytes(len);
        let frame = self.frame(0x89, &payload);
        self.send(frame);
    }

    fn pong(&mut self) {
        let len = self.dice.pick(&[0, 1, 4, 125]);
        let payload = self.dice.bytes(len);
        let frame = self.frame(0x8A, &payload);
        self.send(frame);
    }

    fn close(&mut self) {
        let body = match self.dice.percent(15) {
            true => Vec::new(),
            false => {
                let mut body = self.dice.pick(&CODES).to_be_bytes().to_vec();
                let len = self.dice.pick(&[0, 0, 1, 10, 122, 123]);
                body.extend(self.text(len));
                body
            }
        };
        let frame = self.frame(0x88, &body);
        self.send(frame);
        if self.dice.percent(20) {
            self.inside = false;
            self.message();
        }
    }
}
