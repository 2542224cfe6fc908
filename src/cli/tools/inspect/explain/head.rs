//! The heads of the opening handshake: RFC 6455 section 4.
//!
//! Input: the bytes of one direction where a head is expected. Output: its lines, each with
//! what it is for, and what is wrong with it.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::explain::body::Body;
use crate::cli::tools::inspect::explain::request_info::RequestInfo;
use crate::cli::tools::inspect::explain::{checks, terms};
use crate::cli::tools::inspect::model::{Class, Field, Finding, Reference, Text, rfc6455, rfc7692};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use wirebell::handshake::{DeflateTerms, accept_key};
use wirebell::http::{Fields, HeadLimits, HeadReader, MAX_FIELDS, RequestHead, ResponseHead};
use wirebell::push::mask_token;
use wirebell::push::native::ENVELOPES;

/// Longer heads are not parsed.
const LONGEST: usize = 1024 * 1024;

/// One head, explained.
#[derive(Default)]
pub struct Head {
    /// Its position.
    pub start: usize,
    pub end: usize,
    pub title: String,
    pub fields: Vec<Field>,
    pub findings: Vec<Finding>,
    pub hints: Vec<Text>,
    /// The input ends inside of it.
    pub cut: bool,
    /// It cannot be parsed, so what follows is unknown.
    pub broken: bool,
    /// That is not a violation: it is not HTTP/1.
    pub is_other: bool,
    pub body: Body,
    pub req: Option<RequestInfo>,
    pub status: Option<u16>,
    pub deflate: Option<DeflateTerms>,
    /// The subprotocol of a response is `wirebell.v1`.
    pub envelopes: bool,
    /// The protocol that a 101 switches to, if not WebSocket.
    pub switched_to: Option<String>,
    /// Extensions of the response whose use of the reserved bits is unknown.
    pub unknown: Vec<String>,
}

/// Bytes that are not an HTTP/1 head, and so cannot violate its rules.
fn is_other(input: &[u8], from: Side) -> bool {
    let input = &input[..input.len().min(LONGEST)];
    let line = input
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    match from {
        Side::Client => !line.windows(8).any(|part| part.starts_with(b" HTTP/1.")),
        Side::Server => !input.starts_with(b"HTTP/1."),
    }
}

/// Reads the head at the front of `input`. `req` is the request of a response.
pub fn read(input: &[u8], from: Side, req: Option<&RequestInfo>) -> Head {
    let limits = HeadLimits::DEFAULT.bytes(LONGEST).target_bytes(LONGEST / 2);
    let range = match HeadReader::new().find(input, &limits) {
        Ok(Some(range)) => range,
        Ok(None) => {
            return Head {
                end: input.len(),
                title: "the start of an HTTP head".into(),
                fields: lines(input, from),
                cut: true,
                ..Head::default()
            };
        }
        Err(error) => return broken(input, from, error.text()),
    };
    let head = &input[range.clone()];
    let mut storage = [wirebell::http::Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    let read = match from {
        Side::Client => RequestHead::parse(head, &mut storage).map(request),
        Side::Server => ResponseHead::parse(head, &mut storage).map(|head| response(head, req)),
    };
    match read {
        Ok(read) => Head {
            start: range.start,
            end: range.end,
            fields: lines(head, from),
            ..read
        },
        Err(error) => Head {
            start: range.start,
            end: range.end,
            ..broken(head, from, error.text())
        },
    }
}

fn broken(input: &[u8], from: Side, what: &'static str) -> Head {
    if is_other(input, from) {
        return Head {
            title: "a line that is not HTTP/1".into(),
            broken: true,
            is_other: true,
            ..Head::default()
        };
    }
    let finding = crate::cli::tools::inspect::explain::rules::handshake(
        what,
        Reference {
            rfc: 9112,
            section: "2",
        },
        "a first line, lines of `Name: value`, and an empty line, each ended by CR LF",
        match from {
            Side::Client => "answers with status 400 and closes the connection",
            Side::Server => "gives up",
        },
    );
    Head {
        end: input.len(),
        title: "an HTTP head that cannot be read".into(),
        fields: lines(&input[..input.len().min(16 * 1024)], from),
        findings: vec![finding],
        broken: true,
        ..Head::default()
    }
}

fn request(head: RequestHead<'_>) -> Head {
    let fields = head.fields;
    let req = RequestInfo {
        upgrade: fields.has_token("Upgrade", "websocket")
            || fields.get("Sec-WebSocket-Key").is_some()
            || fields.get("Sec-WebSocket-Version").is_some(),
        connect: head.method == "CONNECT",
        head: head.method == "HEAD",
        key: fields.get("Sec-WebSocket-Key").map(str::to_owned),
        subprotocols: fields
            .list("Sec-WebSocket-Protocol")
            .map(str::to_owned)
            .collect(),
        extensions: terms::names(fields),
    };
    let what = match req.upgrade {
        true => "asks for a WebSocket",
        false => "a plain HTTP request",
    };
    Head {
        title: format!("{} {}: {what}", head.method, mask_token(head.target)),
        findings: match req.upgrade {
            true => checks::request(head),
            false => Vec::new(),
        },
        body: Body::of(&fields, Body::None),
        req: Some(req),
        ..Head::default()
    }
}

fn response(head: ResponseHead<'_>, req: Option<&RequestInfo>) -> Head {
    let fields = head.fields;
    let switched_to = other_protocol(head, req);
    let switched = head.status == 101 && switched_to.is_none();
    let what = match (head.status, req) {
        (101, _) if !switched => "the connection switches to another protocol",
        (101, _) => "the server agrees: frames follow in both directions",
        (200..=299, Some(req)) if req.connect => "the proxy has connected",
        (..=199, _) => "interim; the final response follows",
        (_, Some(req)) if req.upgrade => "the server does not switch to WebSocket",
        _ => "an HTTP response",
    };
    let mut read = Head {
        title: format!("HTTP status {}: {what}", head.status),
        status: Some(head.status),
        switched_to,
        body: match (head.status, req) {
            (..=199 | 204 | 304, _) => Body::None,
            (_, Some(req)) if req.head => Body::None,
            (200..=299, Some(req)) if req.connect => Body::None,
            _ => Body::of(&fields, Body::Rest),
        },
        ..Head::default()
    };
    if switched {
        read.findings = checks::response(head, req);
        read.envelopes = fields.get("Sec-WebSocket-Protocol") == Some(ENVELOPES);
        extensions(fields, &mut read);
        let key = req.and_then(|req| req.key.as_deref());
        read.hints.extend(key.and_then(how_accepted));
        if req.is_none() {
            let what = "the request is missing, so the response cannot be compared with it";
            read.hints.push(what.into());
        }
    }
    read
}

/// What a 101 switches to, if it is not WebSocket. A 101 that names nothing is invalid.
fn other_protocol(head: ResponseHead<'_>, req: Option<&RequestInfo>) -> Option<String> {
    let fields = head.fields;
    let named = fields.get("Upgrade").map(str::to_owned);
    let is_websocket =
        fields.has_token("Upgrade", "websocket") || fields.get("Sec-WebSocket-Accept").is_some();
    if head.status != 101 || is_websocket {
        return None;
    }
    let unsolicited = req.is_some_and(|req| !req.upgrade);
    named.or_else(|| unsolicited.then(|| "a protocol that it does not name".into()))
}

/// The extensions of the response.
fn extensions(fields: Fields<'_>, read: &mut Head) {
    let unknown = terms::unknown(fields);
    match terms::agreed(fields) {
        Ok(terms) => read.deflate = terms,
        // Whether it was offered is checked with the rest of the response.
        Err(_) if !unknown.is_empty() && unknown == terms::names(fields) => {}
        Err(what) => read.findings.push(checks::extensions(what)),
    }
    if !unknown.is_empty() {
        let what = "is not known here: its use of reserved bits and payloads is not checked";
        read.hints
            .push(format!("the extension {} {what}", unknown.join(", ")).into());
    }
    read.unknown = unknown;
}

/// How the accept value is computed from the key, step by step.
fn how_accepted(key: &str) -> Option<Text> {
    let accept = accept_key(key);
    let digest = BASE64_STANDARD.decode(accept.as_str()).ok()?;
    let digest = crate::cli::tools::common::terminal::hex(&digest);
    let accept = accept.as_str();
    Some(
        format!(
            "the accept value, step by step: append 258EAFA5-E914-47DA-95CA-C5AB0DC85B11 to \
             {key}; the SHA-1 of that is {digest}; as base64 it is {accept}"
        )
        .into(),
    )
}

/// The lines of a head, and what each is for.
fn lines(head: &[u8], from: Side) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut start = 0;
    for line in head
        .split_inclusive(|byte| *byte == b'\n')
        .take(MAX_FIELDS + 2)
    {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        let first = start == 0;
        let (name, value) = match text.split_once(':') {
            Some((name, value)) if !first => (name, value.trim()),
            _ if first => ("first line", text),
            _ if text.is_empty() => ("empty line", ""),
            _ => ("line", text),
        };
        let (meaning, reference) = match first {
            true => first_line(from),
            false if text.is_empty() => ("the head ends here; frames or a body follow", HTTP),
            false => meaning(name, from),
        };
        fields.push(Field {
            start,
            end: start + line.len(),
            bits: None,
            class: match reference.rfc {
                6455 | 7692 => Class::Line,
                _ => Class::Other,
            },
            name: name.to_owned().into(),
            value: value.to_owned().into(),
            meaning: meaning.into(),
            reference,
        });
        start += line.len();
    }
    fields
}

const HTTP: Reference = Reference {
    rfc: 9112,
    section: "2.1",
};

fn first_line(from: Side) -> (&'static str, Reference) {
    match from {
        Side::Client => (
            "method, resource and version: a handshake is a GET with HTTP/1.1",
            rfc6455("4.1"),
        ),
        Side::Server => (
            "version, status and reason: 101 accepts, everything else refuses",
            rfc6455("4.2.2"),
        ),
    }
}

fn meaning(name: &str, from: Side) -> (&'static str, Reference) {
    let name = name.to_ascii_lowercase();
    match (&*name, from) {
        ("host", Side::Client) => (
            "the host name of the server; one address may serve many",
            rfc6455("4.1"),
        ),
        ("upgrade", _) => ("the protocol to switch to: websocket", rfc6455("4.1")),
        ("connection", _) => (
            "says that Upgrade applies to this connection",
            rfc6455("4.1"),
        ),
        ("sec-websocket-key", _) => (
            "16 random bytes as base64; the answer proves that the server speaks WebSocket and \
             did not just repeat something",
            rfc6455("11.3.1"),
        ),
        ("sec-websocket-accept", _) => (
            "base64 of the SHA-1 of the key followed by 258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
            rfc6455("11.3.3"),
        ),
        ("sec-websocket-version", Side::Client) => {
            ("the version of the protocol: always 13", rfc6455("11.3.5"))
        }
        ("sec-websocket-version", Side::Server) => {
            ("the versions that the server speaks", rfc6455("4.4"))
        }
        ("sec-websocket-protocol", Side::Client) => (
            "subprotocols that the client offers, the preferred one first",
            rfc6455("11.3.4"),
        ),
        ("sec-websocket-protocol", Side::Server) => (
            "the subprotocol that the server selected",
            rfc6455("11.3.4"),
        ),
        ("sec-websocket-extensions", Side::Client) => (
            "extensions that the client offers, such as compression",
            rfc7692("5"),
        ),
        ("sec-websocket-extensions", Side::Server) => {
            ("extensions in use, with their parameters", rfc7692("5"))
        }
        ("origin", _) => (
            "the web page on whose behalf a browser connects",
            rfc6455("10.2"),
        ),
        ("authorization" | "cookie", _) => ("who the client is", rfc6455("10.5")),
        _ => ("HTTP; not part of the handshake", HTTP),
    }
}
