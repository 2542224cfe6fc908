//! CPU time per echoed message, next to the bare echo of the same bytes.
//!
//! The bare server gets blocks of the length of the masked client frame and returns them whole;
//! Wirebell's reply has no mask key. So both receive exactly the same bytes, and the bare server
//! sends 4 bytes more per message than Wirebell does.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::args::{Against, Options};
use crate::load::{Load, STALL};
use crate::net::connect_from;
use crate::report::Report;
use crate::rounds::{Comparison, Side, Work};
use crate::server::{Kind, Server};
use crate::ws;

struct Scenario {
    size: usize,
    connections: usize,
    in_flight: usize,
    /// Highest ratio to the bare echo.
    goal: f64,
}

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    let second = match options.against {
        Against::Wirebell => "wirebell",
        Against::Bare => "bare",
        Against::BareLevel => "level",
    };
    report.table("echo, per message", ["bare", second]);
    for scenario in scenarios() {
        let name = scenario.name();
        if options.wants(&name) {
            let mut result = scenario.compare(options)?;
            for _ in 1..options.starts {
                result.add(scenario.compare(options)?);
            }
            let goal = (options.against == Against::Wirebell).then_some(scenario.goal);
            report.row(&name, goal, &result);
        }
    }
    Ok(())
}

fn scenarios() -> Vec<Scenario> {
    let mut all = Vec::new();
    let goals = [
        (32, [1.01, 1.02, 1.05]),
        (512, [1.05, 1.05, 1.05]),
        (1024, [1.02, 1.02, 1.02]),
        (16 * 1024, [1.06, 1.06, 1.06]),
    ];
    for (size, goals) in goals {
        for (connections, goal) in [1, 64, 1000].into_iter().zip(goals) {
            all.push(Scenario {
                size,
                connections,
                in_flight: 1,
                goal,
            });
        }
    }
    for connections in [1, 64] {
        all.push(Scenario {
            size: 32,
            connections,
            in_flight: 16,
            goal: 1.06,
        });
    }
    for (size, goal) in [(256 * 1024, 1.00), (4 * 1024 * 1024, 1.05)] {
        for connections in [1, 16] {
            all.push(Scenario {
                size,
                connections,
                in_flight: 1,
                goal,
            });
        }
    }
    all
}

impl Scenario {
    fn name(&self) -> String {
        let size = match self.size {
            size if size >= 1 << 20 => format!("{} MiB", size >> 20),
            size if size >= 1 << 10 => format!("{} KiB", size >> 10),
            size => format!("{size} B"),
        };
        format!(
            "echo {size} x{} in-flight {}",
            self.connections, self.in_flight
        )
    }

    fn request(&self) -> (Vec<u8>, Vec<u8>) {
        let payload: Vec<u8> = (0..self.size).map(|_| rand::random()).collect();
        let request = ws::client_frame(ws::BINARY, &payload);
        (request, ws::server_frame(ws::BINARY, &payload))
    }

    /// Starts both servers and measures them in turn.
    fn compare(&self, options: &Options) -> io::Result<Comparison> {
        let bare = self.bare(false, options)?;
        let other = match options.against {
            Against::Wirebell => self.wirebell(options)?,
            Against::Bare => self.bare(false, options)?,
            Against::BareLevel => self.bare(true, options)?,
        };
        Comparison::measure(bare, other, options)
    }

    fn bare(&self, level: bool, options: &Options) -> io::Result<Side> {
        let server = Server::start(&Kind::BareEcho { level }, options.cpus)?;
        let streams = (0..self.connections)
            .map(|_| connect_from(Ipv4Addr::LOCALHOST, server.address))
            .collect::<io::Result<_>>()?;
        let (request, _) = self.request();
        let reply = request.clone();
        let load = Load::new(streams, &request, reply, self.in_flight, options.spin)?;
        Ok(Side {
            server,
            work: Box::new(load),
        })
    }

    fn wirebell(&self, options: &Options) -> io::Result<Side> {
        let server = Server::start(&Kind::Wirebell { command: "echo" }, options.cpus)?;
        let upgrade = ws::upgrade_request(server.address, "/");
        let mut streams = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            let mut stream = connect_from(Ipv4Addr::LOCALHOST, server.address)?;
            stream.set_read_timeout(Some(STALL))?;
            ws::upgrade(&mut stream, &upgrade)?;
            streams.push(stream);
        }
        let (request, reply) = self.request();
        let load = Load::new(streams, &request, reply, self.in_flight, options.spin)?;
        Ok(Side {
            server,
            work: Box::new(load),
        })
    }
}

impl Work for Load {
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        Self::run(self, time)
    }
}
