//! Feeds a connection as a loop would, and writes down all that can be seen from outside.
//!
//! Two runs with the same bytes must give equal [`Transcript`]s, however the bytes were cut: pieces
//! are merged into whole messages, and what the connection owes is sent after each event. While it
//! feeds, the driver checks what must hold for every input.

use super::Rng;
use super::frames::{Sent, take_frames};
use wirebell::proto::{Millis, Tick};
use wirebell::{Connection, Event, Limits, MessageKind, Outbox, Piece, Role, State, Violation};

/// One thing that an application sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    /// The code, if there was one, and the reason.
    Close(Option<u16>, String),
    Failed(Violation),
}

/// All that one run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    pub seen: Vec<Seen>,
    /// All bytes that were transmitted.
    pub sent: Vec<u8>,
    pub state: State,
}

impl Transcript {
    /// The frames that were transmitted.
    pub fn frames(&self) -> Vec<Sent> {
        take_frames(&self.sent)
    }

    /// The violation, if there was one.
    pub fn violation(&self) -> Option<Violation> {
        match self.seen.last() {
            Some(Seen::Failed(violation)) => Some(*violation),
            _ => None,
        }
    }
}

/// Feeds `chunks` in order to a new connection.
pub fn run<C: AsRef<[u8]>>(
    role: Role,
    limits: &Limits,
    chunks: impl IntoIterator<Item = C>,
) -> Transcript {
    let mut driver = Driver::new(role, limits);
    for chunk in chunks {
        driver.feed(chunk.as_ref());
    }
    driver.transcript()
}

/// Feeds all bytes at once, with the default limits.
pub fn run_whole(role: Role, bytes: &[u8]) -> Transcript {
    run(role, &Limits::default(), [bytes])
}

/// The longest beginning of a frame that a connection leaves unconsumed: a masked control frame
/// but for its last byte.
const LONGEST_TAIL: usize = 130;

/// A connection with all that its caller keeps for it.
#[derive(Clone)]
pub struct Driver {
    pub connection: Connection,
    pub limits: Limits,
    pub outbox: Outbox,
    pub entropy: Rng,
    pub seen: Vec<Seen>,
    pub sent: Vec<u8>,
    /// Calls of `receive`.
    pub calls: usize,
    /// Bytes that were fed and not consumed.
    tail: Vec<u8>,
    message: Option<(MessageKind, Vec<u8>)>,
}

impl Driver {
    pub fn new(role: Role, limits: &Limits) -> Self {
        Self {
            connection: Connection::new(role, limits, 0),
            limits: *limits,
            outbox: Outbox::new(),
            entropy: Rng::new(1),
            seen: Vec::new(),
            sent: Vec::new(),
            calls: 0,
            tail: Vec::new(),
            message: None,
        }
    }

    pub fn deadline(&self) -> Option<Millis> {
        self.connection.deadline(&self.limits)
    }

    pub fn tick(&mut self, now: Millis) -> Tick {
        self.connection.tick(now, &self.limits, &mut self.outbox)
    }

    /// Receives `bytes` after what was left unconsumed; sends what is owed after each event.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut input = std::mem::take(&mut self.tail);
        input.extend_from_slice(bytes);
        let mut at = 0;
        while at < input.len() {
            let (consumed, happened) = self.receive(&mut input[at..]);
            at += consumed;
            if happened {
                self.transmit();
            }
            if consumed == 0 && !happened {
                break;
            }
        }
        self.tail = input.split_off(at);
        assert!(self.tail.len() <= LONGEST_TAIL, "tail {}", self.tail.len());
    }

    /// One call of `receive`: the bytes consumed, and whether there was an event.
    pub fn receive(&mut self, input: &mut [u8]) -> (usize, bool) {
        let before = self.connection.state();
        self.calls += 1;
        let len = input.len();
        let received = self.connection.receive(input, &mut self.outbox);
        let consumed = received.consumed;
        assert!(consumed <= len, "consumed {consumed} of {len}");
        let seen = match received.event {
            None => return (consumed, false),
            Some(Event::Piece(piece)) => merge(&mut self.message, piece),
            Some(Event::Ping(payload)) => Some(Seen::Ping(payload.to_vec())),
            Some(Event::Pong(payload)) => Some(Seen::Pong(payload.to_vec())),
            Some(Event::Close(body)) => {
                let code = body.code.map(|code| code.get());
                Some(Seen::Close(code, body.reason.to_owned()))
            }
            Some(Event::Failed(violation)) => Some(Seen::Failed(violation)),
        };
        assert!(before <= State::Closing, "an event in {before:?}: {seen:?}");
        if matches!(seen, Some(Seen::Close(..) | Seen::Failed(_))) {
            assert_eq!(
                consumed, len,
                "what follows a Close or a failure is discarded"
            );
        }
        self.seen.extend(seen);
        (consumed, true)
    }

    /// Takes what waits in the outbox.
    pub fn transmit(&mut self) {
        let mut out = [0; 512];
        let len = self
            .connection
            .transmit(&mut self.outbox, &mut out, &mut self.entropy);
        self.sent.extend_from_slice(&out[..len]);
        assert!(self.outbox.is_empty(), "three control frames fit in 512");
    }

    /// What can be seen so far.
    pub fn transcript(&self) -> Transcript {
        Transcript {
            seen: self.seen.clone(),
            sent: self.sent.clone(),
            state: self.connection.state(),
        }
    }
}

/// Adds a piece to its message; returns the message when it is whole.
fn merge(message: &mut Option<(MessageKind, Vec<u8>)>, piece: Piece<'_>) -> Option<Seen> {
    assert_eq!(
        piece.first,
        message.is_none(),
        "`first` says a message begins"
    );
    let (kind, bytes) = message.get_or_insert((piece.kind, Vec::new()));
    assert_eq!(*kind, piece.kind, "all pieces name the kind of the message");
    bytes.extend_from_slice(piece.bytes);
    if !piece.last {
        return None;
    }
    let (kind, bytes) = message.take()?;
    Some(match kind {
        MessageKind::Binary => Seen::Binary(bytes),
        MessageKind::Text => Seen::Text(String::from_utf8(bytes).expect("delivered text is UTF-8")),
    })
}
