//! The opening handshake as tables: RFC 6455 section 4, both sides.
//!
//! - `head`: how a head is found and split; `refusals`: each way in which a request can be wrong;
//! - `parts`: heads from another parser; `refused`: the response to a refused client; `types`: both
//!   in those of the crate `http`;
//! - `accepting`: what a server answers; `extensions`: the grammar of section 9.1; `walks`: what
//!   long lists cost;
//! - `client`: what a client asks, and each way in which the answer can be wrong; `origin`;
//! - `deflate_server`, `deflate_client`: permessage-deflate (RFC 7692 section 7.1), side by side;
//!   `deflate_meeting`: several offers, values, lines; `deflate_written`: headers at random.

mod accepting;
mod client;
mod deflate_client;
mod deflate_meeting;
mod deflate_server;
mod deflate_written;
mod extensions;
mod head;
mod origin;
mod parts;
mod refusals;
mod refused;
#[cfg(feature = "http-types")]
mod types;
mod walks;

use wirebell::Refusal;
use wirebell::handshake::UpgradeRequest;
use wirebell::http::Fields;
use wirebell::http::{Field, HeadLimits, HeadReader, MAX_FIELDS, RequestHead};

/// A request or response that is good until a test changes it.
#[derive(Clone)]
struct Head {
    first_line: Vec<u8>,
    lines: Vec<(&'static str, Vec<u8>)>,
}

/// The request of RFC 6455 section 1.2.
fn good_request() -> Head {
    Head::new("GET /chat HTTP/1.1")
        .with("Host", "server.example.com")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade")
        .with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .with("Sec-WebSocket-Version", "13")
}

impl Head {
    fn new(first_line: &str) -> Self {
        Self {
            first_line: first_line.into(),
            lines: Vec::new(),
        }
    }

    /// With another first line.
    fn first(mut self, first_line: impl AsRef<[u8]>) -> Self {
        self.first_line = first_line.as_ref().to_vec();
        self
    }

    /// With one more field line.
    fn with(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name, value.as_ref().to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        let before = self.lines.len();
        self.lines.retain(|line| line.0 != name);
        assert_ne!(self.lines.len(), before, "{name} was there");
        self
    }

    /// With another value in the place of the old one.
    fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let line = self.lines.iter_mut().find(|line| line.0 == name);
        line.expect("the field was there").1 = value.as_ref().to_vec();
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.first_line.clone();
        for (name, value) in &self.lines {
            bytes.extend_from_slice(b"\r\n");
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
        }
        bytes.extend_from_slice(b"\r\n\r\n");
        bytes
    }
}

const NO_FIELD: Field<'static> = Field {
    name: "",
    value: b"",
};

/// Finds, splits and reads a request as a server does, and hands it to `look`.
fn read<T>(bytes: &[u8], look: impl FnOnce(UpgradeRequest<'_>) -> T) -> Result<T, Refusal> {
    let found = HeadReader::new().find(bytes, &HeadLimits::default())?;
    let range = found.expect("a whole head");
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let head = RequestHead::parse(&bytes[range], &mut storage)?;
    Ok(look(UpgradeRequest::read(head)?))
}

/// What a server says to a request: nothing, or why not.
fn verdict(request: &Head) -> Result<(), Refusal> {
    read(&request.bytes(), |_| ())
}

/// The fields of a request that holds nothing but these lines.
fn fields<T>(lines: &[(&'static str, &str)], look: impl FnOnce(Fields<'_>) -> T) -> T {
    let head = lines
        .iter()
        .fold(Head::new("GET / HTTP/1.1"), |head, line| {
            head.with(line.0, line.1)
        });
    let bytes = head.bytes();
    let mut storage = [NO_FIELD; MAX_FIELDS];
    look(
        RequestHead::parse(&bytes, &mut storage)
            .expect("a head")
            .fields,
    )
}
