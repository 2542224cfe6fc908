//! The deployment under examination: one address of it, and how to talk to it.
//!
//! Input: the URL and the flags. Output: connections, and answers to single requests. Invariants:
//! every wait ends; the credentials leave only over a connection whose server was accepted. What an
//! answer means is left to `judge`.

use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::common::tls::connect;
use crate::cli::tools::doctor::facts::{Answer, Exchange};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wirebell::client::{Error, Stream};
use wirebell::http::{EMPTY_FIELD, MAX_FIELDS, ResponseHead};
use wirebell::tls::Connector;

/// How much of a response is read.
const MAX_RESPONSE: usize = 64 * 1024;

/// The deployment.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// If TLS is spoken: how.
    pub tls: Option<Connector>,
    /// The host of the URL, an IPv6 address without its brackets.
    pub host: String,
    /// Host and port, as in the Host field.
    pub authority: String,
    /// The path of the URL, without `/` at its end: what stands before `/topics`.
    pub base: String,
    /// The topic of the checks, percent-encoded.
    pub topic: String,
    /// The Authorization field, if there is one.
    pub credentials: Option<(String, String)>,
    pub timeout: Duration,
}

/// A request.
#[derive(Debug)]
pub struct Request<'r> {
    pub method: &'r str,
    /// After the path of the URL.
    pub path: &'r str,
    pub fields: &'r [(&'r str, &'r str)],
    pub body: &'r str,
    /// Whether the credentials are sent along.
    pub with_credentials: bool,
}

impl Target {
    /// A new connection.
    pub fn connect(&self) -> Result<Stream, Error> {
        let tls = self.tls.as_ref().map(|connector| (connector, &*self.host));
        connect(self.address, tls, self.timeout)
    }

    /// Whether the server is at `https://`.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The origin of a page of this server (RFC 6454).
    pub fn origin(&self) -> String {
        let scheme = if self.is_secure() { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// The URI of a WebSocket.
    pub fn socket_uri(&self, path: &str) -> String {
        let scheme = if self.is_secure() { "wss" } else { "ws" };
        format!("{scheme}://{}{}{path}", self.authority, self.base)
    }

    /// Sends one request on a connection of its own and reads the response.
    pub fn ask(&self, request: &Request<'_>) -> Exchange {
        self.exchange(&self.text_of(request))
    }

    /// Sends these bytes on a connection of their own and reads the response.
    pub fn exchange(&self, bytes: &str) -> Exchange {
        let stream = self
            .connect()
            .map_err(|error| one_line(&error.to_string()))?;
        let mut reader = Reader::new(stream, self.timeout);
        reader.send(bytes)?;
        let mut answer = reader.head()?;
        reader.read_body(&mut answer);
        Ok(answer)
    }

    /// The bytes of a request.
    pub fn text_of(&self, request: &Request<'_>) -> String {
        let Request {
            method, path, body, ..
        } = request;
        let (base, authority) = (&self.base, &self.authority);
        let mut text = format!("{method} {base}{path} HTTP/1.1\r\nHost: {authority}\r\n");
        let agent = concat!("wirebell-doctor/", env!("CARGO_PKG_VERSION"));
        text += &format!("User-Agent: {agent}\r\n");
        let upgrades = request.fields.iter().any(|(name, _)| *name == "Upgrade");
        if !upgrades {
            text += "Connection: close\r\n";
        }
        if let Some((name, value)) = self
            .credentials
            .as_ref()
            .filter(|_| request.with_credentials)
        {
            text += &format!("{name}: {value}\r\n");
        }
        for (name, value) in request.fields {
            text += &format!("{name}: {value}\r\n");
        }
        if !["GET", "OPTIONS"].contains(method) {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text + "\r\n" + body
    }
}

/// Milliseconds since 1970, of this machine.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}

/// Reads one response, until a deadline.
pub struct Reader {
    stream: Stream,
    started: Instant,
    patience: Duration,
    deadline: Instant,
    received: Vec<u8>,
}

impl Reader {
    pub fn new(stream: Stream, patience: Duration) -> Self {
        let started = Instant::now();
        Self {
            stream,
            started,
            patience,
            deadline: started + patience,
            received: Vec::new(),
        }
    }

    /// Waits this long again from now on.
    pub fn restart(&mut self) {
        self.deadline = Instant::now() + self.patience;
    }

    /// Sends a request.
    pub fn send(&mut self, bytes: &str) -> Result<(), String> {
        let _ = self.stream.set_write_timeout(Some(self.patience));
        let sent = self.stream.write_all(bytes.as_bytes());
        sent.map_err(|error| format!("the request cannot be sent: {error}"))
    }

    /// Reads once. False at the end, and when the time is up.
    fn read(&mut self) -> Result<bool, String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || self.received.len() >= MAX_RESPONSE {
            return Ok(false);
        }
        let _ = self.stream.set_read_timeout(Some(left));
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(len) => {
                self.received.extend(&buffer[..len]);
                Ok(len > 0)
            }
            Err(error) if is_timeout(error.kind()) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Reads the head; the body remains.
    pub fn head(&mut self) -> Result<Answer, String> {
        let end = loop {
            if let Some(at) = find(&self.received, b"\r\n\r\n") {
                break at + 4;
            }
            match self.read() {
                Ok(true) => {}
                Ok(false) if Instant::now() >= self.deadline => {
                    return Err(format!("no response within {:.1?}", self.patience));
                }
                Ok(false) => return Err("the connection ends without a response".into()),
                Err(error) => return Err(format!("no response: {error}")),
            }
        };
        let head: Vec<u8> = self.received.drain(..end).collect();
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let parsed = ResponseHead::parse(&head, &mut storage);
        let parsed = parsed.map_err(|_| "the response is not HTTP".to_owned())?;
        let text = |bytes: &[u8]| one_line(&String::from_utf8_lossy(bytes));
        let fields = parsed.fields.iter();
        Ok(Answer {
            status: parsed.status,
            fields: fields
                .map(|field| (field.name.to_owned(), text(field.value)))
                .collect(),
            body: String::new(),
            took: self.started.elapsed(),
            at: now(),
        })
    }

    /// Reads the body as far as it comes.
    fn read_body(&mut self, answer: &mut Answer) {
        let length = answer.field("Content-Length");
        let length: Option<usize> = length.and_then(|length| length.parse().ok());
        let has_none = matches!(answer.status, 101 | 204 | 304);
        let all = if has_none {
            0
        } else {
            length.unwrap_or(usize::MAX)
        };
        while self.received.len() < all && self.read().unwrap_or(false) {}
        answer.body = String::from_utf8_lossy(&self.received).into_owned();
    }

    /// Reads until the body has this text, and returns what it has. `None` if it does not come.
    pub fn until(&mut self, text: &str) -> Option<String> {
        while find(&self.received, text.as_bytes()).is_none() {
            if !self.read().unwrap_or(false) {
                return None;
            }
        }
        Some(String::from_utf8_lossy(&self.received).into_owned())
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// A read that has waited long enough.
fn is_timeout(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
