//! `wirebell echo`: every message comes back, on every path.

use crate::cli::args::EchoArgs;
use crate::cli::serve::{cannot_listen, print_settings};
use crate::cli::signals::Stop;
use crate::cli::{Failure, logging};
use std::io;
use wirebell::net::Server;
use wirebell::push::{Access, EchoServer, HostPolicy};

pub fn run(args: Box<EchoArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let addresses = settings.addresses()?;
    let hosts = HostPolicy::new(&addresses, settings.hosts()?);
    let access = Access::new(settings.origin_policy()?, hosts);
    let mut options = settings.options()?;
    let level = settings.log_level()?;
    if args.common.check {
        return print_settings(&settings.effective());
    }
    logging::start(level);
    let recorder = settings.recorder()?;
    options.tap = recorder.clone().map(|recorder| recorder as _);
    let stop = Stop::prepare()?;
    let service = EchoServer { access };
    let server = Server::bind(&addresses[..], options, move |_| service.clone())
        .map_err(|error| cannot_listen(&settings, &error))?;
    let text = format!("wirebell echo listens on ws://{}/\n", server.local_addr());
    logging::write(io::stdout(), text);
    stop.wait(|| {}, || server.stop());
    server.join();
    logging::flush(logging::PATIENCE);
    recorder.map_or(Ok(()), |recorder| recorder.finish())
}
