//! Resident memory per idle connection: many WebSockets, one echo of 32 bytes on each, then
//! silence.
//!
//! The base is taken after a few connections have come and gone, so that the pages of the
//! program itself and of the receive buffer, which are there once, are not counted as theirs.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::args::Options;
use crate::load::{Load, STALL};
use crate::net::connect_from;
use crate::procfs::kernel_slab;
use crate::procfs::process::resident;
use crate::report::{Report, met};
use crate::server::{Kind, Server};
use crate::ws;

/// Resident bytes of the server per idle connection.
const GOAL: f64 = 140.0;
/// Connections that come and go before the base is taken.
const FIRST: usize = 64;
/// Connections from one source address, far below the 28,000 ports that it has.
const PER_ADDRESS: usize = 5_000;

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    let count = options.connections;
    let name = format!("idle x{count}");
    if !options.wants(&name) {
        return Ok(());
    }
    let server = Server::start(&Kind::Wirebell { command: "echo" }, options.cpus)?;
    let pid = server.pid();
    let cold = resident(pid)?;
    drop(open(&server, FIRST)?);
    sleep(Duration::from_millis(300));
    let (base, kernel_base) = (resident(pid)?, kernel_slab());
    let start = Instant::now();
    let streams = open(&server, count)?;
    let opened = start.elapsed();
    sleep(Duration::from_secs(1));
    let (open, kernel) = (resident(pid)?, kernel_slab());
    drop(streams);
    // Longer than the time that a finished connection may be drained.
    sleep(Duration::from_secs(3));
    let closed = resident(pid)?;

    let per = |bytes: u64, base: u64| (bytes as f64 - base as f64) / count as f64;
    let (each, left) = (per(open, base), per(closed, base));
    let kernel = per(kernel, kernel_base);
    let kib = |bytes: u64| bytes / 1024;
    println!(
        "\n{name}: {each:.0} bytes resident each  <= {GOAL:.0} {}",
        met(each <= GOAL)
    );
    println!(
        "    resident: {} KiB at the start, {} KiB after {FIRST} connections came and went, \
         {} KiB with all open, {} KiB after all closed ({left:.0} bytes each)",
        kib(cold),
        kib(base),
        kib(open),
        kib(closed)
    );
    println!("    kernel slab: {kernel:.0} bytes each, both ends; opened in {opened:.1?}");
    report.figures(
        &name,
        &[
            ("bytes_each", each),
            ("goal", GOAL),
            ("bytes_each_after_close", left),
            ("kernel_bytes_each_both_ends", kernel),
            ("cold", cold as f64),
            ("base", base as f64),
            ("open", open as f64),
            ("closed", closed as f64),
        ],
    );
    Ok(())
}

/// Opens connections and has one message echoed on each.
fn open(server: &Server, count: usize) -> io::Result<Vec<TcpStream>> {
    let upgrade = ws::upgrade_request(server.address, "/");
    let mut streams = Vec::with_capacity(count);
    for index in 0..count {
        let [.., last] = Ipv4Addr::LOCALHOST.octets();
        let source = Ipv4Addr::new(127, 0, 0, last + (index / PER_ADDRESS).min(250) as u8);
        let mut stream = connect_from(source, server.address)?;
        stream.set_read_timeout(Some(STALL))?;
        ws::upgrade(&mut stream, &upgrade)?;
        streams.push(stream);
    }
    let payload = [b'i'; 32];
    let request = ws::client_frame(ws::BINARY, &payload);
    let reply = ws::server_frame(ws::BINARY, &payload);
    let mut load = Load::new(streams, &request, reply, 1, true)?;
    load.run(Duration::ZERO)?;
    Ok(load.into_streams())
}
