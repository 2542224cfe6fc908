//! The command line of the benchmark.
//!
//! As with other benchmarks, nothing is measured unless `--bench` is there and `--test` is not:
//! `cargo bench` passes the first, while `cargo test --benches` passes neither.

use std::path::PathBuf;
use std::time::Duration;

use crate::procfs;

pub const USAGE: &str = "\
usage: cargo bench --bench loopback -- [MODE] [options]
  MODE              echo, fanout, deflate, idle, handshake, push, data, or all (the default)
  push              topics, next to nchan, mosquitto and nats-server if they are
                    installed; not in `all`
  data              the log in a file: times of a clock; not in `all`
  --quick           five short rounds and fewer idle connections: a look, not a figure
  --rounds N        rounds of each server per row, alternating (default 25)
  --starts N        echo only: start the servers N times for each row, with so many
                    rounds each: where their memory happens to lie matters (default 1)
  --round-ms MS     CPU time of the server that one round should see (default 100)
  --filter TEXT     only rows whose name contains TEXT
  --connections N   idle connections (default 10000)
  --strace          count system calls too, in a short run of their own
  --dir DIR         folder of data files (default: that of Cargo for temporary files)
  --json FILE       write every figure to FILE as well
  --cpus S,C        processors of the server and of this client (default: the first two)
  --block           let the client sleep between replies instead of spinning
  --against WHAT    echo only: instead of wirebell, measure `bare` (the bare server again,
                    which shows the noise of the machine) or `level` (level-triggered)
environment: WIREBELL_BIN runs another binary than the one just built";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Echo,
    Idle,
    Fanout,
    Deflate,
    Handshake,
    Push,
    Data,
    All,
}

/// What the echo rows compare with the bare server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Against {
    Wirebell,
    Bare,
    BareLevel,
}

/// One processor for the server, another for the client.
#[derive(Clone, Copy)]
pub struct Cpus {
    pub server: usize,
    pub client: usize,
}

pub struct Options {
    pub mode: Mode,
    /// False under `cargo test`.
    pub measure: bool,
    pub help: bool,
    pub rounds: usize,
    pub starts: usize,
    /// CPU time of the server that one round should see.
    pub target: Duration,
    pub filter: String,
    pub connections: usize,
    pub strace: bool,
    pub json: Option<PathBuf>,
    /// Where data files are.
    pub folder: PathBuf,
    pub cpus: Option<Cpus>,
    pub spin: bool,
    pub against: Against,
}

impl Options {
    /// Reads the arguments after the program's name.
    pub fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let given = |name| arguments.iter().any(|argument| argument == name);
        options.measure = given("--bench") && !given("--test");
        options.help = given("--help") || given("-h");
        if options.help || !options.measure {
            // The other arguments may be for a test harness.
            return Ok(options);
        }
        let mut quick = false;
        let (mut rounds, mut target, mut connections) = (None, None, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => {}
                "--quick" => quick = true,
                "--strace" => options.strace = true,
                "--block" => options.spin = false,
                "--against" => options.against = against(value()?)?,
                "--starts" => options.starts = number(value()?)?.max(1),
                "--rounds" => rounds = Some(number(value()?)?.max(1)),
                "--round-ms" => {
                    target = Some(Duration::from_millis(number(value()?)?.max(1) as u64))
                }
                "--connections" => connections = Some(number(value()?)?.max(1)),
                "--filter" => options.filter.clone_from(value()?),
                "--dir" => options.folder = value()?.into(),
                "--json" => options.json = Some(value()?.into()),
                "--cpus" => options.cpus = Some(cpus(value()?)?),
                name => options.mode = mode(name)?,
            }
        }
        if quick {
            options.rounds = 5;
            options.target = Duration::from_millis(50);
            options.connections = 2_000;
        }
        options.rounds = rounds.unwrap_or(options.rounds);
        options.target = target.unwrap_or(options.target);
        options.connections = connections.unwrap_or(options.connections);
        Ok(options)
    }

    pub fn runs(&self, mode: Mode) -> bool {
        let in_all = !matches!(mode, Mode::Push | Mode::Data);
        self.mode == mode || self.mode == Mode::All && in_all
    }

    /// Whether the row `name` was asked for.
    pub fn wants(&self, name: &str) -> bool {
        name.contains(&self.filter)
    }
}

impl Default for Options {
    fn default() -> Self {
        let cpus = match procfs::allowed_cpus()[..] {
            [server, client, ..] => Some(Cpus { server, client }),
            _ => None,
        };
        Self {
            mode: Mode::All,
            measure: false,
            help: false,
            // Many short rounds, 2.5 s of CPU time in all: with `--against bare` on a shared
            // machine the median of 25 pairs of 100 ms strayed less than that of 5 of 500 ms.
            rounds: 25,
            starts: 1,
            target: Duration::from_millis(100),
            filter: String::new(),
            connections: 10_000,
            strace: false,
            json: None,
            folder: env!("CARGO_TARGET_TMPDIR").into(),
            cpus,
            spin: true,
            against: Against::Wirebell,
        }
    }
}

fn mode(name: &str) -> Result<Mode, String> {
    match name {
        "echo" => Ok(Mode::Echo),
        "idle" => Ok(Mode::Idle),
        "fanout" => Ok(Mode::Fanout),
        "deflate" => Ok(Mode::Deflate),
        "handshake" => Ok(Mode::Handshake),
        "push" => Ok(Mode::Push),
        "data" => Ok(Mode::Data),
        "all" => Ok(Mode::All),
        _ => Err(format!("unknown argument {name}")),
    }
}

fn against(name: &str) -> Result<Against, String> {
    match name {
        "wirebell" => Ok(Against::Wirebell),
        "bare" => Ok(Against::Bare),
        "level" => Ok(Against::BareLevel),
        _ => Err(format!(
            "--against takes wirebell, bare or level, not {name}"
        )),
    }
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn cpus(text: &str) -> Result<Cpus, String> {
    let (server, client) = text
        .split_once(',')
        .ok_or("--cpus takes two numbers: S,C")?;
    Ok(Cpus {
        server: number(server)?,
        client: number(client)?,
    })
}
