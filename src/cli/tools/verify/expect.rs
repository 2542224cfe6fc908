//! Checks that many cases share.
//!
//! Input: a probe, and what should come next. Output: what came, or a [`Problem`]. Invariant: every
//! wait is bounded.

use crate::cli::tools::verify::probe::{Probe, Reply};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{Frame, PONG, TEXT, describe};
use std::time::{Duration, Instant};

/// How long to wait for something that must not happen.
const MOMENT: Duration = Duration::from_millis(150);

impl Probe {
    /// The next message, its fragments put together, pings answered; it must be this one.
    pub fn expect_message(&mut self, first: u8, payload: &[u8]) -> Result<(), Problem> {
        let got = self.message()?;
        match got.first == first && got.payload == payload {
            true => Ok(()),
            false => Problem::fail(format!(
                "expected {}, got {}",
                describe(first, payload),
                describe(got.first, &got.payload)
            )),
        }
    }

    /// The next message, however it is fragmented.
    pub fn message(&mut self) -> Result<Frame, Problem> {
        let mut message: Option<Frame> = None;
        loop {
            let frame = self.frame("a message")?;
            match (frame.opcode(), &mut message) {
                (9, _) => self.send(PONG, &frame.payload),
                (0xA, _) => {}
                (8, _) => return Problem::fail("a Close came instead of a message"),
                (0, Some(open)) => open.payload.extend_from_slice(&frame.payload),
                (0, None) => return Problem::fail("a continuation frame came without a message"),
                (_, Some(_)) => return Problem::fail("a new message came inside another"),
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
    pub fn frame(&mut self, what: &str) -> Result<Frame, Problem> {
        match self.listen(self.target.timeout)? {
            Reply::Frame(frame) => Ok(frame),
            Reply::End => Problem::fail(format!("the connection ended instead of {what}")),
            Reply::Timeout => Problem::fail(format!("{what} did not arrive in time")),
        }
    }

    /// The next frame other than data and Pings must be this Pong.
    pub fn expect_pong(&mut self, payload: &[u8]) -> Result<(), Problem> {
        loop {
            let frame = self.frame("a Pong")?;
            match frame.opcode() {
                0xA if frame.payload == payload => return Ok(()),
                0xA => return Problem::fail("the Pong has another payload"),
                8 => return Problem::fail("a Close came instead of a Pong"),
                _ => {}
            }
        }
    }

    /// The endpoint must have failed the connection: a Close or the end of the stream, and no
    /// message before. Whether the Close has one of these codes is checked separately.
    pub fn expect_failed(&mut self, codes: &[u16]) -> Result<(), Problem> {
        loop {
            match self.listen(self.target.timeout)? {
                Reply::End => {
                    self.code = Problem::fail("the connection ended without a Close");
                    return Ok(());
                }
                Reply::Timeout => return Problem::fail("the connection stays open"),
                Reply::Frame(frame) => match frame.opcode() {
                    8 => {
                        self.code = one_of(close_code(&frame.payload)?, codes);
                        return Ok(());
                    }
                    9 | 0xA => {}
                    _ => return Problem::fail("the endpoint answered with a message"),
                },
            }
        }
    }

    /// A Close with one of these codes must come next, control frames aside.
    pub fn expect_close_code(&mut self, codes: &[u16]) -> Result<(), Problem> {
        one_of(self.expect_close()?, codes)
    }

    /// The code of the Close that comes next, other control frames aside.
    pub fn expect_close(&mut self) -> Result<Option<u16>, Problem> {
        loop {
            let frame = self.frame("a Close")?;
            match frame.opcode() {
                8 => return close_code(&frame.payload),
                9 | 0xA => {}
                _ => return Problem::fail("a message came instead of a Close"),
            }
        }
    }

    /// Nothing may follow the endpoint's Close. A server then closes TCP; a client leaves that to
    /// us (RFC 6455 section 7.1.1).
    pub fn expect_nothing_after_close(&mut self) -> Result<(), Problem> {
        let time = match self.masks {
            true => self.target.timeout,
            false => MOMENT,
        };
        match self.listen(time)? {
            Reply::Frame(_) => Problem::fail("the endpoint sent a frame after its Close"),
            Reply::Timeout if self.masks => Problem::fail("the TCP connection stays open"),
            Reply::End | Reply::Timeout => Ok(()),
        }
    }

    /// Nothing may come for a moment.
    pub fn expect_silence(&mut self) -> Result<(), Problem> {
        match self.listen(MOMENT)? {
            Reply::Timeout => Ok(()),
            Reply::End => Problem::fail("the connection ended"),
            Reply::Frame(frame) => {
                Problem::fail(format!("{} came", describe(frame.first, &frame.payload)))
            }
        }
    }

    /// The stream must end, whatever comes before.
    pub fn expect_end(&mut self) -> Result<(), Problem> {
        let deadline = Instant::now() + self.target.timeout;
        loop {
            match self.listen(deadline.saturating_duration_since(Instant::now()))? {
                Reply::End => return Ok(()),
                Reply::Timeout => return Problem::fail("the TCP connection stays open"),
                Reply::Frame(_) => {}
            }
        }
    }

    /// The connection still works.
    pub fn expect_alive(&mut self) -> Result<(), Problem> {
        self.send(TEXT, b"still there?");
        self.expect_message(TEXT, b"still there?")
    }
}

/// What a Close says.
fn close_code(body: &[u8]) -> Result<Option<u16>, Problem> {
    match body {
        [] => Ok(None),
        [_] => Problem::fail("the Close has a body of one byte"),
        [high, low, reason @ ..] => match std::str::from_utf8(reason) {
            Ok(_) => Ok(Some(u16::from_be_bytes([*high, *low]))),
            Err(_) => Problem::fail("the reason in the Close is not UTF-8"),
        },
    }
}

fn one_of(code: Option<u16>, codes: &[u16]) -> Result<(), Problem> {
    match code {
        Some(code) if codes.contains(&code) => Ok(()),
        Some(code) => Problem::fail(format!("the Close has code {code}")),
        None => Problem::fail("the Close has no code"),
    }
}
