//! Private memory of the server for each idle subscriber of one topic, after one message.
//!
//! The base is taken after a few subscribers have come and gone, as in `idle`.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::args::Options;
use crate::procfs::private;
use crate::push::fan::Fan;
use crate::push::rivals::Rival;
use crate::push::wires::SERVE;
use crate::push::wires::Wire;
use crate::report::{Report, met};
use crate::server::Server;

/// Bytes of a subscriber of the raw WebSocket.
const GOAL: f64 = 320.0;
/// Subscribers that come and go before the base is taken.
const FIRST: usize = 64;

pub fn run(rivals: &[Rival], options: &Options, report: &mut Report) -> io::Result<()> {
    let name = format!("idle subscriber x{}", options.connections);
    if !options.wants(&name) {
        return Ok(());
    }
    println!("\n{name}, bytes of private memory each");
    for (server, wire, goal) in [
        ("WebSocket, raw", Wire::Raw, Some(GOAL)),
        ("wirebell.v1", Wire::Envelopes, None),
        ("server-sent events", Wire::Events, None),
    ] {
        let bytes = each(&Server::start(&SERVE, options.cpus)?, wire, options)?;
        line(&name, server, bytes, goal, report);
    }
    for rival in rivals {
        let bytes = each(&rival.start(options.cpus)?, rival.wire(), options)?;
        line(&name, rival.name(), bytes, None, report);
    }
    Ok(())
}

fn line(row: &str, server: &str, bytes: f64, goal: Option<f64>, report: &mut Report) {
    let verdict = goal.map_or(String::new(), |goal| {
        format!("<= {goal:.0} {}", met(bytes <= goal))
    });
    println!("  {server:<29} {bytes:>8.0}  {verdict}");
    report.figures(&format!("{row}, {server}"), &[("bytes_each", bytes)]);
}

fn each(server: &Server, wire: Wire, options: &Options) -> io::Result<f64> {
    let pid = server.pid();
    Fan::new(server, wire, FIRST, (128, 1))?.publish()?;
    sleep(Duration::from_millis(300));
    let base = private(pid)?;
    let mut fan = Fan::new(server, wire, options.connections, (128, 1))?;
    fan.publish()?;
    sleep(Duration::from_secs(1));
    let open = private(pid)?;
    Ok((open as f64 - base as f64) / options.connections as f64)
}
