//! The start of a server whose file has a million messages: from `exec` to the first answer.
//!
//! The server before was killed, so each start is one after a crash. The pages of the file are in
//! the memory of the system.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::args::Options;
use crate::bare::ANSWERED;
use crate::data::publishers::quantile;
use crate::data::serving::{Allowed, serve};
use crate::push::wires::{Wire, batch, count};
use crate::report::{Report, met};
use crate::server::{Server, free_address, wirebell, wirebell_line};
use crate::ws;

/// Each keeps 100 messages, as topics do by default.
const TOPICS: usize = 10_000;
const MESSAGES: usize = 1_000_000;

/// Lines of a batch, which is below the bound of bodies.
const LINES: usize = 5_000;

const GOAL: Duration = Duration::from_secs(1);

pub fn run(folder: &Path, options: &Options, report: &mut Report) -> io::Result<()> {
    let name = format!("start with {MESSAGES} messages of 128 B");
    if !options.wants(&name) {
        return Ok(());
    }
    let path = folder.join("start.db");
    fill(&path, options)?;
    println!("\n{name}");
    let mut check = Command::new(wirebell());
    let checked = check.args(["data", "check"]).arg(&path).output()?;
    let text = String::from_utf8_lossy(&checked.stdout);
    let (_, summary) = text.split_once(": ").unwrap_or_default();
    println!("  the file: {}", summary.lines().next().unwrap_or_default());
    for memory in ["256MiB", "2GiB"] {
        let mut times = Vec::new();
        for _ in 0..options.rounds.min(9) {
            times.push(start(&path, memory, options)?.as_nanos() as u64);
        }
        times.sort_unstable();
        let (half, least, most) = (
            quantile(&times, 0.5),
            quantile(&times, 0.0),
            quantile(&times, 1.0),
        );
        println!(
            "  --memory {memory:<20} {:>8.0} ms ({:.0}..{:.0})  <= {} ms {}",
            half / 1e6,
            least / 1e6,
            most / 1e6,
            GOAL.as_millis(),
            met(half <= GOAL.as_nanos() as f64)
        );
        report.figures(&format!("{name}, --memory {memory}"), &[("half_ns", half)]);
    }
    Ok(())
}

/// Publishes until every topic is full.
fn fill(path: &Path, options: &Options) -> io::Result<()> {
    let server = serve(Some(path), Allowed::Both(options.cpus))?;
    let mut stream = Wire::Raw.publisher(server.address)?;
    let message = ws::message(128);
    for first in (0..MESSAGES).step_by(LINES) {
        let lines = (first..first + LINES).map(|number| {
            let topic = number % TOPICS;
            format!("{{\"topic\":\"orders.{topic}\",\"data\":\"{message}\"}}\n")
        });
        let request = batch(server.address, &lines.collect::<String>());
        stream.write_all(&request)?;
        let (mut answered, mut buffer) = (0, vec![0; 64 * 1024]);
        while answered < LINES {
            match stream.read(&mut buffer)? {
                0 => return Err(io::Error::other("the server ended a connection")),
                length => answered += count(&buffer[..length], ANSWERED),
            }
        }
    }
    Ok(())
}

fn start(path: &Path, memory: &str, options: &Options) -> io::Result<Duration> {
    let address = free_address()?;
    let mut line = wirebell_line("serve", address);
    line.extend(["--gotify=false".into(), "--memory".into(), memory.into()]);
    line.extend(["--data".into(), path.into()]);
    let begin = Instant::now();
    let server = Server::spawn(address, line, options.cpus)?;
    while !is_healthy(&server)? {
        if begin.elapsed() > GOAL * 30 {
            return Err(io::Error::other("the server does not start"));
        }
        sleep(Duration::from_millis(1));
    }
    Ok(begin.elapsed())
}

fn is_healthy(server: &Server) -> io::Result<bool> {
    let Ok(mut stream) = TcpStream::connect(server.address) else {
        return Ok(false);
    };
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(request.as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(head == *b"HTTP/1.1 200")
}
