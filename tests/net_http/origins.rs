//! Which pages may connect, as a browser would find out: RFC 6455 section 10.2.

use crate::net_support::client::upgrade;
use crate::net_support::{Push, options};
use wirebell::push::{OriginPolicy, Settings};

fn server(origin: OriginPolicy) -> Push {
    let settings = Settings::default().origin(origin);
    Push::start(options(), settings)
}

/// Connects with this Host and these Origin lines; the status, and for a refusal a clean end.
fn status(push: &Push, path: &str, host: &str, origins: &[&str]) -> u16 {
    let lines: String = origins.iter().map(|o| format!("Origin: {o}\r\n")).collect();
    let mut client = push.connect();
    client.send(upgrade(path, &lines).replace("Host: localhost", &format!("Host: {host}")));
    let response = client.head();
    if response.status != 101 {
        assert_eq!(response.connection(), ["close"]);
        let _ = client.rest();
    }
    response.status
}

// req: 6455-4.2.2-05
#[test]
fn by_default_only_pages_of_the_same_host_may_connect() {
    let push = server(OriginPolicy::SameHost);
    let rows = [
        ("example.org", "http://example.org", 101),
        ("example.org:80", "http://example.org", 101),
        ("example.org", "HTTP://EXAMPLE.ORG:80", 101),
        ("example.org:8080", "http://example.org:8080", 101),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", 101),
        ("[::1]:8080", "http://[::1]:8080", 101),
        ("example.org", "http://example.org:8080", 403),
        ("example.org:8080", "http://example.org", 403),
        ("example.org", "http://example.org.evil.test", 403),
        ("example.org", "http://evil.test/example.org", 403),
        ("example.org", "http://evilexample.org", 403),
        ("example.org", "null", 403),
        ("example.org", "file://", 403),
        ("example.org", "http://example.org/", 101),
        ("example.org", "", 403),
    ];
    for path in ["/ws", "/echo"] {
        for (host, origin, expected) in rows {
            let actual = status(&push, path, host, &[origin]);
            assert_eq!(actual, expected, "{path} {host} {origin}");
        }
        assert_eq!(status(&push, path, "example.org", &[]), 101, "no browser");
    }
    let twice = ["http://example.org", "http://evil.test"];
    assert_eq!(status(&push, "/ws", "example.org", &twice), 403);
}

#[test]
fn a_list_admits_its_members_and_the_same_host_and_nobody_else() {
    let list = ["https://a.example", "http://b.example:8080"];
    let list = list.map(|origin| origin.parse().expect("an origin"));
    let push = server(OriginPolicy::Listed(list.to_vec()));
    let rows = [
        ("https://a.example", 101),
        ("HTTPS://A.example", 101),
        ("http://b.example:8080", 101),
        ("http://a.example", 403),
        ("https://a.example:8443", 403),
        ("https://sub.a.example", 403),
        ("https://a.example.evil.test", 403),
        ("http://host.example", 101),
    ];
    for (origin, expected) in rows {
        let actual = status(&push, "/ws", "host.example", &[origin]);
        assert_eq!(actual, expected, "{origin}");
    }
    assert_eq!(status(&push, "/ws", "host.example", &[]), 101);
}

#[test]
fn any_admits_every_page() {
    let push = server(OriginPolicy::Any);
    for origin in ["http://evil.test", "null", "file://"] {
        assert_eq!(status(&push, "/ws", "host.example", &[origin]), 101);
    }
}
