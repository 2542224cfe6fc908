//! The two that are compared: a `Pool` of Wirebell, and bare zlib-rs.
//!
//! Both make the same payloads out of the same messages ([`agree`] checks it). The bare one does
//! what every user of zlib-rs must: it begins without a window if there is no takeover, flushes,
//! looks at the status, removes the tail or puts it back. It has its buffers before it starts and
//! an inflater for each connection. It knows no limits and no truncated messages.

use crate::samples::Samples;
use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::{DeflateTerms, MAX_WINDOW_BITS};
use wirebell::{Limits, MessageKind};
use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Method};
use zlib_rs::{Status, Strategy};

const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

/// Room for the longest message and its flush.
const ROOM: usize = 64 * 1024;

/// What Wirebell tells zlib: with another value, payloads and times would differ.
const MEM_LEVEL: i32 = 6;

/// Compresses and inflates for `sessions` connections, numbered from 0.
pub trait Codec {
    fn new(takeover: bool, sessions: usize) -> Self;

    /// The payload of a message.
    fn compress(&mut self, session: usize, message: &[u8]) -> &[u8];

    /// Lets `look` see the message of a payload.
    fn inflate(&mut self, session: usize, payload: &[u8], look: impl FnOnce(&[u8]));
}

pub struct Ours {
    pool: Pool,
    sessions: Vec<Session>,
    link: Params,
    limits: Limits,
    out: Vec<u8>,
}

impl Codec for Ours {
    fn new(takeover: bool, sessions: usize) -> Self {
        let settings = Settings::default();
        let terms = DeflateTerms {
            server_no_context_takeover: !takeover,
            client_no_context_takeover: !takeover,
            ..DeflateTerms::default()
        };
        Self {
            pool: Pool::new(settings, Budget::new(settings.budget)),
            sessions: (0..sessions).map(|_| Session::default()).collect(),
            link: Params::server(&terms),
            limits: Limits::default(),
            out: Vec::new(),
        }
    }

    #[inline]
    fn compress(&mut self, session: usize, message: &[u8]) -> &[u8] {
        let session = &mut self.sessions[session];
        let len = self
            .pool
            .compress(session, &self.link, message, &mut self.out);
        &self.out[..len.expect("JSON becomes shorter")]
    }

    #[inline]
    fn inflate(&mut self, session: usize, payload: &[u8], look: impl FnOnce(&[u8])) {
        let piece = Compressed {
            // Of text the pool would check UTF-8 too, which the bare side does not.
            kind: MessageKind::Binary,
            bytes: payload,
            first: true,
            last: true,
        };
        let session = &mut self.sessions[session];
        let message = self.pool.inflate(session, &self.link, piece, &self.limits);
        let message = message.ok().flatten().expect("a whole message");
        look(message.bytes());
        self.pool.recycle(message);
    }
}

pub struct Bare {
    takeover: bool,
    deflaters: Vec<Deflate>,
    inflaters: Vec<Inflate>,
    out: Vec<u8>,
    plain: Vec<u8>,
}

impl Codec for Bare {
    fn new(takeover: bool, sessions: usize) -> Self {
        let config = || DeflateConfig {
            level: i32::from(Settings::DEFAULT.level),
            method: Method::Deflated,
            window_bits: -i32::from(MAX_WINDOW_BITS),
            mem_level: MEM_LEVEL,
            strategy: Strategy::Default,
        };
        let deflater = |_| Deflate::new_with_config(config());
        let inflater = |_| Inflate::new(false, MAX_WINDOW_BITS);
        Self {
            takeover,
            deflaters: (0..sessions).map(deflater).collect(),
            inflaters: (0..sessions).map(inflater).collect(),
            out: vec![0; ROOM],
            plain: vec![0; ROOM],
        }
    }

    #[inline]
    fn compress(&mut self, session: usize, message: &[u8]) -> &[u8] {
        let zlib = &mut self.deflaters[session];
        if !self.takeover {
            zlib.reset();
        }
        let before = zlib.total_out();
        let status = zlib.compress(message, &mut self.out, DeflateFlush::SyncFlush);
        let made = (zlib.total_out() - before) as usize;
        assert!(status == Ok(Status::Ok) && made < self.out.len());
        &self.out[..made - TAIL.len()]
    }

    #[inline]
    fn inflate(&mut self, session: usize, payload: &[u8], look: impl FnOnce(&[u8])) {
        let zlib = &mut self.inflaters[session];
        if !self.takeover {
            zlib.reset(false);
        }
        let before = zlib.total_out();
        let mut made = 0;
        for input in [payload, &TAIL] {
            let room = &mut self.plain[made..];
            let status = zlib.decompress(input, room, InflateFlush::SyncFlush);
            assert_eq!(status, Ok(Status::Ok));
            made = (zlib.total_out() - before) as usize;
        }
        look(&self.plain[..made]);
    }
}

/// Panics unless a codec makes the payloads of the samples, and the messages again.
pub fn agree<C: Codec>(samples: &Samples, takeover: bool) {
    let mut codec = C::new(takeover, 1);
    for payloads in [&samples.first, &samples.steady] {
        for (message, payload) in samples.plain.iter().zip(payloads) {
            assert_eq!(codec.compress(0, message), payload);
            codec.inflate(0, payload, |plain| assert_eq!(plain, message));
        }
    }
}
