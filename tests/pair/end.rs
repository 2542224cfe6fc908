//! One endpoint of a pair: a connection, an application that talks, and its end of two pipes.

use crate::support::Rng;
use std::collections::VecDeque;
use wirebell::proto::Tick;
use wirebell::{
    Assembler, CloseCode, Connection, Eof, Event, Limits, MessageKind, Outbox, Role, State,
};

pub type Message = (MessageKind, Vec<u8>);

/// One direction of a transport, with room for some bytes.
#[derive(Default)]
pub struct Pipe {
    bytes: VecDeque<u8>,
    /// The writer sends no more.
    ended: bool,
    /// All that ever went through.
    pub history: Vec<u8>,
}

const ROOM: usize = 4096;

impl Pipe {
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// What is on its way is lost.
    pub fn cut(&mut self) {
        self.bytes.clear();
        self.ended = true;
    }
}

/// A message that is being sent.
struct Outgoing {
    message: Message,
    sent: usize,
}

pub struct End {
    pub connection: Connection,
    limits: Limits,
    outbox: Outbox,
    rng: Rng,
    assembler: Assembler,
    /// Received and not consumed.
    input: Vec<u8>,
    /// Whole frames on their way to the pipe.
    output: VecDeque<u8>,
    /// The last write left something behind.
    blocked: bool,
    outgoing: Option<Outgoing>,
    pub sent: Vec<Message>,
    pub received: Vec<Message>,
    pub pings: Vec<Vec<u8>>,
    pub pongs: Vec<Vec<u8>>,
    pub heard_at: u64,
    pub ended: Option<Eof>,
    pub expired_at: Option<u64>,
}

impl End {
    pub fn new(role: Role, limits: &Limits, seed: u64) -> Self {
        Self {
            connection: Connection::new(role, limits, 0),
            limits: *limits,
            outbox: Outbox::new(),
            rng: Rng::new(seed),
            assembler: Assembler::new(),
            input: Vec::new(),
            output: VecDeque::new(),
            blocked: false,
            outgoing: None,
            sent: Vec::new(),
            received: Vec::new(),
            pings: Vec::new(),
            pongs: Vec::new(),
            heard_at: 0,
            ended: None,
            expired_at: None,
        }
    }

    pub fn is_over(&self) -> bool {
        self.connection.state() == State::Gone
    }

    /// The application does something: most often it sends a part of a message.
    pub fn act(&mut self) {
        if self.connection.state() != State::Open {
            return;
        }
        if self.rng.one_in(8) {
            let payload = (self.pings.len() as u32).to_be_bytes().to_vec();
            let pinged = self.connection.ping(&payload, &mut self.outbox);
            assert_eq!(pinged, Ok(()));
            self.pings.push(payload);
        } else {
            self.send_frame();
        }
    }

    pub fn close(&mut self) {
        let code = [None, Some(CloseCode::NORMAL), Some(CloseCode::GOING_AWAY)][self.rng.below(3)];
        let closed = self.connection.close(code, "done", &mut self.outbox);
        assert_eq!(closed, Ok(()));
    }

    /// One frame of the message that is open, or of a new one.
    fn send_frame(&mut self) {
        let mut outgoing = match self.outgoing.take() {
            Some(outgoing) => outgoing,
            None => Outgoing {
                message: new_message(&mut self.rng),
                sent: 0,
            },
        };
        let (kind, bytes) = &outgoing.message;
        let left = bytes.len() - outgoing.sent;
        let len = match self.rng.below(3) {
            0 => left,
            _ => self.rng.below(left + 1),
        };
        let last = len == left && !self.rng.one_in(4);
        let begun = self
            .connection
            .begin(*kind, len as u64, last, &mut self.rng);
        let (header, mask) = begun.expect("open, and one message at a time");
        let mut payload = bytes[outgoing.sent..outgoing.sent + len].to_vec();
        if let Some(mut mask) = mask {
            mask.apply(&mut payload);
        }
        self.output.extend(header.as_bytes());
        self.output.extend(payload);
        outgoing.sent += len;
        match last {
            true => self.sent.push(outgoing.message),
            false => self.outgoing = Some(outgoing),
        }
    }

    /// Moves control frames after the data, and some bytes into the pipe.
    pub fn write(&mut self, pipe: &mut Pipe, now: u64) {
        let mut room = vec![0; self.rng.below(300)];
        let (connection, outbox) = (&mut self.connection, &mut self.outbox);
        let len = connection.transmit(outbox, &mut room, &mut self.rng);
        self.output.extend(&room[..len]);
        if pipe.ended {
            return;
        }
        let free = ROOM - pipe.bytes.len();
        let len = self.rng.below(600).min(free).min(self.output.len());
        if len > 0 && self.blocked {
            // Room where there was none: the peer reads. Bytes that the pipe just takes, such as
            // our own Ping, say nothing about it.
            self.hear(now);
        }
        for byte in self.output.drain(..len) {
            pipe.bytes.push_back(byte);
            pipe.history.push(byte);
        }
        self.blocked = !self.output.is_empty();
        let done = self.output.is_empty() && self.outbox.is_empty();
        if done && self.connection.wants_shutdown() {
            pipe.end();
        }
    }

    /// Takes some bytes out of the pipe, or learns that it has ended.
    pub fn read(&mut self, pipe: &mut Pipe, now: u64) {
        let len = (1 + self.rng.below(500)).min(pipe.bytes.len());
        if len == 0 {
            if pipe.ended && self.ended.is_none() && !self.is_over() {
                self.ended = Some(self.connection.receive_eof());
            }
            return;
        }
        self.input.extend(pipe.bytes.drain(..len));
        self.hear(now);
        let mut input = std::mem::take(&mut self.input);
        let mut at = 0;
        while at < input.len() {
            let consumed = self.receive(&mut input[at..]);
            if consumed == 0 {
                break;
            }
            at += consumed;
        }
        self.input = input.split_off(at);
    }

    fn hear(&mut self, now: u64) {
        self.connection.heard(now);
        self.heard_at = now;
    }

    fn receive(&mut self, input: &mut [u8]) -> usize {
        let received = self.connection.receive(input, &mut self.outbox);
        match received.event {
            None | Some(Event::Ping(_) | Event::Close(_)) => {}
            Some(Event::Pong(payload)) => self.pongs.push(payload.to_vec()),
            Some(Event::Failed(violation)) => panic!("a good peer breaks no rule: {violation}"),
            Some(Event::Piece(piece)) => {
                if let Some(message) = self.assembler.push(piece) {
                    self.received.push((message.kind, message.bytes.to_vec()));
                    self.assembler.clear();
                }
            }
        }
        received.consumed
    }

    /// Lets the clock be known, if something is due.
    pub fn tick(&mut self, now: u64) {
        if self
            .connection
            .deadline(&self.limits)
            .is_some_and(|deadline| deadline <= now)
            && self.connection.tick(now, &self.limits, &mut self.outbox) == Tick::Expired
        {
            self.expired_at = Some(now);
        }
    }
}

fn new_message(rng: &mut Rng) -> Message {
    let len = match rng.below(40) {
        0..4 => 0,
        4..24 => rng.below(100),
        24..39 => rng.below(1000),
        _ => rng.below(70_000),
    };
    if rng.one_in(2) {
        return (MessageKind::Binary, rng.bytes(len));
    }
    let letters = ['a', 'ß', '€', '𝄞', '\n'];
    let text: String = (0..len / 3).map(|_| letters[rng.below(5)]).collect();
    (MessageKind::Text, text.into_bytes())
}
