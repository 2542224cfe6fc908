//! The messages of the simulation: each is known by a number, wherever it turns up.
//!
//! ```text
//!   number, 8 bytes · wish, 1 byte · count, 2 bytes · size, 2 bytes · filler
//! ```

use crate::plan::Wish;

pub const LEAST: usize = 13;

/// A message of at least [`LEAST`] bytes.
pub fn message(number: u64, wish: Wish, bytes: usize) -> Vec<u8> {
    let (code, count, size) = match wish {
        Wish::Nothing => (0, 0, 0),
        Wish::Echo => (1, 0, 0),
        Wish::Burst(count, size) => (2, count, size),
        Wish::Publish => (3, 0, 0),
        Wish::Close => (4, 0, 0),
    };
    let mut all = number.to_be_bytes().to_vec();
    all.push(code);
    all.extend(count.to_be_bytes());
    all.extend(size.to_be_bytes());
    let filler = |at: usize| (number as usize + at) as u8;
    all.extend((LEAST..bytes.max(LEAST)).map(filler));
    all
}

/// The number of a message, if every byte of it is what it was.
pub fn number(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_be_bytes(*bytes.first_chunk()?);
    let same = |(at, byte): (usize, &u8)| at < LEAST || *byte == (number as usize + at) as u8;
    bytes.iter().enumerate().all(same).then_some(number)
}

pub fn wish(bytes: &[u8]) -> Wish {
    let two = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    match bytes[8] {
        1 => Wish::Echo,
        2 => Wish::Burst(two(9), two(11)),
        3 => Wish::Publish,
        4 => Wish::Close,
        _ => Wish::Nothing,
    }
}
