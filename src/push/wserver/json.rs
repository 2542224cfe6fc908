//! JSON as Go's `encoding/json` accepts it, for dialects whose first server was written in Go.
//!
//! Input: a body as received. Output: bytes that `serde_json` reads to the same values. What Go
//! tolerates is repaired, in one pass and mostly without a copy: bytes that are not UTF-8 and
//! escapes of lone surrogates become U+FFFD. A byte order mark at the front is skipped: Go would
//! refuse it, but some editors write one. The syntax itself is left to `serde_json`.

use std::borrow::Cow;

/// Go refuses deeper values (`maxNestingDepth`).
const MAX_DEPTH: usize = 10_000;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Repairs the first value in `bytes`; `None` if it is nested too deeply.
pub(super) fn mend(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut text = into_text(bytes);
    let mut lone = Vec::new();
    scan(text.as_bytes(), &mut lone)?;
    if !lone.is_empty() {
        let mut repaired = String::with_capacity(text.len());
        let mut from = 0;
        for at in lone {
            repaired += &text[from..at];
            repaired += r"\ufffd";
            from = at + ESCAPE;
        }
        repaired += &text[from..];
        text = Cow::Owned(repaired);
    }
    Some(text)
}

/// Each byte that belongs to no character becomes one U+FFFD. `String::from_utf8_lossy` would
/// make one of the whole beginning of a character.
fn into_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    Cow::Owned(text)
}

/// Bytes of an escape such as `\ud83d`.
const ESCAPE: usize = 6;

/// Walks over the first value: `None` if it is nested too deeply; otherwise `lone` gets the
/// positions of lone surrogates. A backslash outside a string is not JSON, so its effect does not
/// matter.
fn scan(text: &[u8], lone: &mut Vec<usize>) -> Option<()> {
    let (mut at, mut depth, mut in_string) = (0, 0_usize, false);
    while let Some(byte) = text.get(at) {
        let mut step = 1;
        match byte {
            b'\\' => {
                step = 2;
                if let Some(first) = unit(text, at).filter(|unit| is_surrogate(*unit)) {
                    step = ESCAPE;
                    match unit(text, at + ESCAPE) {
                        Some(second) if is_pair(first, second) => step = 2 * ESCAPE,
                        _ => lone.push(at),
                    }
                }
            }
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return None;
                }
            }
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break; // What follows the first value is ignored.
                }
            }
            _ => {}
        }
        at += step;
    }
    Some(())
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

/// Whether a key names this field: Unicode's simple folding, as Go does it. Apart from case, two
/// characters fold to ASCII letters: the long s and the Kelvin sign.
pub(super) fn is_field(key: &str, name: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17F}' => 's',
        '\u{212A}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_forgives_is_mended() {
        let rows: [(&[u8], &str); 18] = [
            (br#""plain""#, r#""plain""#),
            (b"\xEF\xBB\xBF{}", "{}"),
            (b"{}\xEF\xBB\xBF", "{}\u{FEFF}"),
            (br#""\ud83d""#, r#""\ufffd""#),
            (br#""\uDE00""#, r#""\ufffd""#),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (br#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (br#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (br#""\ud83dx\ude00""#, r#""\ufffdx\ufffd""#),
            (br#""\ud83d\n""#, r#""\ufffd\n""#),
            (br#""\\ud83d""#, r#""\\ud83d""#),
            (br#""\\\ud83d""#, r#""\\\ufffd""#),
            // No escapes: resolving them is up to the parser.
            (br#""\ud83""#, r#""\ud83""#),
            (br#""\u+83d""#, r#""\u+83d""#),
            (br#""\ud83"#, r#""\ud83"#),
            (b"\"a\xFFb\"", "\"a\u{FFFD}b\""),
            (b"\"\xE2\x82\"", "\"\u{FFFD}\u{FFFD}\""),
            (
                b"\"\xED\xA0\x80\\ud800\"",
                "\"\u{FFFD}\u{FFFD}\u{FFFD}\\ufffd\"",
            ),
        ];
        for (given, expected) in rows {
            assert_eq!(mend(given).as_deref(), Some(expected), "{given:?}");
        }
        // Nothing is copied if there is nothing to repair.
        assert!(matches!(mend(br#""\ud83d\ude00""#), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn the_first_value_may_be_nested_as_deeply_as_go_allows() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(mend(nested(MAX_DEPTH).as_bytes()).is_some());
        assert!(mend(nested(MAX_DEPTH + 1).as_bytes()).is_none());
        let harmless = [
            format!("{{\"a\":\"{}\"}}", "[".repeat(MAX_DEPTH + 1)),
            format!("{{\"\\\"\":1}} {}", "[".repeat(MAX_DEPTH + 1)),
            "[],".repeat(MAX_DEPTH + 1),
        ];
        for text in harmless {
            assert!(mend(text.as_bytes()).is_some());
        }
    }

    #[test]
    fn keys_fold_as_go_folds_them() {
        for key in ["userId", "USERID", "u\u{17F}erId", "U\u{17F}ERiD"] {
            assert!(is_field(key, "userId"), "{key}");
        }
        for key in ["to\u{212A}en", "TOKEN"] {
            assert!(is_field(key, "token"), "{key}");
        }
        for key in [
            "",
            "user",
            "userId ",
            "user\u{131}d",
            "userIdd",
            "\u{DF}erId",
        ] {
            assert!(!is_field(key, "userId"), "{key}");
        }
    }
}
