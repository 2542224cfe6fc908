//! `wirebell serve`: the push server.
//!
//! Input: the settings. Output: a server that runs until it is stopped or another process takes
//! over; the service is `push` of the library.

use crate::cli::common::tls::Tls;
use crate::cli::common::{Failure, files, logging};
use crate::cli::server::access_log::AccessWriter;
use crate::cli::server::args::{FileSettings, ServeArgs};
use crate::cli::server::listeners::{Listeners, Names};
use crate::cli::server::listening::{cannot_listen, print_settings};
use crate::cli::server::notify::Notify;
use crate::cli::server::stop::Stop;
use crate::cli::server::takeover::{Taken, TakenOver};
use log::Level;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use wirebell::net::Options;
use wirebell::push::{MemoryStore, PushServer, Settings, Store};

/// What a server without tokens says at its start.
const OPEN: &str = "open: anyone who can reach this server may publish and subscribe; \
     --tokens FILE changes that";

// req: push-auth-01
pub fn run(args: Box<ServeArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let tls = settings.tls.load(settings.event_loop.hosts()?)?;
    let mut taken = match args.common.check {
        true => None,
        false => {
            files::raise_limit();
            args.take_over.take()?
        }
    };
    let handed = taken.as_mut().map(Taken::listeners).unwrap_or_default();
    let listeners = Listeners::new(settings.event_loop.listen.as_deref(), tls.is_some(), handed)?;
    let mut push = settings.push_settings()?;
    settings.check_open(&listeners, &push)?;
    let is_local = listeners.is_local();
    let (is_open, warning) = (push.auth.is_none(), warning(is_local, &push));
    settings.check_engine()?;
    let mut options = settings.options()?;
    let level = settings.event_loop.log_level()?;
    if args.common.check {
        tls.as_ref().map_or(Ok(()), Tls::check)?;
        settings.data.check()?;
        return print_settings(&settings.effective());
    }
    logging::start(level);
    let trace = settings.trace.start()?;
    options.tap = trace.tap();
    let access = settings.access.start()?;
    options.access_log = access.log();
    let stop = Stop::prepare()?.upgrading(settings.upgrade.starter(&args.take_over));
    let notify = Notify::from_environment();
    let (in_memory, password) = open_log(&settings, &mut push, taken.as_mut())?;
    let (server, names, other) = start(listeners, tls.as_ref(), options, push, taken)?;
    let (upgrade, left) = (&settings.upgrade, notify.leaving());
    let waiting = upgrade.listen(&args.take_over, &server, in_memory, left)?;
    warn(is_open, is_local, warning);
    if let Some(tls) = &tls {
        tls.warn();
    }
    let places = names.all("http", server.local_addrs());
    greet(&places, tls.as_ref(), password.as_deref());
    let reporting = server.handle();
    if other.is_some() {
        notify.taken_over();
    }
    notify.serving(&places.join(", "), move || reporting.reports());
    if let Some(other) = other {
        other.end();
    }
    let ended = wait(stop, server, tls.as_ref(), &notify, &access);
    if let Some(waiting) = waiting {
        waiting.finish();
    }
    access.finish();
    logging::flush(logging::FLUSH_TIMEOUT);
    trace.finish()?;
    ended
}

/// The state that is in memory alone, and the password of a new user.
type Opened = (Option<Arc<dyn Store>>, Option<String>);

/// Opens what keeps messages and state.
fn open_log(
    settings: &FileSettings,
    push: &mut Settings,
    mut taken: Option<&mut Taken>,
) -> Result<Opened, Failure> {
    settings.engine.open(push)?;
    let in_file = settings.data.open(push)?;
    let mut of_other = None;
    if let Some(taken) = &mut taken {
        taken.set_log(push)?;
        of_other = taken.store();
    }
    let new = || of_other.unwrap_or_else(|| Arc::new(MemoryStore::default()));
    let (store, in_memory) = match in_file {
        Some(store) => (store, None),
        None => {
            let store = new();
            (Arc::clone(&store), Some(store))
        }
    };
    let (gotify, password) = settings.gotify.open(store, settings.data.is_set())?;
    push.gotify = gotify;
    Ok((in_memory, password))
}

/// Starts the server, in place of another one if there is one.
fn start(
    listeners: Listeners,
    tls: Option<&Tls>,
    mut options: Options,
    push: Settings,
    taken: Option<Taken>,
) -> Result<(PushServer, Names, Option<TakenOver>), Failure> {
    let (text, loopback) = (listeners.text(), listeners.loopback());
    if let Some(taken) = &taken {
        taken.rest(&mut options);
    }
    let (server, names) = listeners
        .open(tls)
        .and_then(|(listens, names)| {
            Ok((PushServer::start(listens, &loopback, options, push)?, names))
        })
        .map_err(|error| cannot_listen(&text, &error))?;
    match taken.map(|taken| taken.finish(&server)).transpose() {
        Ok(other) => Ok((server, names, other)),
        Err(failure) => {
            // The sockets are the other's: this process ends without a word to anyone.
            std::mem::forget(server);
            Err(failure)
        }
    }
}

/// Says who may do what.
fn warn(is_open: bool, is_local: bool, warning: Option<String>) {
    if is_open {
        let level = match is_local {
            true => Level::Info,
            false => Level::Warn,
        };
        log::log!(level, "{OPEN}");
    }
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
}

/// Waits for the end of the server, and does what signals ask for.
fn wait(
    stop: Stop,
    server: PushServer,
    tls: Option<&Tls>,
    notify: &Notify,
    access: &AccessWriter,
) -> Result<(), Failure> {
    let handle = server.handle();
    let reload = || {
        notify.reloading();
        access.reopen();
        handle.reload();
        if let Some(tls) = tls {
            tls.reload();
        }
        notify.reloaded();
    };
    let begin = || {
        notify.stopping();
        handle.stop();
    };
    stop.wait(reload, begin, || server.join())
}

/// Warns of what anyone who can reach an open server may do on the paths of wserver, if there is a
/// secret for one of them alone. A server with tokens closes those without.
fn warning(is_local: bool, settings: &Settings) -> Option<String> {
    if is_local || settings.auth.is_some() {
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

fn greet(places: &[String], tls: Option<&Tls>, password: Option<&str>) {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("wirebell {version} listens on {}\n", places.join(", "));
    let fingerprint = tls.and_then(Tls::fingerprint);
    if let Some(fingerprint) = fingerprint {
        let _ = writeln!(text, "Its certificate is new, with SHA-256 {fingerprint}");
    }
    if let Some(password) = password {
        let _ = writeln!(
            text,
            "The first user of gotify clients is admin, with the password {password}\n\
             It is not shown again: change it once you are logged in"
        );
    }
    if let Some(url) = places.iter().find(|place| place.ends_with('/')) {
        let insecure = if fingerprint.is_some() { "-k " } else { "" };
        let _ = write!(
            text,
            "\n\
             See messages arrive:  open {url} in a browser\n\
             Publish one:          curl {insecure}-d hello {url}topics/greetings\n\
             Stop:                 Ctrl-C\n"
        );
    }
    logging::write(io::stdout(), text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirebell::push::{Auth, PushKey};

    #[test]
    fn who_serves_beyond_loopback_is_told_what_anyone_may_do() {
        let warn = |is_local: bool, key: Option<&str>| {
            let push_key = key.and_then(PushKey::new);
            let settings = Settings::default().push_key(push_key);
            warning(is_local, &settings)
        };
        assert_eq!(warn(true, Some("secret")), None);
        // The line about the whole server says it.
        assert_eq!(warn(false, None), None);
        let text = warn(false, Some("secret")).unwrap();
        assert!(!text.contains("--push-key-file") && text.contains("--token-file"));
        let settings = Settings::default().push_key(PushKey::new("secret"));
        let settings = settings.auth(Some(Auth::default()));
        assert_eq!(warning(false, &settings), None);
    }
}
