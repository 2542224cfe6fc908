//! `wirebell echo`: every message comes back, on every path.

use crate::cli::Failure;
use crate::cli::args::EchoArgs;
use crate::cli::serve::{cannot_listen, print, print_settings, stop_on_signal, stop_signals};
use crate::cli::settings::start_log;
use wirebell::net::Server;
use wirebell::push::EchoServer;

pub fn run(args: Box<EchoArgs>) -> Result<(), Failure> {
    let settings = args.settings.or(args.common.read_file()?);
    let event_loop = &settings.event_loop;
    let addresses = event_loop.addresses()?;
    let service = EchoServer {
        origin: event_loop.origin_policy()?,
        subprotocols: settings.subprotocols()?,
    };
    let mut options = event_loop.options()?;
    let level = event_loop.log_level()?;
    if args.common.check {
        return print_settings(&settings.effective());
    }
    start_log(level);
    let recorder = event_loop.recorder()?;
    options.tap = recorder.clone().map(|recorder| recorder as _);
    let signals = stop_signals()?;
    let server = Server::bind(&addresses[..], options, move |_| service.clone())
        .map_err(|error| cannot_listen(event_loop, &error))?;
    print(&format!(
        "wirebell echo listens on ws://{}/\n",
        server.local_addr()
    ));
    stop_on_signal(signals, || server.stop());
    server.join();
    recorder.map_or(Ok(()), |recorder| recorder.finish())
}
