//! Errors, sorted by who caused them.
//!
//! - [`Violation`]: the peer broke a rule after the handshake. Each has the code that the Close
//!   frame carries and the section of the RFC that it breaks.
//! - [`Refusal`]: a server refuses the opening handshake. Each has the HTTP status to answer.
//! - [`BadResponse`]: a client cannot accept the server's answer. Each has the section that it
//!   breaks.
//! - [`HeadError`]: bytes are not an HTTP head; becomes one of the two above, depending on the
//!   side.
//! - [`Misuse`]: our own caller asked for something impossible. Never caused by a peer's bytes.
//!
//! Invariant: all are small, `Copy`, and hold no text; `Display` is for people, the variant is for
//! code. An I/O error is none of these: the protocol core does no I/O.

use crate::wire::CloseCode;
use core::fmt;

/// An enum of broken rules, one per row: the variant with its documentation, the RFC and section
/// that hold the rule, and its wording.
macro_rules! rules {
    ($(#[$about:meta])* $of:ident $($(#[$doc:meta])* $name:ident =>
        $rfc:literal $section:literal, $text:literal;)+) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $of { $($(#[$doc])* $name,)+ }

        impl $of {
            /// All of them, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The RFC that holds the rule: 6455, 7692 for permessage-deflate, 9112 for HTTP.
            pub const fn rfc(self) -> u16 {
                match self { $(Self::$name => $rfc,)+ }
            }

            /// The section of that RFC.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$name => $section,)+ }
            }

            /// What is wrong, in a few words; of a violation also the reason in the Close frame.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let (rfc, section) = (self.rfc(), self.section());
                write!(f, "{} (RFC {rfc} section {section})", self.text())
            }
        }

        impl core::error::Error for $of {}
    };
}

/// Violations have a close code as well.
macro_rules! violations {
    ($($(#[$doc:meta])* $name:ident =>
        $code:ident, $rfc:literal $section:literal, $text:literal;)+) => {
        rules! {
            /// A rule that the peer broke; the connection has failed (RFC 6455 section 7.1.7).
            Violation $($(#[$doc])* $name => $rfc $section, $text;)+
        }

        impl Violation {
            /// The code of the Close frame which tells the peer (RFC 6455 section 7.4.1).
            pub const fn close_code(self) -> CloseCode {
                match self { $(Self::$name => CloseCode::$code,)+ }
            }
        }
    };
}

violations! {
    /// RSV1, RSV2 or RSV3 is set and no negotiated extension gives it a meaning.
    ReservedBit => PROTOCOL_ERROR, 6455 "5.2", "reserved bit set without an extension";
    /// Opcode 3–7 or 11–15.
    ReservedOpcode => PROTOCOL_ERROR, 6455 "5.2", "reserved opcode";
    /// A Close, Ping or Pong without FIN.
    FragmentedControl => PROTOCOL_ERROR, 6455 "5.5", "fragmented control frame";
    /// A Close, Ping or Pong of more than 125 bytes.
    OversizedControl => PROTOCOL_ERROR, 6455 "5.5", "control frame over 125 bytes";
    /// A client sent a frame without a mask.
    UnmaskedFrame => PROTOCOL_ERROR, 6455 "5.1", "client frame without mask";
    /// A server sent a frame with a mask.
    MaskedFrame => PROTOCOL_ERROR, 6455 "5.1", "server frame with mask";
    /// A length encoded in more bytes than necessary.
    NonMinimalLength => PROTOCOL_ERROR, 6455 "5.2", "length not in its shortest form";
    /// A 64-bit length of 2^63 or more.
    LengthTopBit => PROTOCOL_ERROR, 6455 "5.2", "top bit of 64-bit length set";
    /// A continuation frame while no message is open.
    UnexpectedContinuation => PROTOCOL_ERROR, 6455 "5.4", "continuation without a message";
    /// A new text or binary frame inside a fragmented message.
    InterleavedMessage => PROTOCOL_ERROR, 6455 "5.4", "new message inside a fragmented one";
    /// A Close body of one byte.
    CloseBodyCutShort => PROTOCOL_ERROR, 6455 "5.5.1", "close body of one byte";
    /// A close code that must not appear on the wire.
    InvalidCloseCode => PROTOCOL_ERROR, 6455 "7.4", "close code that may not be sent";
    /// A close reason that is not UTF-8.
    CloseReasonNotUtf8 => INVALID_PAYLOAD, 6455 "8.1", "close reason is not UTF-8";
    /// Text that is not UTF-8.
    InvalidUtf8 => INVALID_PAYLOAD, 6455 "8.1", "text is not UTF-8";
    /// A frame over [`Limits::frame_bytes`](crate::Limits::frame_bytes).
    FrameTooBig => TOO_BIG, 6455 "10.4", "frame over the limit";
    /// A message over [`Limits::message_bytes`](crate::Limits::message_bytes).
    MessageTooBig => TOO_BIG, 6455 "10.4", "message over the limit";
    /// More frames in one message than [`Limits::fragments`](crate::Limits::fragments).
    TooManyFragments => POLICY, 6455 "10.4", "too many fragments in one message";
    /// Compressed data that is not a DEFLATE stream.
    CorruptDeflate => INVALID_PAYLOAD, 7692 "7.2.2", "compressed data is corrupt";
    /// Compressed data that ends inside a DEFLATE block.
    TruncatedDeflate => INVALID_PAYLOAD, 7692 "7.2.2", "compressed data is cut short";
    /// A message that expands by more than [`Limits::inflate_ratio`](crate::Limits::inflate_ratio).
    InflateRatio => POLICY, 7692 "8", "compressed data expands too much";
}

/// A call that the state of the connection does not allow. Nothing was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Misuse {
    /// Data after Close was sent or received (RFC 6455 sections 5.5.1 and 6.1).
    NotOpen,
    /// A new message before the fragmented one is finished (section 5.4).
    MessageOpen,
    /// A Ping of more than 125 bytes (section 5.5).
    ControlTooLong,
    /// A close reason of more than 123 bytes (section 5.5.1).
    ReasonTooLong,
    /// A length of 2^63 or more (section 5.2).
    LengthTooLong,
    /// A host that cannot appear in a request (section 3).
    InvalidHost,
    /// A resource name that cannot appear in a request (section 3).
    InvalidTarget,
    /// A subprotocol that is not a token, or appears twice (section 4.1, item 10).
    InvalidSubprotocol,
    /// A parameter of an extension that its definition does not allow (RFC 7692 section 7.1).
    InvalidExtension,
    /// A compressed message without permessage-deflate, or in the middle of a message (RFC 7692).
    NotNegotiated,
    /// A header field that cannot be sent, or that the handshake itself writes.
    InvalidField,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOpen => "the connection is no longer open",
            Self::MessageOpen => "a fragmented message is not finished",
            Self::ControlTooLong => "a control frame carries at most 125 bytes",
            Self::ReasonTooLong => "a close reason has at most 123 bytes",
            Self::LengthTooLong => "a frame has fewer than 2^63 bytes",
            Self::InvalidHost => "the host is empty or has characters that no host has",
            Self::InvalidTarget => "the resource name does not begin with / or is not ASCII",
            Self::InvalidSubprotocol => "subprotocols are tokens, each named once",
            Self::InvalidExtension => "a window has 8 to 15 bits",
            Self::NotNegotiated => "compression was not negotiated for this message",
            Self::InvalidField => "this header field cannot be sent",
        })
    }
}

impl core::error::Error for Misuse {}

/// Why bytes are not the head of an HTTP/1.x message (RFC 9112). Becomes a [`Refusal`] on a server
/// and a [`BadResponse`] on a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeadError {
    /// It does not follow the grammar.
    Malformed,
    /// More bytes than [`HeadLimits::bytes`](crate::http::HeadLimits::bytes).
    TooLong,
    /// More fields than [`HeadLimits::fields`](crate::http::HeadLimits::fields).
    TooManyFields,
    /// The first line is too long for a target of
    /// [`HeadLimits::target_bytes`](crate::http::HeadLimits::target_bytes).
    TargetTooLong,
}

impl HeadError {
    /// One sentence, for reports and logs.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Malformed => "The head is malformed.",
            Self::TooLong => "The head is too long.",
            Self::TooManyFields => "The head has too many fields.",
            Self::TargetTooLong => "The first line is too long.",
        }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for HeadError {}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed => Self::MalformedHead,
            HeadError::TooLong => Self::HeadTooLong,
            HeadError::TooManyFields => Self::TooManyFields,
            HeadError::TargetTooLong => Self::TargetTooLong,
        }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $status:literal, $text:literal;)+) => {
        /// Why a server refused an opening handshake.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Refusal { $($(#[$doc])* $name,)+ }

        impl Refusal {
            /// Every refusal, for tables and tests.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The HTTP status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// One sentence for the body of the answer and for logs.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

refusals! {
    /// The head is not an HTTP/1.x head.
    MalformedHead => 400, "The request head is malformed.";
    /// More header bytes than [`HeadLimits::bytes`](crate::http::HeadLimits::bytes).
    HeadTooLong => 431, "The request head is too long.";
    /// More header fields than [`HeadLimits::fields`](crate::http::HeadLimits::fields).
    TooManyFields => 431, "The request has too many header fields.";
    /// A request target over [`HeadLimits::target_bytes`](crate::http::HeadLimits::target_bytes).
    TargetTooLong => 414, "The request target is too long.";
    /// The method is not GET (RFC 6455 section 4.2.1, item 1).
    MethodNotGet => 405, "A WebSocket handshake uses GET.";
    /// The version of HTTP is below 1.1 (section 4.2.1, item 1).
    HttpVersion => 400, "A WebSocket handshake needs HTTP/1.1.";
    /// Not exactly one Host field, or one that is not a valid host (section 4.2.1, item 2; RFC
    /// 9112, 3.2).
    Host => 400, "Exactly one valid Host header field is needed.";
    /// A valid request that does not ask for an upgrade to websocket (section 4.2.1, item 3).
    NotAnUpgrade => 426, "This path speaks WebSocket: send Upgrade: websocket.";
    /// The Connection field does not have the token Upgrade (section 4.2.1, item 4).
    ConnectionWithoutUpgrade => 400, "The Connection header field lacks the token Upgrade.";
    /// Not exactly one key that decodes to 16 bytes (section 4.2.1, item 5; 11.3.1).
    Key => 400, "Exactly one Sec-WebSocket-Key of 16 base64-encoded bytes is needed.";
    /// A version other than 13 (sections 4.2.1, item 6, and 4.4).
    Version => 426, "This server speaks WebSocket version 13.";
    /// Not exactly one well-formed version field (section 11.3.5).
    VersionMalformed => 400, "Exactly one numeric Sec-WebSocket-Version is needed.";
    /// A subprotocol list that is not made of at most
    /// [`MAX_SUBPROTOCOLS`](crate::handshake::MAX_SUBPROTOCOLS) unique tokens (section 4.1, item
    /// 10).
    Subprotocols => 400, "The Sec-WebSocket-Protocol header field is malformed.";
    /// An extension list that does not follow the grammar (section 9.1).
    Extensions => 400, "The Sec-WebSocket-Extensions header field is malformed.";
    /// The handshake announces a body, which a GET for an upgrade never has (RFC 9112, 6).
    Body => 400, "A WebSocket handshake has no body.";
    /// The origin is not one that the server accepts (section 10.2).
    Origin => 403, "This origin is not allowed.";
    /// Nothing is served under this path (section 4.2.2, item 4).
    NotFound => 404, "There is nothing at this path.";
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Refusal {}

rules! {
    /// What is wrong with a server's answer to an opening handshake (RFC 6455 section 4.1): the
    /// client fails the connection.
    BadResponse
    /// The head does not follow the grammar of HTTP.
    MalformedHead => 9112 "2.1", "its head is malformed";
    /// More header bytes than [`HeadLimits::bytes`](crate::http::HeadLimits::bytes).
    HeadTooLong => 9112 "2.1", "its head is too long";
    /// More header fields than [`HeadLimits::fields`](crate::http::HeadLimits::fields).
    TooManyFields => 9112 "5", "it has too many header fields";
    /// A status line that is too long, whatever its reason phrase.
    StatusLineTooLong => 9112 "4", "its status line is too long";
    /// An endless series of 1xx status codes.
    TooManyInterim => 9112 "9.2", "interim responses without end";
    /// The status is not 101.
    UnexpectedStatus => 6455 "4.1", "the status is not 101 Switching Protocols";
    /// The version of HTTP is not 1.1.
    HttpVersion => 6455 "4.1", "it is not HTTP/1.1";
    /// The Upgrade field is missing, repeated, or not websocket.
    UpgradeMissing => 6455 "4.1", "it lacks Upgrade: websocket";
    /// The Connection field lacks the token Upgrade.
    ConnectionMissing => 6455 "4.1", "it lacks Connection: Upgrade";
    /// Sec-WebSocket-Accept is missing, repeated or wrong.
    AcceptMismatch => 6455 "4.1", "Sec-WebSocket-Accept does not match the key";
    /// An extension list that does not follow the grammar.
    Extensions => 6455 "9.1", "Sec-WebSocket-Extensions is malformed";
    /// An extension that was not offered.
    ExtensionNotOffered => 6455 "4.1", "it names an extension that was not offered";
    /// Parameters of permessage-deflate that do not answer the offer.
    ExtensionTerms => 7692 "7.1", "its compression parameters do not answer the offer";
    /// A subprotocol that was not offered, or several.
    SubprotocolNotOffered => 6455 "4.1", "it names a subprotocol that was not offered";
}

impl From<HeadError> for BadResponse {
    fn from(error: HeadError) -> Self {
        match error {
            HeadError::Malformed => Self::MalformedHead,
            HeadError::TooLong => Self::HeadTooLong,
            HeadError::TooManyFields => Self::TooManyFields,
            HeadError::TargetTooLong => Self::StatusLineTooLong,
        }
    }
}
