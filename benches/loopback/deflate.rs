//! permessage-deflate: CPU time of a server that compresses, next to the same server told not to.
//!
//! Echo: JSON as text, one message in flight on each connection, a window of 15 bits, the default
//! level. The server inflates each message, checks it and compresses it again; the client sends
//! payloads that it has compressed beforehand, with takeover if that was agreed on. Fan-out: one
//! message to 1,000 subscribers, compressed once.

use std::cell::Cell;
use std::io;
use std::net::Ipv4Addr;
use std::rc::Rc;

use crate::args::Options;
use crate::compression::Mode;
use crate::fanout;
use crate::load::STALL;
use crate::net::connect_from;
use crate::report::Report;
use crate::rounds::{Comparison, Side};
use crate::samples::Samples;
use crate::server::Server;
use crate::talk::{Script, Talk, Wire};
use crate::ws;

/// Highest ratio of a compressed fan-out to the same one uncompressed.
const FANOUT_GOAL: f64 = 1.15;
const FANOUT_LENGTH: usize = 1024;

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    for mode in [Mode::On, Mode::Takeover] {
        report.table("JSON, per message or copy", ["off", mode.name()]);
        for size in [256, 1024, 16 * 1024] {
            for connections in [1, 64] {
                let name = echo_name(size, connections, mode);
                if options.wants(&name) {
                    echo(&name, (size, connections, mode), options, report)?;
                }
            }
        }
        let name = format!("fanout json 1 KiB {}", mode.name());
        if options.wants(&name) {
            let off = fan_out(Mode::Off, options)?;
            let result = Comparison::measure(off, fan_out(mode, options)?, options)?;
            report.row(&name, Some(FANOUT_GOAL), &result);
        }
    }
    Ok(())
}

fn echo_name(size: usize, connections: usize, mode: Mode) -> String {
    let size = match size {
        size if size >= 1024 => format!("{} KiB", size / 1024),
        size => format!("{size} B"),
    };
    format!("echo json {size} x{connections} {}", mode.name())
}

fn echo(
    name: &str,
    (size, connections, mode): (usize, usize, Mode),
    options: &Options,
    report: &mut Report,
) -> io::Result<()> {
    let (off, plain) = talk(Mode::Off, size, connections, options)?;
    let (on, packed) = talk(mode, size, connections, options)?;
    let result = Comparison::measure(off, on, options)?;
    report.row(name, None, &result);
    let [plain, packed] = [plain.get().each(), packed.get().each()];
    println!(
        "    bytes on the wire: to the server {:.0}, {:.0} plain; from it {:.0}, {:.0} plain",
        packed.sent, plain.sent, packed.received, plain.received
    );
    report.figures(
        &format!("{name} bytes"),
        &[
            ("plain_sent", plain.sent),
            ("sent", packed.sent),
            ("plain_received", plain.received),
            ("received", packed.received),
        ],
    );
    Ok(())
}

type Echo = (Side, Rc<Cell<Wire>>);

/// An echo server and its clients, which have been through all messages once.
fn talk(mode: Mode, size: usize, connections: usize, options: &Options) -> io::Result<Echo> {
    let server = Server::start(&mode.server("echo"), options.cpus)?;
    let upgrade = ws::deflate_request(server.address, "/");
    let samples = Samples::new(size, mode == Mode::Takeover);
    let script = Script::new(samples, mode.terms());
    let mut streams = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = connect_from(Ipv4Addr::LOCALHOST, server.address)?;
        stream.set_read_timeout(Some(STALL))?;
        mode.check(&ws::upgrade(&mut stream, &upgrade)?)?;
        script.rehearse(&mut stream)?;
        streams.push(stream);
    }
    let talk = Talk::new(streams, script, options.spin)?;
    let wire = talk.wire();
    let work = Box::new(talk);
    Ok((Side { server, work }, wire))
}

fn fan_out(mode: Mode, options: &Options) -> io::Result<Side> {
    let samples = Samples::new(FANOUT_LENGTH, false);
    let message = &samples.plain[0];
    let text = str::from_utf8(message).map_err(io::Error::other)?;
    // Its window is empty in either mode: subscribers share it.
    let frame = match mode {
        Mode::Off => ws::server_frame(ws::TEXT, message),
        Mode::On | Mode::Takeover => ws::server_frame(ws::COMPRESSED_TEXT, &samples.first[0]),
    };
    fanout::deflating(mode, text, frame, options)
}
