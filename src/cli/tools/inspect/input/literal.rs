//! Bytes as programs print them or as source code has them → bytes.
//!
//! Input: strings with escapes (`b'\x81'`), arrays (`{0x81, 0x85}`, `[129, 133]`), Node's `<Buffer
//! 81 85>`, base64. Output: the bytes, with several strings or arrays concatenated. `None`: the
//! text has none of these forms.

use crate::cli::tools::inspect::input::begins::looks_like_http;
use crate::cli::tools::inspect::input::hex;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use base64::prelude::Engine as _;
use serde_json::Value;

pub fn read(text: &str) -> Option<Result<Vec<u8>, String>> {
    let text = text.trim();
    if let Some(value) = json(text) {
        return Some(value);
    }
    if let Some(at) = text.find("<Buffer").or_else(|| text.find("Contents]: <")) {
        return Some(buffer(&text[at..]));
    }
    if text.contains(" more item") {
        let what =
            "Node has left items of this array out; print Buffer.from(array).toString('hex')";
        return Some(Err(what.into()));
    }
    let quoted = strings(text).or_else(|| quoted_digits(text));
    let escaped = || percent(text).or_else(|| bare_escapes(text));
    quoted
        .or_else(escaped)
        .or_else(|| arrays(text))
        .or_else(|| base64(text))
}

/// JSON: an array of bytes, a Buffer, or strings, which are read like others. Anything else has too
/// much in it to tell which are the bytes.
fn json(text: &str) -> Option<Result<Vec<u8>, String>> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let (list, is_object) = match &value {
        Value::Array(list) => (Some(list), false),
        Value::Object(object) if object.is_empty() => return None,
        Value::Object(object) => (object.get("data").and_then(Value::as_array), true),
        _ => return None,
    };
    let alone = values.next().is_none();
    if !alone && !is_object {
        return None;
    }
    let list = list.filter(|_| alone);
    match list {
        Some(list) if list.iter().all(Value::is_number) => {
            let words: Vec<String> = list.iter().map(Value::to_string).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            Some(numbers(&words))
        }
        Some(list) if list.iter().all(Value::is_string) => None,
        _ => Some(Err(
            "this is JSON with more than bytes in it; give an array of bytes, or a capture".into(),
        )),
    }
}

/// `<Buffer 81 85 … 7 more bytes>` and `ArrayBuffer { [Uint8Contents]: <81 85> }`, as Node prints
/// them.
fn buffer(text: &str) -> Result<Vec<u8>, String> {
    let inside = text.split(['<', '>']).nth(1).unwrap_or_default();
    let inside = inside.trim_start_matches("Buffer");
    if inside.contains("more byte") {
        let what = "Node has left bytes of this Buffer out; print buffer.toString('hex')";
        return Err(what.into());
    }
    let bytes = inside
        .split_whitespace()
        .map(|word| u8::from_str_radix(word, 16));
    let bytes: Result<_, _> = bytes.collect();
    bytes.map_err(|_| "this Buffer has more than bytes in it".into())
}

/// Everything in quotes that has an escape.
fn strings(text: &str) -> Option<Result<Vec<u8>, String>> {
    let opens = text.find(['"', '\''])?;
    // In a list of numbers, quotes are names or characters.
    if !text.contains('\\') || text[..opens].contains(['>', '#']) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = &text[opens..];
    while let Some(at) = rest.find(['"', '\'']) {
        // The strings of one value are adjacent.
        let mut between = rest[..at].trim_end_matches(PREFIX).chars();
        if !between.all(|c| c.is_whitespace() || "\\+.,&()".contains(c)) {
            return Some(Err(SEVERAL.into()));
        }
        let quote = rest[at..].chars().next()?;
        let (string, tail) = match unescape(&rest[at + 1..], quote) {
            Ok(read) => read,
            Err(what) => return Some(Err(what)),
        };
        bytes.extend(string);
        rest = tail;
    }
    if opens + rest.len() > MAX_AROUND {
        return Some(Err(SEVERAL.into()));
    }
    // Ordinary text has quotes and backslashes too.
    let escaped = ["\\x", "\\0", "\\1", "\\2", "\\3", "\\u00"];
    let escaped = escaped.iter().any(|escape| text.contains(escape));
    (escaped || begins(&bytes)).then_some(Ok(bytes))
}

/// Prefixes of string literals.
const PREFIX: [char; 6] = ['b', 'r', 'u', 'L', '@', '$'];

const SEVERAL: &str = "this is text with more than one value of bytes in it; leave one";

/// Text and white space that may surround each array.
const MAX_AROUND: usize = 200;

/// Strings of nothing but hexadecimal digits: `bytes.fromhex('81 85')`, `x'8185'`,
/// `['0x81', '0x5']`.
fn quoted_digits(text: &str) -> Option<Result<Vec<u8>, String>> {
    let quote = text.find(['"', '\'']).map(|at| text.as_bytes()[at])?;
    let strings = text.split(char::from(quote)).skip(1).step_by(2);
    let mut bytes = Vec::new();
    for string in strings {
        let number = string.strip_prefix("0x").filter(|digits| digits.len() < 3);
        match number.map(|digits| u8::from_str_radix(digits, 16)) {
            Some(byte) => bytes.push(byte.ok()?),
            None => hex::digits(string.as_bytes(), &mut bytes).ok()?,
        }
    }
    (!bytes.is_empty()).then_some(Ok(bytes))
}

/// `%81%05Hello`, as in URLs.
fn percent(text: &str) -> Option<Result<Vec<u8>, String>> {
    let graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !text.starts_with('%') || !graphic {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        rest = after;
        match take(&mut rest, 2, 16) {
            Ok(byte) => bytes.push(byte),
            Err(_) => return Some(Err("a text with a % that no byte follows".into())),
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(Ok(bytes))
}

/// A string without its quotes: `\x81\x05Hello`.
fn bare_escapes(text: &str) -> Option<Result<Vec<u8>, String>> {
    let begins = text.starts_with("\\x") || text.starts_with("\\u00") || text.starts_with("\\2");
    let quote = '\0';
    (begins && !text.contains(quote)).then(|| {
        let text = format!("{text}{quote}");
        unescape(&text, quote).map(|(bytes, _)| bytes)
    })
}

/// One string up to its quote, and what follows it.
fn unescape(text: &str, quote: char) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let c = rest.chars().next().ok_or("a string without an end")?;
        rest = &rest[c.len_utf8()..];
        if c == quote {
            return Ok((bytes, rest));
        }
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next().ok_or("a string without an end")?;
        rest = &rest[escape.len_utf8()..];
        let plain = match escape {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'a' => 7,
            'b' => 8,
            'v' => 11,
            'f' => 12,
            'e' => 27,
            '\\' | '"' | '\'' => escape as u8,
            '\r' | '\n' => continue,
            'x' => take(&mut rest, 2, 16)?,
            'u' if rest.starts_with("00") => {
                rest = &rest[2..];
                take(&mut rest, 2, 16)?
            }
            '0'..='7' => {
                let more = rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..b'8').contains(b))
                    .count();
                let mut all = &text[text.len() - rest.len() - 1..];
                rest = &rest[more..];
                take(&mut all, more + 1, 8)?
            }
            _ => return Err(format!("a string with an unknown escape: \\{escape}")),
        };
        bytes.push(plain);
    }
}

fn take(rest: &mut &str, digits: usize, radix: u32) -> Result<u8, String> {
    let number = rest
        .get(..digits)
        .and_then(|digits| u8::from_str_radix(digits, radix).ok());
    *rest = rest.get(digits..).unwrap_or_default();
    number.ok_or_else(|| "a string with an escape that is not a byte".into())
}

/// The numbers of all `{…}`, `[…]` and Erlang's `<<…>>` that contain nothing else.
fn arrays(text: &str) -> Option<Result<Vec<u8>, String>> {
    let text = without_comments(text);
    let text = text.replace("<<", "{").replace(">>", "}");
    let mut words: Vec<&str> = Vec::new();
    let (mut found, mut around) = (0, text.len());
    for (at, _) in text.match_indices(['{', '[']) {
        let Some(length) = text[at + 1..].find(['{', '[', '}', ']']) else {
            continue;
        };
        let (inside, after) = text[at + 1..].split_at(length);
        let after = after[1..].trim_start();
        let is_size = after.starts_with(['=', '{', '[', '_']) || starts_with_letter(after);
        let list = inside
            .split([',', ' ', '\t', '\r', '\n'])
            .filter(|word| !word.is_empty());
        let list: Vec<&str> = list.collect();
        if after_closes(&text[at + 1 + length..]) && !is_size && list.iter().all(is_number) {
            found += usize::from(list.len() > 1);
            around -= inside.len();
            words.extend(list);
        }
    }
    if found > 0 && around > found * MAX_AROUND {
        return Some(Err(SEVERAL.into()));
    }
    (found > 0).then(|| numbers(&words))
}

fn after_closes(text: &str) -> bool {
    text.starts_with(['}', ']'])
}

fn starts_with_letter(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_number(word: &&str) -> bool {
    let word = bare(word);
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A number without its prefix and suffix.
fn bare(word: &str) -> &str {
    let word = word.strip_suffix("u8").unwrap_or(word);
    let word = word.strip_prefix("(byte)").unwrap_or(word);
    let word = word.strip_prefix('-').unwrap_or(word);
    word.strip_prefix("0x")
        .or(word.strip_prefix("0X"))
        .unwrap_or(word)
}

/// Without 0x, numbers are decimal, unless one of them has a letter or a leading 0, or they form
/// the start of a frame or a head only as hexadecimal.
fn numbers(words: &[&str]) -> Result<Vec<u8>, String> {
    let marked = words
        .iter()
        .filter(|word| word.contains("0x") || word.contains("0X"))
        .count();
    let two = |word: &&str| bare(word).len() == 2;
    let letters = |word: &&str| bare(word).bytes().any(|byte| !byte.is_ascii_digit());
    let zero = |word: &&str| two(word) && bare(word).starts_with('0');
    let hex = match marked {
        0 => words.iter().any(letters) || (words.iter().all(two) && words.iter().any(zero)),
        _ if marked == words.len() => true,
        _ => return Err("an array with numbers both with and without 0x".into()),
    };
    let number = |word: &&str| number(word, if hex { 16 } else { 10 });
    let numbers: Result<Vec<u8>, String> = words.iter().map(number).collect();
    if hex || numbers.as_deref().is_ok_and(begins) {
        return numbers;
    }
    let as_hex = words.iter().map(|word| self::number(word, 16));
    let as_hex: Result<Vec<u8>, String> = as_hex.collect();
    as_hex
        .ok()
        .filter(|bytes| begins(bytes))
        .map_or(numbers, Ok)
}

fn number(word: &str, radix: u32) -> Result<u8, String> {
    let number = i16::from_str_radix(bare(word), radix).ok();
    let number = number.map(|number| if word.contains('-') { -number } else { number });
    let fits = number.filter(|number| (-128..=255).contains(number));
    let byte = fits.map(|number| number.rem_euclid(256) as u8);
    byte.ok_or_else(|| format!("an array that contains {word}, which is not a byte"))
}

/// Whether bytes are the start of a frame or a head.
pub fn begins(bytes: &[u8]) -> bool {
    let Some(first) = bytes.first() else {
        return false;
    };
    let frame = first & 0x30 == 0 && matches!(first & 0x0F, 0..=2 | 8..=10);
    frame || looks_like_http(bytes)
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("/*").into_iter().chain(rest.find("//")).min() {
        out.push_str(&rest[..at]);
        let end = if rest[at..].starts_with("/*") {
            "*/"
        } else {
            "\n"
        };
        let tail = rest[at + 2..].split_once(end);
        out.push('\n');
        rest = tail.map_or("", |(_, tail)| tail);
    }
    out + rest
}

/// Lines of only base64 that decode to a frame or a head.
fn base64(text: &str) -> Option<Result<Vec<u8>, String>> {
    let joined: String = text.lines().map(str::trim).collect();
    if joined.len() < 4 || joined.contains(' ') {
        return None;
    }
    let padded = match joined.len() % 4 {
        2 if !joined.ends_with('=') => joined.clone() + "==",
        3 if !joined.ends_with('=') => joined.clone() + "=",
        _ => joined,
    };
    let bytes = STANDARD
        .decode(&padded)
        .or_else(|_| URL_SAFE.decode(&padded))
        .ok()?;
    begins(&bytes).then_some(Ok(bytes))
}
