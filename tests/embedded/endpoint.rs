//! A WebSocket in two buffers of 2 KiB, without `std` and without an allocator: shown in the
//! documentation (`wirebell::embedded`), run by tests, built for a Cortex-M4.
use core::fmt::{self, Write};
use wirebell::handshake::{ClientHandshake, Refused, UpgradeRequest, is_same_host};
use wirebell::http::{EMPTY_FIELD, HeadLimits, HeadReader, RequestHead, ResponseHead};
use wirebell::proto::{MAX_CONTROL_FRAME, Millis, Tick};
use wirebell::wire::Entropy;
use wirebell::{
    CloseCode, Connection, Event, HeadError, Limits, MessageKind, Misuse, Outbox, Piece, Refusal,
    Role,
};

/// The bytes of each of the two buffers.
pub const BUFFER: usize = 2048;
/// Room for what may be owed whatever arrives: a Pong, a Ping, a Close, and one header.
const RESERVE: usize = 3 * MAX_CONTROL_FRAME + 14;
/// The header fields of a head; a browser sends about 20.
const FIELDS: usize = 32;
const HEAD: HeadLimits = HeadLimits::DEFAULT.bytes(BUFFER).target_bytes(256);
const LIMITS: Limits = Limits::DEFAULT.message_bytes(64 * 1024);
const OPENING_MS: Millis = 10_000;

/// What is needed of a TCP socket: smoltcp's has methods of these names.
pub trait Transport {
    /// Moves what has arrived into `bytes`; 0 if nothing has. It may stop at the end of its ring.
    fn recv_slice(&mut self, bytes: &mut [u8]) -> usize;
    /// Takes as much of `bytes` as fits; 0 if nothing does.
    fn send_slice(&mut self, bytes: &[u8]) -> usize;
    /// More may arrive: false once the peer's FIN and all before it were received.
    fn may_recv(&self) -> bool;
    /// Sends FIN after what was taken.
    fn close(&mut self);
    /// Forgets the connection at once, with a RST.
    fn abort(&mut self);
}

/// Bytes that are added at the end and removed at the front, always in one slice.
struct Buffer {
    bytes: [u8; BUFFER],
    len: usize,
}

impl Buffer {
    const EMPTY: Self = Self {
        bytes: [0; BUFFER],
        len: 0,
    };

    fn room(&self) -> usize {
        BUFFER - self.len
    }

    fn remove(&mut self, count: usize) {
        self.bytes.copy_within(count..self.len, 0);
        self.len -= count;
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// What the two roles do differently; a program has the code of those that it uses.
pub trait Opening {
    const ROLE: Role;
    /// Whether the head of the peer opens the connection; its answer, if it gets one, is printed.
    fn read(&self, head: Result<&[u8], HeadError>, answer: &mut impl Write) -> bool;
}

impl Opening for ClientHandshake<'_> {
    const ROLE: Role = Role::Client;

    fn read(&self, head: Result<&[u8], HeadError>, _: &mut impl Write) -> bool {
        let mut fields = [EMPTY_FIELD; FIELDS];
        head.and_then(|head| ResponseHead::parse(head, &mut fields))
            .is_ok_and(|head| self.verify(&head).is_ok())
    }
}

/// The opening of a server.
pub struct Server;

impl Opening for Server {
    const ROLE: Role = Role::Server;

    fn read(&self, head: Result<&[u8], HeadError>, answer: &mut impl Write) -> bool {
        let mut fields = [EMPTY_FIELD; FIELDS];
        let head = head.and_then(|head| RequestHead::parse(head, &mut fields));
        let request = head.map_err(Refusal::from).and_then(UpgradeRequest::read);
        match request.and_then(check) {
            Ok(request) => write!(answer, "{}", request.accept(None)).is_ok(),
            Err(refusal) => {
                let _ = write!(answer, "{}", Refused::new(refusal));
                false
            }
        }
    }
}

/// How far an endpoint has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Opening,
    /// The handshake failed: what is left is to send the refusal, and FIN.
    Refused,
    Open,
    /// Failed or closed: what is left is to send the last bytes, and FIN.
    Over,
}

/// One connection, from the opening handshake to the close.
pub struct Endpoint<O> {
    stage: Stage,
    opening: O,
    reader: HeadReader,
    connection: Connection,
    outbox: Outbox,
    began: Millis,
    input: Buffer,
    output: Buffer,
}

impl Endpoint<Server> {
    /// For a socket that has just been accepted.
    pub fn server(now: Millis) -> Self {
        Self::new(Server, now)
    }
}

impl<'c> Endpoint<ClientHandshake<'c>> {
    /// For a socket that has just been connected. `None`: the request is longer than the buffer.
    pub fn client(handshake: ClientHandshake<'c>, now: Millis) -> Option<Self> {
        let mut client = Self::new(handshake, now);
        write!(client.output, "{}", client.opening).ok()?;
        Some(client)
    }
}

impl<O: Opening> Endpoint<O> {
    fn new(opening: O, now: Millis) -> Self {
        Self {
            stage: Stage::Opening,
            opening,
            reader: HeadReader::new(),
            connection: Connection::new(O::ROLE, &LIMITS, now),
            outbox: Outbox::new(),
            began: now,
            input: Buffer::EMPTY,
            output: Buffer::EMPTY,
        }
    }

    /// How far the connection has come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Does all that can be done at `now`: call it whenever the socket has moved bytes, and at
    /// [`Endpoint::deadline`]. Each piece of a message is handed to `handler` with the means to
    /// answer it; an answer as long as the piece always fits.
    pub fn poll<E: Entropy>(
        &mut self,
        now: Millis,
        socket: &mut impl Transport,
        entropy: &mut E,
        mut handler: impl FnMut(Piece<'_>, &mut Sender<'_, E>),
    ) -> Stage {
        loop {
            let sent = self.send_waiting(now, socket, entropy);
            let received = socket.recv_slice(&mut self.input.bytes[self.input.len..]);
            self.input.len += received;
            if received > 0 {
                self.connection.heard(now);
            }
            let consumed = match self.stage {
                Stage::Opening => self.open(now),
                Stage::Open => self.read(entropy, &mut handler),
                Stage::Refused | Stage::Over => self.input.len,
            };
            self.input.remove(consumed);
            if sent + received + consumed == 0 {
                break;
            }
        }
        self.tick(now, socket);
        self.send_waiting(now, socket, entropy);
        self.end(socket);
        self.stage
    }

    /// When to call [`Endpoint::poll`] again although no byte has moved.
    pub fn deadline(&self) -> Option<Millis> {
        match self.stage {
            Stage::Opening | Stage::Refused => Some(self.began + OPENING_MS),
            Stage::Open | Stage::Over => self.connection.deadline(&LIMITS),
        }
    }

    /// Sends without having been asked, such as a value that was measured.
    pub fn sender<'e, E: Entropy>(&'e mut self, entropy: &'e mut E) -> Option<Sender<'e, E>> {
        (self.stage == Stage::Open).then_some(Sender {
            connection: &mut self.connection,
            output: &mut self.output,
            entropy,
        })
    }

    /// Begins to close.
    pub fn close(&mut self, code: CloseCode) {
        let _ = self.connection.close(Some(code), "", &mut self.outbox);
    }

    /// Control frames go between data frames, which are always whole in the output.
    fn send_waiting(
        &mut self,
        now: Millis,
        socket: &mut impl Transport,
        entropy: &mut impl Entropy,
    ) -> usize {
        let refused = self.output.len > 0;
        let room = &mut self.output.bytes[self.output.len..];
        self.output.len += self.connection.transmit(&mut self.outbox, room, entropy);
        let sent = socket.send_slice(&self.output.bytes[..self.output.len]);
        self.output.remove(sent);
        if refused && sent > 0 {
            self.connection.heard(now);
        }
        sent
    }

    /// Reads the head of the request or response, once it is whole; returns its length.
    fn open(&mut self, now: Millis) -> usize {
        let bytes = &self.input.bytes[..self.input.len];
        let head = match self.reader.find(bytes, &HEAD) {
            Ok(None) => return 0,
            Ok(Some(head)) => Ok(head),
            Err(error) => Err(error),
        };
        let end = head.as_ref().map_or(bytes.len(), |head| head.end);
        let opened = self
            .opening
            .read(head.map(|head| &bytes[head]), &mut self.output);
        self.connection = Connection::new(O::ROLE, &LIMITS, now);
        self.stage = if opened { Stage::Open } else { Stage::Refused };
        end
    }

    /// Reads frames as long as their answers have room; returns the bytes consumed.
    fn read<E: Entropy>(
        &mut self,
        entropy: &mut E,
        handler: &mut impl FnMut(Piece<'_>, &mut Sender<'_, E>),
    ) -> usize {
        let mut at = 0;
        loop {
            let room = &mut self.output.bytes[self.output.len..];
            self.output.len += self.connection.transmit(&mut self.outbox, room, entropy);
            // A whole control frame must fit below, or it would never be consumed.
            if self.output.room() < RESERVE + MAX_CONTROL_FRAME {
                return at;
            }
            let end = self.input.len.min(at + self.output.room() - RESERVE);
            let input = &mut self.input.bytes[at..end];
            let received = self.connection.receive(input, &mut self.outbox);
            at += received.consumed;
            match received.event {
                Some(Event::Piece(piece)) => {
                    let mut sender = Sender {
                        connection: &mut self.connection,
                        output: &mut self.output,
                        entropy,
                    };
                    handler(piece, &mut sender);
                }
                None if received.consumed == 0 => return at,
                _ => {}
            }
        }
    }

    fn tick(&mut self, now: Millis, socket: &mut impl Transport) {
        let late = match self.stage {
            Stage::Opening | Stage::Refused => now >= self.began + OPENING_MS,
            Stage::Open | Stage::Over => {
                self.connection.tick(now, &LIMITS, &mut self.outbox) == Tick::Expired
            }
        };
        if late {
            self.connection.receive_eof();
            self.stage = Stage::Over;
            self.output.len = 0;
            socket.abort();
        }
    }

    fn end(&mut self, socket: &mut impl Transport) {
        // With output that waits, input may wait for its room.
        if self.output.len > 0 || !self.outbox.is_empty() {
            return;
        }
        if !socket.may_recv() {
            self.connection.receive_eof();
        }
        if self.stage == Stage::Refused || self.connection.wants_shutdown() {
            if self.stage == Stage::Open {
                self.stage = Stage::Over;
            }
            socket.close();
        }
    }
}

/// Sends messages, or parts of them.
pub struct Sender<'e, E> {
    connection: &'e mut Connection,
    output: &'e mut Buffer,
    entropy: &'e mut E,
}

/// A frame could not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Not now: the peer has to read first.
    NoRoom,
    Misuse(Misuse),
}

impl<E: Entropy> Sender<'_, E> {
    /// Sends one frame. `kind` is the same for all frames of a message; `last` ends it.
    pub fn send(&mut self, kind: MessageKind, bytes: &[u8], last: bool) -> Result<(), SendError> {
        // What is owed to the peer keeps its room.
        if self.output.room() < bytes.len() + RESERVE {
            return Err(SendError::NoRoom);
        }
        let begun = self
            .connection
            .begin(kind, bytes.len() as u64, last, self.entropy);
        let (header, mask) = begun.map_err(SendError::Misuse)?;
        let frame = &mut self.output.bytes[self.output.len..];
        let (head, rest) = frame.split_at_mut(header.len());
        head.copy_from_slice(&header);
        let payload = &mut rest[..bytes.len()];
        match mask {
            Some(mut mask) => mask.copy(bytes, payload),
            None => payload.copy_from_slice(bytes),
        }
        self.output.len += header.len() + bytes.len();
        Ok(())
    }
}

/// What only the application can decide (RFC 6455 sections 4.2.2 and 10.2): a path, subprotocols,
/// and, as browsers let any page connect to anything, from which pages.
fn check(request: UpgradeRequest<'_>) -> Result<UpgradeRequest<'_>, Refusal> {
    match request.origin {
        Some(origin) if !is_same_host(origin, request.host) => Err(Refusal::Origin),
        _ => Ok(request),
    }
}
