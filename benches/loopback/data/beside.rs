//! Echoes on a server that writes its log to a file: a loop must not wait for the disk.
//!
//! One WebSocket of `/echo` has a message in flight most of the time. Beside it publications come
//! at a fixed rate, so that a server with a file and one in memory get the same load. All threads
//! of a server share one processor: what its writing takes of that is printed.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::args::Options;
use crate::bare::ANSWERED;
use crate::data::publishers::{Publishers, quantile};
use crate::data::serving::{Allowed, serve};
use crate::load::STALL;
use crate::net::{connect_from, recv};
use crate::procfs::process::cpu_ns;
use crate::push::wires::{TOPIC, Wire};
use crate::report::Report;
use crate::rounds::median;
use crate::server::Server;
use crate::ws;

/// Publications a second, from connections of which each waits for its answer.
const RATE: u32 = 5_000;
const CONNECTIONS: usize = 64;

/// Between an echo and the next message.
const PAUSE: Duration = Duration::from_micros(50);

/// A server with both loads.
struct Side {
    server: Server,
    echo: Echo,
    publishers: Publishers,
    next: usize,
}

struct Echo {
    stream: TcpStream,
    frame: Vec<u8>,
    length: usize,
}

/// What a turn has shown.
struct Turn {
    half: f64,
    most: f64,
    published: f64,
    /// The part of a processor that the server took.
    busy: f64,
}

pub fn run(folder: &Path, options: &Options, report: &mut Report) -> io::Result<()> {
    let name = format!("echo 32 B beside {RATE} publications a second");
    if !options.wants(&name) {
        return Ok(());
    }
    let mut memory = Side::new(None, options)?;
    let mut file = Side::new(Some(&folder.join("beside.db")), options)?;
    let mut turns: [Vec<Turn>; 4] = Default::default();
    for round in 0..=options.rounds {
        let time = options.target * 3;
        let shown = [
            memory.turn(time, false)?,
            file.turn(time, false)?,
            memory.turn(time, true)?,
            file.turn(time, true)?,
        ];
        // The first is to warm up.
        if round > 0 {
            turns
                .iter_mut()
                .zip(shown)
                .for_each(|(all, it)| all.push(it));
        }
    }
    println!(
        "\n{name}\n  {:<29} {:>8} {:>8} {:>12} {:>10}",
        "", "50 % µs", "99 % µs", "published/s", "processor"
    );
    let names = [
        "in memory, no publications",
        "file, no publications",
        "in memory",
        "file",
    ];
    for (side, turns) in names.into_iter().zip(&turns) {
        print(&name, side, turns, report);
    }
    let ratio = |of: fn(&Turn) -> f64| {
        let pairs = turns[3].iter().zip(&turns[2]);
        median(pairs.map(|(file, memory)| of(file) / of(memory)))
    };
    let (half, most) = (ratio(|it| it.half), ratio(|it| it.most));
    println!("  file to memory, both with publications: 50 % {half:.2}, 99 % {most:.2}");
    report.figures(&format!("{name}, ratio"), &[("half", half), ("most", most)]);
    Ok(())
}

fn print(name: &str, side: &str, turns: &[Turn], report: &mut Report) {
    let of = |field: fn(&Turn) -> f64| median(turns.iter().map(field));
    let (half, most) = (of(|it| it.half), of(|it| it.most));
    let (published, busy) = (of(|it| it.published), of(|it| it.busy));
    println!(
        "  {side:<29} {:>8.1} {:>8.1} {published:>12.0} {:>8.0} %",
        half / 1e3,
        most / 1e3,
        busy * 100.0
    );
    report.figures(
        &format!("{name}, {side}"),
        &[
            ("half_ns", half),
            ("most_ns", most),
            ("published", published),
            ("busy", busy),
        ],
    );
}

impl Side {
    fn new(data: Option<&Path>, options: &Options) -> io::Result<Self> {
        let server = serve(data, Allowed::One(options.cpus))?;
        let streams = (0..CONNECTIONS).map(|_| Wire::Raw.publisher(server.address));
        let streams = streams.collect::<io::Result<_>>()?;
        let request = Wire::Raw.publication(server.address, TOPIC, &ws::message(128));
        Ok(Self {
            echo: Echo::open(&server)?,
            publishers: Publishers::new(streams, request, ANSWERED, true)?,
            server,
            next: 0,
        })
    }

    /// Echoes for `time`, with publications beside them or without.
    fn turn(&mut self, time: Duration, publishes: bool) -> io::Result<Turn> {
        let before = cpu_ns(self.server.pid())?;
        let start = Instant::now();
        let (mut due, mut times) = (0, Vec::new());
        let mut echo_at = start;
        let mut asked: Option<Instant> = None;
        while start.elapsed() < time {
            let now = Instant::now();
            if asked.is_none() && now >= echo_at {
                self.echo.ask()?;
                asked = Some(now);
            }
            let expected = (now - start).as_secs_f64() * f64::from(RATE);
            if publishes && f64::from(due) < expected {
                // Without a free connection it is left out: the rate shows it.
                self.publishers.publish_on_free(&mut self.next)?;
                due += 1;
            }
            self.publishers.poll(false)?;
            if let Some(sent) = asked
                && self.echo.take()?
            {
                let now = Instant::now();
                times.push((now - sent).as_nanos() as u64);
                (asked, echo_at) = (None, now + PAUSE);
            }
        }
        let took = start.elapsed();
        self.finish(asked.is_some())?;
        let busy = (cpu_ns(self.server.pid())? - before) as f64 / took.as_nanos() as f64;
        times.sort_unstable();
        Ok(Turn {
            half: quantile(&times, 0.5),
            most: quantile(&times, 0.99),
            published: self.publishers.turn(took.as_secs_f64()).rate,
            busy,
        })
    }

    /// Waits until nothing is in flight.
    fn finish(&mut self, mut asked: bool) -> io::Result<()> {
        let start = Instant::now();
        while asked || !self.publishers.is_idle() {
            self.publishers.poll(false)?;
            asked = asked && !self.echo.take()?;
            if start.elapsed() > STALL {
                return Err(io::Error::other("answers are missing"));
            }
        }
        Ok(())
    }
}

impl Echo {
    fn open(server: &Server) -> io::Result<Self> {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, server.address)?;
        stream.set_read_timeout(Some(STALL))?;
        ws::upgrade(&mut stream, &ws::upgrade_request(server.address, "/echo"))?;
        let payload = [b'e'; 32];
        let (frame, reply) = (
            ws::client_frame(ws::BINARY, &payload),
            ws::server_frame(ws::BINARY, &payload),
        );
        stream.write_all(&frame)?;
        let mut first = vec![0; reply.len()];
        stream.read_exact(&mut first)?;
        if first != reply {
            return Err(io::Error::other("a reply differs from what was sent"));
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            frame,
            length: reply.len(),
        })
    }

    fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.frame)
    }

    /// Whether the reply is there.
    fn take(&mut self) -> io::Result<bool> {
        let mut reply = [0; 256];
        match recv(&self.stream, &mut reply)? {
            None => Ok(false),
            Some(length) if length == self.length => Ok(true),
            Some(length) => Err(io::Error::other(format!("a reply of {length} bytes"))),
        }
    }
}
