//! Draws streams: valid and broken frames, fragments, control frames between them, compression,
//! cuts at every kind of boundary, pauses and ends.
//!
//! RFC 6455 section 5, RFC 7692 sections 6 and 7. Input: dice and the negotiated terms. Output: the
//! steps of a stream. Invariant: at most one rule is broken on purpose, and nothing depends on
//! anything but the dice. What follows from a stream is left to `oracle`.

use crate::cli::tools::verify::random::broken;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::frames::Generator;
use crate::cli::tools::verify::random::stream::Step;
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

/// The steps of a stream that these dice give.
pub fn steps(dice: &mut Dice, masks: bool, params: Option<Params>) -> Vec<Step> {
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
    generator.steps
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

    fn length(&mut self) -> usize {
        match self.dice.percent(1) {
            true => self.dice.pick(&LONG),
            false => self.dice.pick(&LENGTHS),
        }
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
