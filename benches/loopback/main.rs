//! The loopback benchmark: CPU time of the `wirebell` process per message, next to a bare epoll
//! server that moves the same bytes in the same run, and the ratio of the two.
//!
//! ```text
//!   processor S                                    processor C
//!   bare server (child)     <-- 127.0.0.1 -->      this process: load, checks, figures
//!   wirebell (child)        <-- 127.0.0.1 -->
//! ```
//!
//! CPU time comes from the kernel's account of the server's threads, not from a clock, so the
//! client costs nothing here. Goals are printed with each row as met or missed; a missed goal is
//! no failure. `args::USAGE` has the options, `echo` says how the bytes are made equal. `deflate`
//! compares Wirebell with itself instead: with compression and without. `push` has more than two
//! servers: other programs that do the same are measured in the same turns. `data` measures times
//! instead, as a log in a file waits for the disk.

#![forbid(unsafe_code)]

mod args;
mod bare;
mod compression;
mod data;
mod deflate;
mod echo;
mod fanout;
mod handshake;
mod idle;
mod load;
mod net;
mod procfs;
mod push;
mod report;
mod rounds;
#[path = "../samples.rs"]
mod samples;
mod server;
mod strace;
mod talk;
mod ws;

use std::env;
use std::io;
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::{Mode, Options};
use crate::report::Report;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, kind, rest @ ..] = &arguments[..]
        && first == "internal"
    {
        return exit(if kind == "bare" {
            bare::main(rest)
        } else {
            server::launch(rest)
        });
    }
    let options = match Options::parse(&arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("loopback: {error}\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    if options.help {
        println!("{}", args::USAGE);
        return ExitCode::SUCCESS;
    }
    if !options.measure {
        println!("loopback: nothing is measured without --bench, which `cargo bench` gives");
        return ExitCode::SUCCESS;
    }
    exit(run(options))
}

fn exit(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("loopback: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut options: Options) -> io::Result<()> {
    raise_file_limit()?;
    if let Some(cpus) = options.cpus
        && !server::pin_self(cpus.client)
    {
        options.cpus = None;
    }
    let mut report = Report::new();
    match options.cpus {
        Some(cpus) => println!(
            "server on processor {}, client on {}",
            cpus.server, cpus.client
        ),
        None => println!("not pinned (that takes two processors and taskset): noisier figures"),
    }
    println!(
        "CPU nanoseconds of the server, medians of {} rounds",
        options.rounds
    );
    if options.runs(Mode::Echo) {
        echo::run(&options, &mut report)?;
    }
    if options.runs(Mode::Fanout) {
        fanout::run(&options, &mut report)?;
    }
    if options.runs(Mode::Deflate) {
        deflate::run(&options, &mut report)?;
    }
    if options.runs(Mode::Idle) {
        idle::run(&options, &mut report)?;
    }
    if options.runs(Mode::Handshake) {
        handshake::run(&options, &mut report)?;
    }
    if options.runs(Mode::Push) {
        push::run(&options, &mut report)?;
    }
    if options.runs(Mode::Data) {
        data::run(&options, &mut report)?;
    }
    report.finish(options.json.as_deref())
}

/// Children inherit the limit.
fn raise_file_limit() -> io::Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    Ok(setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?)
}
