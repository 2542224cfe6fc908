//! Questions that many cases ask.

use crate::cli::tools::verify::probe::{Heard, Probe};
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::wire::{Frame, PONG, TEXT, describe};
use std::time::{Duration, Instant};

/// How long an endpoint is given to do what it must not do.
const MOMENT: Duration = Duration::from_millis(150);

impl Probe {
    /// The next message, its fragments put together, pings answered; it must be this one.
    pub fn expect_message(&mut self, first: u8, payload: &[u8]) -> Result<(), Trouble> {
        let got = self.message()?;
        match got.first == first && got.payload == payload {
            true => Ok(()),
            false => Trouble::wrong(format!(
                "expected {}, got {}",
                describe(first, payload),
                describe(got.first, &got.payload)
            )),
        }
    }

    /// The next message in whatever fragments.
    pub fn message(&mut self) -> Result<Frame, Trouble> {
        let mut message: Option<Frame> = None;
        loop {
            let frame = self.frame("a message")?;
            match (frame.opcode(), &mut message) {
                (9, _) => self.send(PONG, &frame.payload),
                (0xA, _) => {}
                (8, _) => return Trouble::wrong("a Close came instead of a message"),
                (0, Some(open)) => open.payload.extend_from_slice(&frame.payload),
                (0, None) => return Trouble::wrong("a continuation of nothing came"),
                (_, Some(_)) => return Trouble::wrong("a message came inside of another"),
                (_, None) => message = Some(frame.clone()),
            }
            if frame.opcode() < 8
                && frame.first & 0x80 != 0
                && let Some(mut whole) = message.take()
            {
                whole.first |= 0x80;
                return Ok(whole);
            }
        }
    }

    /// The next frame, which must come in time.
    pub fn frame(&mut self, what: &str) -> Result<Frame, Trouble> {
        match self.listen(self.target.patience)? {
            Heard::Frame(frame) => Ok(frame),
            Heard::End => Trouble::wrong(format!("the connection ended instead of {what}")),
            Heard::Silence => Trouble::wrong(format!("{what} did not come in time")),
        }
    }

    /// The next frame that is no data and no Ping must be this Pong.
    pub fn expect_pong(&mut self, payload: &[u8]) -> Result<(), Trouble> {
        loop {
            let frame = self.frame("a Pong")?;
            match frame.opcode() {
                0xA if frame.payload == payload => return Ok(()),
                0xA => return Trouble::wrong("the Pong has another payload"),
                8 => return Trouble::wrong("a Close came instead of a Pong"),
                _ => {}
            }
        }
    }

    /// The endpoint must have given up: a Close, or the end, and no message before. Whether the
    /// Close says why, in one of these codes, is a verdict of its own.
    pub fn expect_failed(&mut self, codes: &[u16]) -> Result<(), Trouble> {
        loop {
            match self.listen(self.target.patience)? {
                Heard::End => {
                    self.code = Trouble::wrong("the connection ended without a Close");
                    return Ok(());
                }
                Heard::Silence => return Trouble::wrong("the connection goes on"),
                Heard::Frame(frame) => match frame.opcode() {
                    8 => {
                        self.code = one_of(close_code(&frame.payload)?, codes);
                        return Ok(());
                    }
                    9 | 0xA => {}
                    _ => return Trouble::wrong("the endpoint answered with a message"),
                },
            }
        }
    }

    /// A Close with one of these codes must come next, control frames aside.
    pub fn expect_close_code(&mut self, codes: &[u16]) -> Result<(), Trouble> {
        one_of(self.expect_close()?, codes)
    }

    /// The code of the Close that comes next, other control frames aside.
    pub fn expect_close(&mut self) -> Result<Option<u16>, Trouble> {
        loop {
            let frame = self.frame("a Close")?;
            match frame.opcode() {
                8 => return close_code(&frame.payload),
                9 | 0xA => {}
                _ => return Trouble::wrong("a message came instead of a Close"),
            }
        }
    }

    /// Nothing comes behind the Close of the endpoint. A server ends TCP then; a client leaves
    /// that to us (RFC 6455 section 7.1.1).
    pub fn expect_nothing_behind_close(&mut self) -> Result<(), Trouble> {
        let time = match self.masks {
            true => self.target.patience,
            false => MOMENT,
        };
        match self.listen(time)? {
            Heard::Frame(_) => Trouble::wrong("the endpoint spoke behind its Close"),
            Heard::Silence if self.masks => Trouble::wrong("the TCP connection stays open"),
            Heard::End | Heard::Silence => Ok(()),
        }
    }

    /// Nothing may come for a moment.
    pub fn expect_silence(&mut self) -> Result<(), Trouble> {
        match self.listen(MOMENT)? {
            Heard::Silence => Ok(()),
            Heard::End => Trouble::wrong("the connection ended"),
            Heard::Frame(frame) => {
                Trouble::wrong(format!("{} came", describe(frame.first, &frame.payload)))
            }
        }
    }

    /// The stream must end, whatever comes before.
    pub fn expect_end(&mut self) -> Result<(), Trouble> {
        let deadline = Instant::now() + self.target.patience;
        loop {
            match self.listen(deadline.saturating_duration_since(Instant::now()))? {
                Heard::End => return Ok(()),
                Heard::Silence => return Trouble::wrong("the TCP connection stays open"),
                Heard::Frame(_) => {}
            }
        }
    }

    /// The connection works still.
    pub fn expect_alive(&mut self) -> Result<(), Trouble> {
        self.send(TEXT, b"still there?");
        self.expect_message(TEXT, b"still there?")
    }
}

/// What a Close says.
fn close_code(body: &[u8]) -> Result<Option<u16>, Trouble> {
    match body {
        [] => Ok(None),
        [_] => Trouble::wrong("the Close has a body of one byte"),
        [high, low, reason @ ..] => match std::str::from_utf8(reason) {
            Ok(_) => Ok(Some(u16::from_be_bytes([*high, *low]))),
            Err(_) => Trouble::wrong("the reason of the Close is not UTF-8"),
        },
    }
}

fn one_of(code: Option<u16>, codes: &[u16]) -> Result<(), Trouble> {
    match code {
        Some(code) if codes.contains(&code) => Ok(()),
        Some(code) => Trouble::wrong(format!("the Close has code {code}")),
        None => Trouble::wrong("the Close has no code"),
    }
}
