//! Alternating rounds of any number of sides. Whatever else the machine does touches all of them,
//! so a ratio is taken between the samples of one turn, and its median over the turns counts.

use std::io;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Something that can be repeated.
pub type Work<'w> = Box<dyn FnMut(usize) -> io::Result<()> + 'w>;

/// What one round has shown, per unit of work.
#[derive(Clone, Copy)]
pub struct Sample {
    /// User and system time of this thread.
    pub cpu_ns: f64,
    pub wall_ns: f64,
}

/// `result[side][turn]`. Each round does as many units as fill about `time`.
pub fn measure(
    sides: &mut [Work<'_>],
    rounds: usize,
    time: Duration,
) -> io::Result<Vec<Vec<Sample>>> {
    let mut units = Vec::new();
    for side in &mut *sides {
        // The first calls find cold caches and small buffers.
        count(side, time / 4)?;
        units.push(count(side, time)?);
    }
    let mut samples = vec![Vec::with_capacity(rounds); sides.len()];
    for turn in 0..rounds {
        for place in 0..sides.len() {
            // No client always follows the same other one.
            let side = match turn % 2 {
                0 => place,
                _ => sides.len() - 1 - place,
            };
            // The others have just had the caches.
            sides[side](units[side] / 20 + 1)?;
            samples[side].push(sample(&mut sides[side], units[side])?);
        }
    }
    Ok(samples)
}

/// How many units fit in `time`.
fn count(side: &mut Work<'_>, time: Duration) -> io::Result<usize> {
    let mut units = 1;
    loop {
        let start = Instant::now();
        side(units)?;
        let took = start.elapsed();
        if took >= time / 2 {
            let ratio = time.as_secs_f64() / took.as_secs_f64();
            return Ok((units as f64 * ratio).ceil() as usize);
        }
        units *= 2;
    }
}

fn sample(side: &mut Work<'_>, units: usize) -> io::Result<Sample> {
    let (cpu, wall) = (thread_cpu(), Instant::now());
    side(units)?;
    let (wall, cpu) = (wall.elapsed(), thread_cpu() - cpu);
    let each = |time: Duration| time.as_nanos() as f64 / units as f64;
    Ok(Sample {
        cpu_ns: each(cpu),
        wall_ns: each(wall),
    })
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The quartiles; the second is the median.
pub fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return [f64::NAN; 3];
    };
    [1, 2, 3].map(|quarter| {
        let at = (last * quarter) as f64 / 4.0;
        f64::midpoint(values[at.floor() as usize], values[at.ceil() as usize])
    })
}

pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    quartiles(values)[1]
}
