//! Whether a request is answered at all: hosts, origins, and what browsers add to them.
//!
//! Input: the head of a request. Output: [`Admitted`], or the response that refuses it. For a page
//! of an allowed origin, answers carry the CORS fields (<https://fetch.spec.whatwg.org>), errors
//! too, so that the page can read them.
//!
//! Invariant: a page of an origin that is not allowed reads nothing but `/` and what operators
//! ask for, and changes nothing, whatever content type or method it uses.

use crate::http::{FieldLine, RequestHead, Status, field, is_token};
use crate::net::{Reply, Response};
use crate::push::hosts::HostPolicy;
use crate::push::origin::OriginPolicy;
use crate::push::seldom::Seldom;
use std::net::SocketAddr;
use std::sync::Arc;

/// Which requests a server answers. Clones share what they have logged.
#[derive(Clone, Debug, Default)]
pub struct Access {
    origin: OriginPolicy,
    hosts: HostPolicy,
    refused: Arc<Refused>,
}

#[derive(Debug, Default)]
struct Refused {
    hosts: Seldom,
    origins: Seldom,
}

/// A request that will be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Tells a browser that the page may read the answer.
    readable: Option<FieldLine>,
}

/// Seconds for which a browser may cache the answer. Ten minutes: few preflights, and changed
/// settings take effect soon.
const MAX_AGE: &str = "600";

/// What changes nothing, and is public or asks for a token.
const OPEN_PATHS: [&str; 4] = ["/", "/healthz", "/readyz", "/metrics"];

impl Access {
    /// Admits only pages of these origins, and only requests to these hosts.
    pub fn new(origin: OriginPolicy, hosts: HostPolicy) -> Self {
        Self {
            origin,
            hosts,
            refused: Arc::default(),
        }
    }

    /// Decides by the head alone. `from` is only called for what is logged, as it may cost a system
    /// call.
    ///
    /// # Errors
    ///
    /// The response: 421 for a foreign host, 403 for a foreign page, 204 for the preflight of an
    /// allowed page.
    pub fn admit(
        &self,
        head: &RequestHead<'_>,
        from: impl Fn() -> Option<SocketAddr>,
    ) -> Result<Admitted, Response> {
        self.check_hosts(head, &from)?;
        let origin = self.check_origin(head, &from)?;
        let asked = head.fields.get("Access-Control-Request-Method").is_some();
        let readable = origin.and_then(|origin| {
            FieldLine::new("Access-Control-Allow-Origin", origin.to_owned()).ok()
        });
        let admitted = Admitted { readable };
        if head.method == "OPTIONS" && asked && origin.is_some() {
            return Err(admitted.mark(preflight(head)));
        }
        Ok(admitted)
    }

    /// A request without Host does not come from a browser. If there are several hosts, including
    /// that of the target (RFC 9112 section 3.2.2), each must be ours.
    // req: push-errors-10
    fn check_hosts(
        &self,
        head: &RequestHead<'_>,
        from: impl Fn() -> Option<SocketAddr>,
    ) -> Result<(), Response> {
        let mut hosts = head.fields.all("Host").chain(authority(head.target));
        let Some(host) = hosts.find(|host| !self.hosts.allows(host)) else {
            return Ok(());
        };
        if let Some(others) = self.refused.hosts.turn() {
            log::warn!(
                "refused host {host:?} of {}{others}: name it with --host if it is this server's",
                Peer(from())
            );
        }
        let text = "this server does not answer to that host; \
                    start it with --host NAME to allow one more\n";
        Err(Response::text(Status::MISDIRECTED_REQUEST, text).closing())
    }

    /// The origin of the page, if there is one and it may read the answer.
    // req: push-pages-01 push-pages-02 push-pages-03 push-pages-04
    fn check_origin<'h>(
        &self,
        head: &RequestHead<'h>,
        from: impl Fn() -> Option<SocketAddr>,
    ) -> Result<Option<&'h str>, Response> {
        let upgrades = head.fields.has_token("Upgrade", "websocket");
        let is_open = OPEN_PATHS.contains(&head.path()) && !upgrades;
        let host = head.fields.get("Host").unwrap_or_default();
        let mut origins = head.fields.all("Origin");
        let (refused, text) = match (origins.next(), origins.next()) {
            (Some(origin), None) if self.origin.allows(origin, host) => return Ok(Some(origin)),
            (None, _) if !self.is_cross_site(head, upgrades) => return Ok(None),
            (None, _) => ("", "pages of another site may not do this"),
            (Some(origin), _) => (origin, "this origin is not allowed"),
        };
        if is_open {
            return Ok(None);
        }
        if let Some(others) = self.refused.origins.turn() {
            log::warn!(
                "refused origin {refused:?} of {} at host {host:?}{others}: \
                 allow it with --origin if its pages may connect",
                Peer(from())
            );
        }
        let text = format!("{text}; start the server with --origin ORIGIN to allow one more\n");
        let response = Response::text(Status::FORBIDDEN, text).field(field!("Vary", "Origin"));
        Err(response.closing())
    }

    /// The browser says that the page is from another site, but not which: a form without referrer,
    /// for example. If the request only reads, no page can see the answer.
    // req: push-pages-05
    fn is_cross_site(&self, head: &RequestHead<'_>, upgrades: bool) -> bool {
        let reads = matches!(head.method, "GET" | "HEAD" | "OPTIONS") && !upgrades;
        // Another port of localhost is the same site, but another origin.
        let mut sites = head.fields.all("Sec-Fetch-Site");
        let is_ours = |site: &str| ["same-origin", "none"].contains(&site);
        self.origin != OriginPolicy::Any && !reads && !sites.all(is_ours)
    }
}

impl Admitted {
    /// Lets the page read this answer.
    // req: push-pages-06
    pub fn mark(&self, response: Response) -> Response {
        match self.readable.clone() {
            Some(readable) => response.field(readable).field(field!("Vary", "Origin")),
            None => response,
        }
    }

    /// The same for a reply; an open WebSocket does not need it.
    pub fn mark_reply<'r>(&self, reply: Reply<'r>) -> Reply<'r> {
        match reply {
            Reply::Respond(response) => self.mark(response).into(),
            Reply::Stream { head, tag } => Reply::Stream {
                head: self.mark(head),
                tag,
            },
            open => open,
        }
    }
}

/// The preflight of a page that wants to send what a form could not.
// req: push-pages-07
fn preflight(head: &RequestHead<'_>) -> Response {
    let asked = head.fields.list("Access-Control-Request-Headers");
    let names: Vec<&str> = asked.filter(|name| is_token(name)).collect();
    let names = match names.is_empty() {
        true => "Authorization, Content-Type".to_owned(),
        false => names.join(", "),
    };
    let names = FieldLine::new("Access-Control-Allow-Headers", names).expect("tokens are a value");
    let response = Response::new(Status::NO_CONTENT)
        .field(field!(
            "Access-Control-Allow-Methods",
            "GET, HEAD, POST, PUT, DELETE"
        ))
        .field(names)
        .field(field!("Access-Control-Max-Age", MAX_AGE));
    let is_private = head
        .fields
        .has_token("Access-Control-Request-Private-Network", "true");
    match is_private {
        true => response.field(field!("Access-Control-Allow-Private-Network", "true")),
        false => response,
    }
}

/// The host of a target in absolute form.
fn authority(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return None;
    }
    let (_, rest) = target.split_once("://")?;
    rest.split(['/', '?']).next()
}

/// An address in a line of the log.
pub(super) struct Peer(pub Option<SocketAddr>);

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            // That of a client behind a proxy.
            Some(address) if address.port() == 0 => address.ip().fmt(f),
            Some(address) => address.fmt(f),
            None => f.write_str("an unknown address"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::MAX_FIELDS;

    const EMPTY: httparse::Header<'_> = httparse::EMPTY_HEADER;

    fn access() -> Access {
        let listed = OriginPolicy::Listed(vec!["https://a.example".parse().unwrap()]);
        let hosts = HostPolicy::new(&["127.0.0.1:1".parse().unwrap()], &[]);
        Access::new(listed, hosts)
    }

    fn ask(access: &Access, line: &str, fields: &str) -> Result<Admitted, Response> {
        let head = format!("{line} HTTP/1.1\r\n{fields}\r\n");
        let mut storage = [EMPTY; MAX_FIELDS];
        let head = RequestHead::parse(head.as_bytes(), &mut storage).unwrap();
        access.admit(&head, || None)
    }

    fn status(line: &str, fields: &str) -> u16 {
        ask(&access(), line, fields).map_or_else(|response| response.status.code(), |_| 200)
    }

    fn field<'r>(response: &'r Response, name: &str) -> Option<&'r str> {
        let mut fields = response.fields();
        fields
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    #[test]
    // req: push-pages-01 push-pages-02 push-pages-03
    fn every_route_has_the_same_policy() {
        let rows = [
            ("", 200),
            ("Origin: https://a.example\r\n", 200),
            ("Origin: http://localhost\r\n", 200),
            ("Origin: https://evil.example\r\n", 403),
            ("Origin: null\r\n", 403),
            ("Origin: \r\n", 403),
            (
                "Origin: https://a.example\r\nOrigin: https://evil.example\r\n",
                403,
            ),
            (
                "Origin: https://evil.example\r\nSec-Fetch-Site: same-origin\r\n",
                403,
            ),
            (
                "Origin: https://a.example\r\nSec-Fetch-Site: cross-site\r\n",
                200,
            ),
            ("Sec-Fetch-Site: same-origin\r\n", 200),
            ("Sec-Fetch-Site: none\r\n", 200),
            ("Sec-Fetch-Site: cross-site\r\n", 403),
            ("Sec-Fetch-Site: same-site\r\n", 403),
            ("Sec-Fetch-Site: something-new\r\n", 403),
        ];
        for (fields, expected) in rows {
            for line in ["POST /push", "POST /drop", "PUT /new", "DELETE /any/thing"] {
                for kind in ["", "Content-Type: text/plain\r\n"] {
                    let fields = format!("Host: localhost\r\n{kind}{fields}");
                    assert_eq!(status(line, &fields), expected, "{line} {fields}");
                }
            }
            let fields = format!("Host: localhost\r\n{fields}");
            let upgrade = format!("{fields}Upgrade: websocket\r\nConnection: upgrade\r\n");
            for path in ["/ws", "/", "/healthz", "/echo"] {
                assert_eq!(
                    status(&format!("GET {path}"), &upgrade),
                    expected,
                    "{upgrade}"
                );
            }
            for path in ["/", "/healthz", "/readyz", "/metrics", "/?a=b"] {
                assert_eq!(status(&format!("GET {path}"), &fields), 200, "{fields}");
            }
        }
        let reads = "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n";
        assert_eq!(status("GET /ws", reads), 200, "no page can read the answer");
    }

    #[test]
    fn all_hosts_of_a_request_are_looked_at() {
        for (line, fields, expected) in [
            ("GET /", "Host: localhost\r\n", 200),
            ("GET /", "Host: evil.example\r\n", 421),
            ("GET /healthz", "Host: evil.example\r\n", 421),
            (
                "POST /push",
                "Host: evil.example\r\nOrigin: http://evil.example\r\n",
                421,
            ),
            ("GET /", "Host: localhost\r\nHost: evil.example\r\n", 421),
            ("GET http://evil.example/", "Host: localhost\r\n", 421),
            ("GET http://evil.example?a", "Host: localhost\r\n", 421),
            ("GET http://localhost/", "Host: localhost\r\n", 200),
            ("GET /?u=http://evil.example/", "Host: localhost\r\n", 200),
            ("GET /", "Host: \r\n", 421),
            ("GET /", "", 200),
        ] {
            assert_eq!(status(line, fields), expected, "{line} {fields}");
        }
        let refused = ask(&access(), "GET /", "Host: evil.example\r\n").unwrap_err();
        assert!(String::from_utf8_lossy(&refused.body).contains("--host"));
    }

    #[test]
    fn an_allowed_page_can_read_every_answer_and_ask_before() {
        let fields = "Host: localhost\r\nOrigin: https://a.example\r\n";
        for path in ["/push", "/", "/healthz"] {
            let admitted = ask(&access(), &format!("GET {path}"), fields).unwrap();
            for status in [200, 400, 401, 413].map(Status::new) {
                let marked = admitted.mark(Response::new(status.unwrap()));
                let allowed = field(&marked, "Access-Control-Allow-Origin");
                assert_eq!(allowed, Some("https://a.example"));
                assert_eq!(field(&marked, "Vary"), Some("Origin"));
            }
        }
        let asks = format!(
            "{fields}Access-Control-Request-Method: POST\r\n\
             Access-Control-Request-Headers: content-type, x y, authorization\r\n"
        );
        let answer = ask(&access(), "OPTIONS /push", &asks).unwrap_err();
        assert_eq!(answer.status, Status::NO_CONTENT);
        let names = field(&answer, "Access-Control-Allow-Headers");
        assert_eq!(names, Some("content-type, authorization"));
        assert!(
            field(&answer, "Access-Control-Allow-Methods")
                .unwrap()
                .contains("POST")
        );
        assert_eq!(field(&answer, "Access-Control-Max-Age"), Some(MAX_AGE));
        assert_eq!(
            field(&answer, "Access-Control-Allow-Origin"),
            Some("https://a.example")
        );
        let foreign = asks.replace("a.example", "evil.example");
        let answer = ask(&access(), "OPTIONS /push", &foreign).unwrap_err();
        assert_eq!(answer.status, Status::FORBIDDEN);
        assert_eq!(field(&answer, "Access-Control-Allow-Origin"), None);
        let plain = ask(&access(), "GET /healthz", "Host: localhost\r\n").unwrap();
        assert_eq!(
            plain.mark(Response::new(Status::OK)),
            Response::new(Status::OK)
        );
        let foreign = "Host: localhost\r\nOrigin: https://evil.example\r\n";
        let open = ask(&access(), "GET /healthz", foreign).unwrap();
        assert_eq!(
            open.mark(Response::new(Status::OK)),
            Response::new(Status::OK)
        );
    }

    #[test]
    fn any_page_means_any() {
        let access = Access::new(OriginPolicy::Any, HostPolicy::default());
        for fields in ["Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n", ""] {
            let fields = format!("Host: any.example\r\n{fields}");
            assert!(ask(&access, "POST /push", &fields).is_ok(), "{fields}");
        }
    }
}
