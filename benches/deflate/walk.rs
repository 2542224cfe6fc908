//! A codec on its way over the samples.

use crate::codecs::Codec;
use crate::samples::Samples;
use std::hint::black_box;

/// Bytes of the messages.
pub const SIZES: [usize; 3] = [256, 1024, 16 * 1024];

/// A codec on its way over the samples: its sessions take turns, each at another message.
pub struct Walk<'s, C> {
    codec: C,
    samples: &'s Samples,
    sessions: usize,
    compressed: usize,
    inflated: usize,
}

impl<'s, C: Codec> Walk<'s, C> {
    pub fn new(samples: &'s Samples, takeover: bool, sessions: usize) -> Self {
        let mut codec = C::new(takeover, sessions);
        let count = samples.plain.len();
        for session in 0..sessions {
            for (message, payload) in samples.plain.iter().zip(&samples.first) {
                codec.compress(session, message);
                codec.inflate(session, payload, |_| {});
            }
            for payload in &samples.steady[..start(session, count)] {
                codec.inflate(session, payload, |_| {});
            }
        }
        Self {
            codec,
            samples,
            sessions,
            compressed: 0,
            inflated: 0,
        }
    }

    /// Compresses the next message.
    #[inline]
    pub fn compress(&mut self) {
        let (session, at) = self.place(self.compressed);
        self.compressed += 1;
        let message = &self.samples.plain[at];
        black_box(self.codec.compress(session, black_box(message)));
    }

    /// Inflates the next payload.
    #[inline]
    pub fn inflate(&mut self) {
        let (session, at) = self.place(self.inflated);
        self.inflated += 1;
        let payload = &self.samples.steady[at];
        let look = |plain: &[u8]| {
            black_box(plain);
        };
        self.codec.inflate(session, black_box(payload), look);
    }

    fn place(&self, turn: usize) -> (usize, usize) {
        let session = turn % self.sessions;
        let count = self.samples.plain.len();
        let at = start(session, count) + turn / self.sessions;
        (session, at % count)
    }
}

/// Where a session begins: seven messages after the one before it.
fn start(session: usize, count: usize) -> usize {
    7 * session % count
}

/// A size, for people.
pub fn name(size: usize) -> String {
    match size {
        size if size >= 1024 => format!("{} KiB", size / 1024),
        size => format!("{size} B"),
    }
}
