//! How inputs of frames change. Compressed messages are left to `compressed`.
//!
//! A random change of a masked frame changes its payload to nonsense. This takes an input apart,
//! changes one thing in it as a peer could, and puts it together again; half of the time libFuzzer
//! changes bytes as usual. What cannot be taken apart stays as it is, at the end.

use libfuzzer_sys::fuzzer_mutate;
use wirebell::Role;
use wirebell::wire::Mask;

/// Bytes before the frames or the messages, which choose cuts or settings.
pub const PREFIX: usize = 4;

/// Lengths at which headers or the limits of the checks change.
const LENGTHS: [usize; 10] = [0, 1, 2, 124, 125, 126, 127, 2047, 2048, 2049];

/// Ends and beginnings of characters, and what looks like one.
pub const TEXTS: [&[u8]; 9] = [
    "\u{e9}".as_bytes(),
    "\u{20ac}".as_bytes(),
    "\u{1f600}".as_bytes(),
    b"\xE2\x82",
    b"\xF0\x9F\x98",
    b"\xED\xA0\x80",
    b"\xF4\x90\x80\x80",
    b"\xC0\x80",
    b"\x80",
];

/// Bodies of Close frames: no code, codes at the borders of their ranges, and reasons.
const CLOSES: [&[u8]; 12] = [
    b"",
    b"\x03",
    b"\x03\xE7",
    b"\x03\xE8",
    b"\x03\xE8bye",
    b"\x03\xEC",
    b"\x03\xED",
    b"\x03\xF6",
    b"\x03\xF8",
    b"\x0B\xB8\xE2\x82\xAC",
    b"\x0F\xA0\xE2\x82",
    b"\x13\x88",
];

/// Splitmix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// Changes bytes as libFuzzer does, and lets them grow by a few.
pub fn random(bytes: &mut Vec<u8>) {
    let len = bytes.len();
    bytes.resize(len + 16, 0);
    let new = fuzzer_mutate(bytes, len, len + 16);
    bytes.truncate(new);
}

/// Puts the prefix and what follows it back; what is too long is cut.
pub fn put(data: &mut [u8], max_size: usize, rest: &[u8]) -> usize {
    let len = rest.len().min(max_size - PREFIX);
    data[PREFIX..PREFIX + len].copy_from_slice(&rest[..len]);
    PREFIX + len
}

/// A frame, its payload unmasked.
#[derive(Clone)]
struct Frame {
    first: u8,
    key: Option<[u8; 4]>,
    payload: Vec<u8>,
    /// Bytes of its length: as few as possible, 2, or 8.
    wide: usize,
}

impl Frame {
    /// `None` if the bytes are not a whole one.
    fn take(data: &mut &[u8]) -> Option<Self> {
        let (&[first, second], rest) = data.split_first_chunk::<2>()?;
        let (length, rest) = match second & 0x7F {
            126 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            127 => {
                let (length, rest) = rest.split_first_chunk::<8>()?;
                (u64::from_be_bytes(*length), rest)
            }
            short => (u64::from(short), rest),
        };
        let (key, rest) = match second & 0x80 {
            0 => (None, rest),
            _ => {
                let (key, rest) = rest.split_first_chunk::<4>()?;
                (Some(*key), rest)
            }
        };
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        *data = rest;
        Some(Self {
            first,
            key,
            payload: mask(payload, key.unwrap_or_default()),
            wide: 0,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let length = self.payload.len();
        let second = if self.key.is_some() { 0x80 } else { 0 };
        out.push(self.first);
        match (self.wide, length) {
            (0, 0..126) => out.push(second | length as u8),
            (0 | 2, 0..0x1_0000) => {
                out.push(second | 126);
                out.extend((length as u16).to_be_bytes());
            }
            _ => {
                out.push(second | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(self.key.iter().flatten());
        out.extend(mask(&self.payload, self.key.unwrap_or_default()));
    }
}

fn mask(bytes: &[u8], key: [u8; 4]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    Mask::apply_whole(key, &mut masked);
    masked
}

/// Changes a stream of frames that this side receives.
pub fn frames(data: &mut [u8], size: usize, max_size: usize, seed: u32, role: Role) -> usize {
    let mut rng = Rng(seed.into());
    if size < PREFIX || max_size < 2 * PREFIX || rng.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let mut rest = &data[PREFIX..size];
    let mut frames = Vec::new();
    while let Some(frame) = Frame::take(&mut rest) {
        frames.push(frame);
    }
    let rest = rest.to_vec();
    for _ in 0..1 + rng.below(3) {
        let at = rng.below(frames.len());
        match frames.is_empty() || rng.below(4) == 0 {
            true => frames.insert(at, new_frame(&mut rng, role)),
            false => change(&mut frames, at, &mut rng),
        }
    }
    let mut out = Vec::new();
    frames.iter().for_each(|frame| frame.write(&mut out));
    out.extend(rest);
    put(data, max_size, &out)
}

/// A frame that may be right where it stands.
fn new_frame(rng: &mut Rng, role: Role) -> Frame {
    let first = rng.of(&[0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A]);
    let payload = match first {
        0x88 => rng.of(&CLOSES).to_vec(),
        _ if rng.below(2) == 0 => rng.of(&TEXTS).to_vec(),
        _ => vec![b'a'; rng.of(&LENGTHS)],
    };
    let key = [rng.below(256) as u8, 1, 0, rng.below(256) as u8];
    Frame {
        first,
        key: (role == Role::Server).then_some(key),
        payload,
        wide: 0,
    }
}

fn change(frames: &mut Vec<Frame>, at: usize, rng: &mut Rng) {
    let count = frames.len();
    let frame = &mut frames[at];
    match rng.below(12) {
        0 => frame.first ^= 1 << rng.below(8),
        1 => frame.first = frame.first & 0xF0 | rng.of(&[0, 1, 2, 8, 9, 10]),
        2 => frame.wide = rng.of(&[2, 8]),
        3 => frame.key = frame.key.xor(Some([0; 4])),
        4 => frame.payload.resize(rng.of(&LENGTHS), b'a'),
        5 => {
            let from = rng.below(frame.payload.len() + 1);
            let text = rng.of(&TEXTS);
            frame.payload.splice(from..from, text.iter().copied());
        }
        6 | 7 => {
            let from = rng.below(frame.payload.len() + 1);
            let last = Frame {
                first: frame.first & 0x80,
                payload: frame.payload.split_off(from),
                ..frame.clone()
            };
            frame.first &= 0x7F;
            frames.insert(at + 1, last);
        }
        8 if at + 1 < count => {
            let next = frames.remove(at + 1);
            frames[at].first |= next.first & 0x80;
            frames[at].payload.extend(next.payload);
        }
        9 => frames.swap(at, rng.below(count)),
        10 if rng.below(2) == 0 => drop(frames.remove(at)),
        10 => {
            let copy = frame.clone();
            frames.insert(rng.below(count), copy);
        }
        _ => random(&mut frame.payload),
    }
}
