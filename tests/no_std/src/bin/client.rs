//! The client of the example: it opens, sends what it receives, closes, and ends on a violation.
#![no_std]
#![no_main]

use core::hint::black_box;
use wirebell::handshake::ClientHandshake;
use wirebell_no_std::board;
use wirebell_no_std::endpoint::{Endpoint, Stage};
use wirebell_no_std::script::{Counter, Script};

/// The answer to the key that 16 bytes of the counter make, and frames.
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n\r\n\
    \x81\x05Hello\x89\0\x01\x03\xe2\x82\xac\x80\x01!\x88\x02\x03\xe8";
const REFUSED: &[u8] = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
const VIOLATION: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: C/0nmHhBztSRGR1CwL6Tf4ZjwpY=\r\n\r\n\
    \x81\x02\xc0\xaf";

#[unsafe(no_mangle)]
extern "C" fn run() {
    // The request is 149 bytes long.
    let deepest = [(ACCEPTED, 170), (REFUSED, 140), (VIOLATION, 160)].map(talk);
    board::line("stack", deepest.into_iter().max().unwrap_or_default());
    board::line("endpoint", size_of::<Endpoint<ClientHandshake<'_>>>());
}

/// The endpoint is not on the stack that is counted: a device may have it anywhere.
fn talk((bytes, at_least): (&'static [u8], usize)) -> usize {
    let mut socket = Script::new(black_box(bytes));
    let mut entropy = Counter(0);
    let Ok(handshake) = ClientHandshake::new("device", "/", &mut entropy) else {
        board::failed();
    };
    let Some(mut client) = Endpoint::client(handshake, 0) else {
        board::failed();
    };
    board::stack(|| {
        // A server closes first; a client waits for that.
        let stage = client.poll(0, &mut socket, &mut entropy, |piece, sender| {
            let _ = sender.send(piece.kind, piece.bytes, piece.last);
        });
        stage != Stage::Opening && socket.answered > at_least
    })
}
