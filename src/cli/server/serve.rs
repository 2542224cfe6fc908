//! `wirebell serve`: the push server.

use crate::cli::common::{Failure, files, logging};
use crate::cli::server::args::ServeArgs;
use crate::cli::server::listening::{cannot_listen, print_settings};
use crate::cli::server::settings::is_local;
use crate::cli::server::stop::Stop;
use log::Level;
use std::io;
use std::net::SocketAddr;
use wirebell::push::{PushServer, Settings};

/// What a server without tokens says at its start.
const OPEN: &str = "open: anyone who can reach this server may publish and subscribe; \
     --tokens FILE changes that";

// req: push-auth-01
pub fn run(args: Box<ServeArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let addresses = settings.event_loop.addresses()?;
    let push = settings.push_settings()?;
    settings.check_open(&addresses, &push)?;
    let (is_open, warning) = (push.auth.is_none(), warning(&addresses, &push));
    let mut options = settings.options()?;
    let level = settings.event_loop.log_level()?;
    if args.common.check {
        return print_settings(&settings.effective());
    }
    logging::start(level);
    files::raise_limit();
    let trace = settings.trace.start()?;
    options.tap = trace.tap();
    let stop = Stop::prepare()?;
    let server = PushServer::bind(&addresses[..], options, push)
        .map_err(|error| cannot_listen(&settings.event_loop, &error))?;
    if is_open {
        let level = match is_local(&addresses) {
            true => Level::Info,
            false => Level::Warn,
        };
        log::log!(level, "{OPEN}");
    }
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
    greet(server.local_addr());
    let handle = server.handle();
    let ended = stop.wait(|| handle.reload(), || handle.stop(), || server.join());
    logging::flush(logging::FLUSH_TIMEOUT);
    trace.finish()?;
    ended
}

/// Warns of what anyone who can reach an open server may do on the paths of wserver, if there is a
/// secret for one of them alone. A server with tokens closes those without.
fn warning(addresses: &[SocketAddr], settings: &Settings) -> Option<String> {
    if is_local(addresses) || settings.auth.is_some() {
        return None;
    }
    let (may, flags) = match (&settings.push_key, &settings.tokens) {
        (None, None) => return None,
        (None, Some(_)) => ("publish", "--push-key-file"),
        (Some(_), None) => ("subscribe as any user", "--token-file"),
        (Some(_), Some(_)) => return None,
    };
    Some(format!(
        "anyone who can reach /ws and /push may {may} there: set {flags}, or listen on 127.0.0.1"
    ))
}

fn greet(address: SocketAddr) {
    let text = format!(
        "wirebell {} listens on http://{address}/\n\n\
         See messages arrive:  open http://{address}/ in a browser\n\
         Publish one:          curl -d hello http://{address}/topics/greetings\n\
         Stop:                 Ctrl-C\n",
        env!("CARGO_PKG_VERSION")
    );
    logging::write(io::stdout(), text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirebell::push::{Auth, PushKey};

    #[test]
    fn who_serves_beyond_loopback_is_told_what_anyone_may_do() {
        let warn = |listen: &str, key: Option<&str>| {
            let push_key = key.and_then(PushKey::new);
            let settings = Settings::default().push_key(push_key);
            warning(&[listen.parse().unwrap()], &settings)
        };
        for own in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(warn(own, None), None);
        }
        for all in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            // The line about the whole server says it.
            assert_eq!(warn(all, None), None);
            let text = warn(all, Some("secret")).unwrap();
            assert!(!text.contains("--push-key-file") && text.contains("--token-file"));
        }
        let settings = Settings::default().push_key(PushKey::new("secret"));
        let settings = settings.auth(Some(Auth::default()));
        assert_eq!(warning(&["0.0.0.0:1".parse().unwrap()], &settings), None);
    }
}
