//! A message to the echo server and back, for each size and each client.

use std::io;

use crate::args::{Cpus, Options};
use crate::peers::{self, NAMES};
use crate::report::{Report, Row, size_name};
use crate::rounds::{self, Sample, Work};
use crate::server::{Kind, Server};

/// Most payload in flight: the sockets of both ends hold that much, so nobody waits for someone
/// who waits for him.
const IN_FLIGHT: usize = 64 * 1024;

pub fn run(options: &Options, cpus: Option<Cpus>, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&Kind::Wirebell { command: "echo" }, cpus)?;
    report.echo_head();
    for &size in options.sizes() {
        let depth = options.depth.clamp(1, (IN_FLIGHT / size.max(1)).max(1));
        let payload: Vec<u8> = (0..size).map(|_| rand::random()).collect();
        let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only == name);
        let names: Vec<&str> = NAMES.into_iter().filter(|name| wanted(name)).collect();
        let mut works = Vec::new();
        for name in &names {
            let mut peer = peers::open(name, server.address, &payload)?;
            peer.check()?;
            let work: Work<'_> = Box::new(move |units| {
                // Once for each `depth` messages.
                for _ in 0..units {
                    peer.exchange(depth)?;
                }
                Ok(())
            });
            works.push(work);
        }
        if names.is_empty() {
            return Err(io::Error::other("--only takes one of the three clients"));
        }
        let samples = rounds::measure(&mut works, options.rounds(), options.round())?;
        let each = |sample: &Sample| Sample {
            cpu_ns: sample.cpu_ns / depth as f64,
            wall_ns: sample.wall_ns / depth as f64,
        };
        let samples = samples.iter().map(|side| side.iter().map(each).collect());
        report.echo(&Row {
            name: match depth {
                1 => size_name(size),
                _ => format!("{} x{depth}", size_name(size)),
            },
            size,
            depth,
            sides: names.iter().copied().zip(samples).collect(),
        });
    }
    Ok(())
}
