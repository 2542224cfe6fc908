//! Frames and messages that break one rule.
//!
//! RFC 6455 sections 5, 7.4 and 8.1, RFC 7692 sections 6 and 7.2. Input: the generator of the
//! stream. Output: frames added to it, of which exactly one, or one message, is broken.

use crate::cli::tools::verify::random::frames::Generator;
use crate::cli::tools::verify::wire::shortest;

/// Bytes that no UTF-8 text has, or not in this place.
const NOT_UTF8: [&[u8]; 12] = [
    b"\xFE",
    b"\xFF",
    b"\x80",
    b"\xC0\xAF",
    b"\xC1\xBF",
    b"\xE0\x80\xAF",
    b"\xED\xA0\x80",
    b"\xED\xBF\xBF",
    b"\xF0\x80\x80\xAF",
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    b"\xC3x",
];

/// Codes that must not be sent (RFC 6455 section 7.4).
const BAD_CODES: [u16; 10] = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];

/// DEFLATE that no compressor makes: a reserved type of block, a distance before the beginning, a
/// stored block whose lengths differ, and a code that is none.
const CORRUPT: [&[u8]; 4] = [
    b"\x06\x00",
    b"\x4b\x04\x81\x00\x00",
    b"\x00\x05\x00\x00\x00Hello\x00",
    b"\x04\xC0\x00\x00\x00\x00\x00\x00\x00",
];

type Kind = fn(&mut Generator<'_>);

const KINDS: [Kind; 14] = [
    wrong_mask,
    reserved_bit,
    reserved_opcode,
    long_length,
    top_bit,
    long_control,
    fragmented_control,
    wrong_sequence,
    wrong_sequence,
    bad_text,
    bad_text,
    bad_close,
    bad_close,
    corrupt,
];

/// Adds something broken.
pub fn add(generator: &mut Generator<'_>) {
    generator.dice.pick(&KINDS)(generator);
}

/// The first byte of a data frame that is valid here.
fn data(generator: &mut Generator<'_>) -> u8 {
    match generator.inside {
        true => 0x80,
        false => generator.dice.pick(&[0x81, 0x82]),
    }
}

fn wrong_mask(generator: &mut Generator<'_>) {
    let data = data(generator);
    let first = generator.dice.pick(&[data, data, 0x89, 0x8A]);
    let frame = generator.frame_with(first, vec![5], b"Hello", !generator.masks);
    generator.send(frame);
}

fn reserved_bit(generator: &mut Generator<'_>) {
    let data = data(generator);
    let first = generator.dice.pick(&[data, 0x89, 0x8A]);
    let bit = match (first, generator.params) {
        (0x81 | 0x82, Some(_)) => generator.dice.pick(&[0x10, 0x20, 0x30]),
        _ => generator.dice.pick(&[0x10, 0x20, 0x40, 0x70]),
    };
    let frame = generator.frame(first | bit, b"Hello");
    generator.send(frame);
}

fn reserved_opcode(generator: &mut Generator<'_>) {
    let opcode = generator.dice.pick(&[3, 4, 5, 6, 7, 11, 12, 13, 14, 15]);
    let frame = generator.frame(0x80 | opcode, b"Hello");
    generator.send(frame);
}

fn long_length(generator: &mut Generator<'_>) {
    let data = data(generator);
    let len = generator.dice.pick(&[0, 5, 125, 126, 65_535]);
    let length = match len < 126 && generator.dice.percent(50) {
        true => [&[126][..], &(len as u16).to_be_bytes()].concat(),
        false => [&[127][..], &(len as u64).to_be_bytes()].concat(),
    };
    let frame = generator.frame_with(data, length, &vec![b'x'; len], generator.masks);
    generator.send(frame);
}

fn top_bit(generator: &mut Generator<'_>) {
    let data = data(generator);
    let len = (1_u64 << 63) + generator.dice.below(1000) as u64;
    let length = [&[127][..], &len.to_be_bytes()].concat();
    let frame = generator.frame_with(data, length, b"", generator.masks);
    generator.send(frame);
}

fn long_control(generator: &mut Generator<'_>) {
    let first = generator.dice.pick(&[0x88, 0x89, 0x8A]);
    let len = generator.dice.pick(&[126, 127, 300]);
    let mut payload = vec![b'x'; len];
    payload[..2].copy_from_slice(&1000_u16.to_be_bytes());
    let length = shortest(len as u64);
    let frame = generator.frame_with(first, length, &payload, generator.masks);
    generator.send(frame);
}

fn fragmented_control(generator: &mut Generator<'_>) {
    let first = generator.dice.pick(&[0x08, 0x09, 0x0A]);
    let frame = generator.frame(first, b"\x03\xE8");
    generator.send(frame);
    // The rest of what was begun.
    let rest = generator.frame(0x80, b"");
    generator.send(rest);
}

/// A continuation of nothing, or a message inside another.
fn wrong_sequence(generator: &mut Generator<'_>) {
    let fin = generator.dice.pick(&[0, 0x80]);
    let opcode = match generator.inside {
        true => generator.dice.pick(&[1, 2]),
        false => 0,
    };
    let frame = generator.frame(fin | opcode, b"Hello");
    generator.send(frame);
}

/// Text that is not UTF-8: in one frame or two, whole or not.
fn bad_text(generator: &mut Generator<'_>) {
    let before = generator.dice.pick(&[0, 1, 20]);
    let mut text = generator.text(before);
    let bad = generator.dice.pick(&NOT_UTF8);
    text.extend(bad);
    text.extend(b"and more");
    let (mut first, last) = match generator.inside {
        true => (0, generator.dice.pick(&[0x80, 0x80, 0x80, 0])),
        false => (1, generator.dice.pick(&[0x80, 0x80, 0x80, 0])),
    };
    if !generator.inside
        && last != 0
        && let Some(packed) = generator.compressed(&text)
    {
        let frame = generator.frame(0xC1, &packed);
        return generator.send(frame);
    }
    let mut rest = &text[..];
    if generator.dice.percent(50) {
        let at = generator.dice.below(text.len());
        let frame = generator.frame(first, &text[..at]);
        generator.send(frame);
        (first, rest) = (0, &text[at..]);
    }
    let mut frame = generator.frame(first | last, rest);
    if last == 0 || generator.dice.percent(10) {
        let cut = generator.dice.below(5).min(frame.len() - 1);
        frame.truncate(frame.len() - cut);
    }
    generator.send(frame);
}

fn bad_close(generator: &mut Generator<'_>) {
    let body = match generator.dice.below(4) {
        0 => vec![3],
        1 => {
            let bad = generator.dice.pick(&NOT_UTF8);
            [&1000_u16.to_be_bytes()[..], bad].concat()
        }
        // A character that is cut.
        2 => [&1000_u16.to_be_bytes()[..], b"\xE2\x82"].concat(),
        _ => generator.dice.pick(&BAD_CODES).to_be_bytes().to_vec(),
    };
    let frame = generator.frame(0x88, &body);
    generator.send(frame);
}

fn corrupt(generator: &mut Generator<'_>) {
    if generator.params.is_none() || generator.inside {
        return bad_text(generator);
    }
    let data = generator.dice.pick(&CORRUPT);
    let first = generator.dice.pick(&[0xC1, 0xC2]);
    let frame = generator.frame(first, data);
    generator.send(frame);
}
