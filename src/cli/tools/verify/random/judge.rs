//! Whether what an endpoint sent is among what it may send.
//!
//! RFC 6455 sections 5 to 8, RFC 7692. Input: what it owes, from `oracle`, the bytes that come
//! back and the moments when nothing more can be expected. Output: the first [`Deviation`].
//! Invariant: choices that an RFC leaves are no deviation: how messages are fragmented and whether
//! they are compressed, one Pong for several Pings, unsolicited Pongs before ours, Pings, the
//! reason of a Close, and 1009 for messages that may be too long.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::random::oracle::{Ending, Expected, Heard, Reader, Whole};
use crate::cli::tools::verify::unsolicited::Unsolicited;
use crate::cli::tools::verify::wire::{Frame, shown};
use std::collections::VecDeque;
use wirebell::handshake::DeflateTerms;
use wirebell::wire::FrameHeader;
use wirebell::{MessageKind, Role, Violation};

/// A rule that an endpoint broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Stable; deviations of the same name are reported once.
    pub name: &'static str,
    /// The RFC and its section, such as `6455 5.2`.
    pub section: String,
    pub level: Level,
    /// What happened instead.
    pub what: String,
}

impl Deviation {
    /// The same rule is broken in the same way.
    pub fn is_like(&self, other: &Self) -> bool {
        (self.name, &self.section) == (other.name, &other.section)
    }
}

/// Messages of at least this many bytes may be refused with 1009.
const LONG: usize = 126;

const TOO_BIG: u16 = 1009;

/// How many masking keys are compared: each has 32 bits.
const KEYS: usize = 4;

/// Judges one connection.
pub struct Judge<'e> {
    expected: &'e Expected,
    reader: Reader,
    /// The endpoint masks what it sends.
    masked: bool,
    input: Vec<u8>,
    unsolicited: Unsolicited,
    /// How many messages have been echoed.
    echoed: usize,
    /// How many Pings have been answered, or no longer need an answer.
    answered: usize,
    /// The endpoint sent its Close.
    closed: bool,
    /// The last masking keys.
    keys: VecDeque<u32>,
}

/// What the endpoint did when it should have sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It ended the stream.
    Ended,
    /// It reset the connection, which may have overtaken what it had sent.
    Reset,
    /// It sent nothing in time.
    Waits,
}

impl<'e> Judge<'e> {
    /// For an endpoint of this role.
    pub fn new(
        role: Role,
        terms: Option<&DeflateTerms>,
        expected: &'e Expected,
        unsolicited: Unsolicited,
    ) -> Self {
        let (reads, masked) = match role {
            Role::Server => (Role::Client, false),
            Role::Client => (Role::Server, true),
        };
        Self {
            expected,
            reader: Reader::new(reads, terms),
            masked,
            input: Vec::new(),
            unsolicited,
            echoed: 0,
            answered: 0,
            closed: false,
            keys: VecDeque::new(),
        }
    }

    /// Takes what came back after `sent` bytes had been sent.
    pub fn hear(&mut self, came: &[u8], sent: usize) -> Result<(), Deviation> {
        if self.closed && !came.is_empty() {
            return Err(after_close());
        }
        self.input.extend_from_slice(came);
        let mut input = std::mem::take(&mut self.input);
        let mut at = 0;
        while at < input.len() && !self.closed {
            self.key(&input[at..])?;
            let end = self.frame_end(&input[at..]).map(|len| at + len);
            let (consumed, heard) = self.reader.read(&mut input[at..]);
            if consumed == 0 && heard == Heard::Nothing {
                break;
            }
            at += consumed;
            self.heard(heard, sent)?;
            if self.closed && end.is_some_and(|end| end < input.len()) {
                return Err(after_close());
            }
        }
        input.drain(..at);
        self.input = input;
        Ok(())
    }

    fn frame_end(&self, input: &[u8]) -> Option<usize> {
        let (header, len) = FrameHeader::parse(input, self.masked).ok()??;
        Some(len + usize::try_from(header.length).ok()?)
    }

    /// Four keys in a row that are the same, or counted, cannot be by chance.
    fn key(&mut self, input: &[u8]) -> Result<(), Deviation> {
        let at_frame = self.reader.connection.payload_left() == 0;
        let header = FrameHeader::parse(input, self.masked).ok().flatten();
        let whole = header.filter(|(header, len)| {
            at_frame && len + usize::try_from(header.length).unwrap_or(usize::MAX) <= input.len()
        });
        let Some(key) = whole.and_then(|(header, _)| header.mask) else {
            return Ok(());
        };
        self.keys.push_back(u32::from_be_bytes(key));
        let steps = |keys: &VecDeque<u32>| {
            let mut pairs = keys.iter().zip(keys.iter().skip(1));
            let first = pairs.next().map(|(a, b)| b.wrapping_sub(*a));
            pairs.all(|(a, b)| Some(b.wrapping_sub(*a)) == first)
        };
        if self.keys.len() == KEYS && steps(&self.keys) {
            let what = format!(
                "{KEYS} masking keys in a row are predictable, to {}",
                shown(&key)
            );
            return Err(must("masking-key", "6455 5.3", what));
        }
        if self.keys.len() == KEYS {
            self.keys.pop_front();
        }
        Ok(())
    }

    fn heard(&mut self, heard: Heard, sent: usize) -> Result<(), Deviation> {
        match heard {
            Heard::Nothing | Heard::Ping(_) => Ok(()),
            Heard::Message(message) => self.message(message, sent),
            Heard::Pong(payload) => self.pong(&payload, sent),
            Heard::Close(code) => {
                self.closed = true;
                self.close(code, sent)
            }
            Heard::Broken(violation) => Err(Deviation {
                name: "invalid-frame",
                section: format!("{} {}", violation.rfc(), violation.section()),
                level: Level::Must,
                what: format!("the endpoint itself breaks a rule: {}", violation.text()),
            }),
        }
    }

    fn message(&mut self, message: Whole, sent: usize) -> Result<(), Deviation> {
        let first = match message.kind {
            MessageKind::Text => 0x81,
            MessageKind::Binary => 0x82,
        };
        let frame = Frame::new(first, message.bytes);
        if self.unsolicited.takes(&frame) {
            return Ok(());
        }
        let message = Whole {
            kind: message.kind,
            bytes: frame.payload,
        };
        let owed = self.expected.messages.get(self.echoed);
        match owed.filter(|owed| owed.at <= sent) {
            Some(owed) if owed.what == message => {
                self.echoed += 1;
                Ok(())
            }
            Some(owed) => Err(must("echo", "6455 5.6", unlike(&message, &owed.what))),
            None => Err(self.unexpected(&message, sent)),
        }
    }

    fn unexpected(&self, message: &Whole, sent: usize) -> Deviation {
        let what = format!("a message came that is no echo: {}", said(message));
        match &self.expected.ending {
            Ending::Broken {
                from, violation, ..
            } if *from < sent => {
                let what = format!("{what}, after a violation: {}", violation.text());
                accepts(*violation, what)
            }
            _ => must("message-unasked", "6455 5.6", what),
        }
    }

    fn pong(&mut self, payload: &[u8], sent: usize) -> Result<(), Deviation> {
        // Of several Pings that are alike, it may answer the last one only, or each.
        let sent_pings = self
            .expected
            .pings
            .iter()
            .take_while(|owed| owed.at <= sent);
        let alike = sent_pings
            .enumerate()
            .filter(|(_, owed)| owed.what == payload);
        if let Some((at, _)) = alike.last() {
            self.answered = self.answered.max(at + 1);
            return Ok(());
        }
        // One that takes a violation goes on to answer Pings, which `oracle` no longer sees.
        let goes_on = matches!(self.expected.ending, Ending::Broken { from, .. } if from < sent);
        // Unsolicited Pongs are allowed, but this may be an answer to ours.
        match self.expected.pongs && !goes_on {
            false => Ok(()),
            true => Err(Deviation {
                level: Level::Quality,
                ..must(
                    "pong-for-pong",
                    "6455 5.5.3",
                    "a Pong came that answers no Ping, after a Pong".into(),
                )
            }),
        }
    }

    fn close(&mut self, code: Option<u16>, sent: usize) -> Result<(), Deviation> {
        let why = || code.map_or("no code".into(), |code| format!("code {code}"));
        let may_be_long = code == Some(TOO_BIG) && self.expected.longest >= LONG;
        match &self.expected.ending {
            _ if may_be_long => Ok(()),
            Ending::Close { at, code: ours } if *at <= sent => {
                self.all_echoed("close-drops-messages", "6455 5.5.1")?;
                match code == *ours || matches!(code, None | Some(1000)) {
                    true => Ok(()),
                    false => Err(should("close-reply", "6455 5.5.1", other_code(code, *ours))),
                }
            }
            Ending::Broken {
                from,
                violation,
                is_vague,
                ..
            } if *from < sent => {
                self.all_echoed_before_violation()?;
                let is_protocol_error = *is_vague && code == Some(1002);
                match is_protocol_error || code.is_some_and(|code| fits(*violation, code)) {
                    true => Ok(()),
                    false => {
                        let what = format!("the Close has {}: {}", why(), violation.text());
                        Err(should("close-code", "6455 7.1.7", what))
                    }
                }
            }
            _ => {
                let what = format!("a Close with {} came, and nothing was wrong", why());
                Err(match code {
                    Some(1002 | 1003 | 1007 | 1010) => must("rejects-valid", "6455 7.1.7", what),
                    _ => Deviation {
                        level: Level::Quality,
                        ..must("closes-early", "6455 7.1.2", what)
                    },
                })
            }
        }
    }

    fn all_echoed(&self, name: &'static str, section: &str) -> Result<(), Deviation> {
        match self.expected.messages.get(self.echoed) {
            None => Ok(()),
            Some(owed) => {
                let what = format!("a message before it is not echoed: {}", said(&owed.what));
                Err(should(name, section, what))
            }
        }
    }

    /// An endpoint may fail a connection at once: only good practice answers what came before.
    fn all_echoed_before_violation(&self) -> Result<(), Deviation> {
        let all = self.all_echoed("violation-drops-messages", "6455 6.2");
        all.map_err(|deviation| Deviation {
            level: Level::Quality,
            ..deviation
        })
    }

    /// Everything owed after `sent` bytes has come, apart from the end.
    pub fn has_all(&self, sent: usize) -> bool {
        let owes = |at: Option<usize>| at.is_some_and(|at| at <= sent);
        let message = self.expected.messages.get(self.echoed).map(|owed| owed.at);
        let ping = self.expected.pings.get(self.answered).map(|owed| owed.at);
        self.closed || !owes(message) && !owes(ping)
    }

    /// The endpoint must end the connection, now that `sent` bytes have been sent.
    pub fn must_end(&self, sent: usize) -> bool {
        match self.expected.ending {
            Ending::Open => false,
            Ending::Close { at, .. } => at <= sent,
            Ending::Broken { from, .. } => from < sent,
        }
    }

    pub fn has_closed(&self) -> bool {
        self.closed
    }

    /// While something was owed, nothing came. `half` says that the stream to the endpoint ended.
    pub fn silent(&self, silence: Silence, sent: usize, half: bool) -> Result<(), Deviation> {
        match &self.expected.ending {
            Ending::Close { at, .. } if *at <= sent => self.silent_close(silence),
            Ending::Broken {
                from,
                at,
                violation,
                ..
            } if *from < sent => self.silent_violation(silence, *violation, at.is_some()),
            _ if self.closed => Ok(()),
            _ => self.silent_open(silence, sent, half),
        }
    }

    fn silent_close(&self, silence: Silence) -> Result<(), Deviation> {
        match (self.closed, silence) {
            (true, Silence::Waits) => Err(must(
                "tcp-stays-open",
                "6455 7.1.1",
                "the TCP connection stays open after both Closes".into(),
            )),
            (true, _) => Ok(()),
            (false, Silence::Ended | Silence::Reset) => {
                let what = "the connection ended without a Close in answer to ours";
                Err(must("close-unanswered", "6455 5.5.1", what.into()))
            }
            (false, Silence::Waits) => {
                let what = "no Close came in answer to ours";
                Err(must("close-unanswered", "6455 5.5.1", what.into()))
            }
        }
    }

    fn silent_violation(
        &self,
        silence: Silence,
        violation: Violation,
        whole: bool,
    ) -> Result<(), Deviation> {
        let broken = violation.text();
        let section = format!("{} {}", violation.rfc(), violation.section());
        match (self.closed, silence) {
            (true, Silence::Waits) => {
                let what = format!("the TCP connection stays open after a violation: {broken}");
                Err(must("tcp-stays-open", "6455 7.1.7", what))
            }
            (true, _) | (false, Silence::Reset) => Ok(()),
            (false, Silence::Ended) => {
                self.all_echoed_before_violation()?;
                let what = format!("the connection ended without a Close: {broken}");
                Err(should("fails-without-close", "6455 7.1.7", what))
            }
            (false, Silence::Waits) if whole => {
                let what = format!("the connection stays open after a violation: {broken}");
                Err(accepts(violation, what))
            }
            (false, Silence::Waits) => {
                let what = format!("waits for more although a rule is broken: {broken}");
                Err(Deviation {
                    name: "late-failure",
                    section,
                    level: Level::Quality,
                    what,
                })
            }
        }
    }

    fn silent_open(&self, silence: Silence, sent: usize, half: bool) -> Result<(), Deviation> {
        if silence != Silence::Waits {
            let what = "the connection ended, and nothing was wrong";
            return match half {
                true => Ok(()),
                false => Err(must("ends-early", "6455 7.1.2", what.into())),
            };
        }
        let owed = self.expected.messages.get(self.echoed);
        if let Some(owed) = owed.filter(|owed| owed.at <= sent) {
            let what = format!("no echo came of {}", said(&owed.what));
            return Err(must("no-echo", "6455 5.6", what));
        }
        let ping = self.expected.pings.get(self.answered);
        if let Some(owed) = ping.filter(|owed| owed.at <= sent) {
            let what = format!("no Pong came for the Ping {}", shown(&owed.what));
            return Err(must("no-pong", "6455 5.5.2", what));
        }
        match half {
            false => Ok(()),
            true => Err(Deviation {
                level: Level::Quality,
                ..must(
                    "ignores-end",
                    "6455 7.1.4",
                    "the connection stays open after the end of the stream".into(),
                )
            }),
        }
    }
}

fn must(name: &'static str, section: &str, what: String) -> Deviation {
    Deviation {
        name,
        section: section.to_owned(),
        level: Level::Must,
        what,
    }
}

/// No RFC says what follows from data that cannot be inflated, or from a length that only its
/// sender must keep short.
fn accepts(violation: Violation, what: String) -> Deviation {
    let level = match violation {
        Violation::CorruptDeflate | Violation::TruncatedDeflate | Violation::NonMinimalLength => {
            Level::Should
        }
        _ => Level::Must,
    };
    Deviation {
        name: "accepts-violation",
        section: format!("{} {}", violation.rfc(), violation.section()),
        level,
        what,
    }
}

fn should(name: &'static str, section: &str, what: String) -> Deviation {
    Deviation {
        level: Level::Should,
        ..must(name, section, what)
    }
}

fn after_close() -> Deviation {
    let what = "something came after the Close of the endpoint";
    must("speaks-after-close", "6455 5.5.1", what.into())
}

/// Codes that say what is wrong (RFC 6455 section 7.4.1).
fn fits(violation: Violation, code: u16) -> bool {
    let code_of_it = violation.close_code().get();
    let others: &[u16] = match violation {
        Violation::LengthTopBit | Violation::OversizedControl => &[TOO_BIG],
        Violation::CorruptDeflate | Violation::TruncatedDeflate => &[1002, 1010],
        Violation::ReservedBit => &[1010],
        Violation::CloseReasonNotUtf8 => &[1002],
        _ => &[],
    };
    code == code_of_it || others.contains(&code)
}

fn said(message: &Whole) -> String {
    let kind = match message.kind {
        MessageKind::Text => "text",
        MessageKind::Binary => "binary",
    };
    format!(
        "{kind}, {} bytes {}",
        message.bytes.len(),
        shown(&message.bytes)
    )
}

fn unlike(got: &Whole, owed: &Whole) -> String {
    format!("the echo of {} is {}", said(owed), said(got))
}

fn other_code(got: Option<u16>, ours: Option<u16>) -> String {
    let name = |code: Option<u16>| code.map_or("no code".into(), |code| format!("code {code}"));
    format!("the Close has {}, in answer to {}", name(got), name(ours))
}
