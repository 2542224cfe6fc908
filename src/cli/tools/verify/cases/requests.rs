//! Group `request`: what a client sends to open a WebSocket, RFC 6455 section 4.1, RFC 9112.

use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::{self, Must, Quality};
use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::head::{EXTENSIONS, PROTOCOL};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::{Duration, Instant};

/// How long to wait for a client that sends too early.
const MOMENT: Duration = Duration::from_millis(100);

/// A check of the request; the authority is where the probe listens.
type Look = fn(&ClientRequest, authority: &str) -> Result<(), Problem>;

type Row = (&'static str, &'static str, Level, &'static str, Look);

const ROWS: [Row; 18] = [
    (
        "method",
        "6455 4.1",
        Must,
        "the method is GET",
        |request, _| is(request.method == "GET", "the method", &request.method),
    ),
    (
        "version",
        "6455 4.1",
        Must,
        "it is HTTP/1.1",
        |request, _| {
            is(
                request.version == "HTTP/1.1",
                "the version",
                &request.version,
            )
        },
    ),
    (
        "target",
        "6455 4.1",
        Must,
        "the target is a path with a query, or an http URL",
        target,
    ),
    (
        "host",
        "6455 4.1",
        Must,
        "there is one Host, with the port",
        host,
    ),
    (
        "upgrade",
        "6455 4.1",
        Must,
        "Upgrade has the token websocket",
        |request, _| {
            let upgrade = request.fields.has_token("Upgrade", "websocket");
            is(
                upgrade,
                "Upgrade",
                &request.fields.all("Upgrade").join(", "),
            )
        },
    ),
    (
        "connection",
        "6455 4.1",
        Must,
        "Connection has the token Upgrade",
        |request, _| {
            let upgrade = request.fields.has_token("Connection", "Upgrade");
            is(
                upgrade,
                "Connection",
                &request.fields.all("Connection").join(", "),
            )
        },
    ),
    (
        "key",
        "6455 4.1",
        Must,
        "there is one key: 16 bytes in base64",
        |request, _| {
            let keys = request.fields.all("Sec-WebSocket-Key");
            let is_key = |key: &str| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
            is(
                matches!(keys[..], [key] if is_key(key)),
                "Sec-WebSocket-Key",
                &keys.join(", "),
            )
        },
    ),
    (
        "key-fresh",
        "6455 4.1",
        Must,
        "the key differs on each connection",
        |request, _| {
            let what = "the key of an earlier connection";
            is(!request.key_is_old, what, request.key())
        },
    ),
    (
        "websocket-version",
        "6455 4.1",
        Must,
        "there is one version: 13",
        |request, _| {
            let versions = request.fields.all("Sec-WebSocket-Version");
            is(
                versions == ["13"],
                "Sec-WebSocket-Version",
                &versions.join(", "),
            )
        },
    ),
    (
        "no-accept",
        "6455 11.3.3",
        Quality,
        "there is no Sec-WebSocket-Accept",
        |request, _| {
            let accept = request.fields.all("Sec-WebSocket-Accept");
            is(
                accept.is_empty(),
                "Sec-WebSocket-Accept",
                &accept.join(", "),
            )
        },
    ),
    (
        "no-body",
        "6455 4.1",
        Quality,
        "the request has no body",
        |request, _| {
            let coding = request.fields.all("Transfer-Encoding").join(", ");
            let length = request.fields.all("Content-Length").join(", ");
            is(
                coding.is_empty() && ["", "0"].contains(&&*length),
                "a body",
                &(coding + &length),
            )
        },
    ),
    (
        "names",
        "9112 5.1",
        Must,
        "field names are tokens, followed by a colon",
        names,
    ),
    (
        "no-fold",
        "9112 5.2",
        Must,
        "no field is folded over several lines",
        |request, _| {
            let fold = request
                .head
                .split("\r\n")
                .find(|line| line.starts_with([' ', '\t']));
            is(fold.is_none(), "a line", fold.unwrap_or_default())
        },
    ),
    (
        "line-ends",
        "9112 2.2",
        Must,
        "lines end with CR and LF",
        |request, _| {
            let rest = request.head.replace("\r\n", "");
            is(!rest.contains(['\r', '\n']), "a line end", &rest)
        },
    ),
    (
        "values",
        "9110 5.5",
        Must,
        "values have no control characters",
        |request, _| {
            let odd = request
                .fields
                .0
                .iter()
                .find(|field| field.1.chars().any(|c| c.is_control() && c != '\t'));
            is(odd.is_none(), "a value", odd.map_or("", |field| &field.1))
        },
    ),
    (
        "protocols",
        "6455 4.1",
        Must,
        "offered subprotocols are different tokens",
        |request, _| {
            let values = request.fields.all(PROTOCOL);
            let names: Vec<&str> = values
                .iter()
                .flat_map(|v| v.split(','))
                .map(str::trim)
                .collect();
            let good = |(at, name): (usize, &&str)| is_token(name) && !names[..at].contains(name);
            is(
                names.iter().enumerate().all(good),
                PROTOCOL,
                &values.join(", "),
            )
        },
    ),
    (
        "extensions",
        "6455 9.1",
        Must,
        "each offered extension has a name",
        |request, _| {
            let values = request.fields.all(EXTENSIONS);
            let name = |offer: &str| {
                offer
                    .split(';')
                    .next()
                    .is_some_and(|name| is_token(name.trim()))
            };
            is(
                values.iter().all(|v| v.split(',').all(name)),
                EXTENSIONS,
                &values.join(", "),
            )
        },
    ),
    (
        "deflate",
        "7692 7.1",
        Must,
        "the offer of permessage-deflate is valid",
        deflate,
    ),
];

pub fn add(cases: &mut Cases) {
    for (name, section, level, rule, look) in ROWS {
        let id = format!("request.{name}");
        cases.add(id, section, level, rule, move |probe| {
            let request = probe.request.clone().unwrap_or_default();
            look(&request, &probe.target.authority)?;
            probe.open()
        });
    }
    let rule = "nothing is sent before the response";
    cases.add("request.waits", "6455 4.1", Must, rule, |probe| {
        while probe.read(Instant::now() + MOMENT) && !probe.has_ended() {}
        if !probe.input().is_empty() || probe.has_ended() {
            return Problem::fail("the client does not wait for the response");
        }
        probe.open()?;
        probe.expect_alive()
    });
    let rule = "nothing is sent after the response until there is something to answer";
    cases.add(
        "request.then-silence",
        "6455 4.1",
        Quality,
        rule,
        |probe: &mut Probe| {
            accept::open(probe, None)?;
            probe.expect_silence()?;
            probe.expect_alive()
        },
    );
}

fn is(good: bool, what: &str, value: &str) -> Result<(), Problem> {
    match good {
        true => Ok(()),
        false => Problem::fail(format!("{what} is wrong: {value:?}")),
    }
}

fn is_token(text: &str) -> bool {
    let is_tchar = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_tchar)
}

fn target(request: &ClientRequest, _: &str) -> Result<(), Problem> {
    let target = &request.target;
    let form = target.starts_with('/') || target.starts_with("http://");
    let graphic = target.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
    is(form && graphic, "the target", target)
}

fn host(request: &ClientRequest, authority: &str) -> Result<(), Problem> {
    let hosts = request.fields.all("Host");
    let port = authority.rsplit(':').next().unwrap_or_default();
    let good = match hosts[..] {
        [host] => host
            .rsplit_once(':')
            .is_some_and(|(name, p)| !name.is_empty() && p == port),
        _ => false,
    };
    is(good, "Host", &hosts.join(", "))
}

fn names(request: &ClientRequest, _: &str) -> Result<(), Problem> {
    let mut lines = request.head.trim_end().split("\r\n").skip(1);
    let odd = lines.find(|line| !line.split_once(':').is_some_and(|(name, _)| is_token(name)));
    is(odd.is_none(), "a line", odd.unwrap_or_default())
}

fn deflate(request: &ClientRequest, _: &str) -> Result<(), Problem> {
    let offer = request.deflate();
    let Some(offer) = offer else {
        return Err(Problem::Skip(
            "the client does not offer permessage-deflate".into(),
        ));
    };
    let bits = |value: &Option<String>| {
        let values = 8..=15_u8;
        value
            .as_ref()
            .is_some_and(|v| values.clone().any(|bits| bits.to_string() == *v))
    };
    for (at, (name, value)) in offer.iter().enumerate() {
        let good = match name.as_str() {
            "server_no_context_takeover" | "client_no_context_takeover" => value.is_none(),
            "server_max_window_bits" => bits(value),
            "client_max_window_bits" => value.is_none() || bits(value),
            _ => false,
        };
        let twice = offer[..at].iter().any(|earlier| earlier.0 == *name);
        is(good && !twice, name, value.as_deref().unwrap_or_default())?;
    }
    Ok(())
}
