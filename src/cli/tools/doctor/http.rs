//! Single requests and the stream of events.
//!
//! Input: a target. Output: facts. Invariant: what is published is published with `TTL: 0`, so no
//! history keeps it.

use crate::cli::tools::doctor::facts::{Answer, Exchange, Page, Published, Sse};
use crate::cli::tools::doctor::target::{Reader, Request, Target, now};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::time::Instant;
use wirebell::client::Random;
use wirebell::push::native::ENVELOPES;
use wirebell::push::time::parse_rfc3339;
use wirebell::wire::Entropy as _;

/// Neither a request of HTTP nor of anything else: the first program that parses it answers.
pub fn malformed(target: &Target) -> Exchange {
    target.exchange("wirebell doctor\r\n\r\n")
}

/// The page for load balancers.
pub fn health(target: &Target) -> Exchange {
    target.ask(&Request {
        method: "GET",
        path: "/healthz",
        fields: &[],
        body: "",
        with_credentials: false,
    })
}

/// An opening handshake at `/topics`, as a page of this origin sends it, if there is one.
pub fn upgrade(target: &Target, origin: Option<&str>) -> Exchange {
    let mut nonce = [0; 16];
    Random.fill(&mut nonce);
    let key = STANDARD.encode(nonce);
    let mut fields = vec![
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", &*key),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", ENVELOPES),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    ];
    fields.extend(origin.map(|origin| ("Origin", origin)));
    let mut answer = target.ask(&Request {
        method: "GET",
        path: "/topics",
        fields: &fields,
        body: "",
        with_credentials: true,
    })?;
    let expected = wirebell::handshake::accept_key(&key);
    let is_accepted = answer.field("Sec-WebSocket-Accept") == Some(expected.as_str());
    if answer.status == 101 && !is_accepted {
        // Some cache has answered, or a proxy that does not know what it does.
        answer
            .fields
            .retain(|(name, _)| !name.eq_ignore_ascii_case("Sec-WebSocket-Accept"));
    }
    Ok(answer)
}

/// What a browser asks before a page may publish, and the upgrade of such a page.
pub fn page(target: &Target, origin: &str, is_stranger: bool) -> Page {
    let path = format!("/topics/{}", target.topic);
    let fields = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "POST"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type,ttl",
        ),
    ];
    let preflight = target.ask(&Request {
        method: "OPTIONS",
        path: &path,
        fields: &fields,
        body: "",
        with_credentials: false,
    });
    Page {
        origin: origin.to_owned(),
        is_stranger,
        preflight,
        upgrade: upgrade(target, Some(origin)),
    }
}

/// Opens a stream of events and publishes to it.
pub fn events(target: &Target) -> Sse {
    let mut sse = Sse {
        head: Err(String::new()),
        first: None,
        published: Published::Untried,
        event: None,
        clock: None,
        patience: target.timeout,
    };
    let path = format!("/topics/{}?format=json", target.topic);
    let request = target.text_of(&Request {
        method: "GET",
        path: &path,
        // Browsers offer it too; what is compressed on its way is often held back.
        fields: &[("Accept", "text/event-stream"), ("Accept-Encoding", "gzip")],
        body: "",
        with_credentials: true,
    });
    let mut reader = match target.connect() {
        Ok(stream) => Reader::new(stream, target.timeout),
        Err(error) => {
            sse.head = Err(error.to_string());
            return sse;
        }
    };
    sse.head = reader.send(&request).and_then(|()| reader.head());
    match &sse.head {
        Ok(head) if !is_stream(head) || head.field("Content-Encoding").is_some() => return sse,
        Ok(_) => {
            let opened = Instant::now();
            reader.restart();
            sse.first = reader.until("id:").map(|_| opened.elapsed());
        }
        // It may be held back until the first event.
        Err(_) => {}
    }
    let text = format!("wirebell doctor {}", now());
    let started = Instant::now();
    sse.published = publish(target, &text);
    if sse.published == Published::Yes {
        reader.restart();
        let seen = reader.until(&format!("{text}\""));
        sse.event = seen.as_ref().map(|_| started.elapsed());
        sse.clock = seen.as_deref().and_then(time).map(|time| (time, now()));
    }
    sse
}

fn is_stream(head: &Answer) -> bool {
    let media_type = head.field("Content-Type").unwrap_or_default();
    head.status == 200 && media_type.starts_with("text/event-stream")
}

fn publish(target: &Target, text: &str) -> Published {
    let published = target.ask(&Request {
        method: "POST",
        path: &format!("/topics/{}", target.topic),
        fields: &[("Content-Type", "text/plain"), ("TTL", "0")],
        body: text,
        with_credentials: true,
    });
    match published {
        Ok(Answer {
            status: 201 | 202, ..
        }) => Published::Yes,
        Ok(Answer {
            status: status @ (401 | 403),
            ..
        }) => Published::Denied(status),
        Ok(answer) => Published::Failed(format!("HTTP {}", answer.status)),
        Err(error) => Published::Failed(error),
    }
}

/// The time of the last envelope in a stream.
fn time(stream: &str) -> Option<i64> {
    let mut data = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    let envelope: Value = serde_json::from_str(data.next_back()?.trim()).ok()?;
    let ms = parse_rfc3339(envelope["time"].as_str()?)?;
    i64::try_from(ms).ok()
}
