//! Hexadecimal text, as people write it → bytes of one or both directions.
//!
//! Input: digits in pairs; between them white space, colons, commas, `0x` and `\x`, and comments
//! from `#` to the end of the line. A line that begins with `>` is from the client, one with `<`
//! from the server, and one with `=` begins another connection and may name it. Output: the bytes,
//! in the order of the lines.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::input::begins::begins_connection;
use crate::cli::tools::inspect::input::dump::is_rendering;
use crate::cli::tools::inspect::input::talk::{Arrival, Stream, Talk};

/// Connections that are read.
const MAX_TALKS: usize = 1000;

/// What the text has.
#[derive(Debug)]
pub enum Read {
    /// The sender is unknown.
    OneWay(Vec<u8>),
    BothWays(Vec<Talk>),
}

pub fn read(text: &[u8]) -> Result<Read, String> {
    let mut reader = Reader::default();
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let read = reader.line(line, number);
        read.map_err(|what| format!("line {}: {what}", number + 1))?;
    }
    Ok(reader.end())
}

#[derive(Default)]
struct Reader {
    /// Bytes before any mark.
    unmarked: Vec<u8>,
    talks: Vec<Talk>,
    /// The sender of the following lines.
    side: Option<Side>,
}

impl Reader {
    fn line(&mut self, line: &[u8], number: usize) -> Result<(), String> {
        let line = without_column(line.trim_ascii());
        let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let code = code.trim_ascii();
        if code == b"*" {
            let what = "* means omitted lines; print them with `od -v` or `xxd`";
            return Err(what.into());
        }
        let (side, code) = match code.split_first() {
            Some((b'>', rest)) => (Some(Side::Client), rest),
            Some((b'<', rest)) => (Some(Side::Server), rest),
            Some((b'=', name)) => return self.connection(name.trim_ascii()),
            _ => (self.side, code),
        };
        let Some(side) = side else {
            return digits(code, &mut self.unmarked);
        };
        if !self.unmarked.is_empty() {
            return Err("with > and < for the sender, the first line needs one too".into());
        }
        if self.talks.is_empty() {
            self.connection(b"")?;
        }
        let same = self.side == Some(side);
        self.side = Some(side);
        let Some(talk) = self.talks.last_mut() else {
            return Ok(());
        };
        let stream = match side {
            Side::Client => &mut talk.from_client,
            Side::Server => &mut talk.from_server,
        };
        digits(code, &mut stream.bytes)?;
        arrive(stream, same, number);
        Ok(())
    }

    fn connection(&mut self, name: &[u8]) -> Result<(), String> {
        if !self.unmarked.is_empty() {
            return Err("after = for a new connection, the first line needs > or <".into());
        }
        if self.talks.last().is_some_and(is_empty) {
            self.talks.pop();
        }
        if self.talks.len() == MAX_TALKS {
            return Err(format!("there are more than {MAX_TALKS} connections"));
        }
        let name = String::from_utf8_lossy(name).into_owned();
        self.talks.push(Talk {
            name: Some(name).filter(|name| !name.is_empty()),
            ..Talk::default()
        });
        self.side = None;
        Ok(())
    }

    fn end(mut self) -> Read {
        if self.talks.is_empty() {
            return Read::OneWay(self.unmarked);
        }
        self.talks.retain(|talk| !is_empty(talk));
        for talk in &mut self.talks {
            talk.from_start = begins_connection(&talk.from_client.bytes)
                || begins_connection(&talk.from_server.bytes);
        }
        Read::BothWays(self.talks)
    }
}

fn is_empty(talk: &Talk) -> bool {
    talk.from_client.bytes.is_empty() && talk.from_server.bytes.is_empty()
}

/// Consecutive lines with the same sender are one arrival.
fn arrive(stream: &mut Stream, same: bool, number: usize) {
    let end = stream.bytes.len();
    match stream.arrivals.last_mut().filter(|_| same) {
        Some(last) => last.end = end,
        None => stream.arrivals.push(Arrival {
            end,
            time: None,
            packet: number,
        }),
    }
}

fn is_separator(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || b":,-".contains(byte)
}

/// Splits words of digits, as in all forms.
pub fn digits(code: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut words = code.split(is_separator).filter(|word| !word.is_empty());
    words.try_for_each(|word| word_bytes(word, bytes))
}

/// The bytes of a line that may have a column of characters beside them, which may look like
/// digits or a comment.
fn without_column(line: &[u8]) -> &[u8] {
    let (mut bytes, mut at) = (Vec::new(), 0);
    while at < line.len() && bytes.len() <= LONGEST_ROW {
        let rest = &line[at..];
        let end = rest.iter().position(is_separator).unwrap_or(rest.len());
        if word_bytes(&rest[..end], &mut bytes).is_err() {
            break;
        }
        let gap = rest[end..].iter().take_while(|byte| is_separator(byte));
        let gap = gap.count();
        let column = std::str::from_utf8(&rest[end + gap..]).unwrap_or_default();
        let column = column.strip_prefix('>').map_or(column, |inside| {
            // The mark of `od -t x1z`.
            inside.strip_suffix('<').unwrap_or(column)
        });
        let may_be = gap > 1 && !column.is_empty() && column.len() <= 4 * LONGEST_ROW;
        if may_be && is_rendering(&bytes, column) {
            return &line[..at + end];
        }
        at += end + gap;
    }
    line
}

/// Bytes that a line with a column of characters may have; dumps have 16 or 32.
const LONGEST_ROW: usize = 256;

fn word_bytes(word: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    let escapes = word.windows(2).filter(|pair| pair == b"\\x").count();
    if escapes > 1 && word.len() != 4 * escapes {
        // Other words are characters, even if they look like digits.
        return Err("\\x is before some bytes, but not before all".into());
    }
    let mut rest = word;
    while !rest.is_empty() {
        if let [b'0' | b'\\', b'x' | b'X', tail @ ..] = rest {
            rest = tail;
        }
        let (&high, tail) = rest.split_first().ok_or("0x without digits")?;
        let high = digit(high)?;
        let (&low, tail) = tail
            .split_first()
            .ok_or("hexadecimal digits come in pairs")?;
        bytes.push(16 * high + digit(low)?);
        rest = tail;
    }
    Ok(())
}

/// Words that look like hexadecimal digits but are not: each must have this form.
pub fn other_radix(text: &str) -> Option<&'static str> {
    let words = || {
        text.split_whitespace()
            .map(|word| word.trim_end_matches(','))
    };
    let all = |is: fn(&str) -> bool| words().count() > 0 && words().all(is);
    let count = words().take(2).count();
    let is_bits = |word: &str| word.len() == 8 && word.bytes().all(|bit| b"01".contains(&bit));
    let is_octal = |word: &str| {
        let octal = word.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        word.len() == 6 && octal && word.as_bytes()[0] <= b'1'
    };
    let is_decimal = |word: &str| word.len() <= 3 && word.parse::<u8>().is_ok();
    if all(is_bits) && text.contains('1') {
        return Some("these are bits; print bytes with `xxd`");
    }
    if all(is_octal) && count > 1 {
        return Some("these are words of two bytes in octal; print bytes with `xxd`");
    }
    let one_is_long = words().any(|word| word.len() != 2);
    if all(is_decimal) && one_is_long && count > 1 {
        return Some("these are numbers in octal or decimal; put decimal ones in [ ]");
    }
    None
}

fn digit(byte: u8) -> Result<u8, String> {
    let c = char::from(byte);
    let value = c.to_digit(16).map(|digit| digit as u8);
    value.ok_or_else(|| format!("{c:?} is not a hexadecimal digit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_people_write() {
        let rows: [(&str, &[u8]); 9] = [
            ("", b""),
            ("81 05 48", b"\x81\x05\x48"),
            ("810548", b"\x81\x05\x48"),
            ("0x81, 0x05,0x48", b"\x81\x05\x48"),
            ("81:05:48", b"\x81\x05\x48"),
            ("\\x81\\x05", b"\x81\x05"),
            ("81 # text, FIN\n 05 # length\r\n\n48", b"\x81\x05\x48"),
            ("aB Cd", b"\xab\xcd"),
            ("0x8105", b"\x81\x05"),
        ];
        for (text, expected) in rows {
            let read = read(text.as_bytes());
            assert!(
                matches!(&read, Ok(Read::OneWay(bytes)) if bytes == expected),
                "{read:?}"
            );
        }
    }

    #[test]
    fn both_directions_in_one_text() {
        let text = "= one # named\n> 81 80 # text\n  00 00 00 00\n< 81 00\n<89 00\n>8a\n\
                    =\n=\n< 88 00\n= empty\n";
        let Ok(Read::BothWays(talks)) = read(text.as_bytes()) else {
            panic!("it has marks");
        };
        let [one, two] = &talks[..] else {
            panic!("{talks:?}");
        };
        assert_eq!(
            (one.name.as_deref(), two.name.as_deref()),
            (Some("one"), None)
        );
        assert_eq!(one.from_client.bytes, b"\x81\x80\0\0\0\0\x8a");
        assert_eq!(one.from_server.bytes, b"\x81\0\x89\0");
        let lines = |stream: &Stream| -> Vec<_> {
            let arrivals = stream.arrivals.iter();
            arrivals
                .map(|arrival| (arrival.end, arrival.packet))
                .collect()
        };
        assert_eq!(lines(&one.from_client), [(6, 1), (7, 5)]);
        assert_eq!(lines(&one.from_server), [(4, 3)]);
        assert_eq!(two.from_server.bytes, b"\x88\0");
    }

    #[test]
    fn what_is_no_hex() {
        let many = "=\n>81\n".repeat(MAX_TALKS + 1);
        for (text, part) in [
            ("81 5", "pairs"),
            ("81\nxy", "line 2"),
            ("0x", "without"),
            ("81 00\n> 81 00", "line 2: with > and <"),
            ("81 00\n= x", "line 2: after ="),
            ("> 81 >", "'>' is not a hexadecimal digit"),
            (&many, "more than 1000 connections"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
