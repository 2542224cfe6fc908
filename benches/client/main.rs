//! The client benchmark: CPU time of the thread that sends a message and receives its echo with
//! [`wirebell::client::Client`], next to a bare socket that moves the same bytes and to
//! tungstenite, all against the same server in the same run.
//!
//! ```text
//!   processor S                                processor C
//!   wirebell echo (child)  <── 127.0.0.1 ──┬── bare: a masked frame made beforehand
//!                                          ├── Wirebell
//!                                          └── tungstenite
//! ```
//!
//! `mask` measures the masking of a payload in memory. Goals are printed with each row as met or
//! missed; a missed goal is no failure.

#![forbid(unsafe_code)]

mod args;
mod echo;
mod masking;
mod peers;
#[path = "../loopback/procfs.rs"]
#[expect(
    dead_code,
    reason = "the accounts of other processes are for `loopback`"
)]
mod procfs;
mod report;
mod rounds;
#[path = "../loopback/server.rs"]
#[expect(dead_code, reason = "the other servers are for `loopback`")]
mod server;
#[path = "../loopback/ws.rs"]
#[expect(dead_code, reason = "text and compression are for `loopback`")]
mod ws;

use std::env;
use std::io;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Mode, Options};
use crate::report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().collect();
    // A child on its way to become the server.
    if let [_, internal, launch, rest @ ..] = &arguments[..]
        && (internal.as_str(), launch.as_str()) == ("internal", "launch")
    {
        return exit(server::launch(rest));
    }
    let given = |name| arguments.iter().any(|argument| argument == name);
    let help = given("--help") || given("-h");
    // `cargo bench` gives the first, `cargo test --benches` may give options of a test harness.
    if !help && (!given("--bench") || given("--test")) {
        println!("client: nothing is measured without --bench, which `cargo bench` gives");
        return ExitCode::SUCCESS;
    }
    exit(run(&Options::parse_from(arguments)))
}

fn exit(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let mut report = Report::new();
    let cpus = options.cpus().filter(|cpus| server::pin_self(cpus.client));
    match cpus {
        Some(cpus) => println!(
            "server on processor {}, client on {}",
            cpus.server, cpus.client
        ),
        None => println!("not pinned (that takes two processors and taskset): noisier figures"),
    }
    println!("medians of {} alternating rounds", options.rounds());
    if options.runs(Mode::Echo) {
        echo::run(options, cpus, &mut report)?;
    }
    if options.runs(Mode::Mask) {
        masking::run(options, &mut report);
    }
    report.finish(options.json.as_deref())
}
