//! Text from peers, on one line of a terminal or as hexadecimal digits.
//!
//! Input: text or bytes from a peer. Output: text without control sequences, shown in the order in
//! which it was sent.

use crate::cli::common::terminal::escape;
use std::fmt::Write as _;

/// How much of a body an error shows: enough to see who wrote it, on one line.
const EXCERPT_CHARS: usize = 120;

/// Text that stays on one line, in the order in which it is written.
pub fn one_line(text: &str) -> String {
    escape(text, |c| c.is_control() || is_line_end(c) || reorders(c))
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Bidirectional embeddings, overrides and isolates.
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Whether colours are wanted: <https://no-color.org>.
pub fn may_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The first line of a body, to follow an error's text: `: …`, or nothing for an empty body. A body
/// that is compressed (`encoding` is its Content-Encoding) or not text is only named.
pub fn excerpt(encoding: Option<&str>, body: &[u8]) -> String {
    let encoding = encoding.filter(|name| !name.is_empty() && *name != "identity");
    let gzip = body.starts_with(&[0x1f, 0x8b]).then_some("gzip");
    if body.is_empty() {
        return String::new();
    }
    if let Some(name) = encoding.or(gzip) {
        return format!(": (a body compressed with {})", one_line(name));
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * EXCERPT_CHARS)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let Some(line) = line else {
        return String::new();
    };
    if is_binary(line) {
        return format!(": (a body that is not text, {} bytes)", body.len());
    }
    let short: String = line.chars().take(EXCERPT_CHARS).collect();
    format!(": {}", one_line(&short))
}

/// More than one character in eight is not a text character. A page in Latin-1 has fewer.
fn is_binary(line: &str) -> bool {
    let odd = |c: &char| *c == '\u{fffd}' || (c.is_control() && !matches!(c, '\t' | '\u{1b}'));
    8 * line.chars().filter(odd).count() > line.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_in_its_order() {
        let line = one_line("x\n\u{2028}\u{202e}\u{2066}ü");
        assert_eq!(line, "x\\n\\u{2028}\\u{202e}\\u{2066}ü");
    }

    #[test]
    fn bodies_are_shown_as_far_as_they_are_text() {
        let rows: [(Option<&str>, &[u8], &str); 8] = [
            (None, b"", ""),
            (None, b"\r\n  \r\n", ""),
            (None, b"\n no such user \nmore", ": no such user"),
            (None, b"\x1b[31mred", ": \\u{1b}[31mred"),
            (Some("br"), b"xx", ": (a body compressed with br)"),
            (Some("identity"), b"xx", ": xx"),
            (
                None,
                &[0x1f, 0x8b, 8, 0, 0],
                ": (a body compressed with gzip)",
            ),
            (
                None,
                &[0xff, 0, 0x80, 1, 2],
                ": (a body that is not text, 5 bytes)",
            ),
        ];
        for (encoding, body, expected) in rows {
            assert_eq!(excerpt(encoding, body), expected);
        }
        assert!(excerpt(None, &[b'x'; 4000]).len() < 130);
        assert!(excerpt(None, b"Zugang f\xfcr Nutzer gesperrt").contains("gesperrt"));
    }
}
