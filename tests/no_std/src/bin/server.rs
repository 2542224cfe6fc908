//! The server of the example: it accepts, refuses, echoes, closes, and ends on a violation.
#![no_std]
#![no_main]

use core::hint::black_box;
use wirebell::wire::NoEntropy;
use wirebell_no_std::board;
use wirebell_no_std::endpoint::{Endpoint, Server, Stage};
use wirebell_no_std::script::Script;

const ACCEPTED: &[u8] = b"GET /chat HTTP/1.1\r\nHost: device\r\nUpgrade: websocket\r\n\
    Connection: keep-alive, Upgrade\r\nOrigin: http://device\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat, v2.chat\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n\
    \x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x80\0\0\0\0\
    \x01\x83\0\0\0\0\xe2\x82\xac\x80\x81\x01\x01\x01\x01!\x88\x82\0\0\0\0\x03\xe8";
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nHost: device\r\n\r\n";
const VIOLATION: &[u8] = b"GET / HTTP/1.1\r\nHost: device\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x82\0\0\0\0\xc0\xaf";

#[unsafe(no_mangle)]
extern "C" fn run() {
    // The 101 and six frames; a refusal; the 101 and a Close with a reason.
    let deepest = [(ACCEPTED, 140), (REFUSED, 100), (VIOLATION, 130)].map(serve);
    board::line("stack", deepest.into_iter().max().unwrap_or_default());
    board::line("endpoint", size_of::<Endpoint<Server>>());
}

/// The endpoint is not on the stack that is counted: a device may have it anywhere.
fn serve((bytes, at_least): (&'static [u8], usize)) -> usize {
    let mut socket = Script::new(black_box(bytes));
    let mut server = Endpoint::server(0);
    board::stack(|| {
        let stage = server.poll(0, &mut socket, &mut NoEntropy, |piece, sender| {
            let _ = sender.send(piece.kind, piece.bytes, piece.last);
        });
        let is_over = matches!(stage, Stage::Over | Stage::Refused);
        is_over && socket.closed && socket.answered > at_least
    })
}
