//! Compressed connections that go on in another loop: with their terms, and with the window to
//! which the client's next message refers.

use super::peer::Zlib;
use super::{compressing, json};
use crate::support::frames::{frame, take_frame};
use flate2::{Decompress, FlushDecompress};
use wirebell::handshake::DeflatePolicy;
use wirebell::net::testing::{Network, Peer, TestLoop};
use wirebell::net::{Context, Export, PeerId, Reply, Request, Service, Upgrade};
use wirebell::{Message, Role};

/// Echoes, and lets all go.
struct Echo;

impl Service for Echo {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        match request.upgrade() {
            Ok(opening) => Upgrade::new(opening.accept(None)).into(),
            Err(refusal) => refusal.into(),
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }

    fn export(&mut self, _: &mut Context<'_>, _: PeerId) -> Export {
        Export::Record(Vec::new())
    }

    fn import(&mut self, _: &mut Context<'_>, _: PeerId, _: &[u8]) -> bool {
        true
    }
}

/// A client of a server that is replaced.
struct World {
    network: Network,
    server: TestLoop<Echo>,
    client: Peer,
    compressor: Zlib,
    inflater: Decompress,
    server_takes_over: bool,
}

impl World {
    fn new(offer: &str) -> Self {
        let network = Network::new();
        let mut server = network.serve(compressing(DeflatePolicy::TAKEOVER), |_| Echo);
        let mut client = server.connect();
        client.send(
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Extensions: {offer}\r\n\r\n"
            )
            .as_bytes(),
        );
        server.run();
        client.read(usize::MAX);
        let answer = String::from_utf8(client.take_bytes()).expect("a head");
        assert!(
            answer.contains(&format!("Extensions: {offer}\r\n")),
            "{answer}"
        );
        Self {
            network,
            server,
            client,
            compressor: Zlib::new(!offer.contains("client_no_context_takeover")),
            inflater: Decompress::new(false),
            server_takes_over: !offer.contains("server_no_context_takeover"),
        }
    }

    fn replace(&mut self) {
        let moved = self.server.lend();
        assert_eq!(moved.len(), 1, "it does not move");
        let options = compressing(DeflatePolicy::TAKEOVER);
        let mut next = self.network.serve(options, |_| Echo);
        next.adopt(moved);
        self.server.leave();
        self.server.run();
        assert!(self.server.has_ended(), "nothing is left");
        self.server = next;
        self.server.run();
    }

    /// Sends a message and reads it back, both compressed. Returns the lengths of the payloads.
    #[track_caller]
    fn expect_echo(&mut self, message: &str) -> (usize, usize) {
        let payload = self.compressor.compress(message.as_bytes());
        self.client.send(&frame(0xC1, &payload).to(Role::Server));
        self.server.run();
        self.client.read(usize::MAX);
        let bytes = self.client.take_bytes();
        let (echo, _) = take_frame(&bytes).expect("a whole frame");
        assert_eq!(echo.first, 0xC1, "{echo:?}");
        if !self.server_takes_over {
            self.inflater.reset(false);
        }
        let input = [&echo.payload[..], &[0x00, 0x00, 0xFF, 0xFF]].concat();
        let mut out = Vec::with_capacity(100_000);
        self.inflater
            .decompress_vec(&input, &mut out, FlushDecompress::Sync)
            .expect("zlib inflates");
        assert_eq!(String::from_utf8(out).expect("UTF-8"), message);
        (payload.len(), echo.payload.len())
    }
}

// req: push-upgrade-01
#[test]
fn a_message_may_refer_to_what_the_loop_before_has_received() {
    for offer in [
        "permessage-deflate",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover",
    ] {
        let mut world = World::new(offer);
        let first = world.expect_echo(&json(1, 600));
        for round in 0..3 {
            world.replace();
            let next = world.expect_echo(&json(1, 600));
            let refers = next.0 * 5 < first.0;
            assert_eq!(refers, world.compressor.takes_over(), "{offer}, {round}");
            // Its own window is empty again: the new loop refers to nothing it has not sent.
            assert_eq!(next.1, first.1, "{offer}, {round}");
        }
        world.expect_echo(&json(2, 30_000));
    }
}
