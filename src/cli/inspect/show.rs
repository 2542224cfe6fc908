//! What both kinds of print share: text of the input that is safe to show, and the dump.

use crate::cli::inspect::model::{Class, Field};

/// Text of the input in one line, with nothing that a terminal would obey.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // These turn the direction of what follows.
        let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}');
        match c.is_control() || turns {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

/// The first characters, and whether there are more.
pub fn beginning(text: &str, most: usize) -> (&str, bool) {
    match text.char_indices().nth(most) {
        Some((end, _)) => (&text[..end], true),
        None => (text, false),
    }
}

/// One byte as a character, if it is a plain one.
pub fn character(byte: u8) -> char {
    match byte {
        b' '..=b'~' => char::from(byte),
        _ => '·',
    }
}

/// The letter of a group of fields: A to Z, then a to z.
pub fn letter(at: usize) -> char {
    let letters = (b'A'..=b'Z').chain(b'a'..=b'z');
    letters.map(char::from).nth(at).unwrap_or('*')
}

/// The byte ranges of an item's fields, each once. Fields inside of another are left out.
pub fn groups(fields: &[Field]) -> Vec<(usize, usize, Class)> {
    let mut groups: Vec<(usize, usize, Class)> = Vec::new();
    for field in fields {
        if groups.last().is_none_or(|(_, end, _)| field.start >= *end) {
            groups.push((field.start, field.end, field.class));
        }
    }
    groups
}

/// A byte with dots for the bits that do not belong to the field.
pub fn bits(byte: u8, first: u8, last: u8) -> String {
    let mut pattern = String::new();
    for at in 0..8 {
        if at == 4 {
            pattern.push(' ');
        }
        let bit = if byte & (0x80 >> at) != 0 { '1' } else { '0' };
        pattern.push(if (first..=last).contains(&at) {
            bit
        } else {
            '.'
        });
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys() {
        let text = "a\u{1b}[31m\r\n\u{9b}\u{202e}b\u{7f}";
        let expected = "a\\u{1b}[31m\\r\\n\\u{9b}\\u{202e}b\\u{7f}";
        assert_eq!(line(text), expected);
        assert_eq!(line("Grüße €𝄞"), "Grüße €𝄞");
    }

    #[test]
    fn bits_of_a_field() {
        assert_eq!(bits(0x81, 0, 0), "1... ....");
        assert_eq!(bits(0x81, 4, 7), ".... 0001");
        assert_eq!(bits(0x85, 1, 7), ".000 0101");
    }
}
