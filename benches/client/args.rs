//! The command line of the benchmark.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::procfs;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Messages to an echo server and back.
    Echo,
    /// Masking in memory.
    Mask,
    All,
}

/// One processor for the server, another for the client.
#[derive(Clone, Copy, Debug)]
pub struct Cpus {
    pub server: usize,
    pub client: usize,
}

/// Costs of a blocking client: Wirebell, tungstenite and a bare socket in alternating rounds.
#[derive(Parser)]
#[command(name = "cargo bench --bench client --")]
pub struct Options {
    /// What to measure.
    #[arg(value_enum, default_value = "all")]
    mode: Mode,
    /// Five short rounds: a look, not a figure.
    #[arg(long)]
    quick: bool,
    /// Rounds of each client per row [default: 25]
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// How long a round lasts [default: 60]
    #[arg(long, value_name = "MS")]
    round_ms: Option<u64>,
    /// Messages in flight; fewer if that would be more than 64 KiB.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub depth: usize,
    /// Only messages of these sizes in bytes, separated by commas.
    #[arg(long, value_name = "BYTES", value_delimiter = ',')]
    sizes: Vec<usize>,
    /// Only this client, for a profiler: bare, wirebell or tungstenite.
    #[arg(long, value_name = "CLIENT")]
    pub only: Option<String>,
    /// Write every figure to a file as well.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Processors of the server and of the client [default: the first two]
    #[arg(long, value_name = "S,C", value_parser = cpus)]
    cpus: Option<Cpus>,
    /// What `cargo bench` passes.
    #[arg(long, hide = true)]
    bench: bool,
}

const SIZES: [usize; 9] = [
    16,
    32,
    256,
    1024,
    16 * 1024,
    64 * 1024,
    256 * 1024,
    1024 * 1024,
    4 * 1024 * 1024,
];

impl Options {
    pub fn runs(&self, mode: Mode) -> bool {
        self.mode == Mode::All || self.mode == mode
    }

    pub fn rounds(&self) -> usize {
        let default = if self.quick { 5 } else { 25 };
        self.rounds.unwrap_or(default).max(1)
    }

    pub fn round(&self) -> Duration {
        let default = if self.quick { 20 } else { 60 };
        Duration::from_millis(self.round_ms.unwrap_or(default).max(1))
    }

    pub fn sizes(&self) -> &[usize] {
        if self.sizes.is_empty() {
            &SIZES
        } else {
            &self.sizes
        }
    }

    pub fn cpus(&self) -> Option<Cpus> {
        self.cpus.or(match procfs::allowed_cpus()[..] {
            [server, client, ..] => Some(Cpus { server, client }),
            _ => None,
        })
    }
}

fn cpus(text: &str) -> Result<Cpus, String> {
    let number = |text: &str| text.parse().map_err(|_| format!("{text} is not a number"));
    let (server, client) = text.split_once(',').ok_or("two numbers: S,C")?;
    Ok(Cpus {
        server: number(server)?,
        client: number(client)?,
    })
}
