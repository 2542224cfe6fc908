//! What an endpoint owes for a stream: the strict core reads it as the endpoint should.
//!
//! RFC 6455 sections 5 to 8, RFC 7692 section 6. Input: the bytes of a stream, the role of the
//! endpoint and the terms. Output: in order, the messages to echo and the Pings to answer, each
//! with how many bytes must have been sent for it, and how the connection ends. Invariant: what is
//! owed does not depend on how the bytes are cut. What an endpoint may do besides is left to
//! `judge`.

use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::wire::FrameHeader;
use wirebell::{
    CloseCode, Connection, Event, Limits, MessageKind, Opcode, Outbox, Piece, Role, Violation,
};

/// Memory for windows and messages in parts.
const BUDGET: usize = 4 << 20;

/// A message, as it must be echoed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub kind: MessageKind,
    pub bytes: Vec<u8>,
}

/// Something owed once the first `at` bytes have been sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed<T> {
    pub at: usize,
    pub what: T,
}

/// How a stream ends, for the endpoint that reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Between frames, or inside one.
    Open,
    /// A Close, whole after `at` bytes.
    Close { at: usize, code: Option<u16> },
    /// A broken rule: the frame that breaks it begins after `from` bytes. After `at` bytes no
    /// endpoint may still wait; `None` if an endpoint may wait for bytes that never come. One that
    /// would see it late may see a protocol error first: then it is vague.
    Broken {
        from: usize,
        at: Option<usize>,
        violation: Violation,
        is_vague: bool,
    },
}

/// What an endpoint owes for a stream.
#[derive(Clone, Debug)]
pub struct Expected {
    pub messages: Vec<Owed<Whole>>,
    pub pings: Vec<Owed<Vec<u8>>>,
    /// Pongs were sent, which need no answer.
    pub pongs: bool,
    pub ending: Ending,
    /// The longest message, as an endpoint may have a limit.
    pub longest: usize,
}

/// Reads frames of one direction, strictly.
pub struct Reader {
    pub connection: Connection,
    outbox: Outbox,
    inflater: Option<(Params, Pool, Session)>,
    parts: Vec<u8>,
    limits: Limits,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Nothing,
    Message(Whole),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
    Broken(Violation),
}

impl Reader {
    /// Reads as an endpoint of this role does.
    pub fn new(role: Role, terms: Option<&DeflateTerms>) -> Self {
        let limits = Limits::default();
        let mut connection = Connection::new(role, &limits, 0);
        let inflater = terms.map(|terms| {
            let params = match role {
                Role::Server => Params::server(terms),
                Role::Client => Params::client(terms),
            };
            let pool = Pool::new(Settings::default(), Budget::new(BUDGET));
            (params, pool, Session::default())
        });
        if inflater.is_some() {
            connection = connection.with_deflate();
        }
        Self {
            connection,
            outbox: Outbox::new(),
            inflater,
            parts: Vec::new(),
            limits,
        }
    }

    /// Reads the front of the input: how much, and what it was. No progress: more is needed.
    pub fn read(&mut self, input: &mut [u8]) -> (usize, Heard) {
        let received = self.connection.receive(input, &mut self.outbox);
        let heard = match received.event {
            None => Heard::Nothing,
            Some(Event::Ping(payload)) => Heard::Ping(payload.to_vec()),
            Some(Event::Pong(payload)) => Heard::Pong(payload.to_vec()),
            Some(Event::Close(body)) => Heard::Close(body.code.map(CloseCode::get)),
            Some(Event::Failed(violation)) => Heard::Broken(violation),
            Some(Event::Piece(piece)) => {
                take(&mut self.inflater, &mut self.parts, &self.limits, piece)
            }
        };
        if let Heard::Broken(violation) = heard {
            self.connection.fail(violation, &mut self.outbox);
        }
        (received.consumed, heard)
    }
}

fn take(
    inflater: &mut Option<(Params, Pool, Session)>,
    parts: &mut Vec<u8>,
    limits: &Limits,
    piece: Piece<'_>,
) -> Heard {
    let kind = piece.kind;
    let Some((params, pool, session)) = inflater.as_mut().filter(|_| piece.compressed) else {
        parts.extend_from_slice(piece.bytes);
        return match piece.last {
            false => Heard::Nothing,
            true => Heard::Message(Whole {
                kind,
                bytes: std::mem::take(parts),
            }),
        };
    };
    let piece = Compressed {
        kind,
        bytes: piece.bytes,
        first: piece.first,
        last: piece.last,
    };
    match pool.inflate(session, params, piece, limits) {
        Err(violation) => Heard::Broken(violation),
        Ok(None) => Heard::Nothing,
        Ok(Some(message)) => {
            let bytes = message.bytes().to_vec();
            pool.recycle(message);
            Heard::Message(Whole { kind, bytes })
        }
    }
}

/// What an endpoint of this role owes for these bytes.
pub fn expect(role: Role, terms: Option<&DeflateTerms>, bytes: &[u8]) -> Expected {
    let mut reader = Reader::new(role, terms);
    let mut expected = Expected {
        messages: Vec::new(),
        pings: Vec::new(),
        pongs: false,
        ending: Ending::Open,
        longest: 0,
    };
    let (mut input, mut at, mut from) = (bytes.to_vec(), 0, 0);
    while at < input.len() {
        from = frame_at(bytes, from, at);
        let (consumed, heard) = reader.read(&mut input[at..]);
        at += consumed;
        match heard {
            Heard::Nothing if consumed == 0 => break,
            Heard::Nothing => {}
            Heard::Message(what) => {
                expected.longest = expected.longest.max(what.bytes.len());
                expected.messages.push(Owed { at, what });
            }
            Heard::Ping(what) => expected.pings.push(Owed { at, what }),
            Heard::Pong(_) => expected.pongs = true,
            Heard::Close(code) => {
                let at = end_of_frame(role, &bytes[from..]).map_or(at, |len| from + len);
                expected.ending = Ending::Close { at, code };
                break;
            }
            Heard::Broken(violation) => {
                let end = shows(role, &bytes[from..], violation).map(|len| from + len);
                let rest = end.map(|end| expect(role, terms, &bytes[end..]).ending);
                expected.ending = Ending::Broken {
                    from,
                    at: end,
                    violation,
                    is_vague: matters_late(violation)
                        && rest.is_none_or(|rest| matches!(rest, Ending::Broken { .. })),
                };
                break;
            }
        }
    }
    expected
}

/// Where the frame begins that has this byte, if one begins at `from`.
fn frame_at(bytes: &[u8], mut from: usize, at: usize) -> usize {
    while let Some((start, length)) = extent(&bytes[from..]) {
        let end = usize::try_from(length).ok();
        match end.and_then(|length| from.checked_add(start + length)) {
            Some(end) if end <= at => from = end,
            _ => break,
        }
    }
    from
}

fn end_of_frame(role: Role, bytes: &[u8]) -> Option<usize> {
    let (header, len) = FrameHeader::parse(bytes, role == Role::Server).ok()??;
    let end = len.checked_add(usize::try_from(header.length).ok()?)?;
    (end <= bytes.len()).then_some(end)
}

/// An endpoint may look at it only when the message is whole, or even later.
fn matters_late(violation: Violation) -> bool {
    matches!(violation, Violation::InvalidUtf8) || violation.rfc() == 7692
}

/// After how many bytes even an endpoint that reads whole messages sees the broken rule.
fn shows(role: Role, bytes: &[u8], violation: Violation) -> Option<usize> {
    if matters_late(violation) {
        return end_of_message(role, bytes);
    }
    match extent(bytes)? {
        // No endpoint can wait for that.
        (start, length) if length > 1 << 40 => Some(start),
        (start, length) => {
            let end = start + usize::try_from(length).ok()?;
            (end <= bytes.len()).then_some(end)
        }
    }
}

/// Where the message that begins or continues here ends, if nothing else is wrong with it.
fn end_of_message(role: Role, bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let (header, _) = FrameHeader::parse(&bytes[at..], role == Role::Server).ok()??;
        match header.opcode {
            Opcode::Close => return None,
            Opcode::Text | Opcode::Binary if at > 0 => return None,
            _ => {}
        }
        at += end_of_frame(role, &bytes[at..])?;
        let is_control = matches!(header.opcode, Opcode::Ping | Opcode::Pong);
        if header.fin && !is_control {
            return Some(at);
        }
        if at >= bytes.len() {
            return None;
        }
    }
}

/// Where the payload of a frame begins, valid or not, and its length.
pub fn extent(frame: &[u8]) -> Option<(usize, u64)> {
    let second = *frame.get(1)?;
    let (start, length) = match second & 0x7F {
        126 => (4, u16::from_be_bytes(*frame[2..].first_chunk()?).into()),
        127 => (10, u64::from_be_bytes(*frame[2..].first_chunk()?)),
        length => (2, length.into()),
    };
    let start = start + if second & 0x80 == 0 { 0 } else { 4 };
    (start <= frame.len()).then_some((start, length))
}
