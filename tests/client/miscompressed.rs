//! permessage-deflate with a server that breaks its rules.

use super::compressed::{offering, settings};
use crate::net_support::scripted::{Server, switch};
use crate::support::frames::{FIN, RSV1, frame, text};
use wirebell::client::{Client, Error, Options};
use wirebell::handshake::DeflatePolicy;
use wirebell::{BadResponse, Message, Misuse, Violation};

/// What comes of a handshake that is answered with these extensions.
fn answered(offer: Option<DeflatePolicy>, extensions: &'static str) -> Result<Client, Error> {
    let server = Server::once(move |peer| {
        let head = peer.head();
        let offered = head.contains("Sec-WebSocket-Extensions: permessage-deflate");
        assert_eq!(offered, offer.is_some(), "{head}");
        let field = format!("Sec-WebSocket-Extensions: {extensions}\r\n");
        peer.send(switch(&head, &field));
    });
    let options = Options::default().deflate(offer.and_then(settings));
    let result = Client::connect(&server.uri(), options);
    server.finish();
    result
}

#[test]
// req: 6455-4.1-45 7692-5-01
fn terms_that_were_not_offered_are_refused() {
    let (plain, takeover) = (DeflatePolicy::NO_TAKEOVER, DeflatePolicy::TAKEOVER);
    let small = takeover.server_window_bits(9);
    let rows = [
        (None, "permessage-deflate", BadResponse::ExtensionNotOffered),
        (Some(plain), "x-other", BadResponse::ExtensionNotOffered),
        (
            Some(plain),
            "permessage-deflate; server_no_context_takeover, x-other",
            BadResponse::ExtensionNotOffered,
        ),
        (
            Some(plain),
            "permessage-deflate; server_max_window_bits=7",
            BadResponse::ExtensionTerms,
        ),
        (
            Some(takeover),
            "permessage-deflate; server_max_window_bits=7",
            BadResponse::ExtensionTerms,
        ),
        (
            Some(takeover),
            "permessage-deflate; x=y",
            BadResponse::ExtensionTerms,
        ),
    ];
    for (offer, extensions, expected) in rows {
        match answered(offer, extensions) {
            Err(Error::BadResponse(refusal)) => assert_eq!(refusal, expected, "{extensions}"),
            other => panic!("{extensions}: {other:?}"),
        }
    }
    // Servers that heed no parameter may do so: there is an offer without them, too.
    for policy in [plain, takeover, small] {
        assert!(answered(Some(policy), "permessage-deflate").is_ok());
    }
    let smaller = "permessage-deflate; server_max_window_bits=8";
    assert!(answered(Some(small), smaller).is_ok());

    let impossible = takeover.server_window_bits(7);
    match Client::connect("ws://127.0.0.1:9/", offering(impossible)) {
        Err(Error::Misuse(Misuse::InvalidExtension)) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
// req: 7692-6.2-02 6455-7.1.7-03
fn compressed_data_that_is_none_fails_the_connection() {
    // "Hello" as RFC 7692 section 7.2.3.1 has it.
    const HELLO: [u8; 7] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    let bomb = flate(&vec![b'x'; 20 * 1024 * 1024]);
    let rows: [(Violation, u16, u8, &[u8]); 4] = [
        (
            Violation::CorruptDeflate,
            1007,
            1,
            &[0xFF, 0xFF, 0xFF, 0xFF],
        ),
        (Violation::TruncatedDeflate, 1007, 1, &HELLO[..4]),
        // "é" in Latin-1, stored.
        (
            Violation::InvalidUtf8,
            1007,
            1,
            &[0x00, 0x01, 0x00, 0xFE, 0xFF, 0xE9, 0x00],
        ),
        (Violation::MessageTooBig, 1009, 2, &bomb),
    ];
    for (expected, code, opcode, payload) in rows {
        let broken = frame(FIN | RSV1 | opcode, payload);
        let server = Server::once(move |peer| {
            let head = peer.head();
            let terms = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
            peer.send(switch(&head, terms));
            peer.send_frames(&[
                frame(RSV1 | 1, &HELLO[..3]),
                frame(FIN, &HELLO[3..]),
                text("clear"),
                broken,
            ]);
            peer.expect_close(code);
            peer.expect_end();
        });
        let options = offering(DeflatePolicy::TAKEOVER);
        let mut client = Client::connect(&server.uri(), options).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text("Hello")));
        assert_eq!(client.receive().unwrap(), Some(Message::text("clear")));
        match client.receive() {
            Err(Error::Violation(violation)) => assert_eq!(violation, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        assert!(
            matches!(client.receive(), Err(Error::Lost(_))),
            "{expected:?}"
        );
        server.finish();
    }
}

/// A message as another implementation compresses it.
fn flate(message: &[u8]) -> Vec<u8> {
    use flate2::{Compress, Compression, FlushCompress};
    let mut compress = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(message.len() / 100);
    compress
        .compress_vec(message, &mut out, FlushCompress::Sync)
        .expect("compresses");
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}
