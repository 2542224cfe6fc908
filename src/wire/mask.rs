//! Masking: RFC 6455 section 5.3. Payload byte `i` is XORed with key byte `i mod 4`.
//!
//! Input: a key, then the payload in pieces of any length. Output: the same bytes, changed
//! in place. Masking and unmasking are the same.
//!
//! Invariant: [`Mask`] is the key rotated so that its first byte belongs to the next payload byte,
//! so a piece may end anywhere.

/// Bytes that are XORed in one step: a multiple of the key.
const WORD: usize = size_of::<u64>();

/// A masking key and how far it has been used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Native byte order: the byte at the lowest address is for the next payload byte.
    rotated: u32,
}

impl Mask {
    /// A key as it appears in the header, for the first byte of the payload.
    pub const fn new(key: [u8; 4]) -> Self {
        Self {
            rotated: u32::from_ne_bytes(key),
        }
    }

    /// The key that a header would have if its payload began here.
    #[cfg(feature = "take-over")]
    pub(crate) fn key(&self) -> [u8; 4] {
        self.rotated.to_ne_bytes()
    }

    /// XORs the next bytes of the payload, in place.
    // req: 6455-6.2-07
    #[inline]
    pub fn apply(&mut self, payload: &mut [u8]) {
        Self::apply_whole(self.rotated.to_ne_bytes(), payload);
        self.skip(payload.len());
    }

    /// Like [`Mask::apply`], from one place to another of the same length: the source is left
    /// unchanged, and the copy is part of the one pass.
    ///
    /// # Panics
    ///
    /// If the lengths differ.
    pub fn copy(&mut self, payload: &[u8], masked: &mut [u8]) {
        assert_eq!(payload.len(), masked.len(), "as much room as payload");
        let key = Self::repeated(self.rotated.to_ne_bytes());
        let (from, from_rest) = payload.as_chunks::<WORD>();
        let (to, to_rest) = masked.as_chunks_mut::<WORD>();
        for (from, to) in from.iter().zip(to) {
            *to = xor(*from, key);
        }
        for ((from, to), key) in from_rest.iter().zip(to_rest).zip(key.to_ne_bytes()) {
            *to = from ^ key;
        }
        self.skip(payload.len());
    }

    /// XORs a payload that is whole. One pass, word by word: the compiler makes vectors of four
    /// words, and where it is told to save space it is still fast.
    #[inline]
    pub fn apply_whole(key: [u8; 4], payload: &mut [u8]) {
        if key == [0; 4] {
            return;
        }
        let key = Self::repeated(key);
        let (words, rest) = payload.as_chunks_mut::<WORD>();
        let (blocks, words) = words.as_chunks_mut::<4>();
        for [a, b, c, d] in blocks {
            (*a, *b, *c, *d) = (xor(*a, key), xor(*b, key), xor(*c, key), xor(*d, key));
        }
        for word in words {
            *word = xor(*word, key);
        }
        for (byte, key) in rest.iter_mut().zip(key.to_ne_bytes()) {
            *byte ^= key;
        }
    }

    /// The key twice, for a word.
    #[inline]
    fn repeated(key: [u8; 4]) -> u64 {
        let key = u64::from(u32::from_ne_bytes(key));
        key << 32 | key
    }

    /// Rotates the key past `bytes` of payload; whole words leave it as it is.
    fn skip(&mut self, bytes: usize) {
        let bits = 8 * (bytes % 4) as u32;
        self.rotated = if cfg!(target_endian = "little") {
            self.rotated.rotate_right(bits)
        } else {
            self.rotated.rotate_left(bits)
        };
    }
}

#[inline]
fn xor(word: [u8; WORD], key: u64) -> [u8; WORD] {
    (u64::from_ne_bytes(word) ^ key).to_ne_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(key: [u8; 4], payload: &mut [u8], from: usize) {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[(from + i) % 4];
        }
    }

    #[test]
    // req: 6455-6.2-07
    fn every_length_and_cut_equals_the_byte_wise_reference() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for length in 0..150usize {
            for cut in 0..=length {
                let mut a: [u8; 150] = core::array::from_fn(|i| i as u8);
                let mut b = a;
                let mut mask = Mask::new(key);
                let (left, right) = a[..length].split_at_mut(cut);
                mask.apply(left);
                mask.apply(right);
                reference(key, &mut b[..length], 0);
                assert_eq!(a, b, "length {length}, cut {cut}");
                let c: [u8; 150] = core::array::from_fn(|i| i as u8);
                let mut d = c;
                let mut mask = Mask::new(key);
                mask.copy(&c[..cut], &mut d[..cut]);
                mask.copy(&c[cut..length], &mut d[cut..length]);
                assert_eq!(a, d, "copied, length {length}, cut {cut}");
            }
        }
    }

    #[test]
    fn every_alignment_of_the_memory_gives_the_same() {
        let key = [1, 2, 3, 4];
        for offset in 0..16 {
            let mut a = [0x55u8; 120];
            Mask::new(key).apply(&mut a[offset..offset + 100]);
            let mut b = [0x55u8; 120];
            reference(key, &mut b[offset..offset + 100], 0);
            assert_eq!(a, b);
        }
    }
}
