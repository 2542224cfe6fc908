//! The opening handshake as the probe speaks it: a request is sent, an answer read.

use crate::cli::tools::verify::head::{Answer, EXTENSIONS, Head};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use std::time::Instant;

/// The longest head: no request and no answer of any use is as long.
pub const MAX_HEAD: usize = 1 << 20;

/// The head that comes next, noted; `None` if the connection ends without one.
pub fn head(probe: &mut Probe) -> Result<Option<String>, Trouble> {
    let deadline = Instant::now() + probe.target.patience;
    loop {
        let head = probe
            .input()
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        if let Some(at) = head {
            let head: Vec<u8> = probe.input().drain(..at + 4).collect();
            let head = String::from_utf8_lossy(&head).into_owned();
            for line in head.trim_end().split("\r\n") {
                probe.note(format!("< {line}"));
            }
            return Ok(Some(head));
        }
        if probe.has_ended() {
            return Ok(None);
        }
        if probe.input().len() > MAX_HEAD {
            return Trouble::wrong("a head of more than 1 MiB came");
        }
        if !probe.read(deadline) {
            return Trouble::wrong("no head came in time");
        }
    }
}

/// The head of the answer; `None` if the connection ends without one.
pub fn answer(probe: &mut Probe) -> Result<Option<Answer>, Trouble> {
    let head = head(probe)?;
    head.map(|head| Answer::parse(&head)).transpose()
}

/// Sends a request on a new connection.
pub fn ask(probe: &mut Probe, request: &Head) -> Result<Option<Answer>, Trouble> {
    probe.connect()?;
    send(probe, request);
    answer(probe)
}

pub fn send(probe: &mut Probe, head: &Head) {
    note(probe, head);
    probe.write(&head.bytes());
}

/// Notes a head that is about to be sent in some way.
pub fn note(probe: &mut Probe, head: &Head) {
    let bytes = head.bytes();
    for line in String::from_utf8_lossy(&bytes).trim_end().split("\r\n") {
        probe.note(format!("> {line}"));
    }
}

/// Opens a WebSocket on a new connection, with these extensions on offer.
pub fn open(probe: &mut Probe, extensions: &[&str]) -> Result<(), Trouble> {
    let mut request = Head::request(&probe.target);
    if !extensions.is_empty() {
        request.add(EXTENSIONS, &extensions.join(", "));
    }
    let Some(answer) = ask(probe, &request)? else {
        return Trouble::wrong("the connection ended without an answer");
    };
    answer.check(&request)?;
    let extensions = answer.all(EXTENSIONS).join(", ");
    probe.extensions = Some(extensions).filter(|list| !list.is_empty());
    Ok(())
}
