//! The rules of the opening handshake: RFC 6455 sections 4.1, 4.2 and 4.4.

use crate::cli::tools::inspect::explain::asked::Asked;
use crate::cli::tools::inspect::explain::rules::handshake;
use crate::cli::tools::inspect::explain::terms;
use crate::cli::tools::inspect::model::{Finding, Text, rfc6455, rfc7692};
use wirebell::Refusal;
use wirebell::handshake::{UpgradeRequest, accept_key};
use wirebell::http::{RequestHead, ResponseHead};

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
    let mut findings = Vec::new();
    let mut check = |good: bool, refusal: Refusal, expected: Text| {
        if !good {
            let receiver = "gives up: the connection has failed before it was open";
            let reference = rfc6455("4.1");
            findings.push(handshake(refusal.text(), reference, expected, receiver));
        }
    };
    let fields = head.fields;
    let upgrade = fields.has_token("Upgrade", "websocket");
    check(
        upgrade,
        Refusal::UpgradeMissing,
        "Upgrade: websocket".into(),
    );
    let connection = fields.has_token("Connection", "upgrade");
    check(
        connection,
        Refusal::ConnectionMissing,
        "Connection: Upgrade".into(),
    );
    let accept: Vec<&str> = fields.all("Sec-WebSocket-Accept").collect();
    match asked.and_then(|asked| asked.key.as_deref()) {
        Some(key) => {
            let right = accept_key(key);
            let expected = format!("Sec-WebSocket-Accept: {}", right.as_str());
            let good = accept == [right.as_str()];
            check(good, Refusal::AcceptMismatch, expected.into());
        }
        None => {
            let expected = "Sec-WebSocket-Accept with 28 characters of base64";
            let good = accept.len() == 1 && accept[0].len() == 28;
            check(good, Refusal::AcceptMismatch, expected.into());
        }
    }
    let Some(asked) = asked else {
        return findings;
    };
    let chosen: Vec<&str> = fields.list("Sec-WebSocket-Protocol").collect();
    let offered = chosen
        .iter()
        .all(|name| asked.subprotocols.iter().any(|asked| asked == name));
    let expected = match asked.subprotocols.is_empty() {
        true => "no Sec-WebSocket-Protocol: the client named none".into(),
        false => format!("one of: {}", asked.subprotocols.join(", ")),
    };
    let good = offered && chosen.len() <= 1;
    check(good, Refusal::SubprotocolNotOffered, expected.into());
    let named = fields.get("Sec-WebSocket-Extensions").is_some();
    let (names, offers) = (terms::names(fields), &asked.extensions);
    let good = !named || !offers.is_empty() && names.iter().all(|name| offers.contains(name));
    let expected = match offers.is_empty() {
        true => "no Sec-WebSocket-Extensions: the client offered none".into(),
        false => format!("one of: {}", offers.join(", ")),
    };
    check(good, Refusal::ExtensionNotOffered, expected.into());
    findings
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
