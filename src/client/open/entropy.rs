//! Unpredictable bytes from the system: RFC 6455 sections 5.3 and 10.3.
//!
//! Input: the generator of the thread. Output: masking keys and nonces. Invariant: none of them can
//! be predicted from earlier ones.

use crate::wire::Entropy;
use rand::Rng as _;

/// The generator of the thread: ChaCha, seeded and now and then seeded again by the operating
/// system. No output reveals anything about another. Four bytes cost some nanoseconds.
// req: 6455-5.3-03 6455-5.3-04 6455-10.3-01
#[derive(Clone, Copy, Debug, Default)]
pub struct Random;

impl Entropy for Random {
    #[inline]
    fn fill(&mut self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The nonce of a handshake, drawn once: to write the request, and later to check the answer.
#[derive(Clone, Copy)]
pub(super) struct Drawn(pub(super) [u8; 16]);

impl Drawn {
    pub(super) fn new() -> Self {
        let mut nonce = [0; 16];
        Random.fill(&mut nonce);
        Self(nonce)
    }
}

impl Entropy for Drawn {
    fn fill(&mut self, bytes: &mut [u8]) {
        let len = bytes.len().min(self.0.len());
        bytes[..len].copy_from_slice(&self.0[..len]);
    }
}
