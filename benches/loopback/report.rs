//! The table that a person reads and the JSON that a program reads.
//!
//! `ratio` is the median of the pairs, `mid half` their quartiles; `switches` are voluntary context
//! switches per unit, first and second server; `others` is the share of the server's processor that
//! other processes had. Where that is more than a few percent the caches are cold at each wake-up:
//! the rows of one connection then cost several times as much, and their ratios are flattered.

use std::fs;
use std::io;
use std::path::Path;

use crate::procfs;
use crate::rounds::{Comparison, Noise, Sample, Turns, median, ns, ratios};
use crate::strace::Calls;

pub struct Report {
    /// Rendered JSON objects.
    objects: Vec<String>,
    noise: Noise,
    /// The two servers of the current table.
    sides: [&'static str; 2],
}

impl Report {
    pub fn new() -> Self {
        println!("{}", procfs::machine());
        Self {
            objects: Vec::new(),
            noise: Noise::default(),
            sides: ["bare", "wirebell"],
        }
    }

    /// Starts a table whose figures are CPU nanoseconds of the server per unit of the title: of the
    /// bare server, or what takes its place, and of a second one.
    pub fn table(&mut self, title: &str, sides: [&'static str; 2]) {
        self.sides = sides;
        println!();
        println!(
            "{title:<31} {:>8} {:>8} {:>6} {:>12} {:>12}  {:<13} {:>11} {:>6}",
            format!("{} ns", sides[0]),
            sides[1],
            "ratio",
            "mid half",
            "min..max",
            "goal",
            "switches",
            "others"
        );
    }

    /// Adds one row: printed at once, kept for the JSON.
    pub fn row(&mut self, name: &str, goal: Option<f64>, result: &Comparison) {
        let (bare, wirebell) = result.ns();
        let (bare_switches, switches) = result.switches();
        let ratios = result.ratios();
        let ratio = median(ratios.iter().copied());
        let last = ratios.len() - 1;
        let span = |from: usize| format!("{:.2}..{:.2}", ratios[from], ratios[last - from]);
        let (all, half) = (span(0), span(ratios.len() / 4));
        let others = result.noise.others_percent();
        let verdict = goal.map_or(String::new(), |goal| {
            format!("<={goal:.2} {}", met(ratio <= goal))
        });
        println!(
            "{name:<31} {bare:>8.0} {wirebell:>8.0} {ratio:>6.3} {half:>12} {all:>12}  \
             {verdict:<13} {bare_switches:>5.2} {switches:>5.2} {others:>4.0} %"
        );
        print_calls(self.sides, result);
        self.noise += result.noise;
        self.objects.push(object(&[
            ("row", text(name)),
            ("sides", text(&self.sides.join(", "))),
            ("ratio", number(ratio)),
            ("goal", goal.map_or("null".to_owned(), number)),
            ("others_percent", number(others)),
            ("bare_ns", list(&result.bare, |sample| sample.ns)),
            ("wirebell_ns", list(&result.wirebell, |sample| sample.ns)),
            (
                "bare_switches",
                list(&result.bare, |sample| sample.switches),
            ),
            (
                "wirebell_switches",
                list(&result.wirebell, |sample| sample.switches),
            ),
            ("bare_calls", calls(result.bare_calls)),
            ("wirebell_calls", calls(result.wirebell_calls)),
        ]));
    }

    /// Adds a table of any number of servers that took turns: printed at once, kept for the JSON.
    pub fn turns(&mut self, name: &str, entries: &[Entry], turns: &Turns) {
        let others = turns.noise.others_percent();
        println!(
            "\n{name:<31} {:>9} {:>11} {:>6} {:>12}  {:<22} others {others:.0} %",
            "ns", "a second", "ratio", "mid half", "to"
        );
        for (entry, samples) in entries.iter().zip(&turns.samples) {
            let (ns, ratios) = (ns(samples), ratios(samples, &turns.samples[entry.against]));
            let ratio = median(ratios.iter().copied());
            let quarter = ratios.len() / 4;
            let (low, high) = (ratios[quarter], ratios[ratios.len() - 1 - quarter]);
            let verdict = entry
                .goal
                .map_or(String::new(), |goal| goal.verdict(ns, ratio));
            println!(
                "  {:<29} {ns:>9.0} {:>11.0} {ratio:>6.3} {:>12}  {:<22} {verdict}",
                entry.name,
                1e9 / ns,
                format!("{low:.2}..{high:.2}"),
                entries[entry.against].name,
            );
            self.objects.push(object(&[
                ("row", text(&format!("{name}, {}", entry.name))),
                ("against", text(entries[entry.against].name)),
                ("ratio", number(ratio)),
                ("others_percent", number(others)),
                ("ns", list(samples, |sample| sample.ns)),
            ]));
        }
        self.noise += turns.noise;
    }

    /// Adds single figures that are no comparison of rounds.
    pub fn figures(&mut self, name: &str, figures: &[(&str, f64)]) {
        let mut fields = vec![("row", text(name))];
        fields.extend(figures.iter().map(|&(name, value)| (name, number(value))));
        self.objects.push(object(&fields));
    }

    /// Says what disturbed the run, and writes the JSON.
    pub fn finish(self, json: Option<&Path>) -> io::Result<()> {
        let Noise {
            all,
            stolen,
            forced,
            ..
        } = self.noise;
        let others = self.noise.others_percent();
        let stolen = 100.0 * stolen as f64 / all.max(1) as f64;
        println!(
            "\nnoise on the server's processor: other processes took {others:.0} % of its time, \
             the hypervisor {stolen:.1} %; a server was put aside {forced} times"
        );
        let Some(path) = json else { return Ok(()) };
        let rows = self.objects.join(",\n  ");
        let machine = text(&procfs::machine());
        fs::write(
            path,
            format!("{{\"machine\": {machine}, \"rows\": [\n  {rows}\n]}}\n"),
        )
    }
}

/// A server in a table of several.
pub struct Entry {
    name: &'static str,
    /// The place of the server that it is compared with.
    against: usize,
    goal: Option<Goal>,
}

impl Entry {
    pub fn new(name: &'static str, against: usize, goal: Option<Goal>) -> Self {
        Self {
            name,
            against,
            goal,
        }
    }
}

#[derive(Clone, Copy)]
pub enum Goal {
    /// At most so many times what the other takes.
    Ratio(f64),
    /// At least so many in a second of CPU time.
    Rate(f64),
    /// At most so many nanoseconds.
    Time(f64),
}

impl Goal {
    fn verdict(self, ns: f64, ratio: f64) -> String {
        match self {
            Self::Ratio(most) => format!("<= {most:.2} {}", met(ratio <= most)),
            Self::Rate(least) => format!(">= {least:.0} {}", met(1e9 / ns >= least)),
            Self::Time(most) => format!("<= {most:.0} ns {}", met(ns <= most)),
        }
    }
}

pub fn met(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}

fn print_calls(sides: [&str; 2], result: &Comparison) {
    for (name, calls) in sides
        .into_iter()
        .zip([result.bare_calls, result.wirebell_calls])
    {
        if let Some(Calls {
            reads,
            writes,
            waits,
            others,
        }) = calls
        {
            println!(
                "    {name:<8} calls: {reads:.4} reads, {writes:.4} writes, {waits:.4} waits, \
                 {others:.4} others"
            );
        }
    }
}

fn object(fields: &[(&str, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\": {value}"))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

/// Names and machine descriptions: printable, but a quote or a backslash would break the file.
fn text(text: &str) -> String {
    format!("\"{}\"", text.replace(['"', '\\'], "'"))
}

fn number(value: f64) -> String {
    if value.is_finite() {
        format!("{value:.4}")
    } else {
        "null".to_owned()
    }
}

fn list(samples: &[Sample], field: fn(&Sample) -> f64) -> String {
    let values: Vec<String> = samples.iter().map(|sample| number(field(sample))).collect();
    format!("[{}]", values.join(", "))
}

fn calls(calls: Option<Calls>) -> String {
    calls.map_or("null".to_owned(), |calls| {
        object(&[
            ("reads", number(calls.reads)),
            ("writes", number(calls.writes)),
            ("waits", number(calls.waits)),
            ("others", number(calls.others)),
        ])
    })
}
