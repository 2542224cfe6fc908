//! What is found out about a server before the cases: whether it opens a WebSocket, whether it
//! echoes, and what it sends by itself. Otherwise each of hundreds of cases would say the same.
//!
//! Input: a target. Output: what to pass over on each connection, or the one line that says why
//! there is nothing to test. Invariant: an answer that is merely wrong is left to the cases.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::{refused, timed_out};
use crate::cli::tools::common::terminal::{excerpt, one_line as visible};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::Head;
use crate::cli::tools::verify::probe::{Heard, Probe};
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::unasked::Unasked;
use crate::cli::tools::verify::wire::{BINARY, Frame, PONG, TEXT, describe, shown};
use std::time::{Duration, Instant};

/// What is sent to see whether it comes back.
const HELLO: &[u8] = b"wirebell verify: hello";

/// How long to look for messages after the echo: most servers greet at once or not at all.
const LATER: Duration = Duration::from_millis(100);

/// How long to wait for the body of a refusal, which may say why.
const BODY: Duration = Duration::from_millis(200);

/// What came of a conversation.
enum Talk {
    /// An echo, if perhaps a wrong one.
    Echoed(Unasked),
    /// Something else, in a few words.
    Other(String),
}

/// Opens a WebSocket, as each case does, and has a message echoed.
pub fn look(target: &Target) -> Result<Unasked, Failure> {
    let mut others = Vec::new();
    for (kind, first) in [("text", TEXT), ("binary", BINARY)] {
        let mut probe = Probe::new(target.clone());
        open(&mut probe)?;
        let talk = talk(&mut probe, first);
        probe.part();
        match talk {
            Talk::Echoed(unasked) => return Ok(unasked),
            Talk::Other(what) => others.push(format!("to a {kind} message {what}")),
        }
    }
    others.dedup();
    let what = others.join(", ");
    Err(Failure::failed(format!(
        "this is no echo server: {what} (--force runs the cases all the same)"
    )))
}

fn open(probe: &mut Probe) -> Result<(), Failure> {
    let said = |what: String| refused(format!("no WebSocket opens: {what}"));
    let request = Head::request(&probe.target);
    match probe.connect() {
        Ok(()) => {}
        Err(Trouble::Wrong(what) | Trouble::NotAsked(what)) => return Err(said(what)),
    }
    handshake::send(probe, &request);
    let head = handshake::head(probe);
    match head {
        Ok(Some(head)) => answered(probe, &head).map_err(said),
        Ok(None) if probe.input().is_empty() => Err(said(
            "the server ends the connection without an answer".into(),
        )),
        Err(_) if probe.input().is_empty() => Err(timed_out(
            "no WebSocket opens: the server takes the connection and does not answer".into(),
        )),
        Ok(None) | Err(_) => Err(said(no_http(probe.input()))),
    }
}

fn no_http(bytes: &[u8]) -> String {
    let hint = match bytes {
        [0x15 | 0x16, 3, ..] => ", which looks like TLS",
        _ => "",
    };
    format!("the server answers {}{hint}", shown(bytes))
}

/// Whether this is a 101, however wrong the rest of it is.
fn answered(probe: &mut Probe, head: &str) -> Result<(), String> {
    let line = head.split("\r\n").next().unwrap_or_default();
    let mut words = line.split(' ');
    if !words.next().is_some_and(|word| word.starts_with("HTTP/")) {
        return Err(no_http(head.as_bytes()));
    }
    let status = words.next().unwrap_or_default();
    if status == "101" {
        return Ok(());
    }
    let deadline = Instant::now() + BODY.min(probe.target.patience);
    while !probe.has_ended() && probe.input().len() < handshake::MAX_HEAD && probe.read(deadline) {}
    let hint = match status {
        "401" | "403" => "; see --auth, --token and --header",
        "400" | "426" => "; does it want --subprotocol or --header?",
        _ => "",
    };
    let location = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("Location").then(|| value.trim())
    });
    let location = location.map(|at| format!(", to {}", visible(at)));
    Err(format!(
        "the server answers {:?}{}{}{hint}",
        line,
        location.unwrap_or_default(),
        excerpt(None, probe.input())
    ))
}

fn talk(probe: &mut Probe, first: u8) -> Talk {
    probe.send(first, HELLO);
    let mut unasked = Unasked::default();
    let patience = probe.target.patience;
    let mut deadline = Instant::now() + patience;
    let (mut echoed, mut message) = (false, None);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let frame = match probe.listen(left) {
            Ok(Heard::Frame(frame)) => frame,
            _ if echoed => return Talk::Echoed(unasked),
            // Frames that nobody may send are for the cases to find.
            Err(_) => return Talk::Echoed(unasked),
            Ok(Heard::End) => return instead(&unasked, "it ends the connection"),
            Ok(Heard::Silence) => {
                return instead(&unasked, &format!("nothing comes back within {patience:?}"));
            }
        };
        match (frame.opcode(), &mut message) {
            (9, _) => probe.send(PONG, &frame.payload),
            (8, _) if echoed => return Talk::Echoed(unasked),
            (8, _) => return instead(&unasked, &closed(&frame)),
            (0, Some(Frame { payload, .. })) => payload.extend(&frame.payload),
            (0..=2, _) => message = Some(frame.clone()),
            _ => {}
        }
        if frame.opcode() > 2 || frame.first & 0x80 == 0 {
            continue;
        }
        let Some(whole) = message.take() else {
            continue;
        };
        // A server that echoes badly echoes as many bytes.
        match (whole.payload.len() == HELLO.len(), echoed) {
            (true, false) => {
                echoed = true;
                deadline = Instant::now() + LATER.min(patience);
            }
            (true, true) => {} // Twice: the cases say so.
            (false, false) => unasked.first.push_back(whole),
            (false, true) => unasked.later.push(whole),
        }
    }
}

/// What came in place of an echo.
fn instead(unasked: &Unasked, what: &str) -> Talk {
    Talk::Other(match unasked.first.back() {
        None => what.to_owned(),
        Some(last) => format!("comes {}, then {what}", describe(last.first, &last.payload)),
    })
}

fn closed(close: &Frame) -> String {
    match close.payload.first_chunk() {
        None => "it closes the connection".into(),
        Some(code) => {
            let reason = String::from_utf8_lossy(&close.payload[2..]);
            let code = u16::from_be_bytes(*code);
            let text = format!("it closes with {code} {}", visible(&reason));
            text.trim_end().to_owned()
        }
    }
}
