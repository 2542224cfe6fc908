//! Whether a page comes from the host that it talks to, section 10.2.

use wirebell::handshake::is_same_host;

#[test]
fn origins_and_hosts() {
    let rows = [
        // Origin, Host, the same?
        ("http://example.com", "example.com", true),
        ("https://example.com", "example.com", true),
        ("HTTP://EXAMPLE.com", "Example.COM", true),
        ("http://example.com:80", "example.com", true),
        ("http://example.com", "example.com:80", true),
        ("https://example.com", "example.com:443", true),
        ("https://example.com:443", "example.com", true),
        ("http://example.com:8080", "example.com:8080", true),
        ("http://[::1]", "[::1]", true),
        ("http://[::1]:8080", "[::1]:8080", true),
        // The path of the root and the dot of the root name the same.
        ("http://example.com/", "example.com", true),
        ("http://example.com.", "example.com", true),
        ("http://[0:0::1]", "[::1]", true),
        ("http://example.com//", "example.com", false),
        ("http://example.com..", "example.com", false),
        ("http:///", "", false),
        ("http://.", ".", false),
        // Other ports.
        ("http://example.com:81", "example.com", false),
        ("http://example.com", "example.com:81", false),
        ("http://example.com", "example.com:443", false),
        ("https://example.com", "example.com:80", false),
        ("http://[::1]:8080", "[::1]", false),
        // Other hosts.
        ("http://example.org", "example.com", false),
        ("http://sub.example.com", "example.com", false),
        ("http://example.com", "sub.example.com", false),
        ("http://example.com.evil.test", "example.com", false),
        ("http://evilexample.com", "example.com", false),
        ("http://example.com@evil.test", "example.com", false),
        ("http://evil.test@example.com", "example.com", false),
        ("http://example.com:80@evil.test", "example.com", false),
        ("http://example.com/path", "example.com", false),
        ("http://example.com?", "example.com", false),
        (
            "http://example.com, http://example.com",
            "example.com",
            false,
        ),
        (" http://example.com", "example.com", false),
        // No host at all.
        ("null", "null", false),
        ("", "", false),
        ("http://", "", false),
        ("//example.com", "example.com", false),
        ("example.com", "example.com", false),
        // Other schemes, which a page over HTTP does not have.
        ("file://example.com", "example.com", false),
        ("chrome-extension://example.com", "example.com", false),
        ("ws://example.com", "example.com", false),
    ];
    for (origin, host, expected) in rows {
        assert_eq!(is_same_host(origin, host), expected, "{origin:?} {host:?}");
    }
}
