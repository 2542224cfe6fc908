//! Messages for the benchmarks of permessage-deflate: JSON as push servers carry it, all different,
//! and what a sender makes of them.
//!
//! A benchmark walks over the same messages again and again. They are more than twice the 32 KiB
//! that DEFLATE looks back, so none meets itself in the window; and because what is in front of a
//! message is the same in every round but the first, one set of payloads, [`Samples::steady`],
//! serves for all later rounds, with takeover too.

use wirebell::deflate::{Compressor, Settings};
use wirebell::handshake::MAX_WINDOW_BITS;

/// Plain bytes of one round, at least.
const ROUND: usize = 64 * 1024;

/// Messages of one round, at least.
const LEAST: usize = 64;

const WORDS: [&str; 32] = [
    "accepted",
    "amount",
    "as",
    "at",
    "before",
    "carrier",
    "changed",
    "courier",
    "customer",
    "door",
    "for",
    "from",
    "gift",
    "handed",
    "has",
    "in",
    "left",
    "morning",
    "neighbour",
    "of",
    "on",
    "packed",
    "parcel",
    "paid",
    "reached",
    "ready",
    "returned",
    "shelf",
    "the",
    "to",
    "waits",
    "with",
];

/// One round of messages, each `size` bytes long.
pub struct Samples {
    pub plain: Vec<Vec<u8>>,
    /// Payloads of the first round, which begins with an empty window.
    pub first: Vec<Vec<u8>>,
    /// Payloads of every other round.
    pub steady: Vec<Vec<u8>>,
}

impl Samples {
    /// Compresses as Wirebell does by default, with a window of 15 bits.
    pub fn new(size: usize, takeover: bool) -> Self {
        let mut random = Random(size as u64);
        let count = (ROUND / size).max(LEAST);
        let plain: Vec<_> = (0..count).map(|_| message(&mut random, size)).collect();
        let mut compressor = Compressor::new(MAX_WINDOW_BITS, Settings::DEFAULT.level);
        let mut out = Vec::new();
        let mut round = || -> Vec<Vec<u8>> {
            let payload = |message: &Vec<u8>| {
                let len = compressor.message(message, &mut out);
                if !takeover {
                    compressor.restart();
                }
                out[..len.expect("JSON becomes shorter")].to_vec()
            };
            plain.iter().map(payload).collect()
        };
        let (first, steady) = (round(), round());
        Self {
            plain,
            first,
            steady,
        }
    }
}

/// An order with as many items as there is room for, and a remark that fills the rest.
fn message(random: &mut Random, size: usize) -> Vec<u8> {
    let mut text = format!(
        r#"{{"type":"order.{}","id":"{:016x}","at":{},"user":{},"items":["#,
        random.pick(&["created", "paid", "packed", "sent"]),
        random.next(),
        1_750_000_000_000 + random.below(1 << 35),
        random.below(1_000_000),
    );
    let end = r#"],"note":""}"#;
    let mut separator = "";
    loop {
        let item = item(random);
        if text.len() + separator.len() + item.len() + end.len() > size {
            break;
        }
        text.push_str(separator);
        text.push_str(&item);
        separator = ",";
    }
    let (before, after) = end.split_at(end.len() - 2);
    text.push_str(before);
    while text.len() + after.len() < size {
        text.push_str(random.pick(&WORDS));
        text.push(' ');
    }
    text.truncate(size - after.len());
    text.push_str(after);
    text.into_bytes()
}

fn item(random: &mut Random) -> String {
    format!(
        r#"{{"sku":"{}-{:05}","count":{},"price":{}.{:02},"in_stock":{}}}"#,
        random.pick(&["BK", "EL", "GD", "HM", "TY"]),
        random.below(100_000),
        1 + random.below(9),
        1 + random.below(400),
        random.below(100),
        random.pick(&["true", "true", "false"]),
    )
}

/// The same numbers everywhere and always: SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len() as u64) as usize]
    }
}
