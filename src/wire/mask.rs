//! Masking: RFC 6455 section 5.3. Payload byte `i` is XORed with key byte `i mod 4`.
//!
//! Input: a key, then the payload in pieces of any length. Output: the same bytes, changed
//! in place. Masking and unmasking are the same.
//!
//! Invariant: [`Mask`] is the key rotated so that its first byte belongs to the next payload byte,
//! so a piece may end anywhere.

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
        let wide = Self::wide(self.rotated.to_ne_bytes());
        let (from, from_tail) = payload.as_chunks::<32>();
        let (to, to_tail) = masked.as_chunks_mut::<32>();
        for (from, to) in from.iter().zip(to) {
            for ((to, from), key) in to.iter_mut().zip(from).zip(wide) {
                *to = from ^ key;
            }
        }
        for ((to, from), key) in to_tail.iter_mut().zip(from_tail).zip(wide) {
            *to = from ^ key;
        }
        self.skip(payload.len());
    }

    /// XORs a payload that is whole. One pass, 32 bytes a step; the compiler turns the inner loop
    /// into vector instructions.
    #[inline]
    pub fn apply_whole(key: [u8; 4], payload: &mut [u8]) {
        if key == [0; 4] {
            return;
        }
        let wide = Self::wide(key);
        let (blocks, tail) = payload.as_chunks_mut::<32>();
        for block in blocks {
            for (byte, key) in block.iter_mut().zip(wide) {
                *byte ^= key;
            }
        }
        for (byte, key) in tail.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }

    #[inline]
    fn wide(key: [u8; 4]) -> [u8; 32] {
        let mut wide = [0; 32];
        for (i, byte) in wide.iter_mut().enumerate() {
            *byte = key[i % 4];
        }
        wide
    }

    /// Turns the key on by `bytes` of payload (32 is a multiple of 4, so only tails turn it).
    fn skip(&mut self, bytes: usize) {
        let bits = 8 * (bytes % 4) as u32;
        self.rotated = if cfg!(target_endian = "little") {
            self.rotated.rotate_right(bits)
        } else {
            self.rotated.rotate_left(bits)
        };
    }
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
