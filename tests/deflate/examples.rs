//! RFC 7692 section 7.2.3: each example as a server and as a client receive it, and what we make
//! of the same messages.
//!
//! The header of the stored example has the length 0b, as an erratum says.

use super::decoder::decode;
use super::endpoint::{Endpoint, Setup, fragments, packed};
use crate::support::driver::Seen;
use crate::support::frames::{Frame, ping, take_frames, text, wire};
use crate::support::hex;
use wirebell::deflate::Compressor;
use wirebell::{MessageKind, Role, State};

const HELLO: &str = "f248cdc9c90700";
const HELLO_AGAIN: &str = "f200110000";
const STORED: &str = "000500faff48656c6c6f00";
const FINAL: &str = "f348cdc9c9070000";
const TWO_BLOCKS: &str = "f24805000000ffffcac9c90700";

fn hello() -> Frame {
    packed(hex(HELLO))
}

fn again() -> Frame {
    packed(hex(HELLO_AGAIN))
}

/// Both roles get these texts, and nothing else happens.
#[track_caller]
fn expect(frames: &[Frame], texts: &[&str]) {
    let expected: Vec<_> = texts
        .iter()
        .map(|text| Seen::Text((*text).into()))
        .collect();
    for setup in [Setup::default(), Setup::client()] {
        for setup in [
            setup.clone(),
            setup.without_budget(),
            setup.with_neighbours(),
        ] {
            let transcript = setup.run(frames);
            assert_eq!(transcript.seen, expected, "{:?}", setup.role);
            assert_eq!(transcript.sent, b"");
            assert_eq!(transcript.state, State::Open);
        }
    }
}

/// The payload that a fresh compressor makes of each message, in one fragment.
fn fragments_of(compressor: &mut Compressor, message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    compressor.fragment(message, true, true, &mut out);
    out
}

// req: 7692-6.2-01 7692-7.2.2-i01 7692-7.2.2-i02 7692-5-13 7692-6-i02
#[test]
fn one_block() {
    assert_eq!(wire(Role::Client, &[hello()]), hex("c107 f248cdc9c90700"));
    expect(&[hello()], &["Hello"]);
}

// req: 7692-6.2-01 7692-6.1-03
#[test]
fn one_block_in_two_frames() {
    let frames = fragments(0x41, &[hex("f248cd"), hex("c9c90700")]);
    let bytes = hex("4103 f248cd 8004 c9c90700");
    assert_eq!(wire(Role::Client, &frames), bytes);
    expect(&frames, &["Hello"]);
}

// req: 7692-6.2-01
#[test]
fn one_block_in_seven_frames_with_a_ping_between() {
    let payload = hex(HELLO);
    let parts: Vec<&[u8]> = payload.chunks(1).collect();
    let mut frames = fragments(0x41, &parts);
    frames.insert(3, ping(b"between"));
    let transcript = Setup::default().run(&frames);
    let expected = [Seen::Ping(b"between".into()), Seen::Text("Hello".into())];
    assert_eq!(transcript.seen, expected);
    assert_eq!(transcript.sent, b"\x8A\x07between");
}

// req: 7692-7.2.2-02 7692-7.2.2-04 7692-7.2.2-05
#[test]
fn the_second_message_refers_to_the_first() {
    expect(&[hello(), again()], &["Hello", "Hello"]);
    expect(&[hello(), again(), again(), hello()], &["Hello"; 4]);
}

// req: 7692-6.2-02
#[test]
fn messages_that_are_not_compressed_leave_the_window_alone() {
    let (whole, parts) = (vec![text("World")], fragments(1, &["Wor", "ld"]));
    let frames = [vec![hello()], whole, parts, vec![again()]].concat();
    expect(&frames, &["Hello", "World", "World", "Hello"]);
}

// req: 7692-7.2.1-i01
#[test]
fn a_stored_block() {
    let frame = packed(hex(STORED));
    let bytes = hex("c10b 000500faff48656c6c6f00");
    assert_eq!(wire(Role::Client, std::slice::from_ref(&frame)), bytes);
    expect(&[frame, again()], &["Hello", "Hello"]);
}

// req: 7692-7.2.1-03
#[test]
fn a_final_block_and_the_window_kept_across_it() {
    expect(&[packed(hex(FINAL))], &["Hello"]);
    expect(&[packed(hex(FINAL)), again()], &["Hello", "Hello"]);
    expect(&[hello(), packed(hex(FINAL)), again()], &["Hello"; 3]);
    // Within a message: "Hello" in a final block, and "Hello" that refers to it.
    let twice = hex(&format!("{}{HELLO_AGAIN}", &FINAL[..14]));
    expect(&[packed(&twice), again()], &["HelloHello", "Hello"]);
    // Across a message: the window before a final block is still there after it.
    let reaching = hex(&format!("0300{HELLO_AGAIN}"));
    expect(&[hello(), packed(&reaching), again()], &["Hello"; 3]);
}

/// What a library makes that ends its data with a stored block which is empty, and final.
#[test]
fn an_empty_final_block_at_the_end() {
    expect(&[packed(hex("01"))], &[""]);
    let frame = packed(hex("f248cdc9c90704"));
    expect(std::slice::from_ref(&frame), &["Hello"]);
    expect(&[frame.clone(), again(), frame, again()], &["Hello"; 4]);
}

// req: 7692-7.2.1-05
#[test]
fn two_blocks() {
    let payload = hex(TWO_BLOCKS);
    expect(&[packed(&payload), again()], &["Hello", "Hello"]);
    let frames = fragments(0x41, &[&payload[..8], &payload[8..]]);
    expect(&frames, &["Hello"]);
}

// req: 7692-7.2.1-i02
#[test]
fn an_empty_message_and_an_empty_fragment() {
    expect(&[packed([0x00]), packed([0x00])], &["", ""]);
    expect(&[hello(), packed([0x00]), again()], &["Hello", "", "Hello"]);
    let payload = hex("f248cdc9c907000000ffff");
    let frames = fragments(0x41, &[&payload[..], &[0x00]]);
    expect(&frames, &["Hello"]);
    let frames = fragments(0x41, &[&b""[..], &hex(HELLO), b""]);
    expect(&frames, &["Hello"]);
}

// req: 7692-6.1-01 7692-7.2.1-07 7692-7.2.1-10 7692-7.2.1-i02 7692-7.2.1-i03
#[test]
fn the_same_messages_sent() {
    for bits in 9..=15 {
        let mut compressor = Compressor::new(bits, 6);
        assert_eq!(fragments_of(&mut compressor, b"Hello"), hex(HELLO));
        assert_eq!(fragments_of(&mut compressor, b"Hello"), hex(HELLO_AGAIN));
        compressor.restart();
        assert_eq!(fragments_of(&mut compressor, b"Hello"), hex(HELLO));
        assert_eq!(fragments_of(&mut compressor, b""), [0x00]);
        assert_eq!(fragments_of(&mut compressor, b""), [0x00]);
        assert_eq!(fragments_of(&mut compressor, b"Hello"), hex(HELLO_AGAIN));
    }
    let stored = fragments_of(&mut Compressor::new(15, 0), b"Hello");
    assert_eq!(stored, hex(STORED));
    let again = fragments_of(&mut Compressor::new(8, 6), b"Hello");
    assert_eq!(decode(b"", &again).plain, b"Hello");
}

// req: 7692-6.1-01 7692-6.1-02 7692-6.1-03
#[test]
fn the_bit_stands_on_compressed_messages_only() {
    let long = b"Hello Hello Hello Hello Hello Hello";
    let mut endpoint = Endpoint::new(&Setup::with_link(false, 15));
    endpoint.send(MessageKind::Text, long);
    endpoint.ping(long);
    endpoint.send(MessageKind::Text, b"Hello");
    endpoint.send(MessageKind::Binary, long);
    endpoint.send(MessageKind::Text, b"");
    let frames = take_frames(&endpoint.sent);
    let first: Vec<u8> = frames.iter().map(|frame| frame.first).collect();
    assert_eq!(first, [0xC1, 0x89, 0x81, 0xC2, 0x81]);
    assert_eq!(decode(b"", &frames[0].payload).plain, long);
    assert_eq!(frames[1].payload, long);
    assert_eq!(frames[2].payload, b"Hello");
    assert_eq!(frames[3].payload, frames[0].payload);
    assert_eq!(frames[4].payload, b"");
}
