//! The rules of the opening handshake: RFC 6455 sections 4.1, 4.2 and 4.4.

use crate::cli::tools::inspect::explain::asked::Asked;
use crate::cli::tools::inspect::explain::rules::handshake;
use crate::cli::tools::inspect::explain::terms;
use crate::cli::tools::inspect::model::{Finding, Text, rfc6455, rfc7692};
use wirebell::error::{BadResponse, Refusal};
use wirebell::handshake::{UpgradeRequest, accept_key};
use wirebell::http::{Fields, RequestHead, ResponseHead};

/// What is wrong with a request that wants a WebSocket: all that is known to be, and else the one
/// thing that the library would refuse it for.
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
            "one field Host: with the name of the server",
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

/// What is wrong with an answer of status 101.
pub fn response(head: ResponseHead<'_>, asked: Option<&Asked>) -> Vec<Finding> {
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
        accept(&fields, asked),
    ];
    rows.extend(asked.into_iter().flat_map(|asked| chosen(&fields, asked)));
    let broken = rows.into_iter().filter(|(good, ..)| !good);
    let finding = |(_, error, expected): Row| {
        let receiver = "gives up: the connection has failed before it was open";
        let reference = rfc6455(error.section());
        handshake(error.text(), reference, expected, receiver)
    };
    broken.map(finding).collect()
}

/// Whether a rule is kept, the rule, and what it asks for.
type Row = (bool, BadResponse, Text);

fn accept(fields: &Fields<'_>, asked: Option<&Asked>) -> Row {
    let accept: Vec<&str> = fields.all("Sec-WebSocket-Accept").collect();
    let (good, expected) = match asked.and_then(|asked| asked.key.as_deref()) {
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

/// What the server chose of what the client offered.
fn chosen(fields: &Fields<'_>, asked: &Asked) -> [Row; 2] {
    let chosen: Vec<&str> = fields.list("Sec-WebSocket-Protocol").collect();
    let offered = chosen
        .iter()
        .all(|name| asked.subprotocols.iter().any(|asked| asked == name));
    let subprotocols = match asked.subprotocols.is_empty() {
        true => "no Sec-WebSocket-Protocol: the client named none".into(),
        false => format!("one of: {}", asked.subprotocols.join(", ")).into(),
    };
    let named = fields.get("Sec-WebSocket-Extensions").is_some();
    let (names, offers) = (terms::names(*fields), &asked.extensions);
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

/// Extensions of a response that cannot be used.
pub fn extensions(what: &'static str) -> Finding {
    handshake(
        what,
        rfc7692("7.1"),
        "permessage-deflate with parameters that answer the offer, or no such field",
        "gives up: the connection has failed before it was open",
    )
}
