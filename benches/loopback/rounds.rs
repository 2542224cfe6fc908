//! Alternating rounds: bare, Wirebell, bare, Wirebell, and so on, so that whatever else the machine
//! does touches both; the ratio is taken per pair, and its median is the result. Where `deflate`
//! measures, Wirebell without compression takes the place of the bare server.

use std::io;
use std::ops::AddAssign;
use std::thread::sleep;
use std::time::Duration;

use crate::args::Options;
use crate::procfs::{self, Switches, Ticks};
use crate::server::Server;
use crate::strace::{self, Calls};

/// A round lasts at most this many times the CPU time that it should see: the server of one
/// small message at a time mostly sleeps.
const LONGEST: u32 = 4;

/// Something that keeps a server busy and knows how many units of work came back.
pub trait Work {
    /// Works for about `time`, ends with nothing in flight, and returns the units done.
    fn run(&mut self, time: Duration) -> io::Result<u64>;
}

/// One server with its load.
pub struct Side {
    pub server: Server,
    pub work: Box<dyn Work>,
}

/// What one round has shown, per unit of work.
#[derive(Clone, Copy)]
pub struct Sample {
    pub ns: f64,
    pub switches: f64,
    /// Times that the server was put aside for another process, in the whole round: noise.
    pub forced: u64,
}

pub struct Comparison {
    pub bare: Vec<Sample>,
    pub wirebell: Vec<Sample>,
    pub bare_calls: Option<Calls>,
    pub wirebell_calls: Option<Calls>,
    pub noise: Noise,
}

impl Comparison {
    /// Warms both sides up, then measures them in turn.
    pub fn measure(mut bare: Side, mut wirebell: Side, options: &Options) -> io::Result<Self> {
        let mut turns = Turns::measure(&mut [&mut bare, &mut wirebell], options)?;
        let mut samples = turns.samples.drain(..);
        let mut result = Self {
            bare: samples.next().unwrap_or_default(),
            wirebell: samples.next().unwrap_or_default(),
            bare_calls: None,
            wirebell_calls: None,
            noise: turns.noise,
        };
        if options.strace {
            result.bare_calls = bare.trace();
            result.wirebell_calls = wirebell.trace();
        }
        Ok(result)
    }

    /// What two servers started anew have shown.
    pub fn add(&mut self, more: Self) {
        self.bare.extend(more.bare);
        self.wirebell.extend(more.wirebell);
        self.noise += more.noise;
    }

    /// Median CPU nanoseconds per unit: bare, Wirebell.
    pub fn ns(&self) -> (f64, f64) {
        (ns(&self.bare), ns(&self.wirebell))
    }

    /// Median voluntary context switches per unit: bare, Wirebell.
    pub fn switches(&self) -> (f64, f64) {
        let of = |samples: &[Sample]| median(samples.iter().map(|sample| sample.switches));
        (of(&self.bare), of(&self.wirebell))
    }

    /// The pairwise ratios in rising order.
    pub fn ratios(&self) -> Vec<f64> {
        ratios(&self.wirebell, &self.bare)
    }
}

/// Any number of servers that take turns.
pub struct Turns {
    /// By server, in the order in which they were given.
    pub samples: Vec<Vec<Sample>>,
    pub noise: Noise,
}

impl Turns {
    /// Warms all sides up, then measures them in turn.
    pub fn measure(sides: &mut [&mut Side], options: &Options) -> io::Result<Self> {
        let cpu = options.cpus.map(|cpus| cpus.server);
        let before = Ticks::of(cpu);
        let times = sides.iter_mut().map(|side| side.warm_up(options));
        let times: Vec<Duration> = times.collect::<io::Result<_>>()?;
        let mut samples = vec![Vec::new(); sides.len()];
        for _ in 0..options.rounds {
            for (index, side) in sides.iter_mut().enumerate() {
                samples[index].push(side.sample(times[index])?);
            }
        }
        let servers = sides.iter().map(|side| side.cross_check());
        let servers = servers.sum::<io::Result<u64>>()?;
        let forced = samples.iter().flatten().map(|sample| sample.forced).sum();
        let noise = Noise::new(before, Ticks::of(cpu), servers, forced);
        Ok(Self { samples, noise })
    }
}

/// Median CPU nanoseconds per unit.
pub fn ns(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|sample| sample.ns))
}

/// The ratios to the samples of the same turns of another server, in rising order.
pub fn ratios(of: &[Sample], to: &[Sample]) -> Vec<f64> {
    let pairs = of.iter().zip(to);
    let mut ratios: Vec<f64> = pairs.map(|(of, to)| of.ns / to.ns).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

/// What others did on the server's processor meanwhile, in ticks of 10 ms.
#[derive(Clone, Copy, Default)]
pub struct Noise {
    pub all: u64,
    /// Taken by other processes.
    pub others: u64,
    /// Taken by the hypervisor.
    pub stolen: u64,
    /// Times that a server was put aside for another process.
    pub forced: u64,
}

impl Noise {
    fn new(before: Ticks, after: Ticks, servers_ns: u64, forced: u64) -> Self {
        let busy = after.busy - before.busy;
        Self {
            all: after.all - before.all,
            others: busy.saturating_sub(servers_ns / 10_000_000),
            stolen: after.stolen - before.stolen,
            forced,
        }
    }

    /// Percent of the time that other processes had.
    pub fn others_percent(self) -> f64 {
        100.0 * self.others as f64 / self.all.max(1) as f64
    }
}

impl AddAssign for Noise {
    fn add_assign(&mut self, row: Self) {
        self.all += row.all;
        self.others += row.others;
        self.stolen += row.stolen;
        self.forced += row.forced;
    }
}

impl Side {
    /// Runs until caches and branch predictors have settled, and returns how long a round must
    /// last to see the CPU time that is wanted.
    fn warm_up(&mut self, options: &Options) -> io::Result<Duration> {
        let pid = self.server.pid();
        let time = options.target.max(Duration::from_millis(100));
        self.work.run(time)?;
        settle();
        let before = procfs::process::cpu_ns(pid)?;
        self.work.run(time)?;
        settle();
        let busy = Duration::from_nanos(procfs::process::cpu_ns(pid)? - before);
        let share = (busy.as_secs_f64() / time.as_secs_f64()).clamp(0.01, 1.0);
        // A tenth more, so that rounds do not end just below the target.
        Ok(options
            .target
            .mul_f64(1.1 / share)
            .min(options.target * LONGEST))
    }

    fn sample(&mut self, time: Duration) -> io::Result<Sample> {
        let pid = self.server.pid();
        // The other server has just had the caches.
        self.work.run(Duration::from_millis(20))?;
        settle();
        let (cpu, switches) = (procfs::process::cpu_ns(pid)?, Switches::of(pid)?);
        let units = self.work.run(time)?.max(1) as f64;
        settle();
        let (cpu, after) = (procfs::process::cpu_ns(pid)? - cpu, Switches::of(pid)?);
        Ok(Sample {
            ns: cpu as f64 / units,
            switches: (after.voluntary - switches.voluntary) as f64 / units,
            forced: after.forced - switches.forced,
        })
    }

    /// The two accounts of the kernel must agree, or the figures mean nothing. Returns the
    /// whole CPU time of the server.
    fn cross_check(&self) -> io::Result<u64> {
        let pid = self.server.pid();
        let (exact, coarse) = (
            procfs::process::cpu_ns(pid)?,
            procfs::process::stat_cpu_ns(pid)?,
        );
        // Two ticks of rounding, and a twentieth for threads that have ended.
        if exact.abs_diff(coarse) > 20_000_000 + exact / 20 {
            println!("  warning: schedstat says {exact} ns, stat {coarse} ns of CPU time");
        }
        Ok(exact)
    }

    fn trace(&mut self) -> Option<Calls> {
        let traced = strace::count(self.server.pid(), || {
            self.work.run(Duration::from_millis(300))
        });
        match traced {
            Ok(calls) => Some(calls),
            Err(error) => {
                println!("  no system calls counted: {error}");
                None
            }
        }
    }
}

/// Lets a server that has nothing left to do go to sleep, so that its account is exact.
fn settle() {
    sleep(Duration::from_millis(3));
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
