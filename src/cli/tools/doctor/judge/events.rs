//! Check `sse`: whether Server-Sent Events arrive when they are sent.
//!
//! Input: how a stream began, and when a published message arrived on it. Output: findings. Proxies
//! that collect or compress a stream delay its events.

use crate::cli::tools::doctor::facts::{Answer, Facts, Published, Sse};
use crate::cli::tools::doctor::finding::Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx};
use crate::cli::tools::doctor::finding::{Change, Finding, shown};
use std::time::Duration;

const BUFFERED: &[Change] = &[
    (
        Nginx,
        "in the location: proxy_buffering off; and remove proxy_ignore_headers X-Accel-Buffering, \
         with which the server asks for that",
    ),
    (Nginx, "remove text/event-stream and * from gzip_types"),
    (
        Haproxy,
        "remove http-response wait-for-body, and text/event-stream from compression type",
    ),
    (
        Caddy,
        "reverse_proxy { flush_interval -1 }, and no encode for text/event-stream",
    ),
    (
        Alb,
        "it does not buffer; CloudFront before it may: CachingDisabled, compression off",
    ),
];

const COMPRESSED: &[Change] = &[
    (Nginx, "remove text/event-stream and * from gzip_types"),
    (Haproxy, "remove text/event-stream from compression type"),
    (
        Caddy,
        "encode with a matcher that leaves text/event-stream out",
    ),
    (
        Elsewhere,
        "switch compression off for text/event-stream in the CDN",
    ),
];

const TOKEN: &[Change] = &[(
    Elsewhere,
    "give a token that may subscribe to the topic: --token, --topic",
)];

const LATE: &[Change] = &[
    (
        Haproxy,
        "option http-no-delay: without it, small pieces of a response wait for an acknowledgement",
    ),
    (Nginx, "tcp_nodelay on; proxy_buffering off;"),
    (Caddy, "reverse_proxy { flush_interval -1 }"),
];

/// An event that takes this much longer than an answer was held back: a delayed acknowledgement
/// takes 40 to 200 ms (RFC 9293 section 3.8.6.3).
const HELD: Duration = Duration::from_millis(150);

pub(super) fn events(facts: &Facts) -> Vec<Finding> {
    let Some(sse) = &facts.sse else {
        return Vec::new();
    };
    match &sse.head {
        Err(error) if sse.published == Published::Untried => {
            vec![Finding::problem("sse", error.clone()).means("EventSource does not open")]
        }
        Err(_) => vec![buffered(sse, "not even the head of the response")],
        Ok(head) if head.status != 200 => vec![refused(head)],
        Ok(head) => stream(sse, head),
    }
}

fn refused(head: &Answer) -> Finding {
    let text = format!("HTTP {} instead of a stream", head.status);
    match head.status {
        401 | 403 => Finding::note("sse", format!("skipped: {text}"))
            .means("the token may not subscribe to the topic")
            .change(TOKEN),
        _ => Finding::problem("sse", text).means("EventSource does not open: see http"),
    }
}

fn stream(sse: &Sse, head: &Answer) -> Vec<Finding> {
    let media_type = head.field("Content-Type").unwrap_or_default();
    if !media_type.starts_with("text/event-stream") {
        let text = format!("Content-Type: {media_type} instead of text/event-stream");
        return vec![Finding::problem("sse", text).means("EventSource refuses the stream")];
    }
    if let Some(encoding) = head.field("Content-Encoding") {
        let finding = Finding::warning("sse", format!("compressed on its way: {encoding}"));
        let meaning = "what is compressed is often held back until a block is full";
        return vec![finding.means(meaning).change(COMPRESSED)];
    }
    if sse.first.is_none() {
        return vec![buffered(sse, "not even the first line")];
    }
    vec![match (&sse.published, sse.event) {
        (Published::Yes, Some(time)) => {
            let text = format!("a message arrives {} after it was published", shown(time));
            match time <= head.took + HELD {
                true => Finding::ok("sse", text),
                false => Finding::warning("sse", text)
                    .means("something on the path holds each event back for a while")
                    .change(LATE),
            }
        }
        (Published::Yes, None) => buffered(sse, "not the message that was published"),
        (Published::Denied(status), _) => {
            let text = format!("the stream begins at once; publishing skipped: HTTP {status}");
            Finding::note("sse", text).means("the token may not publish to the topic")
        }
        (Published::Failed(error), _) => {
            Finding::problem("sse", format!("publishing to /topics: {error}"))
                .means("publishers do not reach the server by this path")
                .change(&[(
                    Elsewhere,
                    "let POST to /topics pass, in the proxy and its firewall",
                )])
        }
        (Published::Untried, _) => Finding::note("sse", "the stream begins at once"),
    }]
}

fn buffered(sse: &Sse, what: &str) -> Finding {
    let text = format!("{what} arrives within {}", shown(sse.patience));
    let finding = Finding::problem("sse", text);
    match sse.published {
        Published::Failed(_) => finding.means("the server does not answer: see http"),
        _ => finding
            .means("a proxy buffers the stream: events arrive late or never")
            .change(BUFFERED),
    }
}
