//! Checks `proxy` and `http`: what stands in front of the server, and whether the server answers.
//!
//! Input: answers to `/healthz` and to a malformed request. Output: findings.

use crate::cli::tools::doctor::facts::{Answer, Facts};
use crate::cli::tools::doctor::finding::Place::{
    self, Alb, Caddy, Elsewhere, Haproxy, Nginx, Server,
};
use crate::cli::tools::doctor::finding::{Change, Finding};

const BACKEND: &[Change] = &[
    (
        Server,
        "is it running, and is this the address it listens on?",
    ),
    (
        Nginx,
        "proxy_pass http://127.0.0.1:8080; its error log says why it failed",
    ),
    (
        Haproxy,
        "server NAME 127.0.0.1:8080 check in the backend; see its log",
    ),
    (Caddy, "reverse_proxy 127.0.0.1:8080; see its log"),
    (
        Alb,
        "the target group has a healthy target: health check path /healthz",
    ),
];

const PATH: &[Change] = &[
    (
        Elsewhere,
        "put the path at which the proxy serves it into the URL, such as https://HOST/push",
    ),
    (
        Nginx,
        "location /push/ { proxy_pass http://127.0.0.1:8080/; } with / at both ends",
    ),
    (Haproxy, "http-request replace-path /push(/.*) \\1"),
    (
        Caddy,
        "handle_path /push/* { reverse_proxy 127.0.0.1:8080 }",
    ),
];

const HOSTS: &[Change] = &[
    (Server, "start it with --host NAME, the host of the URL"),
    (Nginx, "proxy_set_header Host $http_host;"),
    (Haproxy, "remove http-request set-header Host"),
    (Caddy, "remove header_up Host from reverse_proxy"),
    (Alb, "set routing.http.preserve_host_header.enabled to true"),
];

/// The marks of proxies: in the fields Server and Via, or in the page of an error.
const MARKS: [(&str, &str); 9] = [
    ("nginx", "nginx"),
    ("openresty", "nginx"),
    ("caddy", "Caddy"),
    ("awselb", "ALB"),
    ("cloudflare", "Cloudflare"),
    ("cloudfront", "CloudFront"),
    ("envoy", "Envoy"),
    ("apache", "Apache"),
    ("varnish", "Varnish"),
];

/// The mark of HAProxy: a line of its page for malformed requests. It leaves no other.
const HAPROXY_PAGE: &str = "Your browser sent an invalid request.";

/// A line of the server's own page for malformed requests.
const OWN_PAGE: &str = "The request head is malformed.";

/// The proxy that has left a mark, and which mark.
fn mark(answer: &Answer) -> Option<(&'static str, String)> {
    for field in ["Server", "Via"] {
        let value = answer.field(field).unwrap_or_default();
        let lower = value.to_ascii_lowercase();
        let known = MARKS.iter().find(|(text, _)| lower.contains(text));
        if let Some((_, name)) = known {
            return Some((name, format!("{field}: {value}")));
        }
        if field == "Via" && !value.is_empty() {
            return Some(("a proxy", format!("{field}: {value}")));
        }
    }
    let is_haproxy = answer.body.contains(HAPROXY_PAGE);
    is_haproxy.then(|| ("HAProxy", "its page for a malformed request".to_owned()))
}

/// The marks of all proxies.
fn marks(facts: &Facts) -> Vec<(&'static str, String)> {
    let answers = [&facts.malformed, &facts.health];
    let answers = answers.into_iter().flatten().flatten();
    let mut all: Vec<_> = answers.filter_map(mark).collect();
    all.dedup_by_key(|(name, _)| *name);
    all
}

/// The kinds of proxy that were recognised, so that a report need not show the others.
pub fn places(facts: &Facts) -> Vec<Place> {
    let known = [Nginx, Haproxy, Caddy, Alb];
    let marks = marks(facts);
    let is_there = |place: &Place| marks.iter().any(|(name, _)| *name == place.name());
    known.into_iter().filter(is_there).collect()
}

pub(super) fn proxy(facts: &Facts) -> Vec<Finding> {
    let Some(malformed) = &facts.malformed else {
        return Vec::new();
    };
    let mut all: Vec<Finding> = marks(facts)
        .into_iter()
        .map(|(name, mark)| Finding::ok("proxy", format!("{name} is in between ({mark})")))
        .collect();
    let is_own = malformed
        .as_ref()
        .is_ok_and(|answer| answer.body.trim() == OWN_PAGE);
    if all.is_empty() {
        let text = match is_own {
            true => "none that parses HTTP: the server itself answers a malformed request",
            false => {
                "none has left a mark, but the server does not answer malformed requests itself"
            }
        };
        all.push(
            Finding::ok("proxy", text).means(
                "a load balancer that only passes TCP or TLS on cannot be seen from outside",
            ),
        );
    }
    all
}

pub(super) fn health(facts: &Facts) -> Vec<Finding> {
    let answer = match &facts.health {
        None => return Vec::new(),
        Some(Err(error)) => {
            let text = format!("GET /healthz: {error}");
            let finding = Finding::problem("http", text).means("no HTTP is spoken there");
            return vec![finding.change(BACKEND)];
        }
        Some(Ok(answer)) => answer,
    };
    let said = format!("GET /healthz: HTTP {}", answer.status);
    vec![match answer.status {
        200 if answer.body.trim() == "ok" => Finding::ok("http", "/healthz says ok"),
        421 => Finding::problem("http", said)
            .means("the server does not know this name as its own")
            .change(HOSTS),
        301..=308 => {
            let to = answer.field("Location").unwrap_or("elsewhere");
            Finding::problem("http", format!("{said}, to {to}"))
                .means("WebSocket clients and EventSource follow no redirect, or lose the token")
                .change(&[(
                    Elsewhere,
                    "use the URL it redirects to, here and in clients",
                )])
        }
        500..=599 => Finding::problem("http", said)
            .means("the proxy does not reach the server, or the server is overloaded")
            .change(BACKEND),
        _ => Finding::warning("http", format!("{said}, which is not the server's"))
            .means("the path leads to something else, or the proxy passes only some paths on")
            .change(PATH),
    }]
}
