//! The table that a person reads and the JSON that a program reads.
//!
//! `CPU ns` are those of the client's thread for a message there and back, in the system too.
//! `w/bare` is Wirebell's CPU time to that of the bare socket, `w/tung` its rate (messages a second
//! by the clock) to that of tungstenite; the range after each holds the middle half of the rounds.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::procfs;
use crate::rounds::{Sample, median, quartiles};

/// At most this much CPU time, next to the bare socket.
const CPU_GOAL: f64 = 1.10;

/// The sizes that [`CPU_GOAL`] is for.
const CPU_GOAL_SIZES: [usize; 2] = [32, 64 * 1024];

/// At least this many messages a second, next to tungstenite.
const RATE_GOAL: f64 = 1.0;

/// One size, and the samples of each client.
pub struct Row {
    pub name: String,
    pub size: usize,
    pub depth: usize,
    pub sides: Vec<(&'static str, Vec<Sample>)>,
}

pub struct Report {
    rows: Vec<Value>,
}

impl Report {
    pub fn new() -> Self {
        println!("{}", procfs::machine());
        Self { rows: Vec::new() }
    }

    pub fn echo_head(&self) {
        println!(
            "\n{:<12} {:^29}  {:^29}  {:^29}  {:^26}",
            "echo", "CPU ns of a message", "messages a second", "CPU, w/bare", "rate, w/tung"
        );
        println!(
            "{:<12} {:>9} {:>9} {:>9}  {:>9} {:>9} {:>9}  {:>29}  {:>26}",
            "", "bare", "wirebell", "tung", "bare", "wirebell", "tung", "", ""
        );
    }

    /// Adds one row: printed at once, kept for the JSON.
    pub fn echo(&mut self, row: &Row) {
        let side = |name: &str| {
            let found = row.sides.iter().find(|(side, _)| *side == name);
            found.map_or(&[][..], |(_, samples)| samples)
        };
        let sides @ [bare, wirebell, tungstenite] =
            [side("bare"), side("wirebell"), side("tungstenite")];
        let cpu = sides.map(|side| median(side.iter().map(|sample| sample.cpu_ns)));
        let rate = sides.map(|side| median(side.iter().map(|sample| 1e9 / sample.wall_ns)));
        let pairs = wirebell.iter().zip(bare);
        let to_bare = quartiles(pairs.map(|(wirebell, bare)| wirebell.cpu_ns / bare.cpu_ns));
        let pairs = wirebell.iter().zip(tungstenite);
        let to_tungstenite =
            quartiles(pairs.map(|(wirebell, other)| other.wall_ns / wirebell.wall_ns));
        let of_cpu = if CPU_GOAL_SIZES.contains(&row.size) {
            format!("<={CPU_GOAL:.2} {}", met(to_bare[1] <= CPU_GOAL))
        } else {
            String::new()
        };
        let of_rate = met(to_tungstenite[1] >= RATE_GOAL);
        println!(
            "{:<12} {} {}  {}  {:<13} {}  {of_rate:<6}",
            row.name,
            cpu.map(|ns| format!("{ns:>9.0}")).join(" "),
            rate.map(|rate| format!(" {rate:>9.0}")).concat(),
            range(to_bare),
            of_cpu,
            range(to_tungstenite),
        );
        let samples = |side: &[Sample]| {
            json!({
                "cpu_ns": side.iter().map(|sample| sample.cpu_ns).collect::<Vec<_>>(),
                "wall_ns": side.iter().map(|sample| sample.wall_ns).collect::<Vec<_>>(),
            })
        };
        self.rows.push(json!({
            "row": format!("echo {}", row.name),
            "size": row.size,
            "depth": row.depth,
            "cpu_to_bare": to_bare,
            "rate_to_tungstenite": to_tungstenite,
            "bare": samples(bare),
            "wirebell": samples(wirebell),
            "tungstenite": samples(tungstenite),
        }));
    }

    pub fn mask_head(&self) {
        println!("\n{:<16} {:>6} {:>12}", "1 MiB", "GB/s", "mid half");
    }

    pub fn mask(&mut self, name: &str, goal: Option<f64>, rates: &[f64]) {
        let [low, rate, high] = quartiles(rates.iter().copied());
        let verdict = goal.map_or(String::new(), |goal| {
            format!(">={goal:.0} {}", met(rate >= goal))
        });
        let half = format!("{low:.1}..{high:.1}");
        println!("{name:<16} {rate:>6.1} {half:>12}  {verdict}");
        self.rows
            .push(json!({ "row": name, "goal": goal, "gigabytes_a_second": rates }));
    }

    pub fn finish(self, json: Option<&Path>) -> io::Result<()> {
        let Some(path) = json else { return Ok(()) };
        let all = json!({ "machine": procfs::machine(), "rows": self.rows });
        fs::write(path, format!("{all:#}\n"))
    }
}

pub fn size_name(size: usize) -> String {
    match size {
        size if size >= 1 << 20 => format!("{} MiB", size >> 20),
        size if size >= 1 << 10 => format!("{} KiB", size >> 10),
        size => format!("{size} B"),
    }
}

fn range([low, middle, high]: [f64; 3]) -> String {
    format!("{middle:>6.3} {:>12}", format!("{low:.2}..{high:.2}"))
}

fn met(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
