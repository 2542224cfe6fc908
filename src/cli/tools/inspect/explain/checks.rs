//! The rules of the opening handshake: RFC 6455 sections 4.1, 4.2 and 4.4.
//!
//! Input: a request, or a response with its request. Output: the rules that it breaks. How a head
//! is shown is left to `head`.

use crate::cli::tools::inspect::explain::request_info::RequestInfo;
use crate::cli::tools::inspect::explain::rules::handshake;
use crate::cli::tools::inspect::explain::terms;
use crate::cli::tools::inspect::model::{Finding, Text, rfc6455, rfc7692};
use wirebell::error::{BadResponse, Refusal};
use wirebell::handshake::{UpgradeRequest, accept_key};
use wirebell::http::{Fields, RequestHead, ResponseHead};

/// The violations of a request for a WebSocket: all known ones, otherwise the one that the library
/// would refuse it for.
pub fn request(head: RequestHead<'_>) -> Vec<Finding> {
    let fields = head.fields;
    let one = |name: &'static str| fields.all(name).count() == 1;
    let key = fields.get("Sec-WebSocket-Key");
    let rows = [
        (head.method == "GET", Refusal::MethodNotGet, "GET"),
        (head.minor_version == 1, Refusal::HttpVersion, "HTTP/1.1"),
        (
            one("Host"),
            Refusal::Host,
            "one Host field with the name of the server",
        ),
        (
            fields.has_token("Upgrade", "websocket"),
            Refusal::NotAnUpgrade,
            "Upgrade: websocket",
        ),
        (
            fields.has_token("Connection", "upgrade"),
            Refusal::ConnectionWithoutUpgrade,
            "Connection: Upgrade",
        ),
        (
            fields.all("Sec-WebSocket-Version").eq(["13"]),
            Refusal::Version,
            "Sec-WebSocket-Version: 13",
        ),
        (
            one("Sec-WebSocket-Key") && key.is_some_and(|key| key.len() == 24),
            Refusal::Key,
            "16 random bytes as base64, such as dGhlIHNhbXBsZSBub25jZQ==",
        ),
    ];
    let broken = rows.into_iter().filter(|(good, ..)| !good);
    let mut findings: Vec<Finding> = broken
        .map(|(_, refusal, expected)| refused(refusal, "4.1", expected))
        .collect();
    if let (true, Err(refusal)) = (findings.is_empty(), UpgradeRequest::read(head)) {
        findings.push(refused(refusal, "4.2.1", "what the rule says"));
    }
    findings
}

fn refused(refusal: Refusal, section: &'static str, expected: &'static str) -> Finding {
    let receiver = format!("answers with HTTP status {}", refusal.status());
    handshake(refusal.text(), rfc6455(section), expected, receiver)
}

/// The violations of a response with status 101.
pub fn response(head: ResponseHead<'_>, req: Option<&RequestInfo>) -> Vec<Finding> {
    let fields = head.fields;
    let mut rows = vec![
        (
            fields.has_token("Upgrade", "websocket"),
            BadResponse::UpgradeMissing,
            "Upgrade: websocket".into(),
        ),
        (
            fields.has_token("Connection", "upgrade"),
            BadResponse::ConnectionMissing,
            "Connection: Upgrade".into(),
        ),
        accept(&fields, req),
    ];
    rows.extend(req.into_iter().flat_map(|req| chosen(&fields, req)));
    let broken = rows.into_iter().filter(|(good, ..)| !good);
    let finding = |(_, error, expected): Row| {
        let receiver = "fails the connection before it is open";
        let reference = rfc6455(error.section());
        handshake(error.text(), reference, expected, receiver)
    };
    broken.map(finding).collect()
}

/// Whether a rule is kept, the rule, and what it requires.
type Row = (bool, BadResponse, Text);

fn accept(fields: &Fields<'_>, req: Option<&RequestInfo>) -> Row {
    let accept: Vec<&str> = fields.all("Sec-WebSocket-Accept").collect();
    let (good, expected) = match req.and_then(|req| req.key.as_deref()) {
        Some(key) => {
            let right = accept_key(key);
            let expected = format!("Sec-WebSocket-Accept: {}", right.as_str());
            (accept == [right.as_str()], expected.into())
        }
        None => (
            accept.len() == 1 && accept[0].len() == 28,
            "Sec-WebSocket-Accept with 28 characters of base64".into(),
        ),
    };
    (good, BadResponse::AcceptMismatch, expected)
}

/// What the server selected of what the client offered.
fn chosen(fields: &Fields<'_>, req: &RequestInfo) -> [Row; 2] {
    let chosen: Vec<&str> = fields.list("Sec-WebSocket-Protocol").collect();
    let offered = chosen
        .iter()
        .all(|name| req.subprotocols.iter().any(|offered| offered == name));
    let subprotocols = match req.subprotocols.is_empty() {
        true => "no Sec-WebSocket-Protocol: the client offered none".into(),
        false => format!("one of: {}", req.subprotocols.join(", ")).into(),
    };
    let named = fields.get("Sec-WebSocket-Extensions").is_some();
    let (names, offers) = (terms::names(*fields), &req.extensions);
    let known = !named || !offers.is_empty() && names.iter().all(|name| offers.contains(name));
    let extensions = match offers.is_empty() {
        true => "no Sec-WebSocket-Extensions: the client offered none".into(),
        false => format!("one of: {}", offers.join(", ")).into(),
    };
    [
        (
            offered && chosen.len() <= 1,
            BadResponse::SubprotocolNotOffered,
            subprotocols,
        ),
        (known, BadResponse::ExtensionNotOffered, extensions),
    ]
}

/// Invalid extensions of a response.
pub fn extensions(what: &'static str) -> Finding {
    handshake(
        what,
        rfc7692("7.1"),
        "permessage-deflate with parameters that match the offer, or no such field",
        "fails the connection before it is open",
    )
}
