//! Topics: what a delivery, a publication, a line of a batch and a join cost the server.
//!
//! Servers take turns in every row, with bare writes of the same bytes first, and last those of
//! `rivals` that are installed. Subscribers and publishers of all of them are the same code, which
//! counts one byte of what comes: `wires` says which. A fan-out is 1,000 subscribers of one topic
//! and a publisher that waits for the answers and all copies; with several in flight it sends all
//! at once, and the bare server still makes one write for each copy.

mod ask;
mod fan;
mod memory;
mod rivals;
pub mod wires;

use std::io;
use std::net::TcpStream;

use crate::args::Options;
use crate::push::ask::{Ask, Requests};
use crate::push::fan::Fan;
use crate::push::rivals::Rival;
use crate::push::wires::{HISTORY, JOINED, SERVE, TOPIC, Wire, line, subscribe_and_leave};
use crate::report::{Entry, Goal, Report};
use crate::rounds::{Side, Turns};
use crate::server::{Kind, Server};
use crate::ws;

const SUBSCRIBERS: usize = 1000;
const LINES: usize = 1000;

type Entrant = (Entry, Side);

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    let rivals = rivals::installed();
    for (length, in_flight) in [(128, 1), (1024, 1), (128, 8), (1024, 8)] {
        fan_out(length, in_flight, &rivals, options, report)?;
    }
    for (connections, in_flight, goal) in [(1, 64, 250_000.0), (64, 1, 100_000.0)] {
        publish(connections, in_flight, goal, &rivals, options, report)?;
    }
    for (topics, keys) in [(100, false), (10_000, false), (100, true)] {
        batch(topics, keys, options, report)?;
    }
    join(options, report)?;
    memory::run(&rivals, options, report)
}

fn measure(
    name: &str,
    entrants: impl FnOnce() -> io::Result<Vec<Entrant>>,
    options: &Options,
    report: &mut Report,
) -> io::Result<()> {
    if !options.wants(name) {
        return Ok(());
    }
    let (entries, mut sides): (Vec<_>, Vec<_>) = entrants()?.into_iter().unzip();
    let mut sides: Vec<&mut Side> = sides.iter_mut().collect();
    let turns = Turns::measure(&mut sides, options)?;
    report.turns(name, &entries, &turns);
    Ok(())
}

fn fan_out(
    length: usize,
    in_flight: usize,
    rivals: &[Rival],
    options: &Options,
    report: &mut Report,
) -> io::Result<()> {
    let name = format!("fan-out {length} B x{SUBSCRIBERS}, {in_flight} in flight");
    let fan = |server, wire| {
        let work = Box::new(Fan::new(&server, wire, SUBSCRIBERS, (length, in_flight))?);
        Ok::<_, io::Error>(Side { server, work })
    };
    let entrants = || {
        let bare = Kind::BareFanout { length, each: true };
        let bare = fan(Server::start(&bare, options.cpus)?, Wire::Bare)?;
        let mut all = vec![(Entry::new("bare writes", 0, None), bare)];
        let goal = if in_flight == 1 { 1.05 } else { 0.30 };
        for (name, wire, against, goal) in [
            ("WebSocket, raw", Wire::Raw, 0, goal),
            ("wirebell.v1", Wire::Envelopes, 1, 1.10),
            ("server-sent events", Wire::Events, 1, 1.05),
        ] {
            let side = fan(Server::start(&SERVE, options.cpus)?, wire)?;
            all.push((Entry::new(name, against, Some(Goal::Ratio(goal))), side));
        }
        for rival in rivals {
            let side = fan(rival.start(options.cpus)?, rival.wire())?;
            all.push((Entry::new(rival.name(), 1, None), side));
        }
        Ok(all)
    };
    measure(&name, entrants, options, report)
}

/// 128 bytes to a topic that nobody listens to.
fn publish(
    connections: usize,
    in_flight: usize,
    goal: f64,
    rivals: &[Rival],
    options: &Options,
    report: &mut Report,
) -> io::Result<()> {
    let name = format!("publish 128 B, x{connections}, {in_flight} in flight");
    let message = ws::message(128);
    let ask = |server: Server, wire: Wire| {
        let request = wire.publication(server.address, TOPIC, &message);
        let streams = connect(connections, &server, wire)?;
        let work = Ask::new(streams, same(request), (1, in_flight), wire.answer())?;
        let work = Box::new(work);
        Ok::<_, io::Error>(Side { server, work })
    };
    let entrants = || {
        let server = Server::start(&SERVE, options.cpus)?;
        let request = Wire::Raw.publication(server.address, TOPIC, &message);
        let answer = wires::publish(&server, 2)?.len() / 2;
        let bare = bare(&request, answer, (connections, in_flight), options)?;
        let goal = Some(Goal::Rate(goal));
        let mut all = vec![
            (Entry::new("bare answers", 0, None), bare),
            (Entry::new("wirebell", 0, goal), ask(server, Wire::Raw)?),
        ];
        for rival in rivals {
            let side = ask(rival.start(options.cpus)?, rival.wire())?;
            all.push((Entry::new(rival.name(), 1, None), side));
        }
        Ok(all)
    };
    measure(&name, entrants, options, report)
}

/// One request in flight, of many lines of NDJSON.
fn batch(topics: usize, keys: bool, options: &Options, report: &mut Report) -> io::Result<()> {
    let with = if keys { ", with keys" } else { "" };
    let name = format!("batch of {LINES}, {topics} topics{with}");
    let entrants = || {
        let server = Server::start(&SERVE, options.cpus)?;
        let (address, mut next) = (server.address, 0);
        let requests = Box::new(move |out: &mut Vec<u8>| {
            let lines = (next..next + LINES).map(|number| line(number, topics, keys));
            out.extend(wires::batch(address, &lines.collect::<String>()));
            next += LINES;
        });
        let streams = connect(1, &server, Wire::Raw)?;
        let work = Ask::new(streams, requests, (LINES, 1), Wire::Raw.answer())?;
        let work = Box::new(work);
        let entry = Entry::new("wirebell", 0, Some(Goal::Rate(1_000_000.0)));
        Ok(vec![(entry, Side { server, work })])
    };
    measure(&name, entrants, options, report)
}

/// Subscribes over `wirebell.v1` from the beginning, and leaves, again and again.
fn join(options: &Options, report: &mut Report) -> io::Result<()> {
    let connections = 64;
    let name = format!("join with {HISTORY} x 128 B");
    let entrants = || {
        let server = Server::start(&SERVE, options.cpus)?;
        wires::publish(&server, HISTORY)?;
        let request = subscribe_and_leave();
        let answer = wires::joined(&server, &request)?;
        let bare = bare(&request, answer, (connections, 1), options)?;
        let opened = (0..connections).map(|_| wires::opened(&server));
        let streams = opened.collect::<io::Result<_>>()?;
        let work = Box::new(Ask::new(streams, same(request), (1, 1), JOINED)?);
        let entry = Entry::new("wirebell.v1", 0, Some(Goal::Time(20_000.0)));
        let bare = (Entry::new("bare answers", 0, None), bare);
        Ok(vec![bare, (entry, Side { server, work })])
    };
    measure(&name, entrants, options, report)
}

/// A server that answers requests of the same length with as many bytes.
fn bare(
    request: &[u8],
    answer: usize,
    (connections, in_flight): (usize, usize),
    options: &Options,
) -> io::Result<Side> {
    let kind = Kind::BareAnswers {
        request: request.len(),
        answer,
    };
    let server = Server::start(&kind, options.cpus)?;
    let streams = connect(connections, &server, Wire::Raw)?;
    let requests = same(request.to_vec());
    let work = Ask::new(streams, requests, (1, in_flight), Wire::Raw.answer())?;
    let work = Box::new(work);
    Ok(Side { server, work })
}

fn connect(count: usize, server: &Server, wire: Wire) -> io::Result<Vec<TcpStream>> {
    (0..count).map(|_| wire.publisher(server.address)).collect()
}

fn same(request: Vec<u8>) -> Requests {
    Box::new(move |out| out.extend_from_slice(&request))
}
