//! JSON as Go's `encoding/json` accepts it, for dialects whose first server was written in Go.
//!
//! Input: a body as received. Output: bytes that `serde_json` reads to the same values. What Go
//! tolerates is repaired, mostly without a copy: bytes that are not UTF-8 and escapes of lone
//! surrogates become U+FFFD. A byte order mark at the front is skipped, although Go would refuse
//! it. The syntax itself is left to `serde_json`.

use crate::push::json;
use std::borrow::Cow;

/// Go refuses deeper values (`maxNestingDepth`).
const MAX_DEPTH: usize = 10_000;

/// Repairs the first value in `bytes`; `None` if it is nested too deeply.
pub(super) fn mend(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = into_text(json::without_mark(bytes));
    let fits = is_shallow(text.as_bytes());
    fits.then(|| json::mend(&text).map_or(text, Cow::Owned))
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

/// Whether the first value is not nested too deeply. What follows it is ignored.
fn is_shallow(text: &[u8]) -> bool {
    let (mut depth, mut in_string) = (0_usize, false);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return false;
                }
            }
            b'}' | b']' if !in_string => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    break;
                }
            }
            _ => {}
        }
    }
    true
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
        let rows: [(&[u8], &str); 8] = [
            (br#""plain""#, r#""plain""#),
            (b"\xEF\xBB\xBF{}", "{}"),
            (b"{}\xEF\xBB\xBF", "{}\u{FEFF}"),
            (br#""\ud83d""#, r#""\ufffd""#),
            (br#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
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
