//! The body of a Close frame: RFC 6455 section 5.5.1.
//!
//! Input: the payload of a Close frame. Output: [`CloseBody`], or the rule that it breaks; and
//! back. Invariant: a body that was written can be read.

use crate::error::Violation;
use crate::wire::MAX_CONTROL_PAYLOAD;
use crate::wire::close_code::CloseCode;

/// The longest reason: 125 bytes of control payload less two of code (RFC 6455 section 5.5.1).
pub const MAX_CLOSE_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// The content of a Close frame: an optional code and, with a code, an optional reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseBody<'a> {
    /// `None` for an empty body, which an application sees as 1005 (RFC 6455 section 7.1.5).
    pub code: Option<CloseCode>,
    /// For people and logs, at most [`MAX_CLOSE_REASON`] bytes; empty if none was given.
    pub reason: &'a str,
}

impl<'a> CloseBody<'a> {
    /// Reads the unmasked payload of a Close frame.
    pub fn parse(payload: &'a [u8]) -> Result<Self, Violation> {
        // req: 6455-5.5.1-02
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return match payload.is_empty() {
                true => Ok(Self {
                    code: None,
                    reason: "",
                }),
                false => Err(Violation::CloseBodyCutShort),
            };
        };
        let code = CloseCode::new(u16::from_be_bytes(*code)).ok_or(Violation::InvalidCloseCode)?;
        // req: 6455-8.1-01
        let reason = core::str::from_utf8(reason).map_err(|_| Violation::CloseReasonNotUtf8)?;
        Ok(Self {
            code: Some(code),
            reason,
        })
    }

    /// Writes the payload of a Close frame into `out` and returns its length. A reason that is
    /// too long is cut at a character; without a code there is no reason.
    // req: 6455-7.1.2-01 6455-5.5.1-02
    pub fn emit(&self, out: &mut [u8; MAX_CONTROL_PAYLOAD]) -> usize {
        let Some(code) = self.code else {
            return 0;
        };
        let reason = cut_reason(self.reason);
        out[..2].copy_from_slice(&code.get().to_be_bytes());
        out[2..2 + reason.len()].copy_from_slice(reason.as_bytes());
        2 + reason.len()
    }
}

/// As much of a reason as fits into a Close frame.
pub fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_CLOSE_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}
