//! The opening handshake as the probe performs it: sends a request and reads the response.

use crate::cli::tools::verify::head::{Answer, EXTENSIONS, Head};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use std::time::Instant;

/// The longest head: no useful request or response is as long.
pub const MAX_HEAD: usize = 1 << 20;

/// The next head, logged; `None` if the connection ends without one.
pub fn head(probe: &mut Probe) -> Result<Option<String>, Problem> {
    let deadline = Instant::now() + probe.target.timeout;
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
            return Problem::fail("a head of more than 1 MiB came");
        }
        if !probe.read(deadline) {
            return Problem::fail("no head arrived in time");
        }
    }
}

/// The head of the response; `None` if the connection ends without one.
pub fn answer(probe: &mut Probe) -> Result<Option<Answer>, Problem> {
    let head = head(probe)?;
    head.map(|head| Answer::parse(&head)).transpose()
}

/// Sends a request on a new connection.
pub fn ask(probe: &mut Probe, request: &Head) -> Result<Option<Answer>, Problem> {
    probe.connect()?;
    send(probe, request);
    answer(probe)
}

pub fn send(probe: &mut Probe, head: &Head) {
    note(probe, head);
    probe.write(&head.bytes());
}

/// Logs a head that is about to be sent.
pub fn note(probe: &mut Probe, head: &Head) {
    let bytes = head.bytes();
    for line in String::from_utf8_lossy(&bytes).trim_end().split("\r\n") {
        probe.note(format!("> {line}"));
    }
}

/// Opens a WebSocket on a new connection, offering these extensions.
pub fn open(probe: &mut Probe, extensions: &[&str]) -> Result<(), Problem> {
    let mut request = Head::request(&probe.target);
    if !extensions.is_empty() {
        request.add(EXTENSIONS, &extensions.join(", "));
    }
    let Some(answer) = ask(probe, &request)? else {
        return Problem::fail("the connection ended without an answer");
    };
    answer.check(&request)?;
    let extensions = answer.all(EXTENSIONS).join(", ");
    probe.extensions = Some(extensions).filter(|list| !list.is_empty());
    Ok(())
}
