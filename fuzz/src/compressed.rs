//! How inputs of compressed messages change.
//!
//! A random change of a compressed message ends it. This takes an input apart, changes one message
//! in it as a peer could, and puts it together again; half of the time libFuzzer changes bytes as
//! usual.

use crate::deflate;
use crate::mutators::{PREFIX, Rng, TEXTS, put, random};
use libfuzzer_sys::fuzzer_mutate;
use wirebell::deflate::{Budget, Compressor, Pool, Settings};
use wirebell::{Limits, MessageKind};

/// Changes the compressed messages of a connection.
pub fn messages(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng(seed.into());
    if size < PREFIX || max_size < 2 * PREFIX || rng.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let payloads = deflate::payloads(&data[PREFIX..size]);
    let mut payloads: Vec<_> = payloads.into_iter().map(<[u8]>::to_vec).collect();
    let at = rng.below(payloads.len());
    match (payloads.is_empty(), rng.below(8)) {
        (true, _) | (_, 0) => payloads.insert(at, compress(&text(&mut rng), &mut rng)),
        (_, 1) => drop(payloads.remove(at)),
        (_, 2) => {
            let more = compress(&text(&mut rng), &mut rng);
            payloads[at].extend(more);
        }
        (_, 3) => random(&mut payloads[at]),
        _ => {
            let mut plain = alone(&payloads[at]).unwrap_or_else(|| text(&mut rng));
            random(&mut plain);
            payloads[at] = compress(&plain, &mut rng);
        }
    }
    let mut out = Vec::new();
    for payload in payloads {
        let length = payload.len().min(u16::MAX.into());
        out.extend((length as u16).to_le_bytes());
        out.extend(&payload[..length]);
    }
    put(data, max_size, &out)
}

/// Text that is worth compressing.
fn text(rng: &mut Rng) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..1 + rng.below(4) {
        let part = rng.of(&TEXTS[..3]);
        let times = rng.of(&[1, 2, 3, 100, 258, 259, 400]);
        text.extend(part.repeat(times));
        let from = rng.below(text.len());
        text.extend_from_within(from..);
    }
    text.truncate(8192);
    text
}

/// Blocks of any kind, without the end of the message that a sender leaves out.
fn compress(plain: &[u8], rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => stored(plain, rng),
        1 => fixed(&plain[..plain.len().min(1024)], rng),
        _ => {
            let bits = 9 + rng.below(7) as u8;
            let mut out = Vec::new();
            let mut compressor = Compressor::new(bits, 1 + rng.below(9) as u8);
            let (front, back) = plain.split_at(rng.below(plain.len() + 1));
            compressor.fragment(front, true, false, &mut out);
            compressor.fragment(back, false, true, &mut out);
            out
        }
    }
}

/// RFC 1951 section 3.2.4, with a length that may be wrong, in one or two blocks.
fn stored(plain: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut out = Vec::new();
    for part in plain.chunks(plain.len() / (1 + rng.below(2)) + 1) {
        let length = part.len() as u16;
        let check = !length ^ u16::from(rng.below(16) == 0);
        out.push(rng.of(&[0, 0, 0, 1, 0xF8]));
        out.extend(length.to_le_bytes());
        out.extend(check.to_le_bytes());
        out.extend(part);
    }
    out.push(0);
    out
}

/// RFC 1951 section 3.2.6: literals, now and then a match, and the end of the block.
fn fixed(plain: &[u8], rng: &mut Rng) -> Vec<u8> {
    let (mut out, mut held, mut count) = (Vec::new(), 0_u64, 0_u32);
    let mut bits = |value: u64, len: u32| {
        held |= value << count;
        count += len;
        while count >= 8 {
            out.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    };
    let code = |value: u16, len: u32| u64::from(value.reverse_bits() >> (16 - len));
    bits(u64::from(rng.below(16) == 0), 1);
    bits(1, 2);
    for byte in plain {
        match *byte {
            low @ 0..144 => bits(code(0x30 + u16::from(low), 8), 8),
            high => bits(code(0x190 + u16::from(high - 144), 9), 9),
        }
        if rng.below(16) == 0 {
            // The lengths 3 to 10, and distances whose codes have no or one more bit.
            bits(code(1 + rng.below(8) as u16, 7), 7);
            bits(code(rng.below(4) as u16, 5), 5);
        }
    }
    bits(0, 7);
    // An empty block follows, whose last bytes are left out.
    bits(0, 3);
    bits(0, 7);
    out
}

/// What a payload says as a message by itself, of at most 8 KiB; `None` if it is not one.
fn alone(payload: &[u8]) -> Option<Vec<u8>> {
    let mut pool = Pool::new(Settings::DEFAULT, Budget::new(1 << 20));
    let limits = Limits::DEFAULT.message_bytes(8192);
    let message = deflate::first(&mut pool, MessageKind::Binary, payload, &limits);
    Some(message.ok()??.bytes().to_vec())
}
