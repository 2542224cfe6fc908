//! Masking keys, with their faults.

use super::Fault;
use wirebell::client::Random;
use wirebell::wire::Entropy;

/// Keys of zeros: masking with them changes nothing.
pub struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The keys of one connection.
pub struct Keys {
    fault: Fault,
    last: u32,
}

impl Keys {
    pub fn new(fault: Fault) -> Self {
        let mut last = [0; 4];
        Random.fill(&mut last);
        let last = u32::from_be_bytes(last);
        Self { fault, last }
    }

    pub fn next(&mut self) -> [u8; 4] {
        let mut key = [0; 4];
        match self.fault {
            Fault::SameKeys => key = [1, 2, 3, 4],
            Fault::ZeroKeys => {}
            Fault::CountedKeys => {
                self.last = self.last.wrapping_add(1);
                key = self.last.to_be_bytes();
            }
            _ => Random.fill(&mut key),
        }
        key
    }
}
