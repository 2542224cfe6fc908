//! Input → the bytes of each direction, with the time at which they came.
//!
//! Input: a file or stdin. Output: [`Talk`]s of two [`Stream`]s. Nothing is known of HTTP or
//! WebSocket here, but for the guess who the client is.

mod dump;
mod hex;
mod literal;
mod midway;
mod packet;
mod pcap;
mod pcapng;
pub mod protocol;
mod tcp;
mod text;

use crate::cli::common::Failure;
use crate::cli::inspect::args::{Form, InspectArgs, Side};
use crate::cli::inspect::model::Text;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Longer input is refused: what is explained is several times as large.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

/// One connection, as it was captured.
#[derive(Debug, Default)]
pub struct Talk {
    /// What the input calls it.
    pub name: Option<String>,
    pub client: Option<String>,
    pub server: Option<String>,
    pub from_client: Stream,
    pub from_server: Stream,
    /// The capture has the first bytes: they are a handshake.
    pub from_start: bool,
    pub notes: Vec<Text>,
}

/// The bytes of one direction.
#[derive(Debug, Default)]
pub struct Stream {
    pub bytes: Vec<u8>,
    pub arrivals: Vec<Arrival>,
    /// Why the bytes end here though more was sent.
    pub cut: Option<String>,
}

/// Up to `end` the bytes were there with this packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    pub end: usize,
    /// Seconds from the first packet of the connection, if the input has times.
    pub time: Option<f64>,
    /// Packets or lines in their order, all connections and directions together.
    pub packet: usize,
}

impl Stream {
    /// Takes bytes off the front.
    fn skip(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.arrivals.retain(|arrival| arrival.end > count);
        for arrival in &mut self.arrivals {
            arrival.end -= count;
        }
    }

    /// When the bytes up to `end` were all there.
    pub fn arrival(&self, end: usize) -> Option<Arrival> {
        let at = self.arrivals.partition_point(|arrival| arrival.end < end);
        self.arrivals.get(at).or(self.arrivals.last()).copied()
    }
}

/// What the input is, in a few words, and its connections.
pub struct Input {
    pub name: String,
    pub talks: Vec<Talk>,
    pub notes: Vec<Text>,
}

pub fn read(args: &InspectArgs) -> Result<Input, Failure> {
    let bytes = load(args.file.as_deref())?;
    let name = match args.file.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => path.display().to_string(),
        None => "stdin".into(),
    };
    let parsed = parse(bytes, args.form, args.from);
    parsed.map_err(|what| Failure::Usage(format!("{name}: {what}")))
}

fn load(path: Option<&Path>) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let (name, got) = match path.filter(|path| *path != Path::new("-")) {
        Some(path) => {
            let file = File::open(path);
            let got = file.and_then(|file| file.take(MAX_INPUT + 1).read_to_end(&mut bytes));
            (path.display().to_string(), got)
        }
        None => {
            let stdin = io::stdin().lock();
            let got = stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes);
            ("stdin".into(), got)
        }
    };
    got.map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    match bytes.len() as u64 > MAX_INPUT {
        true => Err(Failure::Usage(format!(
            "{name}: longer than 64 MiB; cut it down, for example with \
             `tcpdump -r IN -w OUT port 80`"
        ))),
        false => Ok(bytes),
    }
}

/// Takes the input apart; `Err` says why that cannot be done.
pub fn parse(bytes: Vec<u8>, form: Option<Form>, from: Option<Side>) -> Result<Input, String> {
    if bytes.is_empty() {
        return Err("there is nothing in it".into());
    }
    if let Some(what) = text::packed(&bytes).filter(|_| form != Some(Form::Raw)) {
        return Err(what);
    }
    match form.unwrap_or_else(|| guess(&bytes)) {
        Form::Pcap => {
            let capture = pcap::read(&bytes)?;
            captured(capture)
        }
        Form::Hex => text_form(&bytes, from),
        Form::Raw => Ok(one_way(bytes, from, "raw bytes")),
    }
}

/// The connections of a capture; without any data it is refused.
fn captured(capture: pcap::Capture<'_>) -> Result<Input, String> {
    let name = capture.name();
    let (talks, found) = tcp::talks(&capture);
    let mut notes = found.notes.clone();
    notes.extend(capture.cut.clone());
    if capture.broken > 0 {
        notes.push(format!("{} packets are described wrongly", capture.broken).into());
    }
    if talks.is_empty() {
        let cut = capture
            .cut
            .map(|cut| format!("; {cut}"))
            .unwrap_or_default();
        let what = found.nothing();
        return Err(format!(
            "{name}, with no TCP payload to explain: {what}{cut}"
        ));
    }
    Ok(Input { name, talks, notes })
}

fn guess(bytes: &[u8]) -> Form {
    if pcap::is_capture(bytes) {
        Form::Pcap
    } else if text::is_text(bytes) {
        Form::Hex
    } else {
        Form::Raw
    }
}

fn text_form(bytes: &[u8], from: Option<Side>) -> Result<Input, String> {
    let told = || Err("--from is for one direction, and the input has both".into());
    match (text::read(bytes)?, from) {
        (text::Read::OneWay(bytes, _), _) if bytes.is_empty() => {
            Err("there is nothing in it but comments".into())
        }
        (text::Read::OneWay(bytes, what), _) => Ok(one_way(bytes, from, what)),
        (text::Read::BothWays(..) | text::Read::Packets(_), Some(_)) => told(),
        (text::Read::BothWays(talks, what), None) => Ok(Input {
            name: format!("{what}, both directions"),
            talks,
            notes: Vec::new(),
        }),
        (text::Read::Packets(packets), None) => captured(pcap::Capture {
            packets: packets.iter().map(text::Captured::packet).collect(),
            ..pcap::Capture::default()
        }),
    }
}

fn one_way(bytes: Vec<u8>, from: Option<Side>, what: &str) -> Input {
    let side = from.unwrap_or_else(|| sender(&bytes).unwrap_or(Side::Client));
    let name = format!("{what}, {} bytes from the {}", bytes.len(), side.name());
    let from_start = begins_connection(&bytes);
    let stream = Stream {
        bytes,
        ..Stream::default()
    };
    let mut talk = Talk {
        from_start,
        ..Talk::default()
    };
    match side {
        Side::Client => talk.from_client = stream,
        Side::Server => talk.from_server = stream,
    }
    Input {
        name,
        talks: vec![talk],
        notes: Vec::new(),
    }
}

/// Who sends such bytes: heads say it, otherwise the mask bit of a frame.
pub fn sender(bytes: &[u8]) -> Option<Side> {
    if bytes.starts_with(b"HTTP/") {
        return Some(Side::Server);
    }
    if begins_connection(bytes) {
        return Some(Side::Client);
    }
    let masked = bytes.get(1)? & 0x80 != 0;
    Some(if masked { Side::Client } else { Side::Server })
}

/// Begins as a connection does: with HTTP, or the PROXY protocol before it.
pub fn begins_connection(bytes: &[u8]) -> bool {
    looks_like_http(bytes) || protocol::is_proxy(bytes)
}

/// Begins with a line as HTTP has it. No frame does: `G` would be a frame with reserved bits.
pub fn looks_like_http(bytes: &[u8]) -> bool {
    // RFC 9112 section 2.2: empty lines before a request are passed over.
    let start = bytes.iter().position(|byte| !b"\r\n".contains(byte));
    let bytes = &bytes[start.unwrap_or(bytes.len())..];
    if protocol::name(bytes).is_some() {
        return false;
    }
    let word = bytes
        .iter()
        .take(17)
        .take_while(|byte| byte.is_ascii_uppercase());
    let len = word.count();
    let next = bytes.get(len);
    // A whole line says its version; one that is cut short may still do.
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let versioned = line.is_none_or(|end| bytes[..end].windows(6).any(|part| part == b" HTTP/"));
    bytes.starts_with(b"HTTP/1.") || (3..=16).contains(&len) && next == Some(&b' ') && versioned
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
