//! The examination, from the address to the clock.
//!
//! Input: the flags. Output: [`Facts`]. Invariant: what a step needs was seen to work before it:
//! without TCP no TLS is tried, without trust nothing is sent.

use crate::cli::common::Failure;
use crate::cli::tools::common::http::{segment, socket_uri};
use crate::cli::tools::common::tls::is_secure;
use crate::cli::tools::doctor::args::DoctorArgs;
use crate::cli::tools::doctor::facts::{Exchange, Facts};
use crate::cli::tools::doctor::target::Target;
use crate::cli::tools::doctor::{http, reach, talk};
use std::time::Duration;
use wirebell::client::{Random, Uri};
use wirebell::wire::Entropy as _;

/// A page that does not exist: the name cannot exist (RFC 2606).
const STRANGER: &str = "https://doctor.wirebell.invalid";

/// Looks at everything.
pub fn examine(args: &DoctorArgs) -> Result<Facts, Failure> {
    let wrong = |what: String| Failure::usage(format!("{}: {what}", args.url));
    let uri = uri(&args.url).map_err(wrong)?;
    let timeout = Duration::from_millis(args.timeout.limit().into());
    let connector = args.tls.connector(&args.url)?;
    let credentials = args.credentials.field()?;
    let lookup = reach::look_up(&uri);
    let connects = reach::connect(&lookup.addresses, timeout);
    let address = connects.iter().find(|one| one.result.is_ok());
    let address = address.map(|one| one.address);
    let mut facts = Facts {
        host: uri.host().to_owned(),
        authority: uri.authority(),
        lookup,
        connects,
        ..Facts::default()
    };
    let Some(address) = address else {
        return Ok(facts);
    };
    let target = Target {
        address,
        tls: connector,
        host: uri.host().to_owned(),
        authority: uri.authority(),
        base: base(uri.target()).to_owned(),
        topic: segment(&topic(args)),
        credentials,
        timeout,
    };
    if let Some(connector) = &target.tls {
        let insecure = args.tls.insecure;
        let tls = reach::encrypt(address, connector, &target.host, insecure, timeout);
        let is_trusted = tls.error.is_none();
        facts.tls = Some(tls);
        if !is_trusted {
            return Ok(facts);
        }
    }
    ask(&mut facts, &target, args);
    Ok(facts)
}

/// Everything over HTTP.
fn ask(facts: &mut Facts, target: &Target, args: &DoctorArgs) {
    facts.malformed = Some(http::malformed(target));
    facts.health = Some(http::health(target));
    let upgrade = http::upgrade(target, None);
    let opens = is_open(&upgrade);
    facts.upgrade = Some(upgrade);
    if opens {
        facts.own_page = Some(http::upgrade(target, Some(&target.origin())));
        facts.talk = Some(talk::talk(target));
        let time = Duration::from_secs_f64(args.minutes * 60.0);
        facts.idle = (!time.is_zero()).then(|| talk::idle(target, time));
    }
    facts.sse = Some(http::events(target));
    let named = args.origin.iter().map(|origin| (&**origin, false));
    let pages = named.chain([(STRANGER, true)]);
    facts.pages = pages
        .map(|(origin, is_stranger)| http::page(target, origin, is_stranger))
        .collect();
}

fn is_open(upgrade: &Exchange) -> bool {
    upgrade.as_ref().is_ok_and(|answer| answer.status == 101)
}

/// The URL as that of a WebSocket, which has the same parts.
fn uri(url: &str) -> Result<Uri, String> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let known = ["http", "https", "ws", "wss"];
    if !known.iter().any(|one| scheme.eq_ignore_ascii_case(one)) {
        return Err("write http(s)://HOST[:PORT] or ws(s)://HOST[:PORT]".into());
    }
    let socket = match is_secure(url) {
        true => socket_uri(&url.replacen(scheme, "https", 1)),
        false => socket_uri(url),
    };
    socket.parse::<Uri>().map_err(|error| error.to_string())
}

/// What stands before `/topics`, without `/` at its end.
fn base(target: &str) -> &str {
    let path = target.split('?').next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    match path.rfind("/topics") {
        Some(at) if matches!(path.as_bytes().get(at + 7), None | Some(b'/')) => &path[..at],
        _ => path,
    }
}

/// The topic of the checks.
fn topic(args: &DoctorArgs) -> String {
    match &args.topic {
        Some(topic) => topic.as_str().to_owned(),
        None => {
            let mut random = [0; 6];
            Random.fill(&mut random);
            let digits = crate::cli::tools::common::terminal::hex(&random);
            format!("doctor.{digits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_topics() {
        let rows = [
            ("/", ""),
            ("/push/", "/push"),
            ("/topics", ""),
            ("/push/topics/a,b?since=all", "/push"),
            ("/topicsofday", "/topicsofday"),
        ];
        for (target, expected) in rows {
            assert_eq!(base(target), expected, "{target}");
        }
    }

    #[test]
    fn four_schemes() {
        for (url, secure, port) in [
            ("http://a.example", false, 80),
            ("WS://a.example:81/x", false, 81),
            ("https://a.example", true, 443),
            ("wss://a.example/", true, 443),
        ] {
            let uri = uri(url).unwrap();
            assert_eq!((uri.is_secure(), uri.port()), (secure, port), "{url}");
        }
        assert!(uri("a.example").is_err());
        assert!(uri("ftp://a.example").is_err());
    }
}
