//! `wirebell serve`: the push server.

use crate::cli::Failure;
use crate::cli::args::{LoopSettings, ServeArgs};
use crate::cli::settings::start_log;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use wirebell::push::PushServer;

pub fn run(args: Box<ServeArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let addresses = settings.event_loop.addresses()?;
    let push = settings.push_settings()?;
    let mut options = settings.options()?;
    let level = settings.event_loop.log_level()?;
    if args.common.check {
        return print_settings(&settings.effective());
    }
    start_log(level);
    let recorder = settings.event_loop.recorder()?;
    options.tap = recorder.clone().map(|recorder| recorder as _);
    let signals = stop_signals()?;
    let server = PushServer::bind(&addresses[..], options, push)
        .map_err(|error| cannot_listen(&settings.event_loop, &error))?;
    greet(server.local_addr());
    stop_on_signal(signals, || server.stop());
    server.join();
    recorder.map_or(Ok(()), |recorder| recorder.finish())
}

fn greet(address: SocketAddr) {
    let text = format!(
        "wirebell {} listens on http://{address}/\n\n\
         See pushes arrive:  open http://{address}/ in a browser\n\
         Push one:           curl -d '{{\"userId\":\"alice\",\"event\":\"orders\",\
         \"message\":\"hello\"}}' http://{address}/push\n\
         Stop:               Ctrl-C\n",
        env!("CARGO_PKG_VERSION")
    );
    print(&text);
}

/// Prints to stdout; a reader that has gone is no reason to stop serving.
pub fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Prints the effective settings as a settings file.
pub fn print_settings(settings: &impl serde::Serialize) -> Result<(), Failure> {
    let text = toml::to_string(settings).map_err(|error| Failure::Failed(error.to_string()))?;
    print(&text);
    Ok(())
}

/// Says what can be done about it.
pub fn cannot_listen(settings: &LoopSettings, error: &io::Error) -> Failure {
    let listen = settings.listen.as_deref().unwrap_or("127.0.0.1:8080");
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; choose another port with --listen",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    Failure::Failed(format!("cannot listen on {listen}: {error}{hint}"))
}

/// Takes SIGINT and SIGTERM from now on. Call it before anybody is told that the server is there:
/// a signal that comes in between would end the process without a word to its clients.
pub fn stop_signals() -> Result<Signals, Failure> {
    let signals = Signals::new([SIGINT, SIGTERM]);
    signals.map_err(|error| Failure::Failed(format!("signals: {error}")))
}

/// Waits for a signal and calls `stop`; a second one ends the process at once.
pub fn stop_on_signal(mut signals: Signals, stop: impl FnOnce()) {
    let first = signals.forever().next();
    log::info!(
        "stopping ({})",
        if first == Some(SIGTERM) {
            "SIGTERM"
        } else {
            "SIGINT"
        }
    );
    stop();
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            log::warn!("stopping at once");
            std::process::exit(128 + signal);
        }
    });
}
