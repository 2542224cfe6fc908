//! Sec-WebSocket-Key and Sec-WebSocket-Accept: RFC 6455 sections 4.1, 4.2.2 and 1.3.
//!
//! Input: 16 random bytes, or the key as it was sent. Output: the key as text, or the answer
//! to it. SHA-1 and base64 come from their crates. Invariant: an answer is only made for a key
//! that decodes to exactly 16 bytes.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use sha1::{Digest as _, Sha1};

/// The only version of the protocol: RFC 6455 section 4.1, item 9.
pub const VERSION: &str = "13";

/// What every server appends to the key before hashing (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The length of 16 bytes in base64.
pub(super) const KEY_LEN: usize = 24;

/// Accepts pad bits that are not zero: the sample key that RFC 6455 prints in section 4.1 has them
/// (erratum 3150), and RFC 4648 section 3.5 leaves the choice to the decoder.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The value of Sec-WebSocket-Accept: 20 bytes of SHA-1 in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptKey([u8; 28]);

impl AcceptKey {
    /// The 28 characters.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).expect("base64 is ASCII")
    }
}

/// The answer to a key: section 4.2.2, item 5.4.
///
/// ```
/// let answer = wirebell::handshake::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(answer.as_str(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> AcceptKey {
    let mut hash = Sha1::new();
    hash.update(key.as_bytes());
    hash.update(GUID);
    let mut text = [0; 28];
    let len = STANDARD
        .encode_slice(hash.finalize(), &mut text)
        .expect("20 bytes make 28");
    debug_assert_eq!(len, text.len());
    AcceptKey(text)
}

/// Whether a key decodes to 16 bytes (section 4.2.1, item 5).
pub(super) fn is_key(key: &str) -> bool {
    let mut bytes = [0; 18];
    key.len() == KEY_LEN && LENIENT.decode_slice(key, &mut bytes) == Ok(16)
}

/// The key of a client for 16 random bytes (section 4.1, item 7).
pub(super) fn encode_key(nonce: [u8; 16]) -> [u8; KEY_LEN] {
    let mut text = [0; KEY_LEN];
    let len = STANDARD
        .encode_slice(nonce, &mut text)
        .expect("16 bytes make 24");
    debug_assert_eq!(len, text.len());
    text
}
