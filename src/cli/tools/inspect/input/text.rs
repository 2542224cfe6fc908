//! Text of any form → bytes or packets; also names known binary containers.
//!
//! Input: a whole file. Output: the bytes of one direction or both, or packets that are dumped from
//! their link or IP header on. Invariant: text is never taken for raw bytes.

use crate::cli::tools::inspect::input::begins::begins_connection;
use crate::cli::tools::inspect::input::capture::Packet;
use crate::cli::tools::inspect::input::talk::Talk;
use crate::cli::tools::inspect::input::{dump, hex, literal, packet, protocol};
use std::borrow::Cow;

/// The contents of the text.
#[derive(Debug)]
pub enum Read {
    /// Bytes of an unknown sender, and the form of the text.
    OneWay(Vec<u8>, &'static str),
    BothWays(Vec<Talk>, &'static str),
    Packets(Vec<Captured>),
}

/// A dumped packet.
#[derive(Debug)]
pub struct Captured {
    link: u32,
    bytes: Vec<u8>,
}

impl Captured {
    pub fn packet(&self) -> Packet<'_> {
        Packet {
            time: 0.0,
            link: self.link,
            bytes: &self.bytes,
            dropped: 0,
        }
    }
}

/// Containers that are not unpacked here, with a hint.
pub fn packed(bytes: &[u8]) -> Option<String> {
    let packed: [(&[u8], &str, &str); 6] = [
        (b"\x1F\x8B", "gzip", "zcat"),
        (b"\x28\xB5\x2F\xFD", "zstd", "zstdcat"),
        (b"\xFD7zXZ\0", "xz", "xzcat"),
        (b"BZh", "bzip2", "bzcat"),
        (b"\x04\x22\x4D\x18", "lz4", "lz4cat"),
        (b"PK\x03\x04", "zip", "unzip -p"),
    ];
    let mut packed = packed.iter();
    if let Some((_, name, tool)) = packed.find(|(magic, ..)| bytes.starts_with(magic)) {
        let advice = format!("unpack it with `{tool} FILE | wirebell inspect -`");
        return Some(format!("this is {name}; {advice}"));
    }
    let captures: [(&[u8], &str); 10] = [
        (b"\x34\xCD\xB2\xA1", "an old form of pcap"),
        (b"\xA1\xB2\xCD\x34", "an old form of pcap"),
        (b"snoop\0\0\0", "a snoop capture"),
        (b"GMBU", "a capture of Network Monitor"),
        (b"RTSS", "a capture of Network Monitor"),
        (b"TRSNIFF data", "a capture of Sniffer"),
        (b"XCP\0", "a capture of Sniffer"),
        (b"ObserverPktBuffe", "a capture of Observer"),
        (b"\x05VNF", "a capture of Visual Networks"),
        (b"\xAA\xAA\xAA\xAA\x20\0\0\0", "a capture of 5View"),
    ];
    let mut captures = captures.iter();
    let (_, name) = captures.find(|(magic, _)| bytes.starts_with(magic))?;
    let advice = "convert it with `editcap -F pcap IN OUT`";
    Some(format!("this is {name}; {advice}"))
}

/// Text without control characters. HTTP is text too, but is taken literally.
pub fn is_text(bytes: &[u8]) -> bool {
    if begins_connection(bytes) || protocol::name(bytes).is_some() {
        return false;
    }
    let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n' | '\x0C');
    decode(bytes).is_some_and(|text| text.chars().all(plain))
}

/// The text without a byte order mark and colours; PowerShell writes UTF-16, older Windows programs
/// Latin-1.
fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest
            .chunks_exact(2)
            .map(|pair| read([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).ok().map(Cow::Owned)
    };
    let is_ascii = |byte: u8| (b' '..=b'~').contains(&byte) || byte.is_ascii_whitespace();
    let is_wide = |pair: &[u8]| is_ascii(pair[0]) && pair[1] == 0;
    let text = match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => std::str::from_utf8(rest).ok().map(Cow::Borrowed),
        _ if bytes.len() > 3 && bytes.chunks_exact(2).all(is_wide) => {
            wide(bytes, u16::from_le_bytes)
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Some(Cow::Borrowed(text)),
            Err(_) => latin_1(bytes).map(Cow::Owned),
        },
    }?;
    match text.contains('\x1B') {
        true => Some(Cow::Owned(without_colours(&text))),
        false => Some(text),
    }
}

/// Mostly ASCII, and starts with ASCII: no frame does.
fn latin_1(bytes: &[u8]) -> Option<String> {
    let others = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let begins = bytes.iter().take(4).all(u8::is_ascii_graphic);
    let shown = |byte: &u8| match byte {
        // Windows-1252 has characters here, Latin-1 does not.
        0x80..=0x9F => char::REPLACEMENT_CHARACTER,
        byte => char::from(*byte),
    };
    (begins && others <= bytes.len() / 4).then(|| bytes.iter().map(shown).collect())
}

/// Removes the sequences that set terminal colours.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1B[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        // Others stay, so that it does not count as text.
        let colour = end.filter(|end| part[*end..].starts_with(['m', 'K']));
        match colour {
            Some(end) => plain.push_str(&part[end + 1..]),
            None => plain.extend(["\x1B[", part]),
        }
    }
    plain
}

pub fn read(bytes: &[u8]) -> Result<Read, String> {
    let Some(text) = decode(bytes) else {
        return Err("this is not text; --as raw reads bytes".into());
    };
    if let Some(stream) = followed(&text) {
        let what = "a stream that tshark followed";
        return match hex::read(stream.as_bytes())? {
            hex::Read::BothWays(talks) => Ok(Read::BothWays(talks, what)),
            hex::Read::OneWay(bytes) => Ok(Read::OneWay(bytes, what)),
        };
    }
    if let Some(blocks) = dump::read(&text) {
        return Ok(dumped(
            blocks.map_err(|what| format!("a dump of bytes, {what}"))?,
        ));
    }
    if let Some(what) = hex::other_radix(&text) {
        return Err(what.into());
    }
    let failed = match hex::read(text.as_bytes()) {
        Ok(hex::Read::BothWays(talks)) => return Ok(Read::BothWays(talks, HEX)),
        Ok(hex::Read::OneWay(bytes)) if is_swapped(&text, &bytes) => {
            return Err(dump::WORDS.into());
        }
        Ok(hex::Read::OneWay(bytes)) => return Ok(one_way(bytes, HEX)),
        Err(what) => what,
    };
    match literal::read(&text) {
        Some(Ok(bytes)) => Ok(one_way(bytes, "a text of bytes")),
        Some(Err(what)) => Err(what),
        None => Err(format!(
            "this is text, but neither hexadecimal ({failed}) nor another form that can be read; \
             `xxd FILE` prints one"
        )),
    }
}

/// `tshark -z follow,tcp,raw` → hexadecimal text with marks: lines of the second side start with a
/// tab.
fn followed(text: &str) -> Option<String> {
    let (before, after) = text.split_once("\nFollow: tcp,raw")?;
    let is_rule = |text: &str| text.trim().bytes().all(|byte| byte == b'=');
    let (_, lines) = after
        .split_once("\nNode 1:")
        .filter(|_| before.lines().all(is_rule))?;
    let lines = lines.lines().skip(1).take_while(|line| !is_rule(line));
    let line = |line: &str| match line.strip_prefix('\t') {
        Some(line) => format!("< {line}\n"),
        None => format!("> {line}\n"),
    };
    Some(lines.map(line).collect())
}

/// Words of two bytes that form the start of a frame or a head only with their bytes swapped, as
/// `od -An -x` prints them.
fn is_swapped(text: &str, bytes: &[u8]) -> bool {
    let mut words = text.split_whitespace();
    let swapped = bytes.chunks_exact(2).flat_map(|word| [word[1], word[0]]);
    words.all(|word| word.len() == 4)
        && !literal::begins(bytes)
        && literal::begins(&swapped.collect::<Vec<u8>>())
}

const HEX: &str = "hexadecimal text";

fn one_way(bytes: Vec<u8>, what: &'static str) -> Read {
    match link(&bytes) {
        Some(link) => Read::Packets(vec![Captured { link, bytes }]),
        None => Read::OneWay(bytes, what),
    }
}

/// The link type of a dumped packet, if it has a TCP segment.
fn link(bytes: &[u8]) -> Option<u32> {
    let is_ip = matches!(bytes.first(), Some(0x45..=0x4F | 0x60..=0x6F));
    let links = [Some(packet::ETHERNET), is_ip.then_some(packet::RAW)];
    let mut links = links.into_iter().flatten();
    links.find(|link| packet::segment(*link, bytes).is_ok())
}

fn dumped(blocks: Vec<dump::Block>) -> Read {
    let links: Vec<_> = blocks.iter().map(|block| link(&block.bytes)).collect();
    if let Some(known) = links.iter().flatten().next() {
        let packets = blocks
            .into_iter()
            .zip(&links)
            .map(|(block, link)| Captured {
                link: link.unwrap_or(*known),
                bytes: block.bytes,
            });
        return Read::Packets(packets.collect());
    }
    let both = blocks.iter().any(|b| b.indented) && blocks.iter().any(|b| !b.indented);
    if !both {
        let bytes = blocks.into_iter().flat_map(|block| block.bytes).collect();
        return Read::OneWay(bytes, "a dump of bytes");
    }
    let mut talk = Talk::default();
    for block in blocks {
        match block.indented {
            true => talk.from_server.bytes.extend(block.bytes),
            false => talk.from_client.bytes.extend(block.bytes),
        }
    }
    talk.from_start =
        begins_connection(&talk.from_client.bytes) || begins_connection(&talk.from_server.bytes);
    Read::BothWays(vec![talk], "a dump of bytes")
}
