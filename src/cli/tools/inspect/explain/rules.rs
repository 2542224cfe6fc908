//! Violations: what should have been sent, and what a receiver does.

use crate::cli::tools::inspect::explain::close;
use crate::cli::tools::inspect::model::{Finding, Reference, Text};
use wirebell::Violation;

/// A rule for frames that the library knows too.
pub fn violation(violation: Violation, expected: Text) -> Finding {
    let code = violation.close_code().get();
    let (name, _) = close::code(code);
    Finding {
        rule: violation.text().into(),
        reference: Reference {
            rfc: violation.rfc(),
            section: violation.section(),
        },
        expected,
        receiver: format!(
            "fails the connection: sends Close {code} ({name}), closes TCP, and reads nothing \
             after this"
        )
        .into(),
        close_code: Some(code),
    }
}

/// The rule, worded for the sender.
pub fn expected(violation: Violation) -> &'static str {
    match violation {
        Violation::ReservedBit => {
            "RSV1, RSV2 and RSV3 are 0 unless an extension was negotiated in the handshake that \
             uses the bit here: permessage-deflate, RSV1, first frame of a message"
        }
        Violation::ReservedOpcode => {
            "one of the opcodes 0 (continuation), 1 (text), 2 (binary), 8 (close), 9 (ping), \
             10 (pong)"
        }
        Violation::FragmentedControl => "a control frame with FIN set: it is never fragmented",
        Violation::OversizedControl => "a control frame with at most 125 bytes of payload",
        Violation::UnmaskedFrame => {
            "MASK set, a fresh random key of four bytes, and the payload XORed with it: a client \
             masks every frame"
        }
        Violation::MaskedFrame => "MASK 0, no key, and the payload as it is: a server never masks",
        Violation::NonMinimalLength => {
            "the shortest form: up to 125 in 7 bits, up to 65535 in 16, longer in 64"
        }
        Violation::LengthTopBit => "a length below 2^63: the most significant bit is 0",
        Violation::UnexpectedContinuation => {
            "opcode 1 or 2, which begins a message: there is none to continue"
        }
        Violation::InterleavedMessage => {
            "opcode 0, which continues the open message; a new one begins after its end"
        }
        Violation::CloseBodyCutShort => {
            "no payload at all, or two bytes of close code and an optional reason"
        }
        Violation::InvalidCloseCode => {
            "1000 to 1003, 1007 to 1014, or 3000 to 4999; or no payload at all"
        }
        Violation::CloseReasonNotUtf8 => "a reason that is UTF-8, or none",
        Violation::InvalidUtf8 => "valid UTF-8, or opcode 2 (binary), which may be any bytes",
        Violation::FrameTooBig | Violation::MessageTooBig | Violation::TooManyFragments => {
            "a smaller message"
        }
        Violation::CorruptDeflate => {
            "a DEFLATE stream (RFC 1951) that refers back only within the negotiated window"
        }
        Violation::TruncatedDeflate => {
            "a stream that ends at the end of a block, without the bytes 00 00 ff ff"
        }
        Violation::InflateRatio => "a message with a smaller compression ratio",
        // The library may learn a rule before this table does.
        _ => "what the rule says",
    }
}

/// A rule that has no close code: a server answers with an HTTP status, a client fails the
/// connection.
pub fn handshake(
    rule: impl Into<Text>,
    reference: Reference,
    expected: impl Into<Text>,
    receiver: impl Into<Text>,
) -> Finding {
    Finding {
        rule: rule.into(),
        reference,
        expected: expected.into(),
        receiver: receiver.into(),
        close_code: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_words() {
        for violation in Violation::ALL {
            assert_ne!(expected(*violation), "what the rule says", "{violation:?}");
        }
    }
}
