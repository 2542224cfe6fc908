//! `--show-frames`: one line on stderr for each frame, both ways.
//!
//! Input: the bytes on the wire. Output: a description of each header. It parses them independently
//! and checks nothing; the client reports violations.

use crate::cli::common::terminal::visible;
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::common::terminal::{hex, may_colour};
use clap::builder::styling::{AnsiColor, Style};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;
use wirebell::wire::{CloseBody, FrameHeader, Mask};
use wirebell::{ConnectionInfo, Opcode, Tap};

#[derive(Debug)]
pub struct FrameLog {
    began: Instant,
    colours: bool,
    sent: Mutex<Reader>,
    received: Mutex<Reader>,
}

/// The state of one direction.
#[derive(Debug)]
struct Reader {
    masked: bool,
    /// Expecting an HTTP head, not a frame.
    in_head: bool,
    input: Vec<u8>,
    /// Bytes left of a data payload, which is not shown.
    skip: u64,
    broken: bool,
}

impl FrameLog {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            colours: io::stderr().is_terminal() && may_colour(),
            sent: Mutex::new(Reader::new(true)),
            received: Mutex::new(Reader::new(false)),
        }
    }

    fn read(&self, reader: &Mutex<Reader>, mark: char, colour: AnsiColor, bytes: &[u8]) {
        let mut reader = reader.lock().unwrap_or_else(PoisonError::into_inner);
        let style = if self.colours {
            colour.on_default()
        } else {
            Style::new()
        };
        let time = self.began.elapsed().as_secs_f64();
        for line in reader.read(bytes) {
            let (on, off) = (style.render(), style.render_reset());
            let _ = writeln!(io::stderr(), "{on}{time:9.3} {mark} {line}{off}");
        }
    }
}

impl Tap for FrameLog {
    fn opened(&self, _: u64, _: &ConnectionInfo) {
        for (reader, masked) in [(&self.sent, true), (&self.received, false)] {
            *reader.lock().unwrap_or_else(PoisonError::into_inner) = Reader::new(masked);
        }
    }

    fn sent(&self, _: u64, bytes: &[u8]) {
        self.read(&self.sent, '>', AnsiColor::Green, bytes);
    }

    fn received(&self, _: u64, bytes: &[u8]) {
        self.read(&self.received, '<', AnsiColor::Cyan, bytes);
    }
}

impl Reader {
    /// At the start of a connection.
    fn new(masked: bool) -> Self {
        Self {
            masked,
            in_head: true,
            input: Vec::new(),
            skip: 0,
            broken: false,
        }
    }

    /// The heads and frames that these bytes complete.
    fn read(&mut self, bytes: &[u8]) -> Vec<String> {
        let skipped = self.skip.min(bytes.len() as u64) as usize;
        self.skip -= skipped as u64;
        self.input.extend_from_slice(&bytes[skipped..]);
        let mut lines = Vec::new();
        while !self.broken
            && let Some((line, taken)) = self.next()
        {
            self.input.drain(..taken);
            lines.push(line);
        }
        lines
    }

    /// The next head or frame, and its length in the input.
    fn next(&mut self) -> Option<(String, usize)> {
        if self.in_head {
            return self.head();
        }
        match FrameHeader::parse(&self.input, self.masked) {
            Ok(None) => None,
            Err(violation) => {
                self.broken = true;
                Some((violation.to_string(), 0))
            }
            Ok(Some((header, len))) => self.frame(header, len),
        }
    }

    fn head(&mut self) -> Option<(String, usize)> {
        let end = self.input.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let text = String::from_utf8_lossy(&self.input[..end]);
        let first = visible(text.lines().next().unwrap_or_default());
        let is_last = match self.masked {
            true => first.starts_with("GET "),
            false => first.split(' ').nth(1) == Some("101"),
        };
        self.in_head = !is_last;
        Some((first, end))
    }

    fn frame(&mut self, header: FrameHeader, len: usize) -> Option<(String, usize)> {
        let mut line = format!("{} {} B", name(header.opcode), header.length);
        if header.rsv1 {
            line += ", compressed";
        }
        if !header.fin {
            line += ", more follows";
        }
        if !header.opcode.is_control() {
            let have = self.input.len() - len;
            let here = header.length.min(have as u64) as usize;
            self.skip = header.length - here as u64;
            return Some((line, len + here));
        }
        let end = len + header.length as usize;
        let mut payload = self.input.get(len..end)?.to_vec();
        Mask::new(header.mask.unwrap_or_default()).apply(&mut payload);
        if let Some(detail) = detail(header.opcode, &payload) {
            line = format!("{line}: {detail}");
        }
        Some((line, end))
    }
}

fn name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Continuation => "continuation",
        Opcode::Text => "text",
        Opcode::Binary => "binary",
        Opcode::Close => "close",
        Opcode::Ping => "ping",
        Opcode::Pong => "pong",
    }
}

/// The payload of a control frame.
fn detail(opcode: Opcode, payload: &[u8]) -> Option<String> {
    if payload.is_empty() {
        return None;
    }
    if opcode == Opcode::Close
        && let Ok(body) = CloseBody::parse(payload)
        && let Some(code) = body.code
    {
        let text = format!("{} {}", code.get(), one_line(body.reason));
        return Some(text.trim_end().to_owned());
    }
    match std::str::from_utf8(payload) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => Some(format!("{text:?}")),
        _ => Some(hex(payload)),
    }
}
