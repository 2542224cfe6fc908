//! How a head is found, however it arrives, and how it is split.

use super::{NO_FIELD, good_request, read};
use crate::support::Rng;
use std::time::{Duration, Instant};
use wirebell::HeadError;
use wirebell::http::{HeadLimits, HeadReader, MAX_FIELDS, RequestHead};

type Found = Result<Option<std::ops::Range<usize>>, HeadError>;

/// Offers the first bytes up to each of `ends`; the first answer that is one.
fn find(bytes: &[u8], limits: &HeadLimits, ends: impl IntoIterator<Item = usize>) -> Found {
    let mut reader = HeadReader::new();
    for end in ends {
        match reader.find(&bytes[..end], limits) {
            Ok(None) => {}
            answer => return answer,
        }
    }
    Ok(None)
}

fn find_whole(bytes: &[u8], limits: &HeadLimits) -> Found {
    find(bytes, limits, [bytes.len()])
}

const LIMITS: HeadLimits = HeadLimits::DEFAULT.bytes(200).target_bytes(50);

/// Heads and things that are none, with more after them.
fn inputs() -> Vec<Vec<u8>> {
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100));
    let long_head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "a".repeat(300));
    let late_fault = format!("GET / HTTP/1.1\r\nX: {}\nY: z\r\n\r\n", "a".repeat(300));
    let empty_lines = "\r\n".repeat(120);
    let inputs: [&[u8]; 19] = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n\x81\x00 and frames\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nmore",
        b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        b"\r\n\r\n",
        b"\rGET / HTTP/1.1\r\n\r\n",
        b"\r\n\rGET / HTTP/1.1\r\n\r\n",
        b"\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
        b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        long_target.as_bytes(),
        long_head.as_bytes(),
        late_fault.as_bytes(),
        empty_lines.as_bytes(),
    ];
    inputs.map(<[u8]>::to_vec).to_vec()
}

#[test]
// req: 6455-4.2.1-01 6455-10.7-01
fn a_head_may_be_cut_anywhere() {
    for bytes in inputs() {
        let whole = find_whole(&bytes, &LIMITS);
        let context = String::from_utf8_lossy(&bytes);
        for cut in 0..=bytes.len() {
            let found = find(&bytes, &LIMITS, [cut, bytes.len()]);
            assert_eq!(found, whole, "{context:?} cut at {cut}");
        }
        let found = find(&bytes, &LIMITS, 0..=bytes.len());
        assert_eq!(found, whole, "{context:?} byte by byte");
    }
}

#[test]
fn a_head_in_random_pieces() {
    let inputs = inputs();
    for seed in 0..2000 {
        let mut rng = Rng::new(seed);
        let bytes = &inputs[rng.below(inputs.len())];
        let mut ends: Vec<usize> = (0..6).map(|_| rng.below(bytes.len() + 1)).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let whole = find_whole(bytes, &LIMITS);
        assert_eq!(
            find(bytes, &LIMITS, ends.clone()),
            whole,
            "{seed}: {ends:?}"
        );
    }
}

#[test]
fn where_the_head_lies() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(find_whole(head, &LIMITS), Ok(Some(0..head.len())));
    for empty_lines in 1..4 {
        let start = 2 * empty_lines;
        let bytes = [&b"\r\n".repeat(empty_lines)[..], head, b"\x81\x00"].concat();
        let found = find_whole(&bytes, &LIMITS);
        assert_eq!(
            found,
            Ok(Some(start..start + head.len())),
            "{empty_lines} empty lines"
        );
    }
    assert_eq!(
        find_whole(b"\r\n\r\n\r\n", &LIMITS),
        Ok(None),
        "only empty lines"
    );
}

/// What cannot become a head is refused with its first byte: a TLS ClientHello, a stray frame.
#[test]
// req: 6455-4.2.1-01
fn a_first_byte_that_no_method_has() {
    for byte in 0..=255u8 {
        let expected = match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'\r' => Ok(None),
            _ => Err(HeadError::Malformed),
        };
        assert_eq!(find_whole(&[byte], &LIMITS), expected, "{byte:02x}");
        assert_eq!(
            find_whole(&[b'\r', b'\n', byte], &LIMITS),
            expected,
            "{byte:02x}"
        );
    }
}

#[test]
// req: 6455-10.7-01
fn a_head_of_exactly_the_limit_passes() {
    let head = |len: usize| {
        let start = "GET / HTTP/1.1\r\nX: ";
        format!("{start}{}\r\n\r\n", "x".repeat(len - start.len() - 4)).into_bytes()
    };
    let limit = LIMITS.bytes;
    assert_eq!(find_whole(&head(limit), &LIMITS), Ok(Some(0..limit)));
    assert_eq!(
        find_whole(&head(limit + 1), &LIMITS),
        Err(HeadError::TooLong)
    );
    // An endless head is refused when the limit is reached, not when it ends.
    let endless = head(10_000);
    for len in 0..=limit + 1 {
        let found = find(&endless, &LIMITS, 0..=len);
        let expected = match len < limit {
            true => Ok(None),
            false => Err(HeadError::TooLong),
        };
        assert_eq!(found, expected, "{len} bytes");
    }
}

/// The limit is for the target; method and version have some room of their own.
#[test]
fn a_target_over_the_limit_is_refused_before_its_line_ends() {
    let line = |len: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(len - 1));
    let exactly = line(LIMITS.target_bytes);
    assert_eq!(
        find_whole(exactly.as_bytes(), &LIMITS),
        Ok(Some(0..exactly.len()))
    );
    let most = line(LIMITS.target_bytes + 32 - "GET  HTTP/1.1\r".len());
    assert_eq!(
        find(most.as_bytes(), &LIMITS, 1..=most.len()),
        Ok(Some(0..most.len()))
    );
    let unfinished = &line(200)[..LIMITS.target_bytes + 33];
    let end = unfinished.len();
    assert_eq!(
        find_whole(&unfinished.as_bytes()[..end - 1], &LIMITS),
        Ok(None)
    );
    assert_eq!(
        find_whole(unfinished.as_bytes(), &LIMITS),
        Err(HeadError::TargetTooLong)
    );
    let over = line(LIMITS.target_bytes + 33);
    assert_eq!(
        find_whole(over.as_bytes(), &LIMITS),
        Err(HeadError::TargetTooLong)
    );
    let unfinished = &over[..4 + LIMITS.target_bytes + 30];
    assert_eq!(
        find_whole(unfinished.as_bytes(), &LIMITS),
        Err(HeadError::TargetTooLong)
    );
}

/// One line of `len` bytes, a byte at a time: how long it takes.
fn slow_line(len: usize) -> Duration {
    let limits = HeadLimits::default().bytes(1_000_000);
    let bytes = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(len)).into_bytes();
    let begun = Instant::now();
    assert_eq!(
        find(&bytes, &limits, 0..=bytes.len()),
        Ok(Some(0..bytes.len()))
    );
    begun.elapsed()
}

/// Eight times the bytes take eight times as long; a search from the beginning of the line, or of
/// the head, would take 64 times as long.
#[test]
fn a_slow_head_is_searched_once() {
    let (short, long) = (slow_line(5_000), slow_line(40_000));
    assert!(
        long < 20 * short + Duration::from_millis(500),
        "{short:?}, {long:?}"
    );
}

#[test]
// req: 6455-4.2.1-01
fn exactly_as_many_fields_as_there_is_room_for() {
    let count = good_request().lines.len();
    for (more, expected) in [
        (MAX_FIELDS - count, Ok(())),
        (MAX_FIELDS - count + 1, Err(HeadError::TooManyFields.into())),
    ] {
        let request = (0..more).fold(good_request(), |head, _| head.with("X", "y"));
        assert_eq!(super::verdict(&request), expected, "{more} more");
    }
}

/// Target, path and query.
#[test]
// req: 6455-4.2.1-01 6455-4.2.2-01
fn what_is_asked_for() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/chat", "/chat", None),
        ("/chat?x=1", "/chat", Some("x=1")),
        ("/chat?", "/chat", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/a%23b", "/a%23b", None),
        ("//a", "//a", None),
        ("/a://b?c", "/a://b", Some("c")),
        // The absolute form, which every server must take (RFC 9112 section 3.2.2).
        ("http://server.example.com/chat", "/chat", None),
        ("http://server.example.com/chat?x=1", "/chat", Some("x=1")),
        ("http://server.example.com", "/", None),
        ("http://server.example.com?x=1", "/", Some("x=1")),
        ("https://h:1/a?http://b/c", "/a", Some("http://b/c")),
    ] {
        let request = good_request().first(format!("GET {target} HTTP/1.1"));
        let seen = read(&request.bytes(), |opening| {
            assert_eq!(opening.head.target, target);
            assert_eq!(opening.head.path(), path, "{target}");
            assert_eq!(opening.head.query(), query, "{target}");
        });
        assert_eq!(seen, Ok(()), "{target}");
    }
}

/// The forms of RFC 9112 section 3.2, and what has none of them.
#[test]
// req: 6455-4.2.1-01
fn a_target_has_one_of_four_forms() {
    let rows = [
        ("GET", "/", true),
        ("GET", "/a://b", true),
        ("GET", "//a", true),
        ("GET", "/?\"<>\\^`{|}", true),
        ("GET", "http://a", true),
        ("GET", "coap+tcp://a/b", true),
        ("OPTIONS", "*", true),
        ("CONNECT", "a:443", true),
        ("GET", "*", false),
        ("GET", "chat", false),
        ("GET", "?a", false),
        ("GET", "a:443", false),
        ("GET", "://a/", false),
        ("GET", "1http://a/", false),
        ("GET", "ht tp://a/", false),
        ("GET", "a/b://c", false),
        ("GET", "http://", false),
        ("GET", "/a#", false),
        ("CONNECT", "a#b", false),
        ("GET", "/é", false),
        ("GET", "/\u{7f}", false),
        ("GET", "/\t", false),
    ];
    for (method, target, is_good) in rows {
        let bytes = format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut storage = [NO_FIELD; MAX_FIELDS];
        let parsed = RequestHead::parse(bytes.as_bytes(), &mut storage);
        assert_eq!(parsed.is_ok(), is_good, "{method} {target}");
    }
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let parsed = RequestHead::parse(b"GET /\xff HTTP/1.1\r\n\r\n", &mut storage);
    assert_eq!(parsed.err(), Some(HeadError::Malformed));
}

/// What proxies let through, within the default limits: a token in a query, large cookies, and as
/// many fields as there may be. The same in every cut.
#[test]
fn large_heads_within_the_limits() {
    let limits = HeadLimits::default();
    let token = format!("GET /?t={} HTTP/1.1\r\n\r\n", "e".repeat(6000));
    let cookies = format!("Cookie: {}\r\n", "c".repeat(992)).repeat(12);
    let cookies = format!("GET / HTTP/1.1\r\n{cookies}\r\n");
    let fields = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(limits.fields));
    let whole = |len: usize| Ok(Some(0..len));
    for head in [token, cookies, fields] {
        let (bytes, len) = (head.as_bytes(), head.len());
        assert_eq!(find(bytes, &limits, 0..=len), whole(len), "byte by byte");
        for cut in (0..=len).step_by(37).chain(len - 5..=len) {
            assert_eq!(find(bytes, &limits, [cut, len]), whole(len), "{cut}");
        }
        let mut storage = [NO_FIELD; MAX_FIELDS];
        assert!(RequestHead::parse(bytes, &mut storage[..limits.fields]).is_ok());
    }
}

#[test]
fn limits_may_be_as_large_as_a_number_can_be() {
    let limits = HeadLimits::default()
        .bytes(usize::MAX)
        .target_bytes(usize::MAX);
    let bytes = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(100_000));
    assert_eq!(
        find_whole(bytes.as_bytes(), &limits),
        Ok(Some(0..bytes.len()))
    );
}

/// Splitting less than a whole head is refused, it does not wait.
#[test]
fn a_part_of_a_head_is_malformed() {
    let bytes = good_request().bytes();
    for len in 0..bytes.len() {
        let mut storage = [NO_FIELD; MAX_FIELDS];
        let parsed = RequestHead::parse(&bytes[..len], &mut storage);
        assert_eq!(parsed.err(), Some(HeadError::Malformed), "{len} bytes");
    }
}
