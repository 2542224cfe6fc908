//! Input → the bytes of each direction, with the time at which they came.
//!
//! Input: a file or stdin. Output: [`Talk`]s of two [`Stream`]s. This knows nothing of HTTP or
//! WebSocket, except to guess which side is the client.

mod begins;
mod capture;
mod dump;
mod hex;
mod literal;
mod midway;
mod packet;
mod pcap;
mod pcapng;
pub mod protocol;
mod talk;
mod tcp;
mod text;

pub use begins::looks_like_http;
pub use talk::{Stream, Talk};

use crate::cli::common::Failure;
use crate::cli::tools::inspect::args::{Form, InspectArgs, Side};
use crate::cli::tools::inspect::model::Text;
use begins::{begins_connection, sender};
use capture::Capture;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Longer input is refused: the explanation is several times as large.
const MAX_INPUT: u64 = 64 * 1024 * 1024;

/// A short description of the input, and its connections.
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
    parsed.map_err(|what| Failure::usage(format!("{name}: {what}")))
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
    got.map_err(|error| Failure::usage(format!("{name}: {error}")))?;
    match bytes.len() as u64 > MAX_INPUT {
        true => Err(Failure::usage(format!(
            "{name}: longer than 64 MiB; cut it down, for example with \
             `tcpdump -r IN -w OUT port 80`"
        ))),
        false => Ok(bytes),
    }
}

/// Parses the input; `Err` says why that fails.
pub fn parse(bytes: Vec<u8>, form: Option<Form>, from: Option<Side>) -> Result<Input, String> {
    if bytes.is_empty() {
        return Err("the input is empty".into());
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

/// The connections of a capture; a capture without data is refused.
fn captured(capture: Capture<'_>) -> Result<Input, String> {
    let name = capture.name();
    let (talks, found) = tcp::talks(&capture);
    let mut notes = found.notes.clone();
    notes.extend(capture.cut.clone());
    if capture.broken > 0 {
        notes.push(format!("{} packets have an invalid description", capture.broken).into());
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
    let told = || Err("--from is for one direction, but the input has both".into());
    match (text::read(bytes)?, from) {
        (text::Read::OneWay(bytes, _), _) if bytes.is_empty() => {
            Err("it contains only comments".into())
        }
        (text::Read::OneWay(bytes, what), _) => Ok(one_way(bytes, from, what)),
        (text::Read::BothWays(..) | text::Read::Packets(_), Some(_)) => told(),
        (text::Read::BothWays(talks, what), None) => Ok(Input {
            name: format!("{what}, both directions"),
            talks,
            notes: Vec::new(),
        }),
        (text::Read::Packets(packets), None) => captured(Capture {
            packets: packets.iter().map(text::Captured::packet).collect(),
            ..Capture::default()
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

#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
