//! Pages of other origins, and hosts that are not ours.

use super::{Native, ask};
use wirebell::push::{Origin, OriginPolicy, Settings};

fn native() -> Native {
    let origin: Origin = "https://app.example".parse().expect("an origin");
    Native::with(Settings::default().origin(OriginPolicy::Listed(vec![origin])))
}

const OURS: &str = "Origin: https://app.example\r\n";
const OTHER: &str = "Origin: https://evil.example\r\n";

#[test]
// req: push-errors-05 push-pages-04 push-pages-05
fn other_pages_read_and_change_nothing() {
    let native = native();
    for (method, target) in [
        ("GET", "/topics/a?poll=0"),
        ("GET", "/topics/a?format=raw"),
        ("GET", "/topics/a?format=ndjson"),
        ("POST", "/topics/a"),
        ("PUT", "/topics/a"),
        ("POST", "/topics"),
        ("OPTIONS", "/topics/a"),
    ] {
        let answer = ask(&mut native.connect(), method, target, OTHER, "");
        assert_eq!(answer.status, 403, "{method} {target}");
        assert_eq!(answer.field("access-control-allow-origin"), None);
    }
    assert_eq!(native.handshake("/topics/a", OTHER).status, 403);
    for site in ["cross-site", "same-site"] {
        let field = format!("Sec-Fetch-Site: {site}\r\n");
        assert_eq!(native.post("/topics/a", &field, "x").status, 403, "{site}");
        let plain = format!("{field}Content-Type: text/plain\r\n");
        assert_eq!(native.post("/topics", &plain, "x").status, 403, "{site}");
    }
    assert_eq!(native.shared.broker().head().sequence, 0);
    assert_eq!(
        native
            .post("/topics/a", "Sec-Fetch-Site: same-origin\r\n", "x")
            .status,
        202
    );
}

#[test]
// req: push-pages-06
fn allowed_pages_may_read_every_answer() {
    let native = native();
    let allowed = Some("https://app.example");
    for (method, target, status) in [
        ("GET", "/topics/a?poll=0", 200),
        ("POST", "/topics/a", 202),
        ("POST", "/topics", 200),
        ("POST", "/topics/a..b", 400),
        ("GET", "/topics/a", 406),
        ("DELETE", "/topics/a", 405),
    ] {
        let answer = ask(&mut native.connect(), method, target, OURS, "");
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(
            answer.field("access-control-allow-origin"),
            allowed,
            "{target}"
        );
        assert_eq!(answer.field("vary"), Some("Origin"));
    }
    for format in ["raw", "ndjson"] {
        let stream = native.stream(&format!("/topics/a?format={format}"), OURS);
        assert_eq!(stream.head.field("access-control-allow-origin"), allowed);
    }
    let mut poll = native.connect();
    poll.send(format!(
        "GET /topics/a?poll=9s HTTP/1.1\r\nHost: localhost\r\n{OURS}\r\n"
    ));
    native.publish("a", "x");
    assert_eq!(
        poll.response().field("access-control-allow-origin"),
        allowed
    );
    assert_eq!(native.handshake("/topics/a", OURS).status, 101);
}

#[test]
// req: push-pages-07
fn a_preflight_is_answered_without_a_token() {
    let native = native();
    let fields = format!(
        "{OURS}Access-Control-Request-Method: PUT\r\n\
         Access-Control-Request-Headers: authorization, ttl, idempotency-key\r\n"
    );
    let answer = ask(&mut native.connect(), "OPTIONS", "/topics/a", &fields, "");
    assert_eq!(answer.status, 204);
    assert_eq!(
        answer.field("access-control-allow-origin"),
        Some("https://app.example")
    );
    assert_eq!(
        answer.field("access-control-allow-methods"),
        Some("GET, HEAD, POST, PUT, DELETE")
    );
    assert_eq!(
        answer.field("access-control-allow-headers"),
        Some("authorization, ttl, idempotency-key")
    );
}

#[test]
// req: push-errors-10 push-pages-09
fn a_foreign_host_is_not_answered() {
    let native = native();
    let mut client = native.connect();
    let answer = client.ask("GET /topics/a?poll=0 HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(answer.status, 421);
}
