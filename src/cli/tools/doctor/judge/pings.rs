//! Check `pings`: who answers Pings.
//!
//! The server handles frames in order, so its answer to a message leaves before its Pong to a later
//! Ping. A Pong that arrives earlier was sent by something closer. The reverse cannot be proven:
//! something in between that answers only after the server has spoken looks the same.

use crate::cli::tools::doctor::facts::{Facts, Talk};
use crate::cli::tools::doctor::finding::Place::{Alb, Elsewhere, Haproxy, Nginx, Server};
use crate::cli::tools::doctor::finding::{Change, Finding, shown};

const CLOSER: &[Change] = &[
    (
        Elsewhere,
        "nginx, HAProxy, Caddy and ALB pass Pings on: look for an API gateway, a WebSocket \
         proxy or a CDN that ends connections itself",
    ),
    (
        Elsewhere,
        "do not count on Pongs: let clients ask for something and wait for the answer",
    ),
];

const SWALLOWED: &[Change] = &[
    (
        Elsewhere,
        "look for a gateway that does not pass control frames on",
    ),
    (Nginx, "it passes them on: it is not the cause"),
    (Haproxy, "it passes them on: it is not the cause"),
    (Alb, "it passes them on: it is not the cause"),
];

pub(super) fn pings(facts: &Facts) -> Vec<Finding> {
    match &facts.talk {
        None => Vec::new(),
        Some(Err(error)) => vec![
            Finding::problem("pings", error.clone())
                .means("a WebSocket opens but does not carry messages"),
        ],
        Some(Ok(talk)) => judge(talk),
    }
}

fn judge(talk: &Talk) -> Vec<Finding> {
    let mut all = Vec::new();
    if talk.envelopes && talk.answered == 0 {
        let finding = Finding::problem("pings", "messages are not answered");
        all.push(
            finding
                .means("a WebSocket opens but does not carry messages")
                .change(&[(
                    Server,
                    "is it wirebell? Another server may have taken the subprotocol",
                )]),
        );
    }
    let (pong, answer) = (talk.pong.map(shown), talk.answer.map(shown));
    all.push(match (pong, answer) {
        (None, _) => Finding::problem("pings", "no Pong comes back")
            .means("clients that check the connection end it, and idle ones are not kept alive")
            .change(SWALLOWED),
        (Some(pong), Some(answer)) if talk.early_pongs > 0 => {
            let (early, all) = (talk.early_pongs, talk.ponged);
            let text = format!(
                "{early} of {all} Pongs overtook the answer to an earlier message (Pong {pong}, \
                 answer {answer})"
            );
            Finding::warning("pings", text)
                .means(
                    "something before the server answers Pings: a Pong proves nothing about the \
                     server",
                )
                .change(CLOSER)
        }
        (Some(pong), Some(answer)) => {
            let text = format!(
                "Pongs have our payload and keep their place among the answers (Pong {pong}, \
                 answer {answer})"
            );
            Finding::ok("pings", text)
                .means("the server answers Pings, or something that imitates its order exactly")
        }
        (Some(pong), None) => {
            let text = format!("Pongs have our payload (after {pong}); who sends them is unknown");
            Finding::note("pings", text)
                .means("without an answer to a message there is nothing to compare them with")
        }
    });
    if talk.foreign_pongs > 0 {
        let text = format!(
            "{} Pongs have another payload than our Pings",
            talk.foreign_pongs
        );
        all.push(
            Finding::warning("pings", text)
                .means("something in between makes up Pongs (RFC 6455 section 5.5.3)")
                .change(CLOSER),
        );
    }
    all
}
