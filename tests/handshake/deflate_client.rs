//! What a client offers of permessage-deflate and what it takes for an answer: RFC 7692 sections 5
//! and 7.1.

use super::deflate_server::FIELD;
use super::{Head, NO_FIELD, read};
use proptest::collection::vec;
use proptest::prelude::*;
use wirebell::handshake::{ClientHandshake, ClientWindow, DeflateOffer, DeflatePolicy};
use wirebell::handshake::{DeflateTerms, Direction};
use wirebell::http::{HeadLimits, HeadReader, MAX_FIELDS, ResponseHead};
use wirebell::wire::Entropy;
use wirebell::{BadResponse, Misuse};

/// Sixteen zeros make the key.
pub struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// A client that made these offers reads a response.
pub fn verify(
    offers: &[DeflateOffer],
    lines: &[&str],
) -> Result<Option<DeflateTerms>, BadResponse> {
    let response = Head::new("HTTP/1.1 101 Switching Protocols")
        .with("Upgrade", "websocket")
        .with("Connection", "Upgrade")
        // Belongs to the key of sixteen zeros.
        .with("Sec-WebSocket-Accept", "ICX+Yqv66kxgM0FcWaLWlFLwTAI=");
    let response = lines
        .iter()
        .fold(response, |head, line| head.with(FIELD, line));
    let bytes = response.bytes();
    let range = HeadReader::new().find(&bytes, &HeadLimits::default())?;
    let mut storage = [NO_FIELD; MAX_FIELDS];
    let head = ResponseHead::parse(&bytes[range.expect("whole")], &mut storage)?;
    let handshake = ClientHandshake::new("host", "/", &mut Zeros).unwrap();
    let agreed = handshake.deflate(offers).unwrap().verify(&head)?;
    Ok(agreed.deflate)
}

pub const PLAIN: DeflateOffer = DeflateOffer::DEFAULT;

// req: 6455-9-04 7692-5-01 7692-5-03 7692-7.1.2.1-02 7692-7.1.2.2-02
#[test]
fn what_a_client_offers() {
    let offers = [
        DeflateOffer::default()
            .server_no_context_takeover(true)
            .client_no_context_takeover(true)
            .server_max_window_bits(Some(10))
            .client_max_window_bits(ClientWindow::AtMost(8)),
        PLAIN.client_max_window_bits(ClientWindow::Fixed),
        PLAIN,
    ];
    let handshake = ClientHandshake::new("host", "/", &mut Zeros).unwrap();
    let line = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=8, \
                permessage-deflate, permessage-deflate; client_max_window_bits\r\n";
    let request = handshake.clone().deflate(&offers).unwrap().to_string();
    assert!(request.contains(line), "{request}");
    assert!(!handshake.to_string().contains(FIELD));
    for bits in [0, 7, 16, 255] {
        for offer in [
            PLAIN.server_max_window_bits(Some(bits)),
            PLAIN.client_max_window_bits(ClientWindow::AtMost(bits)),
        ] {
            let refused = handshake.clone().deflate(&[offer]).map(drop);
            assert_eq!(refused, Err(Misuse::InvalidExtension), "{bits}");
        }
    }
}

// req: 7692-7.1.1.2-03 7692-7.2.2-05 7692-7.2.2-10
#[test]
fn answers_that_a_client_takes() {
    let narrow = PLAIN
        .server_max_window_bits(Some(12))
        .client_no_context_takeover(true)
        .client_max_window_bits(ClientWindow::AtMost(9));
    let direction = |takeover, window_bits| Direction {
        takeover,
        window_bits,
    };
    let rows = [
        (PLAIN, "@", (true, 15), (true, 15)),
        // What the server adds unasked.
        (
            PLAIN,
            "@; server_no_context_takeover",
            (false, 15),
            (true, 15),
        ),
        (
            PLAIN,
            "@; client_no_context_takeover",
            (true, 15),
            (false, 15),
        ),
        (PLAIN, "@; server_max_window_bits=9", (true, 9), (true, 15)),
        (
            PLAIN,
            "@; client_max_window_bits=\"11\"",
            (true, 15),
            (true, 11),
        ),
        // The offer said less than what was agreed on, and that counts.
        (
            narrow,
            "@; server_max_window_bits=12",
            (true, 12),
            (true, 15),
        ),
        (
            narrow,
            "@; server_max_window_bits=8; client_max_window_bits=10",
            (true, 8),
            (true, 10),
        ),
    ];
    for (offer, line, server, client) in rows {
        let line = line.replace('@', "permessage-deflate");
        let terms = verify(&[offer], &[&line]).expect("a good answer");
        let terms = terms.expect("terms");
        assert_eq!(terms.server(), direction(server.0, server.1), "{line}");
        assert_eq!(terms.client(), direction(client.0, client.1), "{line}");
    }
    assert_eq!(verify(&[PLAIN], &[]), Ok(None));
    assert_eq!(verify(&[], &[]), Ok(None));
}

// req: 7692-7-02 7692-7.1.2.1-03 7692-7.1.2.2-04 7692-7.1.2.2-05
#[test]
fn answers_that_fail() {
    let strict = PLAIN
        .server_no_context_takeover(true)
        .server_max_window_bits(Some(10))
        .client_max_window_bits(ClientWindow::Fixed);
    let good = "@; server_no_context_takeover; server_max_window_bits=10";
    let mut rows = vec![
        (strict, "@".to_owned()),
        (strict, "@; server_no_context_takeover".to_owned()),
        (strict, "@; server_max_window_bits=10".to_owned()),
        (strict, format!("{good}; client_max_window_bits=10")),
        (strict, good.replace("10", "11")),
        (PLAIN, "@; client_max_window_bits".to_owned()),
        (PLAIN, "@; server_max_window_bits".to_owned()),
        (PLAIN, "@; foo".to_owned()),
        (PLAIN, "@; server_no_context_takeover=1".to_owned()),
        (
            PLAIN,
            "@; client_no_context_takeover; client_no_context_takeover".to_owned(),
        ),
        (
            PLAIN,
            "@; server_max_window_bits=9; server_max_window_bits=9".to_owned(),
        ),
    ];
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        rows.extend(
            ["7", "16", "08", "x", "\"16\""].map(|bad| (PLAIN, format!("@; {name}={bad}"))),
        );
    }
    for (offer, line) in rows {
        let line = line.replace('@', "permessage-deflate");
        assert_eq!(
            verify(&[offer], &[&line]),
            Err(BadResponse::ExtensionTerms),
            "{line}"
        );
    }
}

// req: 7692-5-12 7692-5-08 7692-5-10
#[test]
fn answers_to_what_was_not_offered() {
    let deflate = "permessage-deflate";
    for lines in [
        &["permessage-bzip2"][..],
        &["permessage-deflate, permessage-deflate"],
        &["permessage-deflate, foo"],
        &[deflate, deflate],
        &["Permessage-Deflate"],
    ] {
        assert_eq!(
            verify(&[PLAIN], lines),
            Err(BadResponse::ExtensionNotOffered),
            "{lines:?}"
        );
    }
    assert_eq!(
        verify(&[], &[deflate]),
        Err(BadResponse::ExtensionNotOffered)
    );
    assert_eq!(
        verify(&[PLAIN], &["permessage-deflate;"]),
        Err(BadResponse::Extensions)
    );
    // Any of several offers may have been taken.
    let strict = PLAIN.server_no_context_takeover(true);
    let taken = "permessage-deflate; server_no_context_takeover";
    assert!(verify(&[PLAIN, strict], &[taken]).is_ok());
    assert_eq!(
        verify(&[strict], &[deflate]),
        Err(BadResponse::ExtensionTerms)
    );
    assert!(verify(&[strict, PLAIN], &[deflate]).is_ok());
}

pub fn offers() -> impl Strategy<Value = Vec<DeflateOffer>> {
    let window = prop_oneof![
        Just(ClientWindow::Fixed),
        Just(ClientWindow::Open),
        (8..=15u8).prop_map(ClientWindow::AtMost),
    ];
    let offer = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of(8..=15u8),
        window,
    );
    let offer = offer.prop_map(|(server, client, server_bits, client_bits)| {
        DeflateOffer::default()
            .server_no_context_takeover(server)
            .client_no_context_takeover(client)
            .server_max_window_bits(server_bits)
            .client_max_window_bits(client_bits)
    });
    vec(offer, 0..4)
}

proptest! {
    /// Whatever a server makes of the offers, the client takes it and reads the same out of it.
    #[test]
    fn both_ends_agree(
        offers in offers(),
        (server, client) in (any::<bool>(), any::<bool>()),
        (server_bits, client_bits) in (8..=15u8, 8..=15u8),
    ) {
        let policy = DeflatePolicy::default()
            .server_takeover(server)
            .client_takeover(client)
            .server_window_bits(server_bits)
            .client_window_bits(client_bits);
        let handshake = ClientHandshake::new("host", "/", &mut Zeros).unwrap();
        let request = handshake.deflate(&offers).unwrap().to_string();
        let terms = read(request.as_bytes(), |opening| {
            opening.accept(None).negotiate(&policy).deflate()
        });
        let terms = terms.expect("a good handshake");
        prop_assert_eq!(terms.is_some(), !offers.is_empty());
        if let Some(terms) = terms {
            prop_assert_eq!(verify(&offers, &[&terms.to_string()]), Ok(Some(terms)));
            let (first, ours) = (offers[0], terms.server());
            prop_assert!(ours.window_bits <= first.server_max_window_bits.unwrap_or(15));
            prop_assert!(ours.window_bits <= server_bits);
            prop_assert!(!ours.takeover || (server && !first.server_no_context_takeover));
            prop_assert!(!terms.client().takeover || client);
        }
    }
}
