//! A server that breaks the rules of RFC 6455 sections 5 and 8.

use crate::net_support::protocol;
use crate::net_support::scripted::Server;
use crate::support::frames::{FIN, Frame, RSV1, close, end, frame, head, text, text_start, wire};
use wirebell::client::{Client, Error, Options};
use wirebell::{Message, Misuse, Role, Violation, client};

/// The rule, the close code that the server is to be told, and what breaks it.
fn broken() -> Vec<(Violation, u16, Vec<u8>)> {
    use Violation as V;
    let framed: [(V, u16, &[Frame]); 11] = [
        (V::ReservedBit, 1002, &[frame(FIN | RSV1 | 1, b"x")]),
        (V::ReservedOpcode, 1002, &[frame(FIN | 3, b"x")]),
        (V::UnexpectedContinuation, 1002, &[end("x")]),
        (V::InterleavedMessage, 1002, &[text_start("x"), text("y")]),
        (V::FragmentedControl, 1002, &[frame(9, b"x")]),
        (V::CloseBodyCutShort, 1002, &[frame(0x88, b"x")]),
        (V::InvalidCloseCode, 1002, &[close(1005, "")]),
        (V::InvalidUtf8, 1007, &[text(b"a\xFF")]),
        (V::InvalidUtf8, 1007, &[text_start("x"), end(b"\xC3")]),
        (
            V::MessageTooBig,
            1009,
            &[frame(2, &[0; 1000]), end([0; 1000])],
        ),
        (
            V::TooManyFragments,
            1008,
            &[text_start(""), frame(0, b""), frame(0, b""), frame(0, b"")],
        ),
    ];
    let masked = text("Hello").wrong_mask().to(Role::Client);
    let too_big = head(0x82, false, &[126, 0x04, 0x01]);
    let mut rows = vec![
        (V::MaskedFrame, 1002, masked),
        (V::NonMinimalLength, 1002, vec![0x82, 126, 0, 5]),
        (V::FrameTooBig, 1009, too_big),
    ];
    rows.extend(framed.map(|(rule, code, frames)| (rule, code, wire(Role::Client, frames))));
    rows
}

#[test]
// req: 6455-5.1-05 6455-5.2-03 6455-7.1.7-01 6455-8.1-01
fn a_broken_rule_is_told_to_the_server() {
    for (expected, code, bytes) in broken() {
        let server = Server::opened(move |peer| {
            peer.send_frames(&[text("before")]);
            peer.send(bytes);
            peer.expect_close(code);
            // After a failure the client does not wait for us, nor for our Close.
            peer.expect_end();
        });
        let options = Options::default().limits(
            client::Limits::default().protocol(
                protocol()
                    .frame_bytes(1024)
                    .message_bytes(1500)
                    .fragments(3),
            ),
        );
        let mut client = Client::connect(&server.uri(), options).unwrap();
        assert_eq!(client.receive().unwrap(), Some(Message::text("before")));
        match client.receive() {
            Err(Error::Violation(violation)) => assert_eq!(violation, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        server.finish();
        // It stays over.
        assert!(
            matches!(client.receive(), Err(Error::Lost(_))),
            "{expected:?}"
        );
        let late = client.send(Message::text("late"));
        assert!(
            matches!(late, Err(Error::Misuse(Misuse::NotOpen))),
            "{late:?}"
        );
        assert_eq!(client.closed(), None);
    }
}
