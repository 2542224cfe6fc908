//! The whole server, and servers with clients of the loop, on simulated sockets and a virtual
//! clock: many seeds of short reads and writes, refusals, resets, half-closes, stalls, timeouts,
//! overflow of each policy, stops under load, dialling and reconnecting; and the push server with
//! publishers and subscribers of each dialect, some of them with a disk and killed, in `push`.
//!
//! Each seed is a plan, each plan a list of steps; after it the promises of `checks` are held
//! against what was recorded. Without arguments 2,000 seeds; a failure prints its seed and the
//! shortest list of steps that still fails.
//!
//! ```text
//! cargo test --test simulation -- --seed 17         one seed, with its steps
//! cargo test --test simulation -- --seeds 1000000   the long run
//! cargo test --test simulation -- --from 5000       the seeds from there on
//! cargo test --test simulation -- --plain           without TLS and compression
//! ```
#![forbid(unsafe_code)]

mod checks;
mod client;
mod layers;
mod plan;
#[cfg(all(feature = "data", feature = "gotify"))]
mod push;
mod record;
mod services;
#[path = "../support/mod.rs"]
#[expect(dead_code, reason = "the other tests use the rest of it")]
mod support;
mod totals;
mod wire;
mod world;

use layers::Layers;
use plan::Plan;
use std::fmt::Display;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use totals::Totals;

/// Seeds of a run without arguments.
const SEEDS: u64 = 2_000;

/// Later seeds that have failed, run with them, without TLS and compression.
const KEPT: [u64; 25] = [
    100_974, 124_278, 140_375, 160_085, 181_164, 260_579, 3_014_459, 3_019_456, 5_009_410,
    20_138_912, 20_285_149, 20_323_678, 20_593_784, 20_644_268, 20_662_701, 20_865_644, 20_889_660,
    20_911_797, 21_035_184, 21_040_141, 21_125_315, 21_203_552, 21_318_953, 21_396_696, 30_003_209,
];

/// The same, with theirs.
const KEPT_IN_LAYERS: [u64; 1] = [40_019_295];

struct Arguments {
    from: u64,
    seeds: u64,
    shows: bool,
    /// Instead of those of the seeds.
    layers: Option<Layers>,
}

/// What is not ours is a filter for the names of other tests: then there is nothing to do here.
fn arguments() -> Option<Arguments> {
    let mut parsed = Arguments {
        from: 0,
        seeds: SEEDS,
        shows: false,
        layers: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|word| word.parse().ok());
        match word.as_str() {
            "--seed" => (parsed.from, parsed.seeds, parsed.shows) = (number()?, 1, true),
            "--seeds" => parsed.seeds = number()?,
            "--from" => parsed.from = number()?,
            "--plain" => parsed.layers = Some(Layers::NONE),
            "--list" => return None,
            "simulation" | "--nocapture" | "--quiet" | "-q" => {}
            _ => return None,
        }
    }
    Some(parsed)
}

/// Something that runs from a seed in steps.
trait Scenario: Clone + Display {
    fn new(seed: u64, layers: Layers) -> Self;
    fn seed(&self) -> u64;
    fn layers(&self) -> Layers;

    /// Runs the steps and holds the promises against what happened.
    fn run(&self) -> Result<Totals, String>;

    /// How many steps there are.
    fn steps(&self) -> usize;
    fn leave_out(&mut self, steps: Range<usize>);
}

fn main() {
    let Some(arguments) = arguments() else {
        return;
    };
    let Arguments {
        from,
        seeds,
        shows,
        layers,
    } = arguments;
    // A plan that fails is run many times to make it shorter: its panics are not worth printing.
    std::panic::set_hook(Box::new(|_| {}));
    let begun = Instant::now();
    let mut totals = Totals::default();
    let layered = |seed| (seed, layers.unwrap_or(Layers::of(seed)));
    let kept = KEPT.map(|seed| (seed, Layers::NONE)).into_iter();
    let kept = kept.chain(KEPT_IN_LAYERS.map(layered));
    let kept = kept.filter(move |_| seeds == SEEDS);
    let all_seeds = (from..from + seeds).map(layered).chain(kept);
    std::thread::scope(|scope| {
        #[cfg(all(feature = "data", feature = "gotify"))]
        let pushes = scope.spawn(|| all::<push::Plan>(all_seeds.clone(), shows));
        totals.add(&all::<Plan>(all_seeds.clone(), shows));
        #[cfg(all(feature = "data", feature = "gotify"))]
        totals.add(&pushes.join().expect("problems are reported"));
    });
    println!(
        "{seeds} seeds from {from} in {:.1?}: {totals}",
        begun.elapsed()
    );
    if seeds >= SEEDS {
        totals.check();
    }
}

/// Runs the plans of these seeds.
fn all<S: Scenario>(seeds: impl Iterator<Item = (u64, Layers)>, shows: bool) -> Totals {
    let mut totals = Totals::default();
    for (seed, layers) in seeds {
        let plan = S::new(seed, layers);
        if shows {
            println!("{plan}");
        }
        match run_twice(&plan) {
            Ok(counts) => totals.add(&counts),
            Err(problem) => {
                report(plan, &problem);
                std::process::exit(1);
            }
        }
    }
    totals
}

/// Runs a plan, and one in twenty a second time: a seed that fails must fail again.
fn run_twice(plan: &impl Scenario) -> Result<Totals, String> {
    let counts = outcome(plan)?;
    match plan.seed().is_multiple_of(20) && outcome(plan)? != counts {
        true => Err("another run of the same seed differs".into()),
        false => Ok(counts),
    }
}

/// Runs a plan; a panic is a problem like any other.
fn outcome(plan: &impl Scenario) -> Result<Totals, String> {
    let run = catch_unwind(AssertUnwindSafe(|| plan.run()));
    run.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panicked: {}", text.unwrap_or_default()))
    })
}

/// Leaves steps out as long as the plan still fails, and prints what is left.
fn report(mut plan: impl Scenario, problem: &str) {
    let seed = plan.seed();
    println!("seed {seed}: {problem}");
    let mut problem = problem.to_owned();
    let mut part = plan.steps().div_ceil(2);
    while part > 0 {
        let mut at = 0;
        while at < plan.steps() {
            let mut shorter = plan.clone();
            let end = (at + part).min(shorter.steps());
            shorter.leave_out(at..end);
            match outcome(&shorter) {
                Err(still) => (plan, problem) = (shorter, still),
                Ok(_) => at += part,
            }
        }
        part /= 2;
    }
    println!("the shortest that fails: {problem}\n{plan}");
    let plain = match plan.layers() == Layers::of(seed) {
        true => "",
        false => " --plain",
    };
    println!("again: cargo test --test simulation -- --seed {seed}{plain}");
}
