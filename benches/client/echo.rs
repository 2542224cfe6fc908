//! A message to the echo server and back, for each size and each client.

use std::io;

use crate::args::{Cpus, Options};
use crate::peers::{self, NAMES, Peer};
use crate::report::{Report, Row, size_name};
use crate::rounds::{self, Sample, Work};
use crate::server::{Kind, Server};

/// Most payload in flight: the sockets of both ends hold that much, so no end waits for one that
/// waits for it.
const IN_FLIGHT: usize = 64 * 1024;

/// Connections of each client, opened sequentially, which share the rounds: the sizes that the
/// system gives to the buffers of a connection early in its life may double what it costs.
const CONNECTIONS: usize = 8;

pub fn run(options: &Options, cpus: Option<Cpus>, report: &mut Report) -> io::Result<()> {
    let server = Server::start(&Kind::Wirebell { command: "echo" }, cpus)?;
    report.echo_head();
    for &size in options.sizes() {
        let depth = options.depth.clamp(1, (IN_FLIGHT / size.max(1)).max(1));
        let payload: Vec<u8> = (0..size).map(|_| rand::random()).collect();
        let wanted = |name: &str| options.only.as_ref().is_none_or(|only| only == name);
        let names: Vec<&str> = NAMES.into_iter().filter(|name| wanted(name)).collect();
        if names.is_empty() {
            return Err(io::Error::other("--only takes one of the three clients"));
        }
        let mut samples = vec![Vec::new(); names.len()];
        for _ in 0..CONNECTIONS {
            let mut works = Vec::new();
            for name in &names {
                works.push(work(peers::open(name, server.address, &payload)?, depth)?);
            }
            let rounds = options.rounds().div_ceil(CONNECTIONS);
            let more = rounds::measure(&mut works, rounds, options.round())?;
            for (side, more) in samples.iter_mut().zip(more) {
                side.extend(more);
            }
        }
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

/// Work in units of `depth` messages.
fn work<'w>(mut peer: Box<dyn Peer>, depth: usize) -> io::Result<Work<'w>> {
    peer.check()?;
    Ok(Box::new(move |units| {
        for _ in 0..units {
            peer.exchange(depth)?;
        }
        Ok(())
    }))
}
