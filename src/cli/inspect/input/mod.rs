//! Input → the bytes of each direction, with the time at which they came.
//!
//! Comes in: a file or stdin. Goes out: [`Talk`]s of two [`Stream`]s. Nothing is known of HTTP or
//! WebSocket here, but for the guess who the client is.

mod hex;
mod packet;
mod pcap;
mod tcp;

use crate::cli::Failure;
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
        true => Err(Failure::Usage(format!("{name}: longer than 64 MiB"))),
        false => Ok(bytes),
    }
}

/// Takes the input apart; `Err` says why that cannot be done.
pub fn parse(bytes: Vec<u8>, form: Option<Form>, from: Option<Side>) -> Result<Input, String> {
    if bytes.is_empty() {
        return Err("there is nothing in it".into());
    }
    match form.unwrap_or_else(|| guess(&bytes)) {
        Form::Pcap => {
            let capture = pcap::read(&bytes)?;
            let (count, link) = (capture.packets.len(), capture.link);
            let (talks, mut notes) = tcp::talks(&capture);
            notes.extend(capture.cut);
            let name = format!("capture of {count} packets, link type {link}");
            Ok(Input { name, talks, notes })
        }
        Form::Hex => {
            let what = "hexadecimal text";
            match (hex::read(&bytes)?, from) {
                (hex::Read::OneWay(bytes), _) => Ok(one_way(bytes, from, what)),
                (hex::Read::BothWays(_), Some(_)) => {
                    Err("--from is for one direction, and the lines with > and < say it".into())
                }
                (hex::Read::BothWays(talks), None) => Ok(Input {
                    name: format!("{what}, both directions"),
                    talks,
                    notes: Vec::new(),
                }),
            }
        }
        Form::Raw => Ok(one_way(bytes, from, "raw bytes")),
    }
}

fn guess(bytes: &[u8]) -> Form {
    if pcap::is_capture(bytes) {
        Form::Pcap
    } else if hex::read(bytes).is_ok() {
        Form::Hex
    } else {
        Form::Raw
    }
}

fn one_way(bytes: Vec<u8>, from: Option<Side>, what: &str) -> Input {
    let side = from.unwrap_or_else(|| sender(&bytes).unwrap_or(Side::Client));
    let name = format!("{what}, {} bytes from the {}", bytes.len(), side.name());
    let from_start = looks_like_http(&bytes);
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
    if looks_like_http(bytes) {
        return Some(Side::Client);
    }
    let masked = bytes.get(1)? & 0x80 != 0;
    Some(if masked { Side::Client } else { Side::Server })
}

/// Begins with a line as HTTP has it. No frame does: `G` would be a frame with reserved bits.
pub fn looks_like_http(bytes: &[u8]) -> bool {
    let word = bytes
        .iter()
        .take(17)
        .take_while(|byte| byte.is_ascii_uppercase());
    let len = word.count();
    let next = bytes.get(len);
    bytes.starts_with(b"HTTP/1.") || (3..=16).contains(&len) && next == Some(&b' ')
}

#[cfg(test)]
mod tests;
