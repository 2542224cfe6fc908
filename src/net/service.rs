//! What a program does with the connections of an event loop.
//!
//! Input: requests, messages, the end of connections, mail. Output: calls on [`Context`].
//! Invariant: a service is called between two steps of the loop, never inside
//! [`Connection::receive`](crate::Connection::receive), and always from the one thread of its loop;
//! so it needs no locks for its own state.

use crate::error::{Misuse, Refusal};
use crate::handshake::Accepted;
use crate::http::{BodyError, HttpFault, Request, RequestHead, Response};
use crate::net::context::Context;
use crate::net::words::{Chunk, Delivery, End, PeerId};
use crate::proto::{Message, Millis};

/// The program that an event loop runs. One value per worker thread, made on that thread.
///
/// An echo server:
///
/// ```no_run
/// use wirebell::net::{Context, Options, PeerId, Reply, Request, Server, Service};
/// use wirebell::Message;
///
/// struct Echo;
///
/// impl Service for Echo {
///     type Mail = ();
///
///     fn request<'r>(
///         &mut self,
///         _: &mut Context<'_>,
///         _: PeerId,
///         request: &Request<'r>,
///     ) -> Reply<'r> {
///         request.upgrade().map(|opening| opening.accept(None)).into()
///     }
///
///     fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
///         let _ = context.send(peer, message);
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// Server::bind("127.0.0.1:9001", Options::default(), |_| Echo)?.join();
/// # Ok(())
/// # }
/// ```
pub trait Service {
    /// What other threads can send to it through a [`Mailbox`](crate::net::Mailbox).
    type Mail: Send + 'static;

    /// The loop is about to start: the place to dial from.
    fn started(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// The head of a request announces a body, of which nothing has been read: returns how many
    /// bytes it may have ([`413`](crate::http::BodyError::TooLong) above it), or the answer if it
    /// should not be read. What path, method or credentials forbid is best refused here, as it
    /// costs no memory. After [`Ok`], [`Service::request`] follows once the body is whole.
    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        let _ = (from, head);
        Ok(context.limits().body_bytes)
    }

    /// A body that was admitted by [`Service::body`] turns out to be too long or malformed, or does
    /// not arrive in time, and the connection ends with `response`; or the client of a trusted
    /// proxy has too many connections, and `response` is 429. The place to say that in other words.
    fn refused(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
        response: Response,
    ) -> Response {
        let _ = (context, from, head);
        response
    }

    /// Answers an HTTP request, its body included: with a response, now or later, whole or in
    /// parts, or by accepting its opening handshake (RFC 6455 section 4.2.2). The default is 404.
    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        let _ = (context, from, request);
        Refusal::NotFound.into()
    }

    /// Called instead of [`Service::body`] and [`Service::request`] if head and body arrived
    /// together, so that a service need not look at the head twice. The default calls both.
    fn whole<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        let head = request.head();
        match self.body(context, from, &head) {
            Ok(limit) if request.body().len() <= limit => self.request(context, from, request),
            Ok(_) => {
                let response = HttpFault::Body(BodyError::TooLong).response();
                self.refused(context, from, &head, response)
                    .closing()
                    .into()
            }
            Err(response) => response.into(),
        }
    }

    /// A WebSocket connection is open, in either role.
    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    /// A connection dialled with this tag could not be opened. If the dial asks for it, another
    /// attempt follows.
    #[cfg(feature = "client")]
    fn not_opened(&mut self, context: &mut Context<'_>, tag: u32, error: &crate::client::Error) {
        let _ = (context, tag, error);
    }

    /// A whole message has arrived; text has been checked.
    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>);

    /// A part of a message has arrived, on a connection that was opened with
    /// [`Delivery::Chunks`], or of a long one with [`Delivery::LongInChunks`].
    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        let _ = (context, peer, chunk);
    }

    /// The peer has answered a Ping (RFC 6455 section 5.5.3), or has sent an unsolicited Pong.
    fn pong(&mut self, context: &mut Context<'_>, peer: PeerId, payload: &[u8]) {
        let _ = (context, peer, payload);
    }

    /// Everything that waited for a slow peer has left; or what was sent to it in the last turn of
    /// the loop has left, whether or not it is slow, if there was a piece of a message
    /// ([`Context::send_piece`]) or the service wanted to know ([`Context::notify_when_sent`]).
    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    /// The timer of [`Context::set_timer`] has expired.
    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    /// The loop has begun to close a connection on its own initiative: its peer reads too slowly,
    /// the server is short of memory, or it is stopping. Nothing more can be sent to it;
    /// [`Service::closed`] follows. Not called for connections that the service or the peer closes.
    fn closing(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let _ = (context, peer);
    }

    /// The server holds more than [`Limits::memory_bytes`](crate::net::Limits::memory_bytes). What
    /// the service keeps for its peers and can do without, such as a history, goes first; then the
    /// connections that hold most are closed. `bytes` is how much must go.
    fn shed(&mut self, context: &mut Context<'_>, bytes: usize) {
        let _ = (context, bytes);
    }

    /// A connection that the service knows of has ended. Called once for each [`Service::opened`],
    /// and for each unanswered [`Reply::Later`] and unfinished [`Reply::Stream`].
    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        let _ = (context, peer, end);
    }

    /// Mail from another thread.
    fn mail(&mut self, context: &mut Context<'_>, mail: Self::Mail) {
        let _ = (context, mail);
    }

    /// Another process is about to take over: what its service needs to go on with this
    /// connection, of which nothing more is read meanwhile. May be called several times. The
    /// default is that its client has to connect again.
    #[cfg(feature = "take-over")]
    fn export(&mut self, context: &mut Context<'_>, peer: PeerId) -> Export {
        let _ = (context, peer);
        Export::Never
    }

    /// A connection that the [`export`](Service::export) of another process described, instead of
    /// [`Service::opened`]; its [tag](Context::tag) is the same. Nothing may be sent yet. With
    /// `false` this process cannot go on with it, and does not take over.
    #[cfg(feature = "take-over")]
    fn import(&mut self, context: &mut Context<'_>, peer: PeerId, record: &[u8]) -> bool {
        let _ = (context, peer, record);
        false
    }

    /// A graceful stop has begun. From now on connections are sent Close 1001, or 1012 if another
    /// process has taken over, spread over [`Limits::drain_ms`](crate::net::Limits::drain_ms).
    fn stopping(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }

    /// When to call [`Service::tick`], on the clock of [`Context::now`]; `None` for never. Queried
    /// at least once per turn.
    fn deadline(&self) -> Option<Millis> {
        None
    }

    /// [`Service::deadline`] has passed; it must move forward or become `None`.
    fn tick(&mut self, context: &mut Context<'_>) {
        let _ = context;
    }
}

/// Whether a connection can go on in another process.
#[cfg(feature = "take-over")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// It can, with this for [`Service::import`].
    Record(Vec<u8>),
    /// What has begun has to end first, without anything being read.
    Soon,
    /// It cannot.
    Never,
}

/// The answer of a service to a request.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reply<'r> {
    /// An HTTP response; the connection stays HTTP.
    Respond(Response),
    /// 101 Switching Protocols: frames from here on.
    Upgrade(Upgrade<'r>),
    /// The response follows with [`Context::respond`]. Until then the connection is not read, so
    /// responses keep the order of the requests; after
    /// [`Limits::answer_ms`](crate::net::Limits::answer_ms) the answer is 504 Gateway Timeout.
    Later {
        /// A number for the service to use: see [`Context::tag`].
        tag: u32,
    },
    /// The head now, the body in parts with [`Context::write`] until [`Context::finish`]: in chunks
    /// (RFC 9112 section 7.1), or until the end of the connection for HTTP/1.0. The answer to a
    /// HEAD request is complete at once.
    Stream {
        /// The head; its body is the first part.
        head: Response,
        /// A number for the service to use: see [`Context::tag`].
        tag: u32,
    },
}

/// How a WebSocket is opened: the response, and settings for the loop.
///
/// ```
/// use wirebell::net::{Delivery, PeerId, Reply, Request, Upgrade};
///
/// fn upgrade<'r>(request: &Request<'r>, session: &str) -> Reply<'r> {
///     let opening = match request.upgrade() {
///         Ok(ask) => ask,
///         Err(refusal) => return refusal.into(),
///     };
///     let upgrade = Upgrade::new(opening.accept(None)).tag(7).delivery(Delivery::Chunks);
///     match upgrade.field("Set-Cookie", format!("session={session}; HttpOnly")) {
///         Ok(upgrade) => upgrade.into(),
///         Err(_) => wirebell::Refusal::NotFound.into(), // no cookie has such a value
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Upgrade<'r> {
    pub(crate) accepted: Accepted<'r>,
    pub(crate) tag: u32,
    pub(crate) delivery: Delivery,
    pub(crate) sends_close: bool,
    pub(crate) fields: Vec<(&'static str, String)>,
}

impl<'r> Upgrade<'r> {
    /// With the tag 0 and whole messages.
    pub fn new(accepted: Accepted<'r>) -> Self {
        Self {
            accepted,
            tag: 0,
            delivery: Delivery::Messages,
            sends_close: true,
            fields: Vec::new(),
        }
    }

    /// A number for the service to use: see [`Context::tag`].
    pub fn tag(mut self, tag: u32) -> Self {
        self.tag = tag;
        self
    }

    /// How its messages are delivered.
    pub fn delivery(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// When the service or the loop ends this connection, it sends no Close: what was sent leaves,
    /// then our side of the connection ends, and what the peer sends is discarded until it ends its
    /// own. For clients of protocols in which a Close of the server is an error. A peer that closes
    /// or breaks a rule is still answered with a Close.
    pub fn without_close(mut self) -> Self {
        self.sends_close = false;
        self
    }

    /// Adds a field to the response, besides those of the handshake.
    ///
    /// # Errors
    ///
    /// The same as [`Accepted::fields`].
    pub fn field(mut self, name: &'static str, value: impl Into<String>) -> Result<Self, Misuse> {
        let value = value.into();
        self.accepted.fields(&[(name, &value)])?;
        self.fields.push((name, value));
        Ok(self)
    }
}

impl<'r> From<Upgrade<'r>> for Reply<'r> {
    fn from(upgrade: Upgrade<'r>) -> Self {
        Self::Upgrade(upgrade)
    }
}

impl From<Response> for Reply<'_> {
    fn from(response: Response) -> Self {
        Self::Respond(response)
    }
}

impl From<Refusal> for Reply<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Respond(refusal.into())
    }
}

impl<'r> From<Accepted<'r>> for Reply<'r> {
    fn from(accepted: Accepted<'r>) -> Self {
        Self::Upgrade(Upgrade::new(accepted))
    }
}

impl<'r> From<Result<Accepted<'r>, Refusal>> for Reply<'r> {
    fn from(result: Result<Accepted<'r>, Refusal>) -> Self {
        match result {
            Ok(accepted) => accepted.into(),
            Err(refusal) => refusal.into(),
        }
    }
}
