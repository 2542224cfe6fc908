//! Checks a server before the cases: whether it opens a WebSocket, whether it echoes, and what it
//! sends unsolicited. Otherwise each of hundreds of cases would report the same.
//!
//! Input: a target. Output: what to ignore on each connection, or one line that says why there is
//! nothing to test. Invariant: a response that is merely wrong is left to the cases.

use crate::cli::common::Failure;
use crate::cli::tools::common::failure::{refused, timed_out};
use crate::cli::tools::common::terminal::{excerpt, one_line as visible};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::Head;
use crate::cli::tools::verify::probe::{Probe, Reply};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::target::Target;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use crate::cli::tools::verify::wire::{BINARY, Frame, PONG, TEXT, describe, shown};
use std::time::{Duration, Instant};

/// The message that the server should echo.
const HELLO: &[u8] = b"wirebell verify: hello";

/// How long to look for messages after the echo: most servers greet immediately or not at all.
const LATER: Duration = Duration::from_millis(100);

/// How long to wait for the body of a refusal, which may give the reason.
const BODY: Duration = Duration::from_millis(200);

/// The result of sending a message.
enum EchoTest {
    /// An echo, perhaps a wrong one.
    Echoed(Unsolicited),
    /// Something else, in a few words.
    Other(String),
}

/// Opens a WebSocket, as each case does, and sends a message to be echoed.
pub fn run(target: &Target) -> Result<Unsolicited, Failure> {
    let mut others = Vec::new();
    for (kind, first) in [("text", TEXT), ("binary", BINARY)] {
        let mut probe = Probe::new(target.clone());
        open(&mut probe)?;
        let test = echo(&mut probe, first);
        probe.close();
        match test {
            EchoTest::Echoed(unsolicited) => return Ok(unsolicited),
            EchoTest::Other(what) => others.push(format!("to a {kind} message {what}")),
        }
    }
    others.dedup();
    let what = others.join(", ");
    Err(Failure::failed(format!(
        "not an echo server: {what} (--force runs the cases anyway)"
    )))
}

fn open(probe: &mut Probe) -> Result<(), Failure> {
    let said = |what: String| refused(format!("no WebSocket opens: {what}"));
    let request = Head::request(&probe.target);
    match probe.connect() {
        Ok(()) => {}
        Err(Problem::Fail(what) | Problem::Skip(what)) => return Err(said(what)),
    }
    handshake::send(probe, &request);
    let head = handshake::head(probe);
    match head {
        Ok(Some(head)) => answered(probe, &head).map_err(said),
        Ok(None) if probe.input().is_empty() => Err(said(
            "the server closes the connection without a response".into(),
        )),
        Err(_) if probe.input().is_empty() => Err(timed_out(
            "no WebSocket opens: the server accepts the connection but does not respond".into(),
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
    let deadline = Instant::now() + BODY.min(probe.target.timeout);
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

fn echo(probe: &mut Probe, first: u8) -> EchoTest {
    probe.send(first, HELLO);
    let mut unsolicited = Unsolicited::default();
    let timeout = probe.target.timeout;
    let mut deadline = Instant::now() + timeout;
    let (mut echoed, mut message) = (false, None);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let frame = match probe.listen(left) {
            Ok(Reply::Frame(frame)) => frame,
            _ if echoed => return EchoTest::Echoed(unsolicited),
            // Invalid frames are for the cases to find.
            Err(_) => return EchoTest::Echoed(unsolicited),
            Ok(Reply::End) => return instead(&unsolicited, "it ends the connection"),
            Ok(Reply::Timeout) => {
                return instead(
                    &unsolicited,
                    &format!("nothing comes back within {timeout:?}"),
                );
            }
        };
        match (frame.opcode(), &mut message) {
            (9, _) => probe.send(PONG, &frame.payload),
            (8, _) if echoed => return EchoTest::Echoed(unsolicited),
            (8, _) => return instead(&unsolicited, &closed(&frame)),
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
        // Even a wrong echo has the same length.
        match (whole.payload.len() == HELLO.len(), echoed) {
            (true, false) => {
                echoed = true;
                deadline = Instant::now() + LATER.min(timeout);
            }
            (true, true) => {} // A second echo: the cases report it.
            (false, false) => unsolicited.first.push_back(whole),
            (false, true) => unsolicited.later.push(whole),
        }
    }
}

/// What came instead of an echo.
fn instead(unsolicited: &Unsolicited, what: &str) -> EchoTest {
    EchoTest::Other(match unsolicited.first.back() {
        None => what.to_owned(),
        Some(last) => format!(
            "it sends {}, then {what}",
            describe(last.first, &last.payload)
        ),
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
