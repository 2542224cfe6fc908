//! Group `handshake`: the opening handshake of a server, RFC 6455 sections 4 and 9.1, RFC 9112.

use super::bad_requests::BAD;
use super::good_requests::GOOD;
use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::{Head, PROTOCOL};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::TEXT;
use std::time::Duration;

use Level::{Must, Quality, Should};

pub fn add(cases: &mut Cases) {
    for (name, section, level, what, change) in GOOD {
        let rule = format!("{what}: 101, and an echo works");
        cases.add(
            format!("handshake.{name}"),
            section,
            level,
            rule,
            move |probe| {
                let mut request = Head::request(&probe.target);
                change(&mut request);
                opens(probe, &request)
            },
        );
    }
    for (name, section, level, what, change) in BAD {
        let rule = format!("{what}: no WebSocket is opened");
        cases.add(
            format!("handshake.bad.{name}"),
            section,
            level,
            rule,
            move |probe| {
                let mut request = Head::request(&probe.target);
                change(&mut request);
                match handshake::ask(probe, &request)? {
                    Some(answer) if answer.status == 101 => Problem::fail("the response is 101"),
                    _ => Ok(()),
                }
            },
        );
        let rule = format!("{what}: the response is an HTTP error");
        let id = format!("handshake.bad.{name}.status");
        cases.add(id, section, level.max(Should), rule, move |probe| {
            let mut request = Head::request(&probe.target);
            change(&mut request);
            match handshake::ask(probe, &request)? {
                Some(answer) if (400..=599).contains(&answer.status) => Ok(()),
                Some(answer) => Problem::fail(format!("the response is {}", answer.status)),
                None => Problem::fail("the connection ended without a response"),
            }
        });
    }
    answers(cases);
    arrivals(cases);
}

/// Expects a 101 with valid fields, nothing that was not offered, and an echo.
fn opens(probe: &mut Probe, request: &Head) -> Result<(), Problem> {
    let Some(answer) = handshake::ask(probe, request)? else {
        return Problem::fail("the connection ended without a response");
    };
    answer.check(request)?;
    if !answer.all("Sec-WebSocket-Extensions").is_empty() {
        return Problem::fail("the response has an extension that was not offered");
    }
    match answer.all(PROTOCOL)[..] {
        [] => {}
        [name] if offers(probe, request, name) => {}
        _ => return Problem::fail("the response has a subprotocol that was not offered"),
    }
    probe.expect_alive()
}

/// Whether a request offers this subprotocol. One that all requests offer may be in a field that
/// was renamed.
fn offers(probe: &Probe, request: &Head, name: &str) -> bool {
    let fields = request.fields.iter().filter(|field| field.0 == PROTOCOL);
    let mut own = fields.flat_map(|(_, list)| list.split(',').map(str::trim));
    own.any(|one| one == name) || probe.target.subprotocols.iter().any(|one| one == name)
}

fn answers(cases: &mut Cases) {
    for version in ["12", "14"] {
        let rule = format!("version {version} is answered with 426 or another 4xx, naming 13");
        let id = format!("handshake.names-version.{version}");
        cases.add(id, "6455 4.4", Must, rule, move |probe| {
            let mut request = Head::request(&probe.target);
            request.set("Sec-WebSocket-Version", version);
            let Some(answer) = handshake::ask(probe, &request)? else {
                return Problem::fail("the connection ended without a response");
            };
            let named = answer.all("Sec-WebSocket-Version").join(", ");
            match (400..=499).contains(&answer.status) && named.contains("13") {
                true => Ok(()),
                false => Problem::fail(format!("{} with versions {named:?}", answer.status)),
            }
        });
    }
    let rule = "a subprotocol in the response is one of those offered";
    cases.add("handshake.subprotocol", "6455 4.2.2", Must, rule, |probe| {
        let mut request = Head::request(&probe.target);
        request.offer(&["chat", "superchat", "echo"]);
        let Some(answer) = handshake::ask(probe, &request)? else {
            return Problem::fail("the connection ended without a response");
        };
        answer.check(&request)?;
        match answer.all(PROTOCOL)[..] {
            [] => Ok(()),
            [name] if offers(probe, &request, name) => Ok(()),
            ref names => Problem::fail(format!("the response has {names:?}")),
        }
    });
}

/// The same request, in pieces.
fn arrivals(cases: &mut Cases) {
    for (name, piece) in [("halves", 90), ("bytes", 1)] {
        let rule = format!("a request that arrives in {name} is answered with 101");
        cases.add(
            format!("handshake.in-{name}"),
            "9112 2.2",
            Must,
            rule,
            move |probe| {
                let request = Head::request(&probe.target);
                probe.connect()?;
                probe.note(format!("> a request, {piece} bytes at a time"));
                for part in request.bytes().chunks(piece) {
                    probe.write(part);
                    std::thread::sleep(Duration::from_millis(1));
                }
                let Some(answer) = handshake::answer(probe)? else {
                    return Problem::fail("the connection ended without a response");
                };
                answer.check(&request)?;
                probe.expect_alive()
            },
        );
    }
    let rule = "frames right after the request are answered";
    cases.add(
        "handshake.frames-behind",
        "6455 4.1",
        Quality,
        rule,
        |probe| {
            let request = Head::request(&probe.target);
            probe.connect()?;
            let frame = probe.encode(TEXT, b"eager");
            probe.note("> a request with a text frame after it");
            probe.write(&[request.bytes(), frame].concat());
            let Some(answer) = handshake::answer(probe)? else {
                return Problem::fail("the connection ended without a response");
            };
            answer.check(&request)?;
            probe.expect_message(TEXT, b"eager")
        },
    );
    let rule = "a head of 200 KB is refused, and the server survives";
    cases.add("handshake.huge", "6455 10.4", Quality, rule, |probe| {
        let mut request = Head::request(&probe.target);
        request.add("X-Padding", &"x".repeat(200_000));
        probe.connect()?;
        probe.note("> a request with a field of 200000 bytes");
        probe.write(&request.bytes());
        if let Some(answer) = handshake::answer(probe)?
            && answer.status == 101
        {
            return Problem::fail("the response is 101");
        }
        probe.open()?;
        probe.expect_alive()
    });
}
