//! Why there is no connection, or why it ended: RFC 6455 sections 4.1 and 7.1.7.
//!
//! Input: what went wrong in any step. Output: an [`Error`] to match on, and its text. Invariant:
//! an [`Answer`] holds text of the other end as received; escaping it is left to the code that
//! shows it.

use crate::client::open::proxy::ProxyError;
use crate::client::open::uri::UriError;
use crate::error::{BadResponse, Misuse, Violation};
#[cfg(feature = "tls")]
use crate::tls::TlsError;
use std::fmt;
use std::io;

/// What went wrong, from parsing the URI to the last byte.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a WebSocket URI; no connection was attempted.
    Uri(UriError),
    /// `wss://` needs TLS, and this build or these options have none: see
    /// [`Options::tls`](crate::client::Options) and
    /// [`Client::over`](crate::client::Client::over).
    Secure,
    /// The encrypted connection failed, or is not to be trusted.
    #[cfg(feature = "tls")]
    Tls(TlsError),
    /// The setting of a proxy is malformed.
    ProxySetting(ProxyError),
    /// The protocol does not allow a call or an option; nothing was sent.
    Misuse(Misuse),
    /// The name of the server or of the proxy has no address.
    Lookup(io::Error),
    /// No address of the server accepted the connection.
    Connect(io::Error),
    /// The proxy opened no tunnel; this is its answer.
    Proxy(Box<Answer>),
    /// The server answered something other than 101: a redirect, 401, 404…
    Answer(Box<Answer>),
    /// The answer breaks a rule of the handshake.
    BadResponse(BadResponse),
    /// The peer does not answer in HTTP; this is what it seems to speak.
    NotHttp(&'static str),
    /// Time ran out while waiting for this.
    TimedOut(Wait),
    /// In an event loop: the server refers to earlier messages, as our offer allows, and the budget
    /// has no memory for them.
    Budget,
    /// The server broke a rule; the connection has failed, and the server was sent a Close.
    Violation(Violation),
    /// The connection ended without a Close frame (close code 1006).
    Lost(Option<io::Error>),
}

/// What took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wait {
    /// The connection and the handshake: [`Limits::open_ms`](crate::client::Limits::open_ms).
    Open,
    /// A message: the time passed to
    /// [`Client::set_receive_timeout`](crate::client::Client::set_receive_timeout). The connection
    /// goes on.
    Receive,
    /// Any sign of life: [`Limits::pong_ms`](crate::Limits::pong_ms) after a Ping.
    Pong,
    /// The answer to our Close: [`Limits::close_ms`](crate::Limits::close_ms).
    Close,
    /// Room for outgoing bytes: [`Limits::stall_ms`](crate::client::Limits::stall_ms).
    Send,
}

/// An HTTP answer that opened no WebSocket and no tunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The header fields in order; what is not UTF-8 is replaced.
    pub fields: Vec<(String, String)>,
    /// The body, at most [`MAX_ANSWER_BODY`] bytes of it.
    pub body: Vec<u8>,
}

/// Bytes of the body of an [`Answer`] that are kept: enough for a page that says why.
pub const MAX_ANSWER_BODY: usize = 64 * 1024;

impl Answer {
    /// The value of the first field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let is_it = |field: &&(String, String)| field.0.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .find(is_it)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        match (self.status, self.field("Location")) {
            (300..=399, Some(location)) => write!(f, ", look at {location}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "the connection to open",
            Self::Receive => "a message",
            Self::Pong => "a Pong",
            Self::Close => "the peer's Close",
            Self::Send => "the peer to read",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uri(error) => error.fmt(f),
            Self::Secure => f.write_str("wss:// needs TLS, which was not set up"),
            #[cfg(feature = "tls")]
            Self::Tls(error) => write!(f, "no secure connection: {error}"),
            Self::ProxySetting(error) => error.fmt(f),
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::Lookup(error) => write!(f, "cannot resolve the host: {error}"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Proxy(answer) => write!(f, "the proxy refused the tunnel: {answer}"),
            Self::Answer(answer) => write!(f, "the server refused the upgrade: {answer}"),
            Self::BadResponse(error) => {
                write!(f, "invalid handshake response: {error}")?;
                match error {
                    BadResponse::ExtensionTerms => f.write_str("; try without compression"),
                    _ => Ok(()),
                }
            }
            Self::NotHttp(peer) => write!(f, "not an HTTP server: {peer}"),
            Self::TimedOut(wait) => write!(f, "timed out waiting for {wait}"),
            Self::Budget => f.write_str("out of memory for the negotiated compression"),
            Self::Violation(violation) => write!(f, "the server broke a rule: {violation}"),
            Self::Lost(None) => f.write_str("the connection ended without a Close frame"),
            Self::Lost(Some(error)) => write!(f, "the connection was lost: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Lookup(error) | Self::Connect(error) | Self::Lost(Some(error)) => Some(error),
            _ => None,
        }
    }
}

impl Error {
    /// Unencrypted bytes came where TLS had to begin.
    pub(super) fn in_clear() -> Self {
        #[cfg(feature = "tls")]
        return Self::Tls(TlsError::not_tls());
        #[cfg(not(feature = "tls"))]
        Self::Secure
    }

    /// A connection that its own encryption has ended, or that the system has.
    pub(crate) fn of_stream(error: io::Error) -> Self {
        #[cfg(feature = "tls")]
        let error = match error.downcast::<TlsError>() {
            Ok(error) => return Self::Tls(error),
            Err(error) => error,
        };
        Self::Lost(Some(error))
    }
}

impl From<Misuse> for Error {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl From<UriError> for Error {
    fn from(error: UriError) -> Self {
        Self::Uri(error)
    }
}

impl From<ProxyError> for Error {
    fn from(error: ProxyError) -> Self {
        Self::ProxySetting(error)
    }
}
