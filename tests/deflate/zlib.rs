//! The C library as the other end: RFC 7692 sections 7.2.1 and 7.2.2 in a few lines of its calls.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Compresses the messages of one direction. The library has windows from 9 bits on.
pub struct Sender {
    zlib: Compress,
    takeover: bool,
}

impl Sender {
    pub fn new(level: u8, window_bits: u8, takeover: bool) -> Self {
        let level = Compression::new(u32::from(level));
        Self {
            zlib: Compress::new_with_window_bits(level, false, window_bits.max(9)),
            takeover,
        }
    }

    /// The payload of a message.
    pub fn message(&mut self, plain: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.zlib.reset();
        }
        let mut out = self.flushed(plain, FlushCompress::Sync);
        match out.ends_with(&TAIL) {
            true => out.truncate(out.len() - TAIL.len()),
            false => out.push(0), // nothing to flush
        }
        out
    }

    /// The payload of a message made of final blocks only, with the empty block after it (section
    /// 7.2.3.4). Nothing is taken over from it.
    pub fn finished(&mut self, plain: &[u8]) -> Vec<u8> {
        self.zlib.reset();
        let mut out = self.flushed(plain, FlushCompress::Finish);
        self.zlib.reset();
        out.push(0);
        out
    }

    /// What the library makes of `plain`, to the end of the flush.
    pub fn flushed(&mut self, plain: &[u8], flush: FlushCompress) -> Vec<u8> {
        // More than any flush needs, so that it is asked only once.
        let mut out = Vec::with_capacity(plain.len() + plain.len() / 8 + 100);
        let before = self.zlib.total_in();
        let status = self.zlib.compress_vec(plain, &mut out, flush);
        assert!(status.is_ok() && out.len() < out.capacity());
        assert_eq!(self.zlib.total_in() - before, plain.len() as u64);
        out
    }
}

/// Inflates the messages of one direction with exactly the agreed window.
pub struct Receiver {
    zlib: Decompress,
    takeover: bool,
}

impl Receiver {
    pub fn new(window_bits: u8, takeover: bool) -> Self {
        Self {
            zlib: Decompress::new_with_window_bits(false, window_bits.max(9)),
            takeover,
        }
    }

    /// The message of a payload. It comes in small pieces: within one call the library would find
    /// what is not in its window in the output.
    pub fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.zlib.reset(false);
        }
        let input = [payload, &TAIL].concat();
        let (mut out, mut piece, mut at) = (Vec::new(), [0; 64], 0);
        loop {
            let before = (self.zlib.total_in(), self.zlib.total_out());
            let flush = FlushDecompress::Sync;
            let status = self.zlib.decompress(&input[at..], &mut piece, flush);
            at += (self.zlib.total_in() - before.0) as usize;
            let made = (self.zlib.total_out() - before.1) as usize;
            out.extend_from_slice(&piece[..made]);
            match status.expect("the C library takes it") {
                Status::StreamEnd => panic!("a final block"),
                Status::Ok | Status::BufError if made < piece.len() => break,
                Status::Ok | Status::BufError => {}
            }
        }
        assert_eq!(at, input.len(), "all of the payload is taken");
        out
    }
}
