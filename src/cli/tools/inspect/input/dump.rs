//! Dumps with offsets → bytes: those of xxd, hexdump -C, od -t x1, Wireshark and tcpdump -x.
//!
//! Input: lines of an offset, bytes, and perhaps a column of characters. Output: blocks, each from
//! one offset 0 to the next. Invariant: the offset of the next line gives the number of bytes of a
//! line, so no column is mistaken for another.

/// A block of bytes from offset 0.
#[derive(Debug, Default, PartialEq)]
pub struct Block {
    /// The lines are indented: Wireshark marks the second side of a stream this way.
    pub indented: bool,
    pub bytes: Vec<u8>,
}

/// The bytes that all `*` lines together may represent.
const MAX_REPEATED: usize = 64 * 1024 * 1024;

/// One line of a dump, with as many bytes as it can have.
struct Line<'t> {
    number: usize,
    indented: bool,
    offset: &'t str,
    /// It ends with a colon, as in xxd and tcpdump.
    colon: bool,
    /// What follows the offset.
    rest: &'t str,
}

/// The blocks of a dump, or `None` if the text is not a dump. `Err` names the line that cannot be
/// read.
pub fn read(text: &str) -> Option<Result<Vec<Block>, String>> {
    let lines: Vec<_> = text.lines().enumerate().collect();
    let first = lines
        .iter()
        .find_map(|(number, text)| line(*number, text))?;
    // In tcpdump output, the lines before an offset describe packets.
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

/// The hint for a dump of words.
pub const WORDS: &str = "these are words of several bytes, whose order depends on the machine; \
                     print bytes with `hexdump -C` or `od -A x -t x1`";

const NUMBERS: &str = "these are bytes in octal or decimal; \
                       print them with `hexdump -C` or `od -A x -t x1`";

/// Lines that may surround a dump: comments, and what tshark prints with a stream.
const FRAME: [&str; 6] = ["#", "===", "```", "Follow: ", "Filter: ", "Node "];

fn blocks(lines: &[(usize, &str)], tcpdump: bool) -> Result<Vec<Block>, String> {
    let mut parsed = Vec::new();
    let mut repeats = Vec::new();
    // tshark -x also dumps derived data of a packet, each under its own heading.
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
                return Err(format!("line {}: no offset, unlike the others", number + 1));
            }
        }
    }
    if parsed.iter().all(has_bits) && parsed.iter().any(|line| line.rest.contains('1')) {
        return Err("line 1: these are bits; print bytes with `xxd`".into());
    }
    let mut reads = radices(&parsed)
        .iter()
        .map(|radix| assemble(&parsed, &repeats, *radix));
    let first = reads.next().unwrap_or_else(|| Ok(Vec::new()));
    // If every radix fails, the error of the likeliest one is reported.
    first.or_else(|what| reads.find_map(Result::ok).ok_or(what))
}

/// A line of xxd -b.
fn has_bits(line: &Line<'_>) -> bool {
    let rest = line.rest.trim_start();
    let mut words = rest.split("  ").next().unwrap_or_default().split(' ');
    words.all(|word| word.len() == 8 && word.bytes().all(|bit| b"01".contains(&bit)))
}

/// Joins lines; `repeats` are those with a `*` before them.
fn assemble(lines: &[Line<'_>], repeats: &[usize], radix: u32) -> Result<Vec<Block>, String> {
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
        // The last line has only an offset.
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
                "its offset is {here}, but {there} bytes precede it"
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

/// Expands a `*`: the 16 bytes before it, repeated.
fn repeat(bytes: &mut Vec<u8>, missing: usize) -> Result<(), String> {
    if bytes.len() < 16 || bytes.len().saturating_add(missing) > MAX_REPEATED {
        return Err("the * before it represents nothing, or more than 64 MiB".into());
    }
    let row = bytes[bytes.len() - 16..].to_vec();
    bytes.extend(row.iter().cycle().take(missing));
    Ok(())
}

/// The header line of PowerShell and others, with column numbers.
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

/// The possible radixes of the offsets, the likeliest first: od uses octal by default, and decimal
/// with -A d, both with seven digits; xxd -d uses decimal. Only the right one matches the number of
/// bytes.
fn radices(lines: &[Line<'_>]) -> &'static [u32] {
    let od = |line: &Line<'_>| line.offset.len() == 7 && !line.colon;
    match lines.iter().all(od) {
        true => &[8, 10, 16],
        false => &[16, 10],
    }
}

/// The bytes of a line: `exact` of them if the next offset is known.
fn row(line: &Line<'_>, exact: Option<usize>) -> Result<Vec<u8>, String> {
    let mut row = Row::default();
    let mut rest = line.rest;
    loop {
        let trimmed = rest.trim_start_matches([' ', '\t']);
        let gap = rest.len() - trimmed.len();
        let enough = exact.is_some_and(|exact| row.bytes.len() >= exact);
        if trimmed.starts_with(['|', '>']) || trimmed.is_empty() {
            row.column = trimmed;
            break;
        }
        if enough || exact.is_none() && row.is_column(gap, trimmed, line.colon) {
            row.column = trimmed;
            if enough && gap <= row.widest && is_byte(first_word(trimmed)) {
                return Err("it has more bytes than the offset of the next line says".into());
            }
            break;
        }
        let word = first_word(trimmed);
        row.word(word, gap, line.colon)?;
        rest = &trimmed[word.len()..];
    }
    let indented = line.rest.len() - line.rest.trim_start().len() > 2;
    if line.colon && (indented || row.has_long_column()) || row.is_swapped() {
        return Err(WORDS.into());
    }
    match exact {
        Some(exact) if row.bytes.len() != exact => {
            let there = row.bytes.len();
            Err(format!(
                "it has {there} bytes, but {exact} by the offset of the next line"
            ))
        }
        _ => Ok(row.bytes),
    }
}

fn first_word(text: &str) -> &str {
    text.split([' ', '\t']).next().unwrap_or_default()
}

fn is_byte(word: &str) -> bool {
    word.len() == 2 && word.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// A line while it is read.
#[derive(Default)]
struct Row<'t> {
    bytes: Vec<u8>,
    /// Where each word ends.
    words: Vec<usize>,
    /// The widest gap between two words.
    widest: usize,
    /// The column of characters.
    column: &'t str,
}

impl Row<'_> {
    fn word(&mut self, word: &str, gap: usize, colon: bool) -> Result<(), String> {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if is_hex && digits.len() > 2 && (!colon || digits.len() < word.len()) {
            return Err(match digits.len() {
                3 => NUMBERS,
                _ => WORDS,
            }
            .into());
        }
        if !is_hex || !digits.len().is_multiple_of(2) {
            // Perhaps bytes in octal, or characters.
            let what = "is not a hexadecimal byte; print bytes with `hexdump -C` or `xxd`";
            return Err(format!("{word:?} {what}"));
        }
        if !self.bytes.is_empty() {
            self.widest = self.widest.max(gap);
        }
        let pairs = (0..digits.len()).step_by(2);
        let pairs = pairs.flat_map(|at| u8::from_str_radix(&digits[at..at + 2], 16));
        self.bytes.extend(pairs);
        self.words.push(self.bytes.len());
        Ok(())
    }

    /// Whether a gap is followed by the column of characters.
    fn is_column(&self, gap: usize, rest: &str, colon: bool) -> bool {
        if self.bytes.is_empty() || gap < 2 {
            return false;
        }
        // hexdump -C has two spaces in the middle, BSD od between all bytes.
        let between =
            gap <= self.widest || !colon && gap == 2 && [1, 8].contains(&self.bytes.len());
        !between || is_rendering(&self.bytes, rest)
    }

    /// More characters than bytes: xxd -e moves a short word to the right.
    fn has_long_column(&self) -> bool {
        !self.bytes.is_empty() && self.column.trim_end().chars().count() > self.bytes.len()
    }

    /// The column shows the bytes of each word in reverse, as in xxd -e.
    fn is_swapped(&self) -> bool {
        let mut swapped = self.bytes.clone();
        let mut start = 0;
        for end in &self.words {
            swapped[start..*end].reverse();
            start = *end;
        }
        let shown = self.column.trim_matches(['|', '>', '<']);
        !is_rendering(&self.bytes, shown) && is_rendering(&swapped, shown)
    }
}

/// Whether a text shows these bytes as characters, with placeholders for the unprintable ones.
pub fn is_rendering(bytes: &[u8], text: &str) -> bool {
    let shown: Vec<char> = text.trim_matches(' ').chars().collect();
    let printable = |byte: &u8| (b' '..=b'~').contains(byte);
    // Spaces at the ends cannot be distinguished from those around the column.
    let is_space = |byte: &u8| *byte == b' ';
    let start = bytes.iter().take_while(|byte| is_space(byte)).count();
    let end = bytes.iter().rposition(|byte| !is_space(byte));
    let bytes = &bytes[start..end.map_or(start, |at| at + 1)];
    shown.len() == bytes.len()
        && bytes.iter().zip(&shown).all(|(byte, shown)| {
            *shown == char::from(*byte) || (!printable(byte) && !shown.is_ascii_alphanumeric())
        })
}
