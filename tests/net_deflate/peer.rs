//! A client that compresses and inflates with C zlib, its window kept or not as was agreed.

use crate::net_support::Client;
use crate::net_support::client::Stream;
use crate::support::frames::{Frame, frame};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::net::{SocketAddr, TcpStream};

const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Compresses messages, independently or with takeover.
pub struct Zlib {
    compressor: Compress,
    takeover: bool,
}

impl Zlib {
    /// One that compresses as well as it can, with the largest window.
    pub fn new(takeover: bool) -> Self {
        Self {
            compressor: Compress::new_with_window_bits(Compression::best(), false, 15),
            takeover,
        }
    }

    /// Whether a message may refer to those before.
    pub fn takes_over(&self) -> bool {
        self.takeover
    }

    /// The payload of a message.
    pub fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        if message.is_empty() {
            return vec![0]; // An empty block; zlib says nothing at all.
        }
        if !self.takeover {
            self.compressor.reset();
        }
        let mut out = Vec::with_capacity(message.len() + message.len() / 100 + 100);
        let flush = FlushCompress::Sync;
        self.compressor
            .compress_vec(message, &mut out, flush)
            .expect("zlib compresses");
        assert!(out.ends_with(&TAIL) && out.len() < out.capacity());
        out.truncate(out.len() - TAIL.len());
        out
    }
}

pub struct Peer<S = TcpStream> {
    pub client: Client<S>,
    /// The answer to the offer.
    pub terms: String,
    inflater: Decompress,
    zlib: Zlib,
    /// Frames that came compressed.
    pub compressed: usize,
}

impl Peer {
    #[track_caller]
    pub fn open(address: SocketAddr, offer: &str) -> Self {
        Self::open_at(address, "/", offer)
    }

    #[track_caller]
    pub fn open_at(address: SocketAddr, path: &str, offer: &str) -> Self {
        Self::negotiate(Client::connect(address), path, offer)
    }

    /// A compressor without a connection.
    pub fn zlib() -> Zlib {
        Zlib::new(false)
    }
}

impl<S: Stream> Peer<S> {
    /// The handshake on a connection that is there already.
    #[track_caller]
    pub fn negotiate(mut client: Client<S>, path: &str, offer: &str) -> Self {
        let terms = client.negotiate(path, offer).unwrap_or_default();
        let bits = |name: &str| {
            let value = terms.split(name).nth(1)?.split(';').next()?;
            value.trim_start_matches('=').trim().parse::<u8>().ok()
        };
        let server = bits("server_max_window_bits").unwrap_or(15);
        let client_bits = bits("client_max_window_bits").unwrap_or(15);
        Self {
            inflater: Decompress::new_with_window_bits(false, server.max(9)),
            zlib: Zlib {
                compressor: Compress::new_with_window_bits(
                    Compression::best(),
                    false,
                    client_bits.max(9),
                ),
                takeover: !terms.contains("client_no_context_takeover"),
            },
            client,
            terms,
            compressed: 0,
        }
    }

    pub fn takes_over(&self) -> bool {
        self.zlib.takes_over()
    }

    /// The payload of a message, as the terms allow.
    pub fn compress(&mut self, message: &[u8]) -> Vec<u8> {
        self.zlib.compress(message)
    }

    #[track_caller]
    pub fn send(&mut self, message: &str) {
        let payload = self.compress(message.as_bytes());
        self.client.send_frame(&frame(0xC1, &payload));
    }

    /// The text of the next frame, inflated if it is compressed.
    #[track_caller]
    pub fn text(&mut self) -> String {
        let frame = self.client.frame();
        self.read(&frame)
    }

    #[track_caller]
    pub fn read(&mut self, frame: &Frame) -> String {
        let bytes = match frame.first {
            0x81 => frame.payload.clone(),
            0xC1 => self.inflate(&frame.payload),
            first => panic!("{first:#x} is no whole text: {frame:?}"),
        };
        String::from_utf8(bytes).expect("UTF-8")
    }

    #[track_caller]
    fn inflate(&mut self, payload: &[u8]) -> Vec<u8> {
        assert!(!payload.ends_with(&TAIL), "the tail is left out");
        self.compressed += 1;
        if self.terms.contains("server_no_context_takeover") {
            self.inflater.reset(false);
        }
        let input = [payload, &TAIL].concat();
        let mut out = Vec::with_capacity(1024 * 1024);
        let before = self.inflater.total_in();
        self.inflater
            .decompress_vec(&input, &mut out, FlushDecompress::Sync)
            .expect("zlib inflates");
        assert_eq!(self.inflater.total_in() - before, input.len() as u64);
        out
    }

    /// Sends and reads back.
    #[track_caller]
    pub fn expect_echo(&mut self, message: &str) {
        self.send(message);
        assert_eq!(self.text(), message);
    }
}
