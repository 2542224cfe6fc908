//! What a server answers to offers of permessage-deflate: RFC 7692 sections 5 and 7.1.
//!
//! A row is an offer and the answer to it, word for word; `-` stands for none.

use super::{good_request, read};
use wirebell::handshake::{DeflatePolicy, DeflateTerms};

pub const FIELD: &str = "Sec-WebSocket-Extensions";

const TAKEOVER: DeflatePolicy = DeflatePolicy::TAKEOVER;

/// The server's line of extensions, without the name of the field.
#[track_caller]
pub fn answer(policy: &DeflatePolicy, lines: &[&str]) -> String {
    let request = lines
        .iter()
        .fold(good_request(), |head, line| head.with(FIELD, line));
    let response = read(&request.bytes(), |opening| {
        opening.accept(None).negotiate(policy).to_string()
    });
    line_of(&response.expect("a good handshake"))
}

fn line_of(response: &str) -> String {
    assert!(response.starts_with("HTTP/1.1 101 ") && response.ends_with("\r\n\r\n"));
    let mut lines = response.lines().filter_map(|line| line.strip_prefix(FIELD));
    let line = lines
        .next()
        .map_or("-", |line| line.trim_start_matches(": "));
    assert_eq!(lines.next(), None, "one line");
    line.to_owned()
}

#[track_caller]
pub fn expect(policy: &DeflatePolicy, rows: &[(&str, &str)]) {
    for (offer, expected) in rows {
        let full = |text: &str| match text {
            "-" => "-".to_owned(),
            text => text.replace('@', "permessage-deflate"),
        };
        let got = answer(policy, &[&full(offer)]);
        assert_eq!(got, full(expected), "{offer} with {policy:?}");
    }
}

// req: 7692-5-05 7692-5-06 7692-7.1.2.1-03 7692-7.1.2.2-04 7692-7.1.2.2-05 7692-5-i02
#[test]
fn what_a_server_that_takes_over_answers() {
    expect(
        &TAKEOVER,
        &[
            ("@", "@"),
            (
                "@; server_no_context_takeover",
                "@; server_no_context_takeover",
            ),
            (
                "@; client_no_context_takeover",
                "@; client_no_context_takeover",
            ),
            ("@; client_max_window_bits", "@"),
            ("@; client_max_window_bits=15", "@"),
            (
                "@; client_max_window_bits=10",
                "@; client_max_window_bits=10",
            ),
            ("@; client_max_window_bits=8", "@; client_max_window_bits=8"),
            (
                "@; server_max_window_bits=15",
                "@; server_max_window_bits=15",
            ),
            ("@; server_max_window_bits=8", "@; server_max_window_bits=8"),
            (
                "@; server_max_window_bits=\"10\"",
                "@; server_max_window_bits=10",
            ),
            (
                "@; server_max_window_bits=\"\\1\\0\"",
                "@; server_max_window_bits=10",
            ),
            (
                "@ ;\tserver_max_window_bits = 9 ",
                "@; server_max_window_bits=9",
            ),
            (
                "@; client_max_window_bits=9; server_max_window_bits=12; \
                 client_no_context_takeover; server_no_context_takeover",
                "@; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=12; client_max_window_bits=9",
            ),
        ],
    );
}

// req: 7692-7.1.2.2-05
#[test]
fn what_a_server_with_small_windows_and_no_takeover_answers() {
    let small = DeflatePolicy::NO_TAKEOVER
        .server_window_bits(11)
        .client_window_bits(10);
    let alone = "@; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=11";
    let rows = [
        ("@", ""),
        ("@; server_max_window_bits=15", ""),
        ("@; client_no_context_takeover", ""),
        ("@; client_max_window_bits", "; client_max_window_bits=10"),
        (
            "@; client_max_window_bits=12",
            "; client_max_window_bits=10",
        ),
        ("@; client_max_window_bits=9", "; client_max_window_bits=9"),
    ];
    for (offer, more) in rows {
        expect(&small, &[(offer, &format!("{alone}{more}"))]);
    }
    let smaller = "@; server_no_context_takeover; client_no_context_takeover; \
                   server_max_window_bits=9";
    expect(&small, &[("@; server_max_window_bits=9", smaller)]);
    // Invalid values count as the nearest valid one; eight bits are never requested.
    let odd = TAKEOVER.server_window_bits(3).client_window_bits(1);
    let nearest = "@; server_max_window_bits=8; client_max_window_bits=9";
    expect(&odd, &[("@; client_max_window_bits", nearest)]);
}

/// Each of these declines the offer; the connection goes on without.
// req: 7692-7-01 7692-5-11 7692-7.1.2.1-02 7692-7.1.2.2-02 7692-5-07 7692-5-09
#[test]
fn offers_that_are_declined() {
    let window = ["server_max_window_bits", "client_max_window_bits"];
    let mut offers = vec![
        "x-webkit-deflate-frame".to_owned(),
        "permessage-bzip2, permessage-foo; use_x=y".to_owned(),
        "Permessage-Deflate".to_owned(),
        "@; foo".to_owned(),
        "@; foo=1".to_owned(),
        "@; server_max_window_bits".to_owned(),
        "@; SERVER_NO_CONTEXT_TAKEOVER".to_owned(),
        "@; server_no_context_takeover; server_no_context_takeover".to_owned(),
        "@; client_no_context_takeover; foo; client_no_context_takeover".to_owned(),
        "@; client_max_window_bits; client_max_window_bits=10".to_owned(),
        "@; server_max_window_bits=9; server_max_window_bits=9".to_owned(),
    ];
    for flag in ["server_no_context_takeover", "client_no_context_takeover"] {
        offers.extend([format!("@; {flag}=1"), format!("@; {flag}=\"true\"")]);
    }
    for name in window {
        for value in [
            "7", "16", "0", "08", "010", "1", "100", "x", "-9", "\"08\"", "+9",
        ] {
            offers.push(format!("@; {name}={value}"));
        }
    }
    for offer in &offers {
        expect(&TAKEOVER, &[(offer, "-")]);
        // The next offer is looked at all the same.
        let fallback = format!("{offer}, @; server_no_context_takeover");
        expect(&TAKEOVER, &[(&fallback, "@; server_no_context_takeover")]);
    }
}

#[test]
fn the_first_offer_that_can_be_had_over_several_lines() {
    let lines = [
        "foo; bar, permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate",
    ];
    let first = "permessage-deflate; server_max_window_bits=10";
    assert_eq!(answer(&TAKEOVER, &lines), first);
    assert_eq!(answer(&TAKEOVER, &lines[2..]), "permessage-deflate");
    assert_eq!(answer(&TAKEOVER, &[]), "-");
}

// req: 7692-5-11
#[test]
fn without_a_policy_or_a_wish_there_is_no_line() {
    let request = good_request().with(FIELD, "permessage-deflate").bytes();
    let plain = read(&request, |opening| opening.accept(None).to_string()).unwrap();
    assert_eq!(line_of(&plain), "-");
    let declined = read(&request, |opening| {
        let accepted = opening
            .accept(None)
            .without_extensions()
            .negotiate(&TAKEOVER);
        assert_eq!(accepted.deflate(), None);
        let accepted = opening.accept(None).negotiate(&TAKEOVER);
        assert_eq!(accepted.deflate(), Some(DeflateTerms::default()));
        accepted.without_extensions().to_string()
    });
    assert_eq!(line_of(&declined.unwrap()), "-");
}
