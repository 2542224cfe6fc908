//! Check `idle`: how long a WebSocket may be silent before something on the path ends it.
//!
//! Input: how the silent connection of `--minutes` ended. Output: a finding. If the server's Pings
//! kept the connection alive, how long silence may last remains unknown.

use crate::cli::tools::doctor::facts::{Facts, IdleEnd};
use crate::cli::tools::doctor::finding::Place::{Alb, Caddy, Elsewhere, Haproxy, Nginx, Server};
use crate::cli::tools::doctor::finding::{Change, Finding, shown};

const LONGER: &[Change] = &[
    (
        Server,
        "or let Pings keep it alive: --ping-interval shorter than the timeout (30s unless set)",
    ),
    (
        Nginx,
        "proxy_read_timeout 1h; proxy_send_timeout 1h; (60s unless set)",
    ),
    (
        Haproxy,
        "timeout tunnel 1h; until then timeout client and timeout server count",
    ),
    (
        Caddy,
        "remove stream_timeout from reverse_proxy, and idle timeouts of servers",
    ),
    (
        Alb,
        "idle_timeout.timeout_seconds above the ping interval (60 unless set)",
    ),
    (
        Elsewhere,
        "NAT and firewalls forget silent connections, many after 5 minutes",
    ),
];

pub(super) fn idle(facts: &Facts) -> Vec<Finding> {
    let is_open = facts
        .upgrade
        .as_ref()
        .is_some_and(|upgrade| upgrade.as_ref().is_ok_and(|answer| answer.status == 101));
    let Some(idle) = &facts.idle else {
        let skipped = Finding::note("idle", "skipped: --minutes 5 leaves a connection silent");
        return is_open.then_some(skipped).into_iter().collect();
    };
    let (lived, pings) = (shown(idle.lived), idle.pings);
    let lost = "silent connections are lost: clients reconnect, and one that only listens may not \
                notice";
    vec![match &idle.end {
        IdleEnd::Alive => {
            let text = format!("still alive after {lived} with {pings} Pings of the server");
            let meaning = match pings {
                0 => "the path lets a connection be silent for that long",
                _ => "the Pings of the server keep it alive; how long it lasts without is unknown",
            };
            Finding::ok("idle", text).means(meaning)
        }
        IdleEnd::Unopened(error) => {
            Finding::problem("idle", error.clone()).means("a second WebSocket does not open")
        }
        IdleEnd::Dead => {
            let text = format!("open after {lived}, but nothing is answered any more");
            Finding::problem("idle", text).means(lost).change(LONGER)
        }
        IdleEnd::Cut(_) => {
            let text = format!("cut off after {lived} without a Close frame, with {pings} Pings");
            Finding::problem("idle", text).means(lost).change(LONGER)
        }
        IdleEnd::Closed(code) => {
            let text = format!("closed after {lived}: {code}");
            Finding::warning("idle", text)
                .means("a Close frame is sent by an endpoint, not by a timeout of nginx or HAProxy")
                .change(&[(
                    Server,
                    "its log says why; without a token it waits 10 s for one",
                )])
        }
    }]
}
