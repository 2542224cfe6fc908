//! Opening handshakes: CPU time to accept, upgrade and forget one connection.
//!
//! The bare server accepts, returns the request's bytes and forgets. The client ends each
//! connection with a reset, so that no port stays in TIME-WAIT.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use crate::args::Options;
use crate::load::STALL;
use crate::net::connect_from;
use crate::report::Report;
use crate::rounds::{Comparison, Side, Work};
use crate::server::{Kind, Server};
use crate::ws;

/// Connections that are open at the same time.
const BATCH: usize = 32;

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    let name = "handshake x32";
    if !options.wants(name) {
        return Ok(());
    }
    report.table("accept, upgrade, reset, each", ["bare", "wirebell"]);
    let bare = side(&Kind::BareEcho { level: false }, false, options)?;
    let wirebell = side(&Kind::Wirebell { command: "echo" }, true, options)?;
    let result = Comparison::measure(bare, wirebell, options)?;
    report.row(name, None, &result);
    let (bare, wirebell) = result.ns();
    let (bare, wirebell) = (1e9 / bare, 1e9 / wirebell);
    println!("    handshakes per CPU second: bare {bare:.0}, wirebell {wirebell:.0}");
    Ok(())
}

fn side(kind: &Kind, upgrade: bool, options: &Options) -> io::Result<Side> {
    let server = Server::start(kind, options.cpus)?;
    let request = ws::upgrade_request(server.address, "/");
    let work = Handshakes {
        address: server.address,
        request,
        upgrade,
    };
    Ok(Side {
        server,
        work: Box::new(work),
    })
}

struct Handshakes {
    address: SocketAddrV4,
    request: String,
    upgrade: bool,
}

impl Work for Handshakes {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let start = Instant::now();
        let mut units = 0;
        while start.elapsed() < time {
            let batch: Vec<TcpStream> =
                (0..BATCH).map(|_| self.open()).collect::<io::Result<_>>()?;
            units += batch.len() as u64;
        }
        Ok(units)
    }
}

impl Handshakes {
    fn open(&self) -> io::Result<TcpStream> {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, self.address)?;
        set_socket_linger(&stream, Some(Duration::ZERO))?;
        stream.set_read_timeout(Some(STALL))?;
        if self.upgrade {
            ws::upgrade(&mut stream, &self.request)?;
        } else {
            stream.write_all(self.request.as_bytes())?;
            let mut echoed = vec![0; self.request.len()];
            stream.read_exact(&mut echoed)?;
        }
        Ok(stream)
    }
}
