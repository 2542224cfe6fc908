//! permessage-deflate where several offers, several values, two policies, or a good line and a
//! broken one meet: RFC 7692 sections 5 and 7.

use super::deflate_client::{PLAIN, Zeros, verify};
use super::deflate_server::{FIELD, answer, expect};
use super::{good_request, read, verdict};
use wirebell::handshake::{ClientHandshake, ClientWindow, DeflateOffer, DeflatePolicy};
use wirebell::{BadResponse, Misuse, Refusal};

const NAME: &str = "permessage-deflate";

/// What is agreed on answers one offer as a whole: no part of it may come from another one.
// req: 7692-7-02 7692-5-12
#[test]
fn a_response_made_of_two_offers_fails() {
    let narrow = PLAIN
        .server_max_window_bits(Some(10))
        .client_max_window_bits(ClientWindow::Fixed);
    let fresh = PLAIN.server_no_context_takeover(true);
    let both = [narrow, fresh];
    let rows = [
        ("server_max_window_bits=10", true),
        ("server_no_context_takeover", true),
        ("server_no_context_takeover; client_max_window_bits=9", true),
        (
            "server_no_context_takeover; server_max_window_bits=15",
            true,
        ),
        // The narrow offer has no window of the client, the other one asks for fresh windows.
        ("server_max_window_bits=10; client_max_window_bits=9", false),
        ("server_max_window_bits=11", false),
        ("client_max_window_bits=9", false),
        ("client_no_context_takeover", false),
    ];
    for (params, is_taken) in rows {
        let verdict = verify(&both, &[&format!("{NAME}; {params}")]);
        match is_taken {
            true => assert!(verdict.is_ok_and(|terms| terms.is_some()), "{params}"),
            false => assert_eq!(verdict, Err(BadResponse::ExtensionTerms), "{params}"),
        }
    }
}

/// A client that asks for a window of 15 bits gets it confirmed, although it is the default.
// req: 7692-7.1.2.1-03 7692-7-02
#[test]
fn the_server_names_its_window_if_it_was_asked() {
    let asked = PLAIN.server_max_window_bits(Some(15));
    assert_eq!(verify(&[asked], &[NAME]), Err(BadResponse::ExtensionTerms));
    let named = format!("{NAME}; server_max_window_bits=15");
    assert!(verify(&[asked], &[&named]).is_ok());
    expect(
        &DeflatePolicy::TAKEOVER,
        &[(
            "@; server_max_window_bits=15",
            "@; server_max_window_bits=15",
        )],
    );
}

/// Each direction has a policy of its own.
// req: 7692-5-06
#[test]
fn one_direction_takes_over_and_the_other_does_not() {
    let server = DeflatePolicy::TAKEOVER.client_takeover(false);
    let client = DeflatePolicy::TAKEOVER
        .server_takeover(false)
        .client_window_bits(8);
    let both = "@; server_no_context_takeover; client_no_context_takeover";
    let (fresh_server, fresh_client) = (
        "@; server_no_context_takeover",
        "@; client_no_context_takeover",
    );
    expect(
        &server,
        &[
            ("@", fresh_client),
            (fresh_client, fresh_client),
            (fresh_server, both),
        ],
    );
    let chosen = format!("{fresh_server}; client_max_window_bits=9");
    let eight = format!("{fresh_server}; client_max_window_bits=8");
    expect(
        &client,
        &[
            ("@", fresh_server),
            (fresh_server, fresh_server),
            (fresh_client, both),
            ("@; client_max_window_bits", &chosen),
            ("@; client_max_window_bits=8", &eight),
        ],
    );
}

/// A value in one place does not excuse its lack in another.
// req: 7692-7-01 7692-7-02
#[test]
fn a_window_that_stands_twice() {
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for (first, second) in [("=9", ""), ("", "=9"), ("=9", "=10"), ("", "")] {
            let line = format!("{NAME}; {name}{first}; {name}{second}");
            assert_eq!(answer(&DeflatePolicy::TAKEOVER, &[&line]), "-", "{line}");
            let refused = verify(&[PLAIN], &[&line]);
            assert_eq!(refused, Err(BadResponse::ExtensionTerms), "{line}");
        }
    }
}

/// A broken grammar is not an offer to decline: the handshake fails, on either side, even after an
/// offer that is good.
// req: 7692-7-01 7692-7-02
#[test]
fn a_malformed_line_fails_the_handshake() {
    for bad in [
        "@;",
        "@; server_max_window_bits=",
        "@; server_max_window_bits=\"\"",
        "@; server_max_window_bits=\"10",
        "@; server_max_window_bits=1 0",
        "@; server_max_window_bits=\"1 0\"",
        "@; server_max_window_bits=\"\\\\10\"",
        "@ server_no_context_takeover",
        "@=10",
        "@; =10",
        "@, ;",
        "@; client_max_window_bits; ; server_no_context_takeover",
    ] {
        let bad = bad.replace('@', NAME);
        for lines in [&[bad.as_str()][..], &[NAME, &bad], &[&bad, NAME]] {
            let request = lines
                .iter()
                .fold(good_request(), |head, line| head.with(FIELD, line));
            assert_eq!(verdict(&request), Err(Refusal::Extensions), "{lines:?}");
            let refused = verify(&[PLAIN], lines);
            assert_eq!(refused, Err(BadResponse::Extensions), "{lines:?}");
        }
    }
    assert_eq!(Refusal::Extensions.status(), 400);
}

/// Every offer of a list is checked, wherever it is.
// req: 7692-7.1.2.1-02 7692-7.1.2.2-02
#[test]
fn one_bad_offer_among_good_ones_is_not_sent() {
    let bad = PLAIN.server_max_window_bits(Some(16));
    let new = || ClientHandshake::new("host", "/", &mut Zeros).unwrap();
    for offers in [
        [bad, PLAIN, PLAIN],
        [PLAIN, bad, PLAIN],
        [PLAIN, PLAIN, bad],
    ] {
        let refused = new().deflate(&offers).map(drop);
        assert_eq!(refused, Err(Misuse::InvalidExtension));
    }
    assert!(new().deflate(&[PLAIN; 3]).is_ok());
}

/// A second policy takes the place of the first one, also if it agrees to less.
// req: 7692-5-06
#[test]
fn the_last_policy_counts() {
    let request = good_request().with(FIELD, NAME).bytes();
    let policies = [DeflatePolicy::TAKEOVER, DeflatePolicy::NO_TAKEOVER];
    for (first, last) in [(0, 1), (1, 0)] {
        let alone = read(&request, |opening| {
            opening.accept(None).negotiate(&policies[last]).to_string()
        });
        let after = read(&request, |opening| {
            let accepted = opening.accept(None).negotiate(&policies[first]);
            accepted.negotiate(&policies[last]).to_string()
        });
        assert_eq!(after, alone);
    }
}

/// The offers of RFC 7692 section 7.1.3, and the answers that it gives to them.
// req: 7692-7.1.2.2-05
#[test]
fn the_examples_of_the_negotiation() {
    let small = PLAIN.server_max_window_bits(Some(10));
    let simplest = PLAIN.client_max_window_bits(ClientWindow::Fixed);
    let ten = "permessage-deflate; server_max_window_bits=10";
    let rows: [(&[DeflateOffer], &str, bool); 6] = [
        (&[simplest], NAME, true),
        (&[small], ten, true),
        (&[small], NAME, false),
        (&[small, PLAIN], ten, true),
        (&[small, PLAIN], NAME, true),
        (
            &[simplest],
            "permessage-deflate; client_max_window_bits=10",
            false,
        ),
    ];
    for (offers, line, is_taken) in rows {
        assert_eq!(verify(offers, &[line]).is_ok(), is_taken, "{line}");
    }
    let offered = "@; client_max_window_bits; server_max_window_bits=10, @; client_max_window_bits";
    let first = "@; server_max_window_bits=10";
    expect(&DeflatePolicy::TAKEOVER, &[("@", "@"), (offered, first)]);
}
