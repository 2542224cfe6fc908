//! What the text and HTML printers share: safe text of the input, references between items, the
//! arithmetic of a mask, and the dump.

use crate::cli::tools::inspect::model::{Class, Field, Fragment};

/// Columns of the text: as many as rustdoc shows of an example.
const COLUMNS: usize = 96;

/// Wraps text; lines after the first are indented by `indent` columns. `end` is not broken.
pub fn wrapped(begin: &str, indent: usize, text: &str, end: &str) -> String {
    let mut out = begin.to_owned();
    let mut column = begin.chars().count();
    for word in text.split(' ').chain([end]).filter(|word| !word.is_empty()) {
        let width = word.chars().count();
        if column + 1 + width > COLUMNS && column > indent {
            out.truncate(out.trim_end().len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
        } else if column > 0 && !out.ends_with([' ', '\n']) {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out
}

/// The message that a fragment belongs to.
pub fn fragment(fragment: &Fragment, name: impl Fn(usize) -> String) -> String {
    let Fragment {
        part,
        begun_by,
        next,
    } = fragment;
    let begun = match part {
        1 => "part 1 of a message".to_owned(),
        _ => format!("part {part} of the message that {} begins", name(*begun_by)),
    };
    match next {
        Some(next) => format!("{begun}; {} continues it", name(*next)),
        None if *part == 1 => begun,
        None => format!("{begun}, and the last one here"),
    }
}

/// How the first bytes of a payload are unmasked, one line for each: enough to see the key repeat.
pub fn unmasking(wire: &[u8], key: [u8; 4]) -> Vec<String> {
    let four = |byte: u8| format!("{:04b} {:04b}", byte >> 4, byte & 0x0F);
    let bytes = wire.iter().enumerate().take(5);
    let line = |(at, wire): (usize, &u8)| {
        let (number, key) = (at % 4, key[at % 4]);
        let plain = wire ^ key;
        format!(
            "byte {at}, key byte {number}: {wire:02x} XOR {key:02x} = {plain:02x} {}   \
             {} XOR {} = {}",
            character(plain),
            four(*wire),
            four(key),
            four(plain)
        )
    };
    bytes.map(line).collect()
}

/// Text of the input in one line, without control characters.
pub fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // These change the direction of the text.
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

/// One byte as a character, if it is printable ASCII.
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
    fn lines_end_between_words() {
        let long = "word ".repeat(30);
        let text = wrapped("  A   ", 6, &long, "[RFC 1 2]");
        assert_eq!(text.lines().count(), 2);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS));
        let last = "word ".repeat(12) + "[RFC 1 2]";
        assert_eq!(text.lines().last(), Some(&*format!("      {last}")));
        assert_eq!(wrapped("a: ", 2, "b", ""), "a: b");
        let whole = "x".repeat(200);
        assert_eq!(wrapped("", 0, &whole, ""), whole);
    }

    #[test]
    fn masks_are_taken_off() {
        let steps = unmasking(b"\x7f\x9f\x4d\x51\x58\x00", [0x37, 0xfa, 0x21, 0x3d]);
        assert_eq!(steps.len(), 5);
        assert_eq!(
            steps[4],
            "byte 4, key byte 0: 58 XOR 37 = 6f o   0101 1000 XOR 0011 0111 = 0110 1111"
        );
    }

    #[test]
    fn bits_of_a_field() {
        assert_eq!(bits(0x81, 0, 0), "1... ....");
        assert_eq!(bits(0x81, 4, 7), ".... 0001");
        assert_eq!(bits(0x85, 1, 7), ".000 0101");
    }
}
