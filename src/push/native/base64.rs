//! Bytes as text, in both directions: RFC 4648 section 4.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The standard alphabet; padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// The bytes of a text; `None` if it is not base64.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; base64::decoded_len_estimate(text.len())];
    let length = BASE64.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// Appends bytes as text, with padding.
pub(super) fn write(out: &mut Vec<u8>, bytes: &[u8]) {
    let from = out.len();
    out.resize(from + bytes.len().div_ceil(3) * 4, 0);
    let written = BASE64.encode_slice(bytes, &mut out[from..]);
    debug_assert_eq!(written, Ok(out.len() - from));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_written_and_may_be_left_out() {
        for (bytes, text) in [(&b""[..], ""), (b"\x00", "AA=="), (b"\x00\xff\xfe", "AP/+")] {
            let mut out = b">".to_vec();
            write(&mut out, bytes);
            assert_eq!(out, [b">", text.as_bytes()].concat());
            assert_eq!(decode(text).as_deref(), Some(bytes));
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(bytes));
        }
        for bad in ["A", "A===", "AA-_", "AA==x", " AA=", "\u{e9}"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
