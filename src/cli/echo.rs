//! `wirebell echo`: every message comes back, on every path.

use crate::cli::Failure;
use crate::cli::args::EchoArgs;
use crate::cli::serve::{cannot_listen, print, print_settings, stop_on_signal, stop_signals};
use crate::cli::settings::start_log;
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
    start_log(level);
    let recorder = settings.recorder()?;
    options.tap = recorder.clone().map(|recorder| recorder as _);
    let signals = stop_signals()?;
    let service = EchoServer { access };
    let server = Server::bind(&addresses[..], options, move |_| service.clone())
        .map_err(|error| cannot_listen(&settings, &error))?;
    print(&format!(
        "wirebell echo listens on ws://{}/\n",
        server.local_addr()
    ));
    stop_on_signal(signals, || server.stop());
    server.join();
    recorder.map_or(Ok(()), |recorder| recorder.finish())
}
