//! Questions that many cases ask.

use crate::cli::verify::case::Trouble;
use crate::cli::verify::probe::{Heard, Probe};
use crate::cli::verify::wire::{Frame, PONG, TEXT, describe};
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

    /// The endpoint must have given up: a Close, or the end, and no message before.
    pub fn expect_failed(&mut self) -> Result<(), Trouble> {
        loop {
            match self.listen(self.target.patience)? {
                Heard::End => return Ok(()),
                Heard::Silence => return Trouble::wrong("the connection goes on"),
                Heard::Frame(frame) => match frame.opcode() {
                    8 => return Ok(()),
                    9 | 0xA => {}
                    _ => return Trouble::wrong("the endpoint answered with a message"),
                },
            }
        }
    }

    /// As [`Probe::expect_failed`], and the Close must say why.
    pub fn expect_close_code(&mut self, codes: &[u16]) -> Result<(), Trouble> {
        let code = self.expect_close()?;
        match code {
            Some(code) if codes.contains(&code) => Ok(()),
            Some(code) => Trouble::wrong(format!("the Close has code {code}")),
            None => Trouble::wrong("the Close has no code"),
        }
    }

    /// The code of the Close that comes next, data and other control frames aside.
    pub fn expect_close(&mut self) -> Result<Option<u16>, Trouble> {
        loop {
            let frame = self.frame("a Close")?;
            match (frame.opcode(), &frame.payload[..]) {
                (8, []) => return Ok(None),
                (8, [_]) => return Trouble::wrong("the Close has a body of one byte"),
                (8, [high, low, reason @ ..]) => {
                    if std::str::from_utf8(reason).is_err() {
                        return Trouble::wrong("the reason of the Close is not UTF-8");
                    }
                    return Ok(Some(u16::from_be_bytes([*high, *low])));
                }
                (9 | 0xA, _) => {}
                _ => return Trouble::wrong("a message came instead of a Close"),
            }
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
