//! `wirebell echo`: echoes every message, on every path.

use crate::cli::common::{Failure, files, logging};
use crate::cli::server::args::EchoArgs;
use crate::cli::server::listening::{cannot_listen, print_settings};
use crate::cli::server::stop::Stop;
use std::io;
use wirebell::net::Server;
use wirebell::push::{Access, EchoServer, HostPolicy};

pub fn run(args: Box<EchoArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let event_loop = &settings.event_loop;
    let addresses = event_loop.addresses()?;
    let hosts = HostPolicy::new(&addresses, event_loop.hosts()?);
    let service = EchoServer {
        access: Access::new(event_loop.origin_policy()?, hosts),
        subprotocols: settings.subprotocols()?,
    };
    let mut options = event_loop.options()?;
    let level = event_loop.log_level()?;
    if args.common.check {
        return print_settings(&settings.effective());
    }
    logging::start(level);
    files::raise_limit();
    let trace = settings.trace.start()?;
    options.tap = trace.tap();
    let stop = Stop::prepare()?;
    let server = Server::bind(&addresses[..], options, move |_| service.clone())
        .map_err(|error| cannot_listen(event_loop, &error))?;
    let text = format!("wirebell echo listens on ws://{}/\n", server.local_addr());
    logging::write(io::stdout(), text);
    let handle = server.handle();
    let ended = stop.wait(|| {}, || handle.stop(), || server.join());
    logging::flush(logging::FLUSH_TIMEOUT);
    trace.finish()?;
    ended
}
