//! Masking in memory, next to a plain copy of the same bytes.

use std::hint::black_box;
use std::time::Duration;

use wirebell::Mask;

use crate::args::Options;
use crate::report::Report;
use crate::rounds::{self, Work};

const SIZE: usize = 1024 * 1024;
const NAMES: [&str; 3] = ["Mask::apply", "Mask::copy", "copy_from_slice"];

/// Bytes per nanosecond: GB/s.
const GOALS: [Option<f64>; 3] = [Some(10.0), Some(10.0), None];

pub fn run(options: &Options, report: &mut Report) {
    let payload: Vec<u8> = (0..SIZE).map(|_| rand::random()).collect();
    let (mut applied, mut masked, mut copied) = (payload.clone(), vec![0; SIZE], vec![0; SIZE]);
    let mut mask = Mask::new([0x37, 0xFA, 0x21, 0x3D]);
    let mut other = mask;
    let mut works: [Work<'_>; 3] = [
        Box::new(|units| {
            for _ in 0..units {
                mask.apply(black_box(&mut applied));
            }
            Ok(())
        }),
        Box::new(|units| {
            for _ in 0..units {
                other.copy(black_box(&payload), black_box(&mut masked));
            }
            Ok(())
        }),
        Box::new(|units| {
            for _ in 0..units {
                black_box(&mut copied).copy_from_slice(black_box(&payload));
            }
            Ok(())
        }),
    ];
    let time = options.round().min(Duration::from_millis(20));
    let samples =
        rounds::measure(&mut works, options.rounds(), time).expect("work in memory does not fail");
    report.mask_head();
    for ((name, goal), side) in NAMES.into_iter().zip(GOALS).zip(samples) {
        let rates: Vec<f64> = side.iter().map(|s| SIZE as f64 / s.cpu_ns).collect();
        report.mask(name, goal, &rates);
    }
}
