//! Dumps with offsets → bytes: those of xxd, hexdump -C, od -t x1, Wireshark and tcpdump -x.
//!
//! Input: lines of an offset, bytes, and perhaps a column of characters. Output: blocks, each from
//! one offset 0 to the next. Invariant: the offset of the next line says how many bytes a line has,
//! so no column is taken for another.

/// Bytes that begin at offset 0.
#[derive(Debug, Default, PartialEq)]
pub struct Block {
    /// The lines are indented: so Wireshark marks the second side of a stream.
    pub indented: bool,
    pub bytes: Vec<u8>,
}

/// Bytes that `*` lines may stand for, all together.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// One line of a dump, with as many bytes as it may have.
struct Line<'t> {
    number: usize,
    indented: bool,
    offset: &'t str,
    /// It ends with a colon, as those of xxd and tcpdump do.
    colon: bool,
    /// What follows the offset.
    rest: &'t str,
}

/// The blocks of a dump, or `None` if the text is none. `Err` says which line cannot be read.
pub fn read(text: &str) -> Option<Result<Vec<Block>, String>> {
    let lines: Vec<_> = text.lines().enumerate().collect();
    let first = lines
        .iter()
        .find_map(|(number, text)| line(*number, text))?;
    // A dump of its own: what stands before an offset of tcpdump are lines about packets.
    let tcpdump = first.offset.starts_with("0x");
    if !first.colon && !is_zero(first.offset) {
        return None;
    }
    Some(blocks(&lines, tcpdump))
}

fn is_zero(offset: &str) -> bool {
    offset.bytes().all(|digit| digit == b'0')
}

fn line(number: usize, text: &str) -> Option<Line<'_>> {
    let trimmed = text.trim_start();
    let (offset, rest) = match trimmed.find([' ', '\t']) {
        Some(end) => trimmed.split_at(end),
        None => (trimmed, ""),
    };
    let colon = offset.ends_with(':');
    let offset = offset.trim_end_matches(':');
    let digits = offset.strip_prefix("0x").unwrap_or(offset);
    let is_offset = (4..=16).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && (colon || is_zero(digits) || digits.len() != 4 || rest.starts_with("  "));
    is_offset.then_some(Line {
        number,
        indented: trimmed.len() < text.len(),
        offset,
        colon,
        rest,
    })
}

/// Words as people see them in a dump of words, and what to do.
const WORDS: &str = "these are words of two bytes, whose order depends on the machine; \
                     print bytes with `hexdump -C` or `od -A x -t x1`";

/// Lines that may stand around a dump: comments, and what tshark prints with a stream.
const FRAME: [&str; 5] = ["#", "===", "Follow: ", "Filter: ", "Node "];

fn blocks(lines: &[(usize, &str)], tcpdump: bool) -> Result<Vec<Block>, String> {
    let mut parsed = Vec::new();
    let mut repeats = Vec::new();
    // tshark -x dumps what it has made of a packet too, each under a line of its own.
    let mut derived = false;
    for (number, text) in lines {
        if text.trim_end().ends_with(" bytes):") || text.trim().is_empty() {
            derived = !text.trim().is_empty() && !text.starts_with("Frame (");
            continue;
        }
        match line(*number, text) {
            _ if derived => {}
            Some(line) => parsed.push(line),
            None if text.trim() == "*" => repeats.push(parsed.len()),
            None if tcpdump || is_ruler(text) => {}
            None if FRAME.iter().any(|begin| text.starts_with(begin)) => {}
            None => {
                return Err(format!(
                    "line {}: no offset, as the others have",
                    number + 1
                ));
            }
        }
    }
    assemble(&parsed, &repeats)
}

/// Puts lines together; `repeats` are those that have `*` before them.
fn assemble(lines: &[Line<'_>], repeats: &[usize]) -> Result<Vec<Block>, String> {
    let radix = radix(lines);
    let offset = |line: &Line<'_>| {
        let digits = line.offset.trim_start_matches("0x");
        usize::from_str_radix(digits, radix).ok()
    };
    let base = lines.first().and_then(offset).unwrap_or_default();
    let mut blocks: Vec<Block> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let fail = |what: String| format!("line {}: {what}", line.number + 1);
        let here = offset(line).ok_or_else(|| fail("the offset cannot be read".into()))?;
        let mut next = lines[at + 1..].iter();
        let next = next.find(|next| next.indented == line.indented);
        let next = next.and_then(offset).filter(|next| *next > here);
        let mut open = blocks
            .iter()
            .rposition(|block| block.indented == line.indented);
        // A last line has nothing but its offset.
        if here == 0 && !line.rest.trim().is_empty() {
            open = None;
        }
        let open = open.unwrap_or_else(|| {
            blocks.push(Block {
                indented: line.indented,
                bytes: Vec::new(),
            });
            blocks.len() - 1
        });
        let block = &mut blocks[open];
        let there = block.bytes.len() + base;
        if repeats.contains(&at) && there < here {
            repeat(&mut block.bytes, here - there).map_err(fail)?;
        } else if there != here && !block.bytes.is_empty() {
            return Err(fail(format!(
                "its offset is {here}, but {there} bytes stand before it"
            )));
        }
        let exact = next
            .filter(|_| !repeats.contains(&(at + 1)))
            .map(|next| next - here);
        block.bytes.extend(row(line, exact).map_err(fail)?);
    }
    blocks.retain(|block| !block.bytes.is_empty());
    Ok(blocks)
}

/// What `*` stands for: the 16 bytes before it, over and over.
fn repeat(bytes: &mut Vec<u8>, missing: usize) -> Result<(), String> {
    if bytes.len() < 16 || bytes.len().saturating_add(missing) > MAX_REPEATED {
        return Err("the * before it stands for nothing, or for more than 64 MiB".into());
    }
    let row = bytes[bytes.len() - 16..].to_vec();
    bytes.extend(row.iter().cycle().take(missing));
    Ok(())
}

/// The line of PowerShell and others that counts the columns.
fn is_ruler(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut at = 0;
    words
        .iter()
        .skip_while(|word| !["0", "00"].contains(word))
        .for_each(|word| {
            at += usize::from(usize::from_str_radix(word, 16) == Ok(at));
        });
    at >= 8
}

/// od counts in octal unless told, and in decimal with -A d: the second line then has 0000020 or
/// 0000016 instead of 0000010.
fn radix(lines: &[Line<'_>]) -> u32 {
    let octal = |line: &Line<'_>| {
        line.offset.len() == 7 && !line.colon && line.offset.bytes().all(|digit| digit < b'8')
    };
    let Some(second) = lines.get(1).filter(|_| lines.iter().all(octal)) else {
        return 16;
    };
    let bytes = lines[0].rest.split_whitespace().take(16).count();
    let counts = |radix| {
        let next = usize::from_str_radix(second.offset, radix);
        next.is_ok_and(|next| next == bytes)
    };
    [8, 10]
        .into_iter()
        .find(|radix| counts(*radix))
        .unwrap_or(16)
}

/// The bytes of a line: `exact` of them if the next offset says so.
fn row(line: &Line<'_>, exact: Option<usize>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut words = line
        .rest
        .split("  ")
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let bits = |word: &str| word.len() == 8 && word.bytes().all(|bit| b"01".contains(&bit));
    if line.colon && line.rest.contains('1') && words.clone().count() > 0 && words.all(bits) {
        return Err("these are bits; print bytes with `xxd`".into());
    }
    let mut rest = line.rest;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let gap = rest.len() - trimmed.len();
        if trimmed.is_empty() || exact.is_some_and(|exact| bytes.len() >= exact) {
            break;
        }
        if !bytes.is_empty() && exact.is_none() && is_column(&bytes, gap, trimmed, line.colon) {
            break;
        }
        let end = trimmed.find([' ', '\t']).unwrap_or(trimmed.len());
        let word = &trimmed[..end];
        if word.starts_with('|') || word.starts_with('>') {
            break;
        }
        let digits = word.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !line.colon && digits && word.len() > 2 {
            return Err(WORDS.into());
        }
        if !digits || !word.len().is_multiple_of(2) {
            // Perhaps bytes in octal, or characters.
            let what = "is no byte in hexadecimal; print bytes with `hexdump -C` or `xxd`";
            return Err(format!("{word:?} {what}"));
        }
        for at in (0..word.len()).step_by(2) {
            bytes.extend(u8::from_str_radix(&word[at..at + 2], 16));
        }
        rest = &trimmed[end..];
    }
    match exact {
        Some(exact) if bytes.len() != exact => {
            let there = bytes.len();
            Err(format!(
                "it has {there} bytes, but {exact} by the offset of the next line"
            ))
        }
        _ => Ok(bytes),
    }
}

/// Whether what follows a gap is the column of characters.
fn is_column(bytes: &[u8], gap: usize, rest: &str, colon: bool) -> bool {
    match gap {
        0 | 1 => false,
        2 if !colon && bytes.len() == 8 => is_rendering(bytes, rest),
        _ => true,
    }
}

/// Whether a text shows these bytes as characters, with something else for those that are none.
pub fn is_rendering(bytes: &[u8], text: &str) -> bool {
    let text = text.trim_end();
    let shown: Vec<char> = text.chars().collect();
    let printable = |byte: &u8| (b' '..=b'~').contains(byte);
    // Spaces at the end are not there.
    let end = bytes
        .iter()
        .rposition(|byte| *byte != b' ')
        .map_or(0, |at| at + 1);
    shown.len() == end
        && bytes[..end].iter().zip(&shown).all(|(byte, shown)| {
            *shown == char::from(*byte) || (!printable(byte) && !shown.is_ascii_alphanumeric())
        })
}
