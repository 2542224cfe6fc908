//! The state of one direction between frames: the open message, the inflater, the Close.
//!
//! Input: headers and unmasked payloads, in order. Output: what each means, and the rules that it
//! breaks. Invariant: all inflated messages together stay within a bound.

use crate::cli::tools::inspect::explain::frame::Header;
use crate::cli::tools::inspect::explain::rules;
use crate::cli::tools::inspect::model::{Bytes, Finding, Message, Text, rfc6455};
use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::{DeflateTerms, Direction};
use wirebell::wire::Utf8Stream;
use wirebell::{Limits, MessageKind, Violation};

/// Bytes of one inflated message that are kept for display.
const KEPT_INFLATED: usize = 64 * 1024;

/// Bytes that all inflated messages of a report may take together.
pub const ALL_INFLATED: usize = 16 * 1024 * 1024;

/// The limit of inflated bytes in total: it bounds the work.
pub const INFLATING: usize = 1024 * 1024 * 1024;

/// The budget left for inflated messages.
pub struct Allowance {
    pub kept: usize,
    pub work: usize,
}

/// What reading frames depends on.
#[derive(Clone, Debug, Default)]
pub struct Agreed {
    pub deflate: Option<DeflateTerms>,
    /// Unknown extensions.
    pub unknown: Vec<String>,
    /// Messages are those of `wirebell.v1`.
    pub envelopes: bool,
}

/// The state of one direction.
pub struct Track {
    /// Unknown extensions: reserved bits may be theirs.
    pub unknown: Vec<String>,
    /// Messages are those of `wirebell.v1`.
    pub envelopes: bool,
    inflater: Option<Inflater>,
    open: Option<Open>,
    pub closed: bool,
    pub failed: bool,
    pub last_key: Option<[u8; 4]>,
    pub messages: usize,
}

/// A message without its last frame so far.
struct Open {
    kind: MessageKind,
    compressed: bool,
    frames: usize,
    wire_length: usize,
    bytes: Vec<u8>,
    utf8: Utf8Stream,
    bad_text: bool,
}

struct Inflater {
    pool: Pool,
    session: Session,
    link: Params,
    /// The window is lost, and later messages may need it.
    lost: bool,
}

/// The result of a payload.
#[derive(Default)]
pub struct Outcome {
    pub message: Option<Message>,
    pub findings: Vec<Finding>,
    pub hints: Vec<Text>,
}

impl Track {
    /// `deflate` says how the messages of this direction are compressed.
    pub fn new(deflate: Option<Direction>, agreed: &Agreed) -> Self {
        Self {
            unknown: agreed.unknown.clone(),
            envelopes: agreed.envelopes,
            inflater: deflate.map(Inflater::new),
            open: None,
            closed: false,
            failed: false,
            last_key: None,
            messages: 0,
        }
    }

    pub fn compression(&self) -> bool {
        self.inflater.is_some()
    }

    pub fn in_message(&self) -> bool {
        self.open.is_some()
    }

    /// The current message is compressed.
    pub fn is_compressed(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.compressed)
    }

    /// Checks the position of a data frame, and opens its message.
    pub fn data_frame(&mut self, header: &mut Header) {
        let kind = match header.opcode {
            1 => Some(MessageKind::Text),
            2 => Some(MessageKind::Binary),
            _ => None,
        };
        let violation = match (kind, &self.open) {
            (Some(_), Some(_)) => Violation::InterleavedMessage,
            (None, None) => Violation::UnexpectedContinuation,
            (None, Some(_)) => return,
            (Some(kind), None) => return self.begin(kind, header),
        };
        header.break_rule(violation, rules::expected(violation).into());
        // Taken by its opcode, so that its payload can be explained.
        self.begin(kind.unwrap_or(MessageKind::Binary), header);
    }

    fn begin(&mut self, kind: MessageKind, header: &Header) {
        self.open = Some(Open {
            kind,
            compressed: header.rsv1 && self.inflater.is_some(),
            frames: 0,
            wire_length: 0,
            bytes: Vec::new(),
            utf8: Utf8Stream::new(),
            // The payload may be encoded by an extension, not in UTF-8.
            bad_text: header.reserved && !self.unknown.is_empty(),
        });
    }

    /// Takes the unmasked payload of a data frame; `whole` if the frame is complete.
    pub fn payload(
        &mut self,
        payload: &[u8],
        fin: bool,
        whole: bool,
        allowance: &mut Allowance,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(open) = &mut self.open else {
            return outcome;
        };
        let last = fin && whole;
        open.frames += 1;
        open.wire_length += payload.len();
        if !open.compressed {
            outcome.findings.extend(open.check_text(payload, last));
        }
        open.bytes.extend_from_slice(payload);
        if !last {
            return outcome;
        }
        self.messages += 1;
        let Some(open) = self.open.take() else {
            return outcome;
        };
        match (&mut self.inflater, open.compressed) {
            (Some(inflater), true) => inflater.inflate(open, allowance, &mut outcome),
            _ => outcome.message = Some(open.message()),
        }
        outcome
    }
}

impl Open {
    fn check_text(&mut self, payload: &[u8], last: bool) -> Option<Finding> {
        if self.kind == MessageKind::Binary || self.bad_text {
            return None;
        }
        let before = self.utf8;
        let at = match (self.utf8.push(payload), last) {
            (Err(_), _) => first_bad(before, payload),
            (Ok(()), true) if self.utf8.end().is_err() => payload.len(),
            (Ok(()), _) => return None,
        };
        self.bad_text = true;
        let what = match payload.get(at) {
            Some(byte) => format!("{byte:02x} at byte {at} of this payload is invalid there"),
            None => "the message ends inside a character".into(),
        };
        let expected = format!("{}: {what}", rules::expected(Violation::InvalidUtf8));
        Some(rules::violation(Violation::InvalidUtf8, expected.into()))
    }

    fn kind_name(&self) -> &'static str {
        match self.kind {
            MessageKind::Text => "text",
            MessageKind::Binary => "binary",
        }
    }

    fn message(self) -> Message {
        let kind = self.kind_name();
        // A message in one frame is shown with the frame.
        let bytes = if self.frames > 1 {
            self.bytes
        } else {
            Vec::new()
        };
        let is_text = self.kind == MessageKind::Text && !bytes.is_empty();
        Message {
            kind,
            frames: self.frames,
            compressed: false,
            wire_length: self.wire_length,
            length: self.wire_length,
            refers_back: false,
            text: is_text.then(|| String::from_utf8_lossy(&bytes).into_owned()),
            bytes: Bytes(bytes),
        }
    }
}

/// The first invalid byte.
fn first_bad(mut utf8: Utf8Stream, payload: &[u8]) -> usize {
    let bad = |byte: &u8| utf8.push(&[*byte]).is_err();
    payload.iter().position(bad).unwrap_or(payload.len())
}

impl Inflater {
    fn new(receive: Direction) -> Self {
        let link = Params {
            send: receive,
            receive,
        };
        Self {
            pool: Pool::new(Settings::DEFAULT, Budget::new(Settings::DEFAULT.budget)),
            session: Session::default(),
            link,
            lost: false,
        }
    }

    fn inflate(&mut self, open: Open, allowance: &mut Allowance, outcome: &mut Outcome) {
        if self.lost && self.link.receive.takeover {
            let what = "cannot be inflated: an earlier message that it may refer to is missing";
            outcome.hints.push(what.into());
            return;
        }
        let limits = Limits::DEFAULT
            .message_bytes((allowance.work as u64).min(Limits::DEFAULT.message_bytes));
        let piece = Compressed {
            kind: open.kind,
            bytes: &open.bytes,
            first: true,
            last: true,
        };
        let inflated = self
            .pool
            .inflate(&mut self.session, &self.link, piece, &limits);
        match inflated {
            Ok(Some(message)) => {
                let bytes = message.bytes();
                allowance.work -= bytes.len().min(allowance.work);
                let kept = bytes.len().min(KEPT_INFLATED).min(allowance.kept);
                allowance.kept -= kept;
                let mut whole = compressed(&open, bytes, kept);
                self.pool.recycle(message);
                whole.refers_back = self.refers_back(&open.bytes, kept == whole.length);
                outcome.message = Some(whole);
            }
            Ok(None) => {}
            Err(violation) => {
                allowance.work -= open.bytes.len().min(allowance.work);
                self.lose();
                self.tell(violation, outcome);
            }
        }
    }

    /// Whether a message of this direction depends on those before it. Long ones are not tried, to
    /// save work.
    fn refers_back(&mut self, payload: &[u8], short: bool) -> bool {
        if !short || !self.link.receive.takeover {
            return false;
        }
        let piece = Compressed {
            kind: MessageKind::Binary,
            bytes: payload,
            first: true,
            last: true,
        };
        let mut empty = Session::default();
        let alone = self
            .pool
            .inflate(&mut empty, &self.link, piece, &Limits::DEFAULT);
        alone.is_err()
    }

    /// Drops the window, which is now unknown.
    fn lose(&mut self) {
        self.lost = true;
        self.session = Session::default();
    }

    /// Exceeding our limit is not a violation.
    fn tell(&self, violation: Violation, outcome: &mut Outcome) {
        match violation {
            Violation::MessageTooBig | Violation::InflateRatio => outcome.hints.push(
                "is too large to be inflated here; receivers have limits too \
                 (RFC 6455 10.4)"
                    .into(),
            ),
            _ => {
                let expected = rules::expected(violation).into();
                outcome.findings.push(rules::violation(violation, expected));
            }
        }
    }
}

fn compressed(open: &Open, bytes: &[u8], kept: usize) -> Message {
    let shown = &bytes[..kept];
    let text = (open.kind == MessageKind::Text).then(|| match std::str::from_utf8(shown) {
        Ok(text) => text.to_owned(),
        Err(error) => String::from_utf8_lossy(&shown[..error.valid_up_to()]).into_owned(),
    });
    Message {
        kind: open.kind_name(),
        frames: open.frames,
        compressed: true,
        wire_length: open.wire_length,
        length: bytes.len(),
        refers_back: false,
        bytes: Bytes(shown.to_vec()),
        text,
    }
}

/// Frames after a Close: the library discards them, the RFC forbids them.
pub fn after_close() -> Finding {
    Finding {
        rule: "a frame after Close".into(),
        reference: rfc6455("5.5.1"),
        expected: "nothing: Close is the last frame that a side sends".into(),
        receiver: "discards it".into(),
        close_code: None,
    }
}
