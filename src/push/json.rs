//! JSON as all dialects read and write it: RFC 8259.
//!
//! Input: text from a client; strings of our own. Output: text that `serde_json` reads; JSON.
//! Invariant: a lone surrogate, which JavaScript and Go may send, becomes U+FFFD and is no reason
//! to refuse a message. The syntax itself is left to `serde_json`.

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Without a byte order mark at the front, which some editors write.
pub(super) fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

/// Bytes of an escape such as `\ud83d`.
const ESCAPE: usize = 6;

/// Replaces escapes of lone surrogates by that of U+FFFD; `None` if there are none. A backslash
/// outside a string is not JSON, so its effect does not matter.
pub(super) fn mend(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let next = |at| bytes.get(at..)?.iter().position(|byte| *byte == b'\\');
    let mut mended = String::new();
    let (mut at, mut from) = (0, 0);
    while let Some(skipped) = next(at) {
        at += skipped;
        let Some(first) = unit(bytes, at).filter(|unit| is_surrogate(*unit)) else {
            at += 2;
            continue;
        };
        match unit(bytes, at + ESCAPE) {
            Some(second) if is_pair(first, second) => at += 2 * ESCAPE,
            _ => {
                mended += &text[from..at];
                mended += r"\ufffd";
                at += ESCAPE;
                from = at;
            }
        }
    }
    (from > 0).then(|| mended + &text[from..])
}

/// The code unit of an escape that begins at `at`.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix(br"\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u16::from_str_radix(digits, 16).ok().filter(|_| all)
}

fn is_surrogate(unit: u16) -> bool {
    matches!(unit, 0xD800..=0xDFFF)
}

fn is_pair(first: u16, second: u16) -> bool {
    matches!((first, second), (0xD800..=0xDBFF, 0xDC00..=0xDFFF))
}

/// Appends a string with its quotation marks.
pub(super) fn write_string(out: &mut Vec<u8>, text: &str) {
    let is_plain = |byte: &u8| *byte >= b' ' && !matches!(*byte, b'"' | b'\\');
    // Looks at all of them, so that the compiler can look at many at a time.
    if text
        .as_bytes()
        .iter()
        .fold(true, |all, byte| all & is_plain(byte))
    {
        out.reserve(text.len() + 2);
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        return;
    }
    serde_json::to_writer(out, text).expect("a vector takes everything");
}

/// Appends a number. Much faster than `write!`.
pub(super) fn write_number(out: &mut Vec<u8>, number: u64) {
    serde_json::to_writer(out, &number).expect("a vector takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_are_mended() {
        for (given, expected) in [
            (r#""plain""#, None),
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\uDE00""#, Some(r#""\ufffd""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\ud83d\ud83d\ude00""#, Some(r#""\ufffd\ud83d\ude00""#)),
            (r#""\ude00\ud83d""#, Some(r#""\ufffd\ufffd""#)),
            (r#""\ud83dx\ude00""#, Some(r#""\ufffdx\ufffd""#)),
            (r#""\ud83d\n""#, Some(r#""\ufffd\n""#)),
            (r#""é\ud83dé""#, Some(r#""é\ufffdé""#)),
            (r#""\\ud83d""#, None),
            (r#""\\\ud83d""#, Some(r#""\\\ufffd""#)),
            // No escapes: refusing them is up to the parser.
            (r#""\ud83""#, None),
            (r#""\u+83d""#, None),
            (r#""\ud83"#, None),
            (r"\é\ud83d", Some(r"\é\ufffd")),
            (r"\ud83d\", Some(r"\ufffd\")),
            ("\\", None),
            ("", None),
        ] {
            assert_eq!(mend(given).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn strings_are_written_so_that_they_read_back() {
        let mut out = b"x".to_vec();
        for text in [
            "a\"\\\n\0é\u{2028}",
            "",
            "plain é",
            "\"",
            "\\",
            "\x1F",
            "\x7F",
        ] {
            out.truncate(1);
            write_string(&mut out, text);
            let read: String = serde_json::from_slice(&out[1..]).unwrap();
            assert_eq!(read, text);
            assert_eq!(out[1..], serde_json::to_vec(text).unwrap());
            assert!(!out.contains(&b'\n'));
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped_once() {
        assert_eq!(without_mark(b"\xEF\xBB\xBF{}"), b"{}");
        assert_eq!(without_mark(b"{}\xEF\xBB\xBF"), b"{}\xEF\xBB\xBF");
    }
}
