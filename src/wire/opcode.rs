//! The opcodes of RFC 6455 section 5.2 and the two kinds of message of section 5.6.

/// What a frame is for: the low four bits of its first byte (RFC 6455 section 5.2).
///
/// Only the six defined values can be built; the reserved ones are a
/// [`Violation::ReservedOpcode`](crate::Violation::ReservedOpcode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// Another fragment of the open message.
    Continuation = 0x0,
    /// The first fragment of a text message.
    Text = 0x1,
    /// The first fragment of a binary message.
    Binary = 0x2,
    /// Control: the closing handshake (section 5.5.1).
    Close = 0x8,
    /// Control: a question that a Pong answers (section 5.5.2).
    Ping = 0x9,
    /// Control: the answer, or an unsolicited sign of life (section 5.5.3).
    Pong = 0xA,
}

impl Opcode {
    /// Reads the low four bits of `byte`; `None` for the ten reserved values.
    pub const fn from_bits(byte: u8) -> Option<Self> {
        match byte & 0x0F {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// The four bits as they appear on the wire.
    pub const fn bits(self) -> u8 {
        self as u8
    }

    /// Close, Ping or Pong: the opcodes whose top bit is set (RFC 6455 section 5.5).
    pub const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// How the bytes of a message are to be understood (RFC 6455 section 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8, checked by the receiver.
    Text,
    /// Any bytes.
    Binary,
}

impl MessageKind {
    /// The opcode of the first frame of a message of this kind.
    pub const fn opcode(self) -> Opcode {
        // req: 6455-6.1-06
        match self {
            Self::Text => Opcode::Text,
            Self::Binary => Opcode::Binary,
        }
    }
}
