//! Both roles in one program, as far as their code is concerned.
#![no_std]
#![no_main]

use core::hint::black_box;
use wirebell::handshake::ClientHandshake;
use wirebell_no_std::board;
use wirebell_no_std::endpoint::{Endpoint, Opening};
use wirebell_no_std::script::{Counter, Script};

#[unsafe(no_mangle)]
extern "C" fn run() {
    let mut entropy = Counter(black_box(0));
    let Ok(handshake) = ClientHandshake::new("device", "/", &mut entropy) else {
        board::failed();
    };
    let Some(client) = Endpoint::client(handshake, 0) else {
        board::failed();
    };
    poll(Endpoint::server(0), &mut entropy);
    poll(client, &mut entropy);
    board::line("stack", 0);
}

fn poll(mut endpoint: Endpoint<impl Opening>, entropy: &mut Counter) {
    let mut socket = Script::new(black_box(b"GET / HTTP/1.1\r\n\r\n"));
    endpoint.poll(0, &mut socket, entropy, |piece, sender| {
        let _ = sender.send(piece.kind, piece.bytes, piece.last);
    });
    if socket.answered == 0 {
        board::failed();
    }
}
