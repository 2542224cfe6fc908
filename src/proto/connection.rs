//! One connection after the handshake: RFC 6455 sections 5 to 7 put together.
//!
//! Input: bytes, intents, time. Output: [`Received`] events that borrow the input; control frames
//! in the caller's [`Outbox`]; header bytes for data that the caller writes. The type owns no
//! buffer, clock or random source. Rules are left to `wire::header`, `sequence` and `closing`; this
//! file only decides which of them applies, and in which order.
//!
//! ```text
//!   input:  [ header ][ payload ········ ][ header ][ pay
//!             consumed   lent as a Piece     consumed  lent, the rest comes later
//!           [ header  control payload ]
//!             consumed and lent only when whole
//! ```
//!
//! Invariant: the events and the verdict are the same however the bytes were cut, except for where
//! one [`Piece`] ends and the next begins.

use crate::error::Violation;
use crate::limits::Limits;
use crate::proto::Role;
use crate::proto::closing::{Action, Eof, Input, State};
use crate::proto::event::{Event, Piece, Received};
use crate::proto::outbox::Outbox;
use crate::proto::sequence::Sequence;
use crate::proto::wait::{Millis, Wait};
use crate::wire::{CloseBody, FrameHeader, Mask, MessageKind, Opcode};

/// The protocol state of one WebSocket connection, 72 bytes, without a buffer.
///
/// ```
/// use wirebell::{Connection, Event, Limits, Outbox, Role};
/// use wirebell::wire::NoEntropy;
///
/// let mut connection = Connection::new(Role::Server, &Limits::default(), 0);
/// let mut outbox = Outbox::new();
/// // A masked "Hello", then a Ping (RFC 6455 section 5.7).
/// let mut input = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\0\0\0\0";
/// let mut rest = &mut input[..];
/// let mut seen = String::new();
/// while !rest.is_empty() {
///     let received = connection.receive(rest, &mut outbox);
///     let consumed = received.consumed;
///     match received.event {
///         Some(Event::Piece(piece)) => seen += core::str::from_utf8(piece.bytes).unwrap(),
///         Some(Event::Failed(violation)) => panic!("{violation}"),
///         Some(_) => {}
///         None if consumed == 0 => break, // more bytes are needed
///         None => {}
///     }
///     rest = &mut rest[consumed..];
/// }
/// assert_eq!(seen, "Hello");
/// let mut out = [0; 256];
/// let len = connection.transmit(&mut outbox, &mut out, &mut NoEntropy);
/// assert_eq!(out[..len], [0x8A, 0]); // the Pong
/// ```
#[derive(Clone, Debug)]
pub struct Connection {
    /// When the current wait began: at the last received byte, our Ping, or the last change of
    /// state.
    pub(super) since: Millis,
    pub(super) sequence: Sequence,
    /// Payload of the current data frame that has not yet arrived.
    pub(super) left: u64,
    mask: Mask,
    pub(super) role: Role,
    pub(super) state: State,
    /// The kind of the fragmented message that we are sending.
    pub(super) sending: Option<MessageKind>,
    /// The next piece is the first of its message.
    first: bool,
    /// The current frame is the last of its message.
    fin: bool,
    pub(super) wait: Wait,
    /// RSV1 has a meaning: permessage-deflate was negotiated.
    pub(super) compression: bool,
}

/// Bytes in.
impl Connection {
    /// A connection whose opening handshake has just succeeded, at the caller's time `now`.
    pub fn new(role: Role, limits: &Limits, now: Millis) -> Self {
        Self {
            since: now,
            sequence: Sequence::new(limits),
            left: 0,
            mask: Mask::new([0; 4]),
            role,
            state: State::Open,
            sending: None,
            first: false,
            fin: false,
            wait: Wait::Traffic,
            compression: false,
        }
    }

    /// Accepts and sends compressed messages, because the handshake negotiated permessage-deflate
    /// (RFC 7692). Their pieces are lent still compressed, for an inflater.
    // req: 7692-5-13
    #[must_use]
    pub fn with_deflate(mut self) -> Self {
        self.compression = true;
        self
    }

    /// From the next frame on, a frame or message of more than `bytes` fails the connection (close
    /// code 1009), whatever [`Limits`] it began with: for connections whose messages are known to
    /// be short. The inflated size of compressed messages is bounded by the caller that inflates
    /// them, to [`Connection::message_limit`].
    // req: 6455-10.4-01
    pub fn set_message_limit(&mut self, bytes: u64) {
        self.sequence.set_message_limit(bytes);
    }

    /// From the next frame on, frames and messages of any length and of any number of frames are
    /// accepted: for callers that do not store messages, but pass them on as they arrive.
    pub fn lift_message_limits(&mut self) {
        self.sequence.lift_message_limits();
    }

    /// The longest message that is accepted.
    pub fn message_limit(&self) -> u64 {
        self.sequence.message_limit()
    }

    /// Reads the front of `input`, unmasks it in place and lends at most one event.
    ///
    /// Call it until the input is consumed or no progress is made. Replies owed to the peer are put
    /// into `outbox`; drain it with [`Connection::transmit`]. After a Close or a failure the rest
    /// of the input is consumed and discarded. Costs one pass over the payload, two for text.
    // req: 6455-6.2-01 6455-10.7-01
    #[inline]
    pub fn receive<'b>(&mut self, input: &'b mut [u8], outbox: &mut Outbox) -> Received<'b> {
        match self.whole_message(input) {
            Some((kind, payload)) => Received {
                consumed: payload.end,
                event: Some(Event::Piece(Piece {
                    kind,
                    bytes: &input[payload],
                    compressed: false,
                    first: true,
                    last: true,
                })),
            },
            None => self.receive_any(input, outbox),
        }
    }

    /// Anything that can come.
    fn receive_any<'b>(&mut self, input: &'b mut [u8], outbox: &mut Outbox) -> Received<'b> {
        if !self.state.reads() {
            return Received {
                consumed: input.len(),
                event: None,
            };
        }
        if self.left > 0 {
            return self.payload(input, 0, outbox);
        }
        match FrameHeader::parse(input, self.role == Role::Server) {
            Ok(None) => Received {
                consumed: 0,
                event: None,
            },
            Ok(Some((header, len))) => self.frame(header, input, len, outbox),
            Err(violation) => self.failed(violation, input.len(), outbox),
        }
    }

    /// Tells the connection that the peer will send no more; returns how it ended.
    // req: 6455-7.2.1-02
    pub fn receive_eof(&mut self) -> Eof {
        let (state, action) = self.state.on(Input::EndOfStream);
        self.state = state;
        match action {
            Action::Clean => Eof::Clean,
            _ => Eof::Lost,
        }
    }

    #[inline]
    fn frame<'b>(
        &mut self,
        header: FrameHeader,
        input: &'b mut [u8],
        at: usize,
        outbox: &mut Outbox,
    ) -> Received<'b> {
        if header.rsv1 && !self.compression {
            // req: 6455-5.2-03 6455-5.8-01 6455-9.1-06
            return self.failed(Violation::ReservedBit, input.len(), outbox);
        }
        if header.opcode.is_control() {
            return self.control(header, input, at, outbox);
        }
        match self.sequence.frame(&header) {
            Err(violation) => self.failed(violation, input.len(), outbox),
            Ok(first) => {
                self.first |= first;
                self.fin = header.fin;
                self.left = header.length;
                self.mask = Mask::new(header.mask.unwrap_or_default());
                self.payload(input, at, outbox)
            }
        }
    }

    /// Lends what has arrived of the current data frame, from `at` on.
    // req: 6455-6.2-07 6455-5.4-03 7692-6.2-02
    #[inline]
    fn payload<'b>(&mut self, input: &'b mut [u8], at: usize, outbox: &mut Outbox) -> Received<'b> {
        let have = input.len() - at;
        // Narrowing is safe: the smaller of the two is at most `have`.
        let take = self.left.min(have as u64) as usize;
        if take == 0 && self.left > 0 {
            return Received {
                consumed: at,
                event: None,
            };
        }
        let end = at + take;
        self.mask.apply(&mut input[at..end]);
        self.left -= take as u64;
        let last = self.left == 0 && self.fin;
        if let Err(violation) = self.sequence.payload(&input[at..end], last) {
            return self.failed(violation, input.len(), outbox);
        }
        let kind = self.sequence.kind();
        let piece = Piece {
            kind,
            bytes: &input[at..end],
            compressed: self.sequence.is_compressed(),
            first: self.first,
            last,
        };
        self.first = false;
        Received {
            consumed: end,
            event: Some(Event::Piece(piece)),
        }
    }

    /// A control frame is lent only when it is whole, so it needs no memory here.
    // req: 6455-5.4-05 6455-6.2-02
    fn control<'b>(
        &mut self,
        header: FrameHeader,
        input: &'b mut [u8],
        at: usize,
        outbox: &mut Outbox,
    ) -> Received<'b> {
        let len = input.len();
        let end = at + header.length as usize;
        if end > len {
            return Received {
                consumed: 0,
                event: None,
            };
        }
        let payload = &mut input[at..end];
        Mask::new(header.mask.unwrap_or_default()).apply(payload);
        let payload = &*payload;
        let event = match header.opcode {
            Opcode::Ping => {
                if self.state.on(Input::PeerPing).1 == Action::Pong {
                    outbox.put_pong(payload);
                }
                Some(Event::Ping(payload))
            }
            Opcode::Pong => match self.state.on(Input::PeerPong).1 {
                Action::Deliver => Some(Event::Pong(payload)),
                _ => None,
            },
            _ => match CloseBody::parse(payload) {
                Err(violation) => return self.failed(violation, len, outbox),
                Ok(body) => {
                    self.peer_close(&body, outbox);
                    Some(Event::Close(body))
                }
            },
        };
        let consumed = if self.state.reads() { end } else { len };
        Received { consumed, event }
    }

    // req: 6455-5.5.1-06 6455-5.5.1-10
    fn peer_close(&mut self, body: &CloseBody<'_>, outbox: &mut Outbox) {
        let (state, action) = self.state.on(Input::PeerClose);
        if action == Action::Echo {
            outbox.put_close(&CloseBody {
                code: body.code,
                reason: "",
            });
        }
        self.enter(state);
    }

    /// Gives up: the rest of the input is discarded.
    #[cold]
    pub(super) fn failed<'b>(
        &mut self,
        violation: Violation,
        consumed: usize,
        outbox: &mut Outbox,
    ) -> Received<'b> {
        self.fail(violation, outbox);
        Received {
            consumed,
            event: Some(Event::Failed(violation)),
        }
    }
}

/// Looking.
impl Connection {
    /// We have begun a message and not sent its last frame: another must wait for that.
    #[inline]
    pub fn is_sending(&self) -> bool {
        self.sending.is_some()
    }

    /// How far the connection has come.
    pub fn state(&self) -> State {
        self.state
    }

    /// Which end of the connection this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Bytes of the current data frame that have not yet arrived: the caller may read that many
    /// directly into the buffer of the message.
    pub fn payload_left(&self) -> u64 {
        self.left
    }

    /// A message has begun and not ended.
    pub fn in_message(&self) -> bool {
        self.sequence.is_open() || self.left > 0
    }

    /// The message that is arriving is compressed.
    #[cfg(feature = "take-over")]
    pub(crate) fn is_compressed(&self) -> bool {
        self.sequence.is_compressed()
    }

    /// Frames from which another connection of a server learns what this one knows of a message
    /// that has `arrived` in part; the payload of the last of them has yet to come. Not for
    /// compressed messages.
    #[cfg(feature = "take-over")]
    pub(crate) fn begin_again(&self, arrived: &[u8], out: &mut alloc::vec::Vec<u8>) {
        if !self.in_message() {
            return;
        }
        let mut kind = Some(self.sequence.kind());
        let mut header = |length, fin, mask| {
            FrameHeader {
                mask: Some(mask),
                ..FrameHeader::data(kind.take(), length, fin)
            }
            .emit()
        };
        let most = usize::try_from(self.sequence.frame_limit()).unwrap_or(usize::MAX);
        let is_empty = arrived.is_empty() && self.left == 0;
        let parts = arrived.chunks(most.max(1));
        for part in parts.chain(is_empty.then_some(&[][..])) {
            // A mask of zeros changes nothing.
            out.extend_from_slice(&header(part.len() as u64, false, [0; 4]));
            out.extend_from_slice(part);
        }
        if self.left > 0 {
            out.extend_from_slice(&header(self.left, self.fin, self.mask.key()));
        }
    }

    /// Once the outbox is empty, shut down the sending side of the transport: the server does so
    /// first and a client waits for it (RFC 6455 section 7.1.1), except after a failure.
    // req: 6455-5.5.1-10 6455-5.5.1-11 6455-7.1.7-01 6455-7.1.7-03
    pub fn wants_shutdown(&self) -> bool {
        match self.state {
            State::Open | State::Closing => false,
            State::Closed => self.role == Role::Server,
            State::Failed | State::Gone => true,
        }
    }
}
