//! Check `cors`: what browsers let pages do, by CORS (Fetch standard) and Origin (RFC 6455 section
//! 10.2).
//!
//! Input: answers to requests with the Origin of pages. Output: findings.

use crate::cli::tools::doctor::facts::{Answer, Exchange, Facts, Page};
use crate::cli::tools::doctor::finding::Place::{Caddy, Haproxy, Nginx, Server};
use crate::cli::tools::doctor::finding::{Change, Finding};

const ALLOW: &[Change] = &[
    (Server, "start it with --origin and this origin"),
    (Nginx, "pass OPTIONS on to the server, and Origin unchanged"),
    (
        Haproxy,
        "pass OPTIONS on to the server, and Origin unchanged",
    ),
    (Caddy, "pass OPTIONS on to the server, and Origin unchanged"),
];

const TWICE: &[Change] = &[
    (
        Nginx,
        "remove add_header Access-Control-Allow-Origin: the server adds it",
    ),
    (
        Haproxy,
        "remove http-response add-header Access-Control-Allow-Origin",
    ),
    (Caddy, "remove header Access-Control-Allow-Origin"),
];

const STRANGERS: &[Change] = &[
    (
        Server,
        "list the pages that may use it with --origin, instead of any",
    ),
    (
        Nginx,
        "remove add_header Access-Control-Allow-Origin *, and do not clear Origin",
    ),
    (
        Haproxy,
        "remove rules that delete Origin or add Access-Control-Allow-Origin",
    ),
    (
        Caddy,
        "remove rules that delete Origin or add Access-Control-Allow-Origin",
    ),
];

pub(super) fn pages(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    for page in &facts.pages {
        match page.is_stranger {
            true => all.push(stranger(page)),
            false => all.extend(named(page)),
        }
    }
    let is_any_named = facts.pages.iter().any(|page| !page.is_stranger);
    if !facts.pages.is_empty() && !is_any_named {
        all.push(Finding::note(
            "cors",
            "skipped for pages of other hosts: --origin names one",
        ));
    }
    all
}

/// The origins that an answer allows.
fn allowed(answer: &Answer) -> Vec<&str> {
    answer.all("Access-Control-Allow-Origin").collect()
}

fn stranger(page: &Page) -> Finding {
    let lets_in = page.preflight.as_ref().is_ok_and(|answer| {
        let origins = allowed(answer);
        origins.contains(&"*") || origins.contains(&&*page.origin)
    });
    match lets_in || opens(&page.upgrade) {
        false => Finding::ok("cors", "pages of other hosts are refused"),
        true => Finding::warning("cors", "pages of any host may use the server")
            .means("any page that a user visits can use the network position of that user")
            .change(STRANGERS),
    }
}

fn opens(upgrade: &Exchange) -> bool {
    upgrade.as_ref().is_ok_and(|answer| answer.status == 101)
}

fn named(page: &Page) -> Vec<Finding> {
    let origin = &page.origin;
    let refused = |what: String| {
        Finding::problem("cors", what)
            .means("browsers keep scripts of that page from the server")
            .change(ALLOW)
    };
    let preflight = match &page.preflight {
        Err(error) => return vec![refused(format!("{origin}: {error}"))],
        Ok(answer) => answer,
    };
    let mut all = Vec::new();
    match allowed(preflight)[..] {
        [one] if (one == "*" || one == origin) && (200..300).contains(&preflight.status) => {}
        [_, _, ..] => all.push(
            Finding::problem(
                "cors",
                format!("{origin}: Access-Control-Allow-Origin comes twice"),
            )
            .means("browsers refuse such an answer")
            .change(TWICE),
        ),
        _ => {
            let status = preflight.status;
            all.push(refused(format!(
                "{origin}: the preflight is answered with HTTP {status}"
            )));
        }
    }
    if let Ok(answer) = &page.upgrade
        && answer.status == 403
    {
        all.push(refused(format!("{origin}: no WebSocket opens: HTTP 403")));
    }
    if all.is_empty() {
        all.push(Finding::ok(
            "cors",
            format!("pages of {origin} may use the server"),
        ));
    }
    all
}
