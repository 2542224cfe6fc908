//! Heads of the opening handshake: requests and responses with any mistake, and parsed responses.
//!
//! Input: a target, or the text of a head. Output: a [`Head`] to send, or an [`Answer`] that was
//! received. Invariant: a mistake that a case makes is sent unchanged. Sending is left to
//! `handshake` and `accept`.

use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::wire::shown;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wirebell::client::Random;
use wirebell::handshake::accept_key;
use wirebell::wire::Entropy as _;

pub const ACCEPT: &str = "Sec-WebSocket-Accept";
pub const EXTENSIONS: &str = "Sec-WebSocket-Extensions";
pub const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// A request or a response in which a case can make mistakes.
#[derive(Clone, Debug)]
pub struct Head {
    pub line: String,
    pub fields: Vec<(String, String)>,
    /// The key of the request.
    pub key: String,
}

/// Header fields, as received.
#[derive(Clone, Debug, Default)]
pub struct Fields(pub Vec<(String, String)>);

/// A response, as received.
#[derive(Clone, Debug)]
pub struct Answer {
    pub version: String,
    pub status: u16,
    pub fields: Fields,
}

impl Head {
    /// A valid request, with the fields that the server needs.
    pub fn request(target: &Target) -> Self {
        let mut nonce = [0; 16];
        Random.fill(&mut nonce);
        let key = STANDARD.encode(nonce);
        let fields = [
            ("Host", target.authority.as_str()),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", &key),
            ("Sec-WebSocket-Version", "13"),
        ];
        let line = format!("GET {} HTTP/1.1", target.path);
        let mut request = Self::with(line, &fields, &key);
        for (name, value) in &target.fields {
            match name.eq_ignore_ascii_case("Host") {
                true => request.set("Host", value),
                false => request.add(name, value),
            }
        }
        if !target.subprotocols.is_empty() {
            let names = target.subprotocols.iter().map(String::as_str);
            request.offer(&names.collect::<Vec<_>>());
        }
        request
    }

    /// A valid response to the request with this key.
    pub fn answer(key: &str) -> Self {
        let accept = accept_key(key);
        let fields = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            (ACCEPT, accept.as_str()),
        ];
        Self::with("HTTP/1.1 101 Switching Protocols".into(), &fields, key)
    }

    fn with(line: String, fields: &[(&str, &str)], key: &str) -> Self {
        let fields = fields.iter();
        Self {
            line,
            fields: fields
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            key: key.to_owned(),
        }
    }

    pub fn add(&mut self, name: &str, value: &str) {
        self.fields.push((name.into(), value.into()));
    }

    /// The same, unless the request already has this field.
    pub fn add_missing(&mut self, name: &str, value: &str) {
        let is_it = |field: &(String, String)| field.0.eq_ignore_ascii_case(name);
        if !self.fields.iter().any(is_it) {
            self.add(name, value);
        }
    }

    /// Offers subprotocols after those already offered, which stay preferred. No name may appear
    /// twice (RFC 6455 section 4.1, item 10).
    pub fn offer(&mut self, names: &[&str]) {
        let mut fields = self.fields.iter_mut();
        let Some((_, offered)) = fields.find(|field| field.0 == PROTOCOL) else {
            return self.add(PROTOCOL, &names.join(", "));
        };
        for name in names {
            if !offered.split(", ").any(|one| one == *name) {
                *offered += &format!(", {name}");
            }
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|(field, _)| field != name);
    }

    pub fn set(&mut self, name: &str, value: &str) {
        for (field, old) in &mut self.fields {
            if field == name {
                value.clone_into(old);
            }
        }
    }

    /// Renames a field, perhaps to an invalid name.
    pub fn rename(&mut self, name: &str, other: &str) {
        for (field, _) in &mut self.fields {
            if field == name {
                other.clone_into(field);
            }
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.fields {
            text += &format!(
                "{name}:{}{value}\r\n",
                if value.is_empty() { "" } else { " " }
            );
        }
        (text + "\r\n").into_bytes()
    }
}

impl Fields {
    /// The values of all fields of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self
            .0
            .iter()
            .filter(|field| field.0.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub fn has_token(&self, name: &str, token: &str) -> bool {
        let values = self.all(name);
        let mut tokens = values.iter().flat_map(|value| value.split(','));
        tokens.any(|one| one.trim().eq_ignore_ascii_case(token))
    }

    /// Fails on a line that is not a field.
    pub fn parse<'l>(lines: impl Iterator<Item = &'l str>) -> Result<Self, Problem> {
        let mut fields = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(':') else {
                return Problem::fail(format!("not a header field: {}", shown(line.as_bytes())));
            };
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
        Ok(Self(fields))
    }
}

impl Answer {
    /// The values of all fields of this name.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.fields.all(name)
    }

    pub fn parse(head: &str) -> Result<Self, Problem> {
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let mut words = first.splitn(3, ' ');
        let version = words.next().unwrap_or_default().to_owned();
        let status = words.next().and_then(|word| word.parse().ok());
        let Some(status) = status.filter(|_| version.starts_with("HTTP/")) else {
            return Problem::fail(format!("no status line: {}", shown(first.as_bytes())));
        };
        Ok(Self {
            version,
            status,
            fields: Fields::parse(lines)?,
        })
    }

    /// Checks a 101 item by item (RFC 6455 section 4.2.2).
    pub fn check(&self, request: &Head) -> Result<(), Problem> {
        if self.status != 101 {
            return Problem::fail(format!("the response is {}, not 101", self.status));
        }
        if self.version != "HTTP/1.1" {
            return Problem::fail("the response is not HTTP/1.1");
        }
        if !self.fields.has_token("Upgrade", "websocket") {
            return Problem::fail("the response has no Upgrade: websocket");
        }
        if !self.fields.has_token("Connection", "upgrade") {
            return Problem::fail("the response has no Connection: Upgrade");
        }
        let expected = accept_key(&request.key);
        match self.all(ACCEPT)[..] {
            [accept] if accept == expected.as_str() => Ok(()),
            [_] => Problem::fail("Sec-WebSocket-Accept does not match the key"),
            [] => Problem::fail("Sec-WebSocket-Accept is missing"),
            _ => Problem::fail("there are several Sec-WebSocket-Accept fields"),
        }
    }
}
