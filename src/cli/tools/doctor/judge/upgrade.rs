//! Checks `upgrade` and `compression`: whether WebSockets open, and messages survive compression.
//!
//! Input: answers to handshakes, and what came back on the WebSocket. Output: findings.

use crate::cli::tools::doctor::facts::{Answer, Facts};
use crate::cli::tools::doctor::finding::Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx, Server};
use crate::cli::tools::doctor::finding::{Change, Finding};
use wirebell::push::native::ENVELOPES;

const STRIPPED: &[Change] = &[
    (
        Nginx,
        "in the location: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; \
         proxy_set_header Connection $connection_upgrade; and in http: map $http_upgrade \
         $connection_upgrade { default upgrade; '' close; }",
    ),
    (
        Haproxy,
        "use mode http with option http-server-close (or none of these options), and remove rules \
         that delete Upgrade or Connection",
    ),
    (
        Caddy,
        "reverse_proxy passes upgrades on: remove header_up rules for Upgrade and Connection",
    ),
    (
        Alb,
        "the target group has protocol version HTTP1: HTTP2 and GRPC carry no WebSockets",
    ),
];

const ORIGIN: &[Change] = &[
    (
        Nginx,
        "proxy_set_header Host $http_host; as $proxy_host is the default, and $host has no port",
    ),
    (
        Haproxy,
        "remove http-request set-header Host, and rules that change Origin",
    ),
    (Caddy, "remove header_up Host from reverse_proxy"),
    (Alb, "set routing.http.preserve_host_header.enabled to true"),
    (Server, "or allow the pages by name: --origin https://HOST"),
];

const TOKEN: &[Change] = &[
    (
        Elsewhere,
        "give a token that may subscribe: --token, or WIREBELL_TOKEN",
    ),
    (
        Nginx,
        "remove auth_basic, and proxy_set_header Authorization",
    ),
];

const DEFLATE: &[Change] = &[
    (
        Server,
        "--deflate on, if compression is wanted and was switched off",
    ),
    (Nginx, "remove proxy_set_header Sec-WebSocket-Extensions"),
    (
        Haproxy,
        "remove http-request del-header Sec-WebSocket-Extensions",
    ),
];

pub(super) fn upgrade(facts: &Facts) -> Vec<Finding> {
    let answer = match &facts.upgrade {
        None => return Vec::new(),
        Some(Err(error)) => {
            let finding = Finding::problem("upgrade", error.clone());
            return vec![finding.means("no WebSocket opens").change(STRIPPED)];
        }
        Some(Ok(answer)) => answer,
    };
    if answer.status != 101 {
        return vec![refused(answer)];
    }
    if answer.field("Sec-WebSocket-Accept").is_none() {
        let text = "101, but Sec-WebSocket-Accept is missing or wrong";
        let finding = Finding::problem("upgrade", text);
        return vec![
            finding
                .means("clients refuse the WebSocket")
                .change(STRIPPED),
        ];
    }
    let mut all = vec![Finding::ok("upgrade", "a WebSocket opens at /topics")];
    if answer.field("Sec-WebSocket-Protocol") != Some(ENVELOPES) {
        let text = format!("the subprotocol {ENVELOPES} is not agreed");
        all.push(
            Finding::warning("upgrade", text)
                .means("it is not this server, or a proxy removes Sec-WebSocket-Protocol"),
        );
    }
    all.extend(own_page(facts));
    all
}

/// The upgrade that a page of this server asks for, as the live page does.
fn own_page(facts: &Facts) -> Option<Finding> {
    let answer = facts.own_page.as_ref()?.as_ref();
    let said = match answer {
        Ok(Answer { status: 101, .. }) => return None,
        Ok(answer) => format!("HTTP {}", answer.status),
        Err(error) => error.clone(),
    };
    let text = format!("with the Origin of a page at {}: {said}", facts.authority);
    let finding = Finding::problem("upgrade", text);
    Some(
        finding
            .means("browsers cannot connect from pages of this host: the Host field was changed")
            .change(ORIGIN),
    )
}

fn refused(answer: &Answer) -> Finding {
    let text = format!("HTTP {} instead of 101", answer.status);
    let finding = Finding::problem("upgrade", text);
    match answer.status {
        401 | 407 => finding.means("a token is needed").change(TOKEN),
        403 => finding
            .means("the token may not subscribe, or a firewall of HTTP objects")
            .change(TOKEN),
        429 | 503 => {
            finding.means("the server or the proxy takes no more connections at the moment")
        }
        404 | 421 | 500..=599 | 301..=308 => finding.means("no WebSocket opens: see http"),
        _ => finding
            .means("the server did not see the upgrade: a proxy removes Upgrade and Connection")
            .change(STRIPPED),
    }
}

pub(super) fn compression(facts: &Facts) -> Vec<Finding> {
    let Some(Ok(answer)) = &facts.upgrade else {
        return Vec::new();
    };
    if answer.status != 101 {
        return Vec::new();
    }
    let agreed = answer.field("Sec-WebSocket-Extensions").unwrap_or_default();
    vec![
        match (agreed.starts_with("permessage-deflate"), &facts.talk) {
            (false, _) => Finding::note(
                "compression",
                "none: permessage-deflate was offered in vain",
            )
            .means("messages are sent as they are, which costs bytes and saves CPU time")
            .change(DEFLATE),
            (true, Some(Ok(_))) => Finding::ok("compression", format!("{agreed}, and it works")),
            (true, Some(Err(error))) => Finding::problem("compression", error.clone())
                .means("a connection with compression does not last")
                .change(&[(
                    Server,
                    "--deflate off, if something in between changes messages",
                )]),
            (true, None) => Finding::ok("compression", agreed),
        },
    ]
}
