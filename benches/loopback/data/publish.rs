//! Acknowledged publications a second, and how long each acknowledgement takes.

use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use crate::args::Options;
use crate::bare::ANSWERED;
use crate::data::disk::Disk;
use crate::data::publishers::{Publishers, Turn, quantile};
use crate::data::serving::{Allowed, serve};
use crate::push::wires::{self, TOPIC, Wire};
use crate::report::{Report, met};
use crate::rounds::median;
use crate::server::Server;
use crate::ws;

const CONNECTIONS: usize = 64;

/// Publications a second, where one `fdatasync` takes at most [`QUICK`] nanoseconds.
const RATE: f64 = 50_000.0;
const QUICK: f64 = 1_000_000.0;

/// Commits that 99 of 100 acknowledgements take at most.
const COMMITS: f64 = 3.0;

/// A load, and what its turns have shown.
struct Row {
    name: &'static str,
    publishers: Publishers,
    in_flight: usize,
    turns: Vec<Turn>,
}

pub fn run(folder: &Path, options: &Options, report: &mut Report) -> io::Result<()> {
    let name = format!("acknowledged 128 B, x{CONNECTIONS}");
    if !options.wants(&name) {
        return Ok(());
    }
    let server = serve(
        Some(&folder.join("publish.db")),
        Allowed::Both(options.cpus),
    )?;
    let mut disk = Disk::new(folder)?;
    let mut alone = row("alone", Wire::Raw, 1, 1, &server)?;
    let mut rows = [
        row("POST, 1 in flight", Wire::Raw, CONNECTIONS, 1, &server)?,
        row("POST, 16 in flight", Wire::Raw, CONNECTIONS, 16, &server)?,
        row(
            "wirebell.v1, 16 in flight",
            Wire::Envelopes,
            CONNECTIONS,
            16,
            &server,
        )?,
    ];
    for round in 0..=options.rounds {
        disk.sample()?;
        alone.turn(options.target)?;
        for row in &mut rows {
            row.turn(options.target)?;
            // The first is to warm up.
            row.turns.drain(..usize::from(round == 0));
        }
        alone.turns.drain(..usize::from(round == 0));
    }
    let sync = disk.times();
    let commit = alone.median(|turn| quantile(&turn.times, 0.5));
    println!(
        "\n{name}: fdatasync {:.3} ms (99 %: {:.3}), a commit {:.3} ms",
        sync.0 / 1e6,
        sync.1 / 1e6,
        commit / 1e6
    );
    println!(
        "  {:<29} {:>9} {:>8} {:>8} {:>9} {:>9}",
        "", "a second", "50 % ms", "99 % ms", "commits", "commits"
    );
    for row in &rows {
        row.print(&name, sync.0, commit, report);
    }
    Ok(())
}

fn row(
    name: &'static str,
    wire: Wire,
    connections: usize,
    in_flight: usize,
    server: &Server,
) -> io::Result<Row> {
    let message = ws::message(128);
    let (request, open): (_, fn(&Server) -> io::Result<TcpStream>) = match wire {
        Wire::Envelopes => {
            let text = format!(r#"{{"type":"publish","topic":"{TOPIC}","data":"{message}"}}"#);
            (ws::client_frame(ws::TEXT, text.as_bytes()), wires::opened)
        }
        _ => {
            let request = wire.publication(server.address, TOPIC, &message);
            (request, |server| Wire::Raw.publisher(server.address))
        }
    };
    let streams = (0..connections).map(|_| open(server));
    let streams = streams.collect::<io::Result<_>>()?;
    Ok(Row {
        name,
        publishers: Publishers::new(streams, request, ANSWERED, false)?,
        in_flight,
        turns: Vec::new(),
    })
}

impl Row {
    fn turn(&mut self, time: Duration) -> io::Result<()> {
        let turn = self.publishers.run(self.in_flight, time)?;
        self.turns.push(turn);
        Ok(())
    }

    fn median(&self, of: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns.iter().map(of))
    }

    fn print(&self, name: &str, sync: f64, commit: f64, report: &mut Report) {
        let rate = self.median(|turn| turn.rate);
        let half = self.median(|turn| quantile(&turn.times, 0.5));
        let most = self.median(|turn| quantile(&turn.times, 0.99));
        let verdict = match sync <= QUICK {
            true => format!(">= {RATE:.0} {}", met(rate >= RATE)),
            false => format!(">= {RATE:.0} only if fdatasync takes 1 ms or less"),
        };
        println!(
            "  {:<29} {rate:>9.0} {:>8.3} {:>8.3} {:>9.2} {:>9.2}  {verdict}; <= {COMMITS} {}",
            self.name,
            half / 1e6,
            most / 1e6,
            half / commit,
            most / commit,
            met(most <= COMMITS * commit)
        );
        report.figures(
            &format!("{name}, {}", self.name),
            &[
                ("a_second", rate),
                ("fdatasync_ns", sync),
                ("commit_ns", commit),
                ("half_ns", half),
                ("most_ns", most),
            ],
        );
    }
}
