//! permessage-deflate in the opening handshake: RFC 7692 sections 5 and 7.1.
//!
//! Input: what a client offers and what a server wants, or, conversely, what a server agreed to and
//! what a client had offered. Output: [`DeflateTerms`], none, or a refusal.
//!
//! ```text
//!   client                                                            server
//!   DeflateOffer ──▶ permessage-deflate; client_max_window_bits ──▶ DeflatePolicy::choose
//!   agree ◀──────── permessage-deflate; server_max_window_bits=12 ◀──── DeflateTerms
//! ```
//!
//! Invariant: the terms name nothing that the offer does not allow, and both ends derive the same
//! [`Direction`]s from them. Compressing is left to `deflate`, the bit in the frame to `proto`.

use crate::handshake::extensions::{Extension, Extensions};
use crate::options::options;
use core::fmt;

/// The registered name of the extension (section 7).
const NAME: &str = "permessage-deflate";

const SERVER_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_WINDOW: &str = "server_max_window_bits";
const CLIENT_WINDOW: &str = "client_max_window_bits";

/// The largest window of DEFLATE: 2^15 bytes (RFC 1951).
pub const MAX_WINDOW_BITS: u8 = 15;

/// The smallest window that can be negotiated: 2^8 bytes (RFC 7692 section 7.1.2).
pub const MIN_WINDOW_BITS: u8 = 8;

options! {
    /// What a server wants from permessage-deflate.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub const struct DeflatePolicy {
        /// Our messages may refer to earlier ones, unless the client asks us not to.
        pub server_takeover: bool = false,
        /// The client's messages may refer to earlier ones: we keep a window for each client.
        pub client_takeover: bool = false,
        /// The largest window for our messages, 8 to 15 bits; other values count as the nearest.
        pub server_window_bits: u8 = MAX_WINDOW_BITS,
        /// The largest window for the client's messages, 9 to 15 bits. It applies only to clients
        /// that let the server choose. Eight bits are accepted but never requested: zlib cannot
        /// compress with them.
        pub client_window_bits: u8 = MAX_WINDOW_BITS,
    }
}

impl DeflatePolicy {
    /// No takeover in either direction: no memory for an idle connection. The default.
    pub const NO_TAKEOVER: Self = Self::DEFAULT;

    /// Takeover in both directions: the best ratio.
    pub const TAKEOVER: Self = Self::DEFAULT.server_takeover(true).client_takeover(true);

    /// Accepts the first acceptable offer; the client orders them by preference (section 5). `None`
    /// declines.
    // req: 7692-5-05 7692-5-06 7692-5-07 7692-5-09 7692-5-11 7692-7-01
    pub fn choose(&self, offers: &Extensions<'_>) -> Option<DeflateTerms> {
        let ours = offers.iter().filter(|extension| extension.name == NAME);
        ours.filter_map(|extension| Parameters::read(&extension))
            .find_map(|offer| self.answer(offer))
    }

    // req: 7692-7.1.2.1-02 7692-7.1.2.1-03 7692-7.1.2.2-04 7692-7.1.2.2-05
    fn answer(&self, offer: Parameters) -> Option<DeflateTerms> {
        let server_bits = self
            .server_window_bits
            .clamp(MIN_WINDOW_BITS, MAX_WINDOW_BITS);
        let client_bits = self.client_window_bits.clamp(9, MAX_WINDOW_BITS);
        let server_max_window_bits = match offer.server_window {
            Some(Value::Missing) => return None,
            Some(Value::Bits(bits)) => Some(bits.min(server_bits)),
            None => Some(server_bits).filter(|bits| *bits < MAX_WINDOW_BITS),
        };
        let client_window = match offer.client_window {
            None => MAX_WINDOW_BITS,
            Some(Value::Missing) => client_bits,
            Some(Value::Bits(hint)) => client_bits.min(hint),
        };
        Some(DeflateTerms {
            server_no_context_takeover: offer.server_no_takeover || !self.server_takeover,
            client_no_context_takeover: offer.client_no_takeover || !self.client_takeover,
            server_max_window_bits,
            client_max_window_bits: Some(client_window).filter(|bits| *bits < MAX_WINDOW_BITS),
        })
    }
}

options! {
    /// What a client offers. Several offers are in the order of preference.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub const struct DeflateOffer {
        /// The server must not refer to earlier messages: we keep no window.
        pub server_no_context_takeover: bool = false,
        /// A hint that we will not refer to earlier messages even if the server does not require
        /// it.
        pub client_no_context_takeover: bool = false,
        /// The largest window that we support, 8 to 15 bits; `None` is 15.
        pub server_max_window_bits: Option<u8> = None,
        /// Whether the server may choose our window, and a hint about it.
        pub client_max_window_bits: ClientWindow = ClientWindow::Open,
    }
}

/// The parameter `client_max_window_bits` of an offer (section 7.1.2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientWindow {
    /// Not named: the server cannot choose.
    Fixed,
    /// Named without a value: the server can choose.
    #[default]
    Open,
    /// Named with a value, 8 to 15 bits: the server can choose, and knows that more is useless.
    AtMost(u8),
}

impl DeflateOffer {
    /// Whether its values are valid in a header.
    pub(super) fn is_valid(&self) -> bool {
        let is_bits = |bits: u8| (MIN_WINDOW_BITS..=MAX_WINDOW_BITS).contains(&bits);
        let client = match self.client_max_window_bits {
            ClientWindow::AtMost(bits) => is_bits(bits),
            ClientWindow::Fixed | ClientWindow::Open => true,
        };
        client && self.server_max_window_bits.is_none_or(is_bits)
    }

    /// Whether these terms answer this offer (sections 7.1.1 and 7.1.2). Parameters that the server
    /// adds for its own messages are fine: they only restrict it.
    fn allows(&self, terms: &DeflateTerms) -> bool {
        let takeover = terms.server_no_context_takeover || !self.server_no_context_takeover;
        let server = match (self.server_max_window_bits, terms.server_max_window_bits) {
            (Some(most), Some(bits)) => bits <= most,
            (Some(_), None) => false,
            (None, _) => true,
        };
        let client = terms.client_max_window_bits.is_none()
            || self.client_max_window_bits != ClientWindow::Fixed;
        takeover && server && client
    }
}

/// What a server agreed to, if the response is valid: one of `offers`, or nothing. `Err` fails the
/// connection.
// req: 6455-9-04 7692-5-12 7692-7-02 7692-5-08 7692-5-10 7692-7.1.2.2-05 7692-7.1.1.2-03
pub(super) fn agree(
    offers: &[DeflateOffer],
    response: &Extensions<'_>,
) -> Result<Option<DeflateTerms>, Disagreement> {
    let mut elements = response.iter();
    let Some(element) = elements.next() else {
        return Ok(None);
    };
    if offers.is_empty() || element.name != NAME || elements.next().is_some() {
        return Err(Disagreement::NotOffered);
    }
    let terms = Parameters::read(&element).and_then(Parameters::terms);
    let terms = terms.ok_or(Disagreement::Illegal)?;
    match offers.iter().any(|offer| offer.allows(&terms)) {
        true => Ok(Some(terms)),
        false => Err(Disagreement::Illegal),
    }
}

/// What is wrong with a response.
pub(super) enum Disagreement {
    /// An extension, or a second one, that was not offered.
    NotOffered,
    /// Parameters that do not answer the offer.
    Illegal,
}

/// The negotiated parameters. Their `Display` is the element of Sec-WebSocket-Extensions.
///
/// ```
/// use wirebell::handshake::DeflateTerms;
/// let terms = DeflateTerms { server_max_window_bits: Some(12), ..DeflateTerms::default() };
/// assert_eq!(terms.to_string(), "permessage-deflate; server_max_window_bits=12");
/// assert_eq!(terms.server().window_bits, 12);
/// assert!(terms.client().takeover);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeflateTerms {
    /// Every message of the server begins with an empty window.
    pub server_no_context_takeover: bool,
    /// Every message of the client begins with an empty window.
    pub client_no_context_takeover: bool,
    /// The window of the server's messages; `None` is 15 bits.
    pub server_max_window_bits: Option<u8>,
    /// The window of the client's messages; `None` is 15 bits.
    pub client_max_window_bits: Option<u8>,
}

/// What the terms say about the messages of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Direction {
    /// A message may refer to earlier ones.
    pub takeover: bool,
    /// A message refers back at most 2^`window_bits` bytes.
    pub window_bits: u8,
}

impl DeflateTerms {
    /// The messages that the server sends.
    pub fn server(&self) -> Direction {
        Direction::agreed(self.server_no_context_takeover, self.server_max_window_bits)
    }

    /// The messages that the client sends.
    // req: 7692-7.2.2-09 7692-7.2.2-07
    pub fn client(&self) -> Direction {
        Direction::agreed(self.client_no_context_takeover, self.client_max_window_bits)
    }
}

impl Direction {
    fn agreed(no_takeover: bool, window_bits: Option<u8>) -> Self {
        Self {
            takeover: !no_takeover,
            window_bits: window_bits.unwrap_or(MAX_WINDOW_BITS),
        }
    }
}

impl fmt::Display for DeflateTerms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = (
            self.server_no_context_takeover,
            self.client_no_context_takeover,
        );
        write_flags(f, flags, self.server_max_window_bits)?;
        match self.client_max_window_bits {
            Some(bits) => write!(f, "; {CLIENT_WINDOW}={bits}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DeflateOffer {
    // req: 7692-5-01 7692-5-03 7692-7.1.2.1-02 7692-7.1.2.2-02
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = (
            self.server_no_context_takeover,
            self.client_no_context_takeover,
        );
        write_flags(f, flags, self.server_max_window_bits)?;
        match self.client_max_window_bits {
            ClientWindow::Fixed => Ok(()),
            ClientWindow::Open => write!(f, "; {CLIENT_WINDOW}"),
            ClientWindow::AtMost(bits) => write!(f, "; {CLIENT_WINDOW}={bits}"),
        }
    }
}

fn write_flags(
    f: &mut fmt::Formatter<'_>,
    (server, client): (bool, bool),
    server_window: Option<u8>,
) -> fmt::Result {
    f.write_str(NAME)?;
    if server {
        write!(f, "; {SERVER_TAKEOVER}")?;
    }
    if client {
        write!(f, "; {CLIENT_TAKEOVER}")?;
    }
    match server_window {
        Some(bits) => write!(f, "; {SERVER_WINDOW}={bits}"),
        None => Ok(()),
    }
}

/// The parameters of one element, each at most once and with a value as section 7.1 allows.
#[derive(Clone, Copy, Default)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_window: Option<Value>,
    client_window: Option<Value>,
}

#[derive(Clone, Copy)]
enum Value {
    Missing,
    Bits(u8),
}

impl Parameters {
    /// `None` for an unknown name, a repeated name, or a value that its name cannot have.
    fn read(extension: &Extension<'_>) -> Option<Self> {
        let mut read = Self::default();
        for param in extension.params() {
            let (flag, window) = match param.name {
                SERVER_TAKEOVER => (Some(&mut read.server_no_takeover), None),
                CLIENT_TAKEOVER => (Some(&mut read.client_no_takeover), None),
                SERVER_WINDOW => (None, Some(&mut read.server_window)),
                CLIENT_WINDOW => (None, Some(&mut read.client_window)),
                _ => return None,
            };
            let value = param.value.map(window_bits);
            match (flag, window, value) {
                (Some(flag), _, None) if !*flag => *flag = true,
                (_, Some(window @ None), None) => *window = Some(Value::Missing),
                (_, Some(window @ None), Some(bits)) => *window = Some(Value::Bits(bits?)),
                _ => return None,
            }
        }
        Some(read)
    }

    /// As the terms of a response, in which a window always has a value.
    fn terms(self) -> Option<DeflateTerms> {
        let bits = |window| match window {
            None => Some(None),
            Some(Value::Bits(bits)) => Some(Some(bits)),
            Some(Value::Missing) => None,
        };
        Some(DeflateTerms {
            server_no_context_takeover: self.server_no_takeover,
            client_no_context_takeover: self.client_no_takeover,
            server_max_window_bits: bits(self.server_window)?,
            client_max_window_bits: bits(self.client_window)?,
        })
    }
}

/// A decimal number from 8 to 15 without leading zeros. A quoted value may still contain its
/// backslashes.
fn window_bits(value: &str) -> Option<u8> {
    let mut digits = value.bytes().filter(|byte| *byte != b'\\');
    let bits = match (digits.next(), digits.next(), digits.next()) {
        (Some(units @ b'8'..=b'9'), None, _) => units - b'0',
        (Some(b'1'), Some(units @ b'0'..=b'5'), None) => 10 + units - b'0',
        _ => return None,
    };
    Some(bits)
}
