//! What lies between the loops and their clients: TLS in memory, and permessage-deflate.
//!
//! A seed chooses them, so that every promise is held against each combination. Invariant: with the
//! same seed the same bytes have the same lengths: the certificate is part of the sources, and its
//! signatures are of one length.

use crate::support::frames::{Frame, frame, take_frame};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::fmt;
use wirebell::Role;
use wirebell::deflate::Settings;
use wirebell::handshake::DeflatePolicy;
use wirebell::net::Options;
use wirebell::net::testing::{Faults, Network};
use wirebell::tls::{
    Acceptor, AcceptorOptions, Authorities, Connector, ConnectorOptions, Identity,
};

const CERTIFICATE: &[u8] = include_bytes!("certificate.pem");
const KEY: &[u8] = include_bytes!("key.pem");

/// The fields of a request for a WebSocket.
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Version: 13\r\n";

/// An offer of compression.
const OFFER: &str = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layers {
    pub tls: bool,
    pub deflate: Option<DeflatePolicy>,
}

impl Layers {
    pub const NONE: Self = Self {
        tls: false,
        deflate: None,
    };

    /// Those of a seed.
    pub fn of(seed: u64) -> Self {
        let policy = match seed.is_multiple_of(8) {
            true => DeflatePolicy::TAKEOVER,
            false => DeflatePolicy::NO_TAKEOVER,
        };
        Self {
            tls: seed % 4 >= 2,
            deflate: seed.is_multiple_of(2).then_some(policy),
        }
    }

    pub fn network(self, faults: Faults) -> Network {
        let network = Network::with_faults(faults);
        match self.tls {
            true => network.tls(acceptor(), self.connector()),
            false => network,
        }
    }

    /// For one run: tickets are shared by those that have the same one.
    pub fn connector(self) -> Connector {
        let authorities = Authorities::from_pem(CERTIFICATE).expect("a certificate");
        Connector::new(ConnectorOptions::default().authorities(Some(authorities)))
    }

    pub fn options(self, options: Options) -> Options {
        options.deflate(self.settings())
    }

    pub fn settings(self) -> Option<Settings> {
        self.deflate
            .map(|policy| Settings::default().policy(policy))
    }

    /// The fields of a request for a WebSocket.
    pub fn upgrade(self) -> String {
        let offer = self.deflate.map_or("", |_| OFFER);
        format!("{UPGRADE}{offer}")
    }
}

impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = if self.tls { "TLS" } else { "no TLS" };
        match self.deflate {
            Some(DeflatePolicy::TAKEOVER) => write!(f, "{tls}, compression with takeover"),
            Some(_) => write!(f, "{tls}, compression"),
            None => write!(f, "{tls}, no compression"),
        }
    }
}

fn acceptor() -> Acceptor {
    let identity = Identity::from_pem(CERTIFICATE, KEY).expect("a certificate and its key");
    Acceptor::new([identity], AcceptorOptions::default()).expect("settings")
}

/// What a client has read, with compressed messages inflated: frames as if nothing had been agreed
/// to.
#[derive(Debug, Default)]
pub struct Inflating {
    /// A head, or a frame, that is not whole.
    bytes: Vec<u8>,
    follows: Follows,
    /// Messages that came compressed.
    pub inflated: usize,
}

#[derive(Debug, Default)]
enum Follows {
    #[default]
    Head,
    /// Whatever it is.
    Bytes,
    /// Frames. With takeover, a message may refer to those before it.
    Frames(Decompress, bool),
}

impl Inflating {
    /// Compression was agreed to.
    pub fn is_agreed(&self) -> bool {
        matches!(self.follows, Follows::Frames(..))
    }

    /// A frame that is not whole.
    pub fn rest(&self) -> &[u8] {
        match self.is_agreed() {
            true => &self.bytes,
            false => &[],
        }
    }

    /// These bytes have come: returns what they mean.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.bytes.extend_from_slice(bytes);
        if matches!(self.follows, Follows::Head) {
            self.head(&mut out);
        }
        match &mut self.follows {
            Follows::Head => {}
            Follows::Bytes => out.append(&mut self.bytes),
            Follows::Frames(inflater, takes_over) => {
                while let Some((mut sent, len)) = take_frame(&self.bytes) {
                    self.bytes.drain(..len);
                    if sent.first & 0x40 != 0 {
                        assert_eq!(sent.first & 0x80, 0x80, "a fragment");
                        sent.payload = inflate(inflater, sent.payload);
                        sent.first &= !0x40;
                        self.inflated += 1;
                        if !*takes_over {
                            inflater.reset(false);
                        }
                    }
                    out.extend(frame(sent.first, &sent.payload).to(Role::Client));
                }
            }
        }
        out
    }

    fn head(&mut self, out: &mut Vec<u8>) {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return;
        };
        let rest = self.bytes.split_off(end + 4);
        let head = std::mem::replace(&mut self.bytes, rest);
        let text = String::from_utf8_lossy(&head);
        self.follows = match text.starts_with("HTTP/1.1 101") && text.contains("permessage-deflate")
        {
            true => Follows::Frames(
                Decompress::new(false),
                !text.contains("server_no_context_takeover"),
            ),
            false => Follows::Bytes,
        };
        out.extend(head);
    }

    /// A message of this client: compressed if that was agreed to, and its length is even.
    pub fn message(&self, first: u8, payload: &[u8]) -> Frame {
        match self.is_agreed() && payload.len().is_multiple_of(2) {
            true => frame(first | 0x40, &deflate(payload)),
            false => frame(first, payload),
        }
    }
}

/// What RFC 7692 section 7.2.2 puts back.
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];

fn inflate(inflater: &mut Decompress, mut payload: Vec<u8>) -> Vec<u8> {
    payload.extend(TAIL);
    let begun = inflater.total_in();
    let mut plain = Vec::with_capacity(64 * 1024);
    let status = inflater.decompress_vec(&payload, &mut plain, FlushDecompress::Sync);
    assert!(status.is_ok(), "a message that cannot be inflated");
    assert_eq!((inflater.total_in() - begun) as usize, payload.len());
    plain
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plain.len() + 64);
    let mut deflater = Compress::new(Compression::fast(), false);
    let status = deflater.compress_vec(plain, &mut out, FlushCompress::Sync);
    assert!(status.is_ok() && out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
    out
}
