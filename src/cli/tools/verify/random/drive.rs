//! Sends a stream on an open connection and judges what comes back.
//!
//! Input: a probe whose handshake is done, a stream. Output: the bytes that came back, and the
//! deviation, if any. Invariant: every wait is bounded.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::random::judge::{Deviation, Judge, Silence};
use crate::cli::tools::verify::random::oracle;
use crate::cli::tools::verify::random::stream::{Step, Stream};
use std::time::{Duration, Instant};
use wirebell::Role;
use wirebell::handshake::DeflateTerms;

/// What happened on one connection.
pub struct Played {
    pub received: Vec<u8>,
    pub deviation: Option<Deviation>,
    /// Messages, Pings, a Close or a violation that were sent: each calls for an answer.
    pub exchanges: usize,
}

struct Player<'p, 'e> {
    probe: &'p mut Probe,
    judge: Judge<'e>,
    received: Vec<u8>,
    /// Bytes that have been written.
    sent: usize,
    /// Bytes that are to be written next.
    pending: Vec<u8>,
    /// Our direction has ended.
    half: bool,
    timeout: Duration,
}

/// Plays a stream, of which the first `early` bytes were sent with the handshake; `terms` are
/// those that were negotiated.
pub fn play(
    probe: &mut Probe,
    stream: &Stream,
    early: usize,
    terms: Option<&DeflateTerms>,
    timeout: Duration,
) -> Played {
    let role = match probe.masks {
        true => Role::Server,
        false => Role::Client,
    };
    let expected = oracle::expect(role, terms, &stream.bytes());
    let unsolicited = probe.target.unsolicited.clone();
    let exchanges = expected.messages.len()
        + expected.pings.len()
        + usize::from(expected.ending != oracle::Ending::Open);
    let mut player = Player {
        judge: Judge::new(role, terms, &expected, unsolicited),
        probe,
        received: Vec::new(),
        sent: early,
        pending: Vec::new(),
        half: false,
        timeout,
    };
    let mut steps = stream.steps.clone();
    if let Some(Step::Send(bytes)) = steps.first_mut() {
        bytes.drain(..early.min(bytes.len()));
    }
    let deviation = player.play(&steps).err();
    Played {
        received: player.received,
        deviation,
        exchanges,
    }
}

impl Player<'_, '_> {
    fn play(&mut self, steps: &[Step]) -> Result<(), Deviation> {
        for step in steps {
            match step {
                Step::Send(bytes) => self.pending.extend(bytes),
                Step::Cut => self.flush(),
                Step::Settle => {
                    self.flush();
                    self.settle()?;
                }
                Step::Pause(time) => {
                    self.flush();
                    std::thread::sleep(Duration::from_millis((*time).into()));
                }
                Step::End => {
                    self.flush();
                    self.probe.end_writing();
                    self.half = true;
                }
            }
        }
        self.flush();
        self.settle()?;
        self.end()
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let bytes = std::mem::take(&mut self.pending);
            self.probe.write(&bytes);
            self.sent += bytes.len();
        }
    }

    /// Reads until everything owed has come.
    fn settle(&mut self) -> Result<(), Deviation> {
        let deadline = Instant::now() + self.timeout;
        self.hear()?;
        while !self.judge.must_end(self.sent)
            && !self.judge.has_all(self.sent)
            && self.read(deadline)?
        {}
        Ok(())
    }

    /// Reads until the connection has ended, if it must.
    fn end(&mut self) -> Result<(), Deviation> {
        let must_end = self.judge.must_end(self.sent) || self.half;
        if !must_end {
            return Ok(());
        }
        let deadline = Instant::now() + self.timeout;
        while !self.probe.has_ended() {
            // A client waits for the server to end TCP (RFC 6455 section 7.1.1).
            if !self.probe.masks && self.judge.has_closed() && !self.half {
                self.probe.end_writing();
                self.half = true;
            }
            if !self.read(deadline)? {
                break;
            }
        }
        self.judge.silent(self.silence(), self.sent, self.half)
    }

    /// Reads once; false if there is nothing to wait for.
    fn read(&mut self, deadline: Instant) -> Result<bool, Deviation> {
        let came = !self.probe.has_ended() && self.probe.read(deadline);
        self.hear()?;
        if !came || self.probe.has_ended() {
            self.judge.silent(self.silence(), self.sent, self.half)?;
        }
        Ok(came && !self.probe.has_ended())
    }

    fn hear(&mut self) -> Result<(), Deviation> {
        let came = std::mem::take(self.probe.input());
        self.received.extend_from_slice(&came);
        self.judge.hear(&came, self.sent)
    }

    fn silence(&self) -> Silence {
        let reset = |line: &String| line.ends_with("reset");
        match self.probe.has_ended() {
            false => Silence::Waits,
            true if self.probe.log.iter().any(reset) => Silence::Reset,
            true => Silence::Ended,
        }
    }
}
