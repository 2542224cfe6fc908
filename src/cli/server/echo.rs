//! `wirebell echo`: echoes every message, on every path.
//!
//! Input: its arguments and settings. Output: a server that runs until it is stopped; the service
//! is `push::echo` of the library.

use crate::cli::common::tls::Tls;
use crate::cli::common::{Failure, files, logging};
use crate::cli::server::args::EchoArgs;
use crate::cli::server::listeners::Listeners;
use crate::cli::server::listening::{cannot_listen, print_settings};
use crate::cli::server::stop::Stop;
use crate::cli::server::takeover::Handed;
use std::io;
use wirebell::net::{Builder, Server};
use wirebell::push::{Access, EchoServer, HostPolicy};

pub fn run(args: Box<EchoArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let event_loop = &settings.event_loop;
    let tls = settings.tls.load(event_loop.hosts()?)?;
    let listeners = Listeners::new(
        event_loop.listen.as_deref(),
        tls.is_some(),
        Handed::default(),
    )?;
    let hosts = HostPolicy::new(&listeners.loopback(), event_loop.hosts()?);
    let service = EchoServer {
        access: Access::new(event_loop.origin_policy()?, hosts),
        subprotocols: settings.subprotocols()?,
    };
    let mut options = event_loop.options()?;
    let level = event_loop.log_level()?;
    if args.common.check {
        tls.as_ref().map_or(Ok(()), Tls::check)?;
        return print_settings(&settings.effective());
    }
    logging::start(level);
    files::raise_limit();
    let trace = settings.trace.start()?;
    options.tap = trace.tap();
    let stop = Stop::prepare()?;
    let text = listeners.text();
    let (server, names) = listeners
        .open(tls.as_ref())
        .and_then(|(listens, names)| {
            let builder = listens
                .into_iter()
                .fold(Server::<()>::builder(options), Builder::listen);
            Ok((builder.start(move |_| service.clone())?, names))
        })
        .map_err(|error| cannot_listen(&text, &error))?;
    if let Some(tls) = &tls {
        tls.warn();
    }
    let places = names.all("ws", server.local_addrs()).join(", ");
    logging::write(io::stdout(), format!("wirebell echo listens on {places}\n"));
    let handle = server.handle();
    let reload = || {
        if let Some(tls) = &tls {
            tls.reload();
        }
    };
    let ended = stop.wait(reload, || handle.stop(), || server.join());
    logging::flush(logging::FLUSH_TIMEOUT);
    trace.finish()?;
    ended
}
