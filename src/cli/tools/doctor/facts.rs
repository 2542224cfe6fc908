//! What was seen of a deployment, without judgement.
//!
//! Input: what the gathering files write down. Output: plain values for `judge`. Invariant: nothing
//! here touches a socket or a clock. What was not looked at is `None`.

use std::net::SocketAddr;
use std::time::Duration;
use wirebell::tls::TlsErrorKind;

/// Everything that was seen.
#[derive(Debug, Default)]
pub struct Facts {
    /// The host of the URL.
    pub host: String,
    /// Host and port, as in the Host field.
    pub authority: String,
    pub lookup: Lookup,
    pub connects: Vec<Connect>,
    pub tls: Option<Tls>,
    /// The answer to something that is not HTTP, which shows who parses first.
    pub malformed: Option<Exchange>,
    /// `GET /healthz`.
    pub health: Option<Exchange>,
    /// The upgrade at `/topics`.
    pub upgrade: Option<Exchange>,
    /// The same with the Origin of a page of this very server.
    pub own_page: Option<Exchange>,
    /// Messages and Pings on one WebSocket.
    pub talk: Option<Result<Talk, String>>,
    pub idle: Option<Idle>,
    pub sse: Option<Sse>,
    pub pages: Vec<Page>,
}

/// What became of a request: an answer, or why there is none.
pub type Exchange = Result<Answer, String>;

/// The look-up of the host.
#[derive(Debug, Default)]
pub struct Lookup {
    pub addresses: Vec<SocketAddr>,
    pub error: Option<String>,
    pub took: Duration,
    /// A proxy of the environment, which was ignored.
    pub ignored_proxy: Option<String>,
}

/// An attempt to connect to one of the addresses.
#[derive(Debug)]
pub struct Connect {
    pub address: SocketAddr,
    pub result: Result<Duration, String>,
}

/// A TLS handshake.
#[derive(Debug, Default)]
pub struct Tls {
    /// Why clients do not trust it, or cannot speak with it.
    pub error: Option<(TlsErrorKind, String)>,
    /// `TLSv1_3`.
    pub version: String,
    /// The first certificate of the chain to end, in seconds since 1970.
    pub ends: Option<i64>,
    /// The time of this machine, in seconds since 1970.
    pub now: i64,
    /// `--insecure`.
    pub unverified: bool,
}

/// An HTTP response.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    /// As far as it was read.
    pub body: String,
    pub took: Duration,
    /// The time of this machine when it arrived, in milliseconds since 1970.
    pub at: i64,
}

/// Rounds of one message and one Ping, sent in this order.
#[derive(Debug, Default)]
pub struct Talk {
    /// The server speaks `wirebell.v1`, so it answers each message.
    pub envelopes: bool,
    /// Messages that were answered, and the shortest time that took.
    pub answered: u32,
    pub answer: Option<Duration>,
    /// Pings whose Pong had our payload, and the shortest time that took.
    pub ponged: u32,
    pub pong: Option<Duration>,
    /// Pongs before the answer to the message that was sent earlier.
    pub early_pongs: u32,
    /// Pongs that are no answer to a Ping of ours.
    pub foreign_pongs: u32,
}

/// How a silent connection went.
#[derive(Debug)]
pub struct Idle {
    pub lived: Duration,
    pub pings: u32,
    pub end: IdleEnd,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub enum IdleEnd {
    /// It was alive all the time, and answers.
    Alive,
    /// It is open but no longer answers.
    Dead,
    /// A Close frame: its code and reason.
    Closed(String),
    /// The connection ended without a Close frame.
    Cut(String),
    /// It could not be opened.
    Unopened(String),
}

/// A stream of Server-Sent Events.
#[derive(Debug)]
pub struct Sse {
    /// The head of the response.
    pub head: Exchange,
    /// From the head to the first line of the stream.
    pub first: Option<Duration>,
    pub published: Published,
    /// From the publication to its event.
    pub event: Option<Duration>,
    /// The time in the event, and the time of this machine when it arrived; milliseconds.
    pub clock: Option<(i64, i64)>,
    /// How long it was waited.
    pub patience: Duration,
}

/// What became of the publication.
#[derive(Debug, PartialEq, Eq)]
pub enum Published {
    /// It was not tried, as the stream did not open.
    Untried,
    Yes,
    /// The server does not allow it.
    Denied(u16),
    /// Something else went wrong.
    Failed(String),
}

/// A preflight request of a page (Fetch standard, CORS).
#[derive(Debug)]
pub struct Page {
    pub origin: String,
    /// A page that was not named, whose scripts should get nothing.
    pub is_stranger: bool,
    pub preflight: Exchange,
    /// An upgrade with its Origin.
    pub upgrade: Exchange,
}

impl Answer {
    /// The values of all fields of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let is_it = move |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        let named = self.fields.iter().filter(is_it);
        named.map(|(_, value)| value.as_str())
    }

    /// The first of them.
    pub fn field<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }
}
