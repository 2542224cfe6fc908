//! A client on a blocking stream: connects, receives, and hands out [`Sender`]s (RFC 6455
//! sections 6.2 and 7.1).
//!
//! Input: a URI, [`Options`], the server's bytes. Output: messages or single events. Invariant:
//! between two messages it waits only for the server, and every wait ends, if the stream supports
//! timeouts. Reads and time limits are left to `waiting`.

use crate::client::blocking::compression::{self, Codec};
use crate::client::blocking::connecting;
use crate::client::blocking::sender::{Fragments, Sender};
use crate::client::blocking::shared::{Shared, State};
use crate::client::blocking::stream::Stream;
use crate::client::blocking::transport::{Over, Transport, lock};
use crate::client::blocking::waiting::Incoming;
use crate::client::open::{Endpoint, Error, Opened, Options};
use crate::error::Violation;
use crate::proto::{Connection, Event, Message, Millis, Piece, Role};
use crate::tap::Tapped;
use crate::wire::{CloseBody, CloseCode, MessageKind};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A connection to a server.
///
/// ```no_run
/// use wirebell::client::{Client, Options};
/// use wirebell::{CloseCode, Message};
///
/// let mut client = Client::connect("ws://127.0.0.1:8080/echo", Options::default())?;
/// client.send(Message::text("hello"))?;
/// if let Some(message) = client.receive()? {
///     println!("{}", message.as_text().unwrap_or("binary"));
/// }
/// client.close(Some(CloseCode::NORMAL), "")?;
/// while let Some(message) = client.receive()? {
///     println!("{} bytes more", message.bytes.len());
/// }
/// # Ok::<(), wirebell::client::Error>(())
/// ```
///
/// Dropping it ends the TCP connection without a closing handshake, for its [`Sender`]s too.
///
/// [`Client::over`] runs the same client over any other stream.
#[derive(Debug)]
pub struct Client<T: Transport = Stream> {
    sender: Sender<T>,
    incoming: Incoming,
    subprotocol: Option<String>,
    /// Inflates, if compression was negotiated.
    codec: Option<Codec>,
    /// A receive timed out in the middle of the message in the buffer.
    partial: bool,
    /// The longest that a receive waits.
    patience: Option<Duration>,
    closed: Option<Closed>,
}

/// How the server closed: the body of its Close frame (RFC 6455 sections 7.1.5 and 7.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// `None` if it had no code (1005).
    pub code: Option<CloseCode>,
    /// Empty if it had none.
    pub reason: String,
}

/// What [`Client::step`] found; bytes lie in the buffer.
enum Step {
    /// This many bytes of an uncompressed message.
    Piece {
        kind: MessageKind,
        len: usize,
        first: bool,
        last: bool,
    },
    /// A whole message that was compressed.
    Inflated(MessageKind),
    Ping(usize),
    Pong(usize),
    Close,
    Ended,
}

impl Client {
    /// Connects and opens a WebSocket. A URI is `ws://host[:port][/path][?query]`, or `wss://…`
    /// with [`Options::tls`].
    ///
    /// # Errors
    ///
    /// Those of [`Endpoint::resolve`]; [`Error::Connect`], [`Error::Proxy`], `Error::Tls`,
    /// [`Error::Answer`] for a redirect or a refusal, [`Error::BadResponse`], [`Error::TimedOut`],
    /// [`Error::Lost`].
    pub fn connect(uri: &str, options: Options) -> Result<Self, Error> {
        Self::open(&Endpoint::resolve(uri, options)?)
    }

    /// Like [`Client::connect`], for an endpoint that is used more than once.
    ///
    /// # Errors
    ///
    /// The same as [`Client::connect`].
    pub fn open(endpoint: &Endpoint) -> Result<Self, Error> {
        let (stream, tap, opened) = connecting::open(endpoint)?;
        let options = &endpoint.options;
        let stall = Duration::from_millis(options.limits.stall_ms.max(1).into());
        let lost = |error| Error::Lost(Some(error));
        stream.set_write_timeout(Some(stall)).map_err(lost)?;
        stream.set_read_timeout(None).map_err(lost)?;
        Ok(Self::new(stream, tap, opened, options))
    }

    /// Opens a WebSocket over a stream that leads to the server: another TLS library, a tunnel, a
    /// pipe in memory. The URI names host and resource for the request; `wss` only states that the
    /// stream is secure, which the caller must ensure (RFC 6455 section 10.6).
    ///
    /// ```no_run
    /// use std::net::TcpStream;
    /// use std::time::Duration;
    /// use wirebell::client::{Client, Options};
    /// use wirebell::Message;
    ///
    /// # fn tls(_: &str, tcp: TcpStream) -> std::io::Result<TcpStream> { Ok(tcp) }
    /// let tcp = TcpStream::connect("example.org:443")?;
    /// tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    /// let stream = tls("example.org", tcp)?; // Of any TLS library.
    /// let mut client = Client::over(stream, "wss://example.org/chat", Options::default())?;
    /// client.send(Message::text("hello"))?;
    /// while let Some(message) = client.receive()? {
    ///     println!("{} bytes", message.bytes.len());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Such a client can only read from and write to its stream, so it lacks:
    ///
    /// - A [`Sender`]: one stream serves one thread, which sends between its receives.
    /// - Time limits of its own. The stream must block. If a read times out
    ///   ([`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut)), so
    ///   does [`Client::receive`], with [`Error::TimedOut`] for
    ///   [`Wait::Receive`](crate::client::Wait), and can be called again; by then it has done what
    ///   was due: the Pings of [`Limits::ping_ms`](crate::Limits::ping_ms), the end of
    ///   [`Limits::close_ms`](crate::Limits::close_ms). Over a stream that never times out none of
    ///   this happens. A write that times out ends the connection.
    ///   [`open_ms`](crate::client::Limits::open_ms) is checked between two reads.
    /// - Connecting: [`Options::proxy`] and [`Options::handshakes`] are ignored, so the caller must
    ///   make sure that only one handshake with a server is in progress (section 4.1).
    /// - Closing TCP: after the closing handshake the stream is left open, for
    ///   [`Client::into_stream`].
    ///
    /// # Errors
    ///
    /// Those of [`Client::connect`], except for look-up and connecting.
    pub fn over<S: Read + Write>(
        stream: S,
        uri: &str,
        options: Options,
    ) -> Result<Client<Over<S>>, Error> {
        let endpoint = Endpoint::over(uri, options)?;
        let (stream, tap, opened) = connecting::over(stream, &endpoint)?;
        Ok(Client::new(stream, tap, opened, &endpoint.options))
    }

    /// A handle for sending from another thread.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// The address at the other end of the TCP connection.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.sender.shared.stream.peer_addr()
    }

    /// How long a call of [`Client::receive`] waits before it returns [`Error::TimedOut`] with
    /// [`Wait::Receive`](crate::client::Wait); `None`, the default, waits as long as the server is
    /// alive.
    pub fn set_receive_timeout(&mut self, time: Option<Duration>) {
        self.patience = time;
    }
}

impl<S: Read + Write> Client<Over<S>> {
    /// The stream, to change its time limits. Bytes that the caller reads from it or writes to it
    /// corrupt the connection.
    pub fn stream_mut(&mut self) -> &mut S {
        let shared = Arc::get_mut(&mut self.sender.shared);
        shared.expect("it has no other sender").stream.get_mut()
    }

    /// The stream, to end it as its protocol requires. Bytes that the client has read but not
    /// returned are lost.
    pub fn into_stream(self) -> S {
        let shared = Arc::clone(&self.sender.shared);
        drop(self);
        let shared = Arc::into_inner(shared);
        shared.expect("it has no other sender").stream.into_inner()
    }
}

impl<T: Transport> Client<T> {
    fn new(stream: T, tap: Option<Tapped>, opened: Opened, options: &Options) -> Self {
        let mut connection = Connection::new(Role::Client, &options.limits.protocol, 0);
        if opened.deflate.is_some() {
            connection = connection.with_deflate();
        }
        let (sending, receiving) = compression::pair(options, opened.deflate).unzip();
        let shared = Shared::new(stream, connection, sending, tap, Instant::now());
        Self {
            sender: Sender {
                shared: Arc::new(shared),
            },
            incoming: Incoming::new(opened.rest, options.limits.protocol),
            subprotocol: opened.subprotocol,
            codec: receiving,
            partial: false,
            patience: None,
            closed: None,
        }
    }

    /// Sends a message: see [`Sender::send`].
    ///
    /// # Errors
    ///
    /// The same as [`Sender::send`].
    pub fn send(&self, message: Message<'_>) -> Result<(), Error> {
        self.sender.send(message)
    }

    /// Begins a message in fragments: see [`Sender::begin`].
    pub fn begin(&self, kind: MessageKind) -> Fragments<'_, T> {
        self.sender.begin(kind)
    }

    /// Sends a Ping: see [`Sender::ping`].
    ///
    /// # Errors
    ///
    /// The same as [`Sender::ping`].
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.sender.ping(payload)
    }

    /// Starts the closing handshake: see [`Sender::close`]. Then call [`Client::receive`] until it
    /// returns `None`.
    ///
    /// # Errors
    ///
    /// The same as [`Sender::close`].
    pub fn close(&self, code: Option<CloseCode>, reason: &str) -> Result<(), Error> {
        self.sender.close(code, reason)
    }

    /// The subprotocol that the server chose.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// How the server closed, once [`Client::receive`] has returned `None`.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Waits for the next whole message. `None` once the closing handshake is complete. Meanwhile
    /// Pings are answered, and a silent server is sent one (see
    /// [`Limits::ping_ms`](crate::Limits::ping_ms)).
    ///
    /// The message is in the receive buffer: it is not copied if it arrived in one frame.
    ///
    /// # Errors
    ///
    /// [`Error::Violation`], [`Error::Lost`], `Error::Tls` and [`Error::TimedOut`] end the
    /// connection, except for [`Wait::Receive`](crate::client::Wait), after which this can be
    /// called again.
    // req: 6455-6.2-01
    pub fn receive(&mut self) -> Result<Option<Message<'_>>, Error> {
        let deadline = self.deadline();
        if !self.partial {
            self.incoming.buffer.clear_message();
        }
        let kind = loop {
            match self.step(deadline)? {
                Step::Piece {
                    kind, len, last, ..
                } => {
                    self.incoming.buffer.append(len);
                    self.partial = !last;
                    if last {
                        break kind;
                    }
                }
                Step::Inflated(kind) => {
                    let bytes = self.codec.as_ref().map_or(&[][..], Codec::message);
                    return Ok(Some(Message { kind, bytes }));
                }
                Step::Ping(_) | Step::Pong(_) | Step::Close => {}
                Step::Ended => return Ok(None),
            }
        };
        let bytes = self.incoming.buffer.message();
        Ok(Some(Message { kind, bytes }))
    }

    /// Waits for the next event: a piece of a message as it arrives, a Ping (which is answered), a
    /// Pong, or the server's Close. `None` if the connection has ended after the Close. A
    /// compressed message is one piece. Do not switch between this and [`Client::receive`] in the
    /// middle of a message, which a time-out may leave unfinished.
    ///
    /// # Errors
    ///
    /// The same as [`Client::receive`].
    pub fn receive_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        let deadline = self.deadline();
        self.incoming.buffer.clear_message();
        Ok(Some(match self.step(deadline)? {
            Step::Piece {
                kind,
                len,
                first,
                last,
            } => {
                let bytes = self.incoming.buffer.last(len);
                Event::Piece(Piece {
                    kind,
                    bytes,
                    compressed: false,
                    first,
                    last,
                })
            }
            Step::Inflated(kind) => {
                let bytes = self.codec.as_ref().map_or(&[][..], Codec::message);
                Event::Piece(Piece {
                    kind,
                    bytes,
                    compressed: false,
                    first: true,
                    last: true,
                })
            }
            Step::Ping(len) => Event::Ping(self.incoming.buffer.last(len)),
            Step::Pong(len) => Event::Pong(self.incoming.buffer.last(len)),
            Step::Close => match &self.closed {
                None => return Ok(None),
                Some(Closed { code, reason }) => Event::Close(CloseBody {
                    code: *code,
                    reason,
                }),
            },
            Step::Ended => return Ok(None),
        }))
    }

    fn deadline(&self) -> Option<Instant> {
        // A time that the clock cannot express never comes.
        self.patience
            .and_then(|patience| Instant::now().checked_add(patience))
    }

    /// Goes on to the next event that concerns the caller.
    fn step(&mut self, deadline: Option<Instant>) -> Result<Step, Error> {
        if self.closed.is_some() {
            return Ok(Step::Ended);
        }
        // What was searched in vain need not be searched again.
        let mut stuck = self.incoming.buffer.fresh().is_empty();
        loop {
            let heard = match stuck {
                true => Some(self.incoming.fill(&self.sender.shared, deadline)?),
                false => None,
            };
            match self.next_event(heard)? {
                (_, Some(step)) => return Ok(step),
                (consumed, None) => {
                    stuck = consumed == 0 || self.incoming.buffer.fresh().is_empty()
                }
            }
        }
    }

    /// The next event in what has arrived, the last of it at the time `heard`, and how many bytes
    /// were consumed.
    fn next_event(&mut self, heard: Option<Millis>) -> Result<(usize, Option<Step>), Error> {
        let mut state = lock(&self.sender.shared.state);
        let State { connection, outbox } = &mut *state;
        if let Some(now) = heard {
            connection.heard(now);
        }
        let received = connection.receive(self.incoming.buffer.fresh(), outbox);
        // From here on only the buffer is borrowed: other threads may send while a message is
        // inflated.
        drop(state);
        let consumed = received.consumed;
        let step = match received.event {
            None => None,
            Some(Event::Piece(piece)) if piece.compressed => {
                let inflate = |codec: &mut Codec| codec.inflate(piece, &self.incoming.limits);
                match self.codec.as_mut().map_or(Ok(false), inflate) {
                    Ok(whole) => whole.then_some(Step::Inflated(piece.kind)),
                    Err(violation) => {
                        let shared = &self.sender.shared;
                        shared.intend(|connection, outbox| {
                            connection.fail(violation, outbox);
                            Ok(())
                        })?;
                        return Err(self.fail(violation));
                    }
                }
            }
            Some(Event::Piece(Piece {
                kind,
                bytes,
                first,
                last,
                ..
            })) => Some(Step::Piece {
                kind,
                len: bytes.len(),
                first,
                last,
            }),
            Some(Event::Ping(payload)) => Some(Step::Ping(payload.len())),
            Some(Event::Pong(payload)) => Some(Step::Pong(payload.len())),
            Some(Event::Close(body)) => {
                let (code, reason) = (body.code, body.reason.to_owned());
                self.closed = Some(Closed { code, reason });
                Some(Step::Close)
            }
            Some(Event::Failed(violation)) => return Err(self.fail(violation)),
        };
        self.incoming.buffer.consume(consumed);
        match step {
            Some(Step::Ping(_)) => self.sender.shared.transmit()?,
            Some(Step::Close) => self.incoming.part(&self.sender.shared),
            _ => {}
        }
        Ok((consumed, step))
    }

    /// Sends the server the reason, and ends the connection.
    // req: 6455-7.1.7-03
    fn fail(&mut self, violation: Violation) -> Error {
        self.incoming.part(&self.sender.shared);
        Error::Violation(violation)
    }
}

impl<T: Transport> Drop for Client<T> {
    fn drop(&mut self) {
        self.sender.shared.stream.shutdown(Shutdown::Both);
    }
}
