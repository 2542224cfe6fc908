//! What is a WebSocket URI, what becomes of it, and what opens no connection.

use crate::net_support::scripted::{Peer, Server};
use wirebell::client::{Client, Error, Options, Uri, UriError};

#[test]
// req: 6455-3-02 6455-4.1-03 6455-11.1.1-02 6455-11.1.2-02
fn valid_ones_are_split() {
    // URI, host, port, what the Host field says, what is asked for.
    let rows = [
        ("ws://h", "h", 80, "h", "/"),
        ("ws://h/", "h", 80, "h", "/"),
        ("ws://h:80/", "h", 80, "h", "/"),
        ("ws://h:/a", "h", 80, "h", "/a"),
        ("ws://h:443/", "h", 443, "h:443", "/"),
        ("ws://h:8080", "h", 8080, "h:8080", "/"),
        ("ws://h:00081/", "h", 81, "h:81", "/"),
        ("ws://h:65535/", "h", 65535, "h:65535", "/"),
        ("wss://h", "h", 443, "h", "/"),
        ("wss://h:443/a", "h", 443, "h", "/a"),
        ("wss://h:80/a", "h", 80, "h:80", "/a"),
        ("WS://EXAMPLE.Org/A", "example.org", 80, "example.org", "/A"),
        ("wSs://h/", "h", 443, "h", "/"),
        ("ws://h?x", "h", 80, "h", "/?x"),
        ("ws://h:1?x=a/b?c", "h", 1, "h:1", "/?x=a/b?c"),
        ("ws://h/?", "h", 80, "h", "/?"),
        ("ws://h//a/../b", "h", 80, "h", "//a/../b"),
        ("ws://h/a@b:c", "h", 80, "h", "/a@b:c"),
        ("ws://h/a%23b%2f", "h", 80, "h", "/a%23b%2f"),
        ("ws://h/ü?q=ß", "h", 80, "h", "/%C3%BC?q=%C3%9F"),
        (
            "ws://h/\"<>\\^`{|}",
            "h",
            80,
            "h",
            "/%22%3C%3E%5C%5E%60%7B%7C%7D",
        ),
        ("ws://127.0.0.1:9/", "127.0.0.1", 9, "127.0.0.1:9", "/"),
        ("ws://[::1]", "::1", 80, "[::1]", "/"),
        ("ws://[FE80::a]:9/x", "fe80::a", 9, "[fe80::a]:9", "/x"),
        ("ws://[::1]?x", "::1", 80, "[::1]", "/?x"),
        (
            "ws://my_host.a-b~c./",
            "my_host.a-b~c.",
            80,
            "my_host.a-b~c.",
            "/",
        ),
    ];
    for (text, host, port, authority, target) in rows {
        let uri: Uri = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((uri.host(), uri.port()), (host, port), "{text}");
        assert_eq!(uri.authority(), authority, "{text}");
        assert_eq!(uri.target(), target, "{text}");
        let secure = text[..3].eq_ignore_ascii_case("wss");
        assert_eq!(uri.is_secure(), secure, "{text}");
        assert_eq!(uri.to_string().parse(), Ok(uri), "{text}");
    }
}

const INVALID: [(UriError, &[&str]); 6] = [
    (
        UriError::Scheme,
        &[
            "",
            "h",
            "ws:h",
            "ws:/h",
            "//h/",
            " ws://h/",
            "http://h/",
            "wsx://h/",
            "://h/",
        ],
    ),
    (UriError::User, &["ws://u@h/", "ws://u:p@h/", "ws://@h/"]),
    (
        UriError::Host,
        &[
            "ws://",
            "ws:///a",
            "ws://:80/",
            "ws://?x",
            "ws://a b/",
            "ws://a\r\nX: y/",
            "ws://bücher.example/",
            "ws://%61/",
            "ws://a,b/",
            "ws://[::1/",
            "ws://[::g]/",
            "ws://[]/",
            "ws://[::1]x/",
            "ws://[127.0.0.1]/",
            "ws://::1/",
            "ws://a\\b/",
        ],
    ),
    (
        UriError::Port,
        &[
            "ws://h:0/",
            "ws://h:65536/",
            "ws://h:+80/",
            "ws://h:-1/",
            "ws://h:8o/",
            "ws://h:80:80/",
            "ws://h:99999999999999999999/",
            "ws://h: 80/",
            "ws://[::1]:x/",
        ],
    ),
    (
        UriError::Fragment,
        &["ws://h/#", "ws://h/a#b", "ws://h#a", "ws://h/?a#b"],
    ),
    (
        UriError::Target,
        &[
            "ws://h/a b",
            "ws://h/ ",
            "ws://h/a\tb",
            "ws://h/a\r\nX: y",
            "ws://h/\0",
            "ws://h/\x7F",
            "ws://h/%",
            "ws://h/%4",
            "ws://h/%zz",
            "ws://h/%4g",
            "ws://h/?%",
            "ws://h/%ü",
        ],
    ),
];

#[test]
// req: 6455-3-03 6455-4.1-04 6455-11.1.1-01 6455-11.1.2-01
fn invalid_ones_are_told_apart() {
    for (error, texts) in INVALID {
        for text in texts {
            assert_eq!(text.parse::<Uri>(), Err(error), "{text:?}");
        }
    }
}

#[test]
// req: 6455-3-03 6455-4.1-04
fn an_invalid_one_opens_no_connection() {
    let server = Server::each(|_, peer: &mut Peer| {
        peer.open();
        peer.expect_gone();
    });
    let at = server.address();
    let rows = [
        (format!("http://{at}/"), UriError::Scheme),
        (format!("ws://me@{at}/"), UriError::User),
        (format!("ws://{at}0000000/"), UriError::Port),
        (format!("ws://{at}/#top"), UriError::Fragment),
        (format!("ws://{at}/a b"), UriError::Target),
    ];
    for (uri, expected) in rows {
        match Client::connect(&uri, Options::default()) {
            Err(Error::Uri(error)) => assert_eq!(error, expected, "{uri}"),
            other => panic!("{uri}: {other:?}"),
        }
    }
    let secure = Client::connect(&format!("wss://{at}/"), Options::default());
    assert!(matches!(secure, Err(Error::Secure)), "{secure:?}");

    // The accepting thread has seen all that came before this one.
    drop(Client::connect(&server.uri(), Options::default()).unwrap());
    assert_eq!(server.accepted(), 1);
    server.finish();
}
