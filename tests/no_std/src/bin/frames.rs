//! Frames alone, for a device whose HTTP is in place: an echo of short messages by a server.
#![no_std]
#![no_main]

use core::hint::black_box;
use wirebell::wire::NoEntropy;
use wirebell::{Connection, Event, Limits, Outbox, Role};
use wirebell_no_std::board;

#[unsafe(no_mangle)]
extern "C" fn run() {
    board::line("stack", board::stack(echo));
    board::line("connection", size_of::<Connection>());
    board::line("outbox", size_of::<Outbox>());
}

/// "Hello", a Ping and a Close, masked with zeros.
const INPUT: [u8; 25] = *b"\x81\x85\0\0\0\0Hello\x89\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8";

fn echo() -> bool {
    let mut connection = Connection::new(Role::Server, &Limits::DEFAULT, black_box(0));
    let mut outbox = Outbox::new();
    let (mut input, mut output) = (black_box(INPUT), [0; 160]);
    let (mut rest, mut len) = (&mut input[..], 0);
    while !rest.is_empty() {
        let received = connection.receive(rest, &mut outbox);
        let consumed = received.consumed;
        if let Some(Event::Piece(piece)) = received.event {
            let length = piece.bytes.len() as u64;
            let begun = connection.begin(piece.kind, length, piece.last, &mut NoEntropy);
            let Ok((header, _)) = begun else {
                return false;
            };
            for bytes in [&header[..], piece.bytes] {
                output[len..len + bytes.len()].copy_from_slice(bytes);
                len += bytes.len();
            }
        }
        rest = &mut rest[consumed..];
        len += connection.transmit(&mut outbox, &mut output[len..], &mut NoEntropy);
    }
    output[..len] == *b"\x81\x05Hello\x8a\0\x88\x02\x03\xe8"
}
