//! The result of a run, for programs; `text` writes it for people.
//!
//! Invariant: every latency says from which moment it counts, and every figure has a unit.

use crate::cli::tools::bench::args::{BenchArgs, Mode};
use crate::cli::tools::bench::figures::{Cpu, Figures, Memory};
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::tally::Latencies;
use serde::Serialize;
use wirebell::push::mask_token;

/// Everything about a run.
#[derive(Debug, Serialize)]
pub struct Report {
    pub url: String,
    /// The program and its version.
    pub generator: &'static str,
    pub mode: &'static str,
    pub load: LoadReport,
    pub connections: Connections,
    /// The run was ended by a signal.
    pub interrupted: bool,
    pub warm_up_s: f64,
    pub measured_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publications: Option<u64>,
    /// What the counts below are of: messages, deliveries or handshakes.
    pub unit: &'static str,
    pub sent: u64,
    pub answered: u64,
    pub lost: u64,
    pub wrong: u64,
    /// What the server sent before the load, such as a greeting. It is not an answer.
    pub passed_over: u64,
    pub per_second: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_to_last: Option<LatencyReport>,
    /// With a rate: from when a message was due to when it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<LatencyReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<CpuReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
}

/// The requested load.
#[derive(Debug, Serialize)]
pub struct LoadReport {
    pub size: u64,
    pub kind: &'static str,
    pub depth: usize,
    /// Per second; none in a closed loop.
    pub rate: Option<f64>,
    pub deflate: &'static str,
    pub threads: u32,
}

#[derive(Debug, Serialize)]
pub struct Connections {
    pub asked: u32,
    pub opened: u64,
    pub refused: u64,
    /// Connections that were given up when no more opened.
    pub unopened: u64,
    pub lost: u64,
    pub opened_in_s: f64,
}

/// A distribution, in milliseconds.
#[derive(Debug, Serialize)]
pub struct LatencyReport {
    /// The moment from which it counts.
    pub from: &'static str,
    pub count: u64,
    pub min_ms: f64,
    pub mean_ms: f64,
    pub deviation_ms: f64,
    pub max_ms: f64,
    pub percentiles: Vec<Percentile>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub struct Percentile {
    pub percentile: f64,
    pub ms: f64,
}

/// CPU time per message during the measurement.
#[derive(Debug, Serialize)]
pub struct CpuReport {
    /// Messages within the same time.
    pub units: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_ns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_cores: Option<f64>,
    pub generator_ns: f64,
    pub generator_cores: f64,
}

const PERCENTILES: [f64; 8] = [50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0];

/// The moment from which a latency counts.
const FROM_DUE: &str = "when it was due";
const FROM_SENT: &str = "when it was sent (closed loop: time behind a slow answer is left out)";

pub fn ms(ns: f64) -> f64 {
    (ns / 1e3).round() / 1e3
}

impl LatencyReport {
    fn new(of: &Latencies, from: &'static str) -> Option<Self> {
        let at = |percentile: f64| Percentile {
            percentile,
            ms: ms(of.value_at_percentile(percentile) as f64),
        };
        (!of.is_empty()).then(|| Self {
            from,
            count: of.len(),
            min_ms: ms(of.min() as f64),
            mean_ms: ms(of.mean()),
            deviation_ms: ms(of.stdev()),
            max_ms: ms(of.max() as f64),
            percentiles: PERCENTILES.map(at).to_vec(),
        })
    }
}

impl CpuReport {
    fn new(cpu: &Cpu) -> Option<Self> {
        let each = |ns: u64| ns as f64 / cpu.units as f64;
        let cores = |ns: u64| ns as f64 / cpu.wall_ns.max(1) as f64;
        (cpu.units > 0).then(|| Self {
            units: cpu.units,
            server_ns: cpu.server_ns.map(each),
            server_cores: cpu.server_ns.map(cores),
            generator_ns: each(cpu.own_ns),
            generator_cores: cores(cpu.own_ns),
        })
    }
}

impl Connections {
    fn new(args: &BenchArgs, figures: &Figures) -> Self {
        let handshakes = args.mode == Mode::Handshake;
        let tried = figures.opened + figures.failed;
        Self {
            asked: args.connections,
            opened: figures.opened,
            refused: figures.failed,
            unopened: match handshakes || figures.interrupted {
                true => 0,
                false => u64::from(args.connections).saturating_sub(tried),
            },
            lost: if handshakes { 0 } else { figures.lost },
            opened_in_s: figures.opened_in.as_secs_f64(),
        }
    }
}

impl Report {
    pub fn new(plan: &Plan, figures: &Figures) -> Self {
        let (args, tally) = (&plan.args, &figures.tally);
        let from = if args.rate.is_some() {
            FROM_DUE
        } else {
            FROM_SENT
        };
        let seconds = figures.measured.as_secs_f64();
        let warm_up = if args.mode == Mode::Idle {
            0
        } else {
            args.warm_up.0
        };
        let to_last = figures.published.as_ref();
        Self {
            url: mask_token(&args.uri).into_owned(),
            generator: concat!("wirebell ", env!("CARGO_PKG_VERSION")),
            mode: args.mode.name(),
            load: LoadReport {
                size: plan.payload.len() as u64,
                kind: if args.text || args.mode == Mode::FanOut {
                    "text"
                } else {
                    "binary"
                },
                depth: plan.depth,
                rate: args.rate,
                deflate: args.deflate_name(),
                threads: plan.loops(),
            },
            connections: Connections::new(args, figures),
            interrupted: figures.interrupted,
            warm_up_s: f64::from(warm_up) / 1e3,
            measured_s: seconds,
            publications: to_last.map(|(count, _)| *count),
            unit: match args.mode {
                Mode::Echo | Mode::Idle => "messages",
                Mode::FanOut => "deliveries",
                Mode::Handshake => "handshakes",
            },
            sent: tally.sent,
            answered: tally.answered,
            lost: tally.sent.saturating_sub(tally.answered),
            wrong: tally.wrong,
            passed_over: tally.passed_over,
            per_second: tally.answered as f64 / seconds.max(1e-9),
            latency: LatencyReport::new(&tally.latency, from),
            latency_to_last: to_last.and_then(|(_, to_last)| LatencyReport::new(to_last, from)),
            late: LatencyReport::new(&tally.late, FROM_DUE),
            cpu: figures.cpu.as_ref().and_then(CpuReport::new),
            memory: figures.memory.clone(),
        }
    }

    /// What went wrong, if anything.
    pub fn problem(&self) -> Option<String> {
        let Connections {
            asked,
            refused,
            unopened,
            lost,
            ..
        } = self.connections;
        let handshakes = self.mode == Mode::Handshake.name();
        let problems = [
            (
                refused,
                match handshakes {
                    true => format!("{refused} connections were refused"),
                    false => format!("{refused} of {asked} connections were refused"),
                },
            ),
            (
                unopened,
                format!("{unopened} of {asked} connections did not open in time"),
            ),
            (lost, format!("{lost} connections were lost")),
            (self.lost, format!("{} {} were lost", self.lost, self.unit)),
            (self.wrong, format!("{} answers were wrong", self.wrong)),
        ];
        let idle = self.mode == Mode::Idle.name();
        let nothing = self.answered == 0 && !idle && !self.interrupted;
        let mut texts: Vec<String> = problems
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, text)| text)
            .collect();
        if nothing && texts.is_empty() {
            texts.push(format!("no {} at all", self.unit));
        }
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}
