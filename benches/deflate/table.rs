//! The ratio of a pool to bare zlib-rs, in alternating rounds.
//!
//! Both walk over the same messages, a few milliseconds at a time, and take turns; the ratio is
//! taken for each pair of rounds, and its median is the figure. Time is CPU time of the thread.

use crate::codecs::{Bare, Codec, Ours};
use crate::samples::Samples;
use crate::walk::{SIZES, Walk, name};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 41;

/// CPU time that a round should see, in nanoseconds.
const ROUND: f64 = 4e6;

/// Highest ratio to bare zlib-rs.
const GOAL: f64 = 1.10;

/// Nanoseconds for each message: ours and bare, compressing and inflating.
struct Round {
    compress: [f64; 2],
    inflate: [f64; 2],
}

/// Prints the table: a row for each size with and without takeover, then many sessions in a pool.
pub fn print() {
    println!(
        "\nJSON, 15 bits: messages in a second of CPU time; ratios of the time, pool to zlib-rs"
    );
    println!(
        "{:<8} {:<9} {:>8} {:>10} {:>12} {:>12} {:>9} {:>8} {:>8}  goal {GOAL:.2}",
        "size",
        "takeover",
        "sessions",
        "compressed",
        "compress/s",
        "inflate/s",
        "compress",
        "inflate",
        "both"
    );
    for (sessions, takeover) in [(1, false), (1, true), (8, true), (64, true)] {
        for size in SIZES {
            row(size, takeover, sessions);
        }
    }
}

fn row(size: usize, takeover: bool, sessions: usize) {
    let samples = Samples::new(size, takeover);
    let rounds = measure(&samples, takeover, sessions);
    let payload: usize = samples.steady.iter().map(Vec::len).sum();
    let share = payload as f64 / (size * samples.plain.len()) as f64;
    let per_second = |field: fn(&Round) -> f64| 1e9 / median(rounds.iter().map(field));
    let ratio = |field: fn(&Round) -> [f64; 2]| {
        median(rounds.iter().map(field).map(|[ours, bare]| ours / bare))
    };
    let both = ratio(|round| [0, 1].map(|side| round.compress[side] + round.inflate[side]));
    let [compress, inflate] = [ratio(|round| round.compress), ratio(|round| round.inflate)];
    let verdict = match sessions {
        1 if compress.max(inflate) <= GOAL => "met",
        1 if both <= GOAL => "met by both together",
        1 => "missed",
        _ => "",
    };
    println!(
        "{:<8} {:<9} {sessions:>8} {share:>10.3} {:>12.0} {:>12.0} {compress:>9.3} {inflate:>8.3} \
         {both:>8.3}  {verdict}",
        name(size),
        if takeover { "yes" } else { "no" },
        per_second(|round| round.compress[0]),
        per_second(|round| round.inflate[0]),
    );
}

fn measure(samples: &Samples, takeover: bool, sessions: usize) -> Vec<Round> {
    let mut ours = Walk::<Ours>::new(samples, takeover, sessions);
    let mut bare = Walk::<Bare>::new(samples, takeover, sessions);
    // Every session has its turn in every round.
    let first = sessions.max(64);
    let count = |each: f64| ((ROUND / each) as usize).max(1).next_multiple_of(sessions);
    let compressions = count(time(first, || bare.compress()));
    let inflations = count(time(first, || bare.inflate()));
    // The other side must be at the same message.
    time(first, || ours.compress());
    time(first, || ours.inflate());
    let round = |index| Round {
        compress: pair(&mut ours, &mut bare, index, compressions, Step::Compress),
        inflate: pair(&mut ours, &mut bare, index, inflations, Step::Inflate),
    };
    (0..ROUNDS).map(round).collect()
}

#[derive(Clone, Copy)]
enum Step {
    Compress,
    Inflate,
}

/// Times both sides; who is first changes from round to round.
fn pair(
    ours: &mut Walk<'_, Ours>,
    bare: &mut Walk<'_, Bare>,
    index: usize,
    count: usize,
    step: Step,
) -> [f64; 2] {
    if index.is_multiple_of(2) {
        let ours = run(ours, count, step);
        [ours, run(bare, count, step)]
    } else {
        let bare = run(bare, count, step);
        [run(ours, count, step), bare]
    }
}

fn run<C: Codec>(walk: &mut Walk<'_, C>, count: usize, step: Step) -> f64 {
    match step {
        Step::Compress => time(count, || walk.compress()),
        Step::Inflate => time(count, || walk.inflate()),
    }
}

/// CPU nanoseconds of each of `count` calls.
fn time(count: usize, mut call: impl FnMut()) -> f64 {
    let before = cpu();
    for _ in 0..count {
        call();
    }
    (cpu() - before) as f64 / count as f64
}

/// CPU time of this thread in nanoseconds.
fn cpu() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
