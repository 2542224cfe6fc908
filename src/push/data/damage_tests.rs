//! Files whose bytes have changed: each is refused, or has all that it had.

use super::contents::{Bounds as Kept, Contents};
use super::disk_tests::{Disk, Plate, epoch};
use super::problem::guard;
use super::tables::File;
use super::tests::{append, publication, rules, told, writer};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

/// What a damaged disk may change together.
const SECTOR: usize = 512;

fn opened(bytes: Vec<u8>) -> Option<impl PartialEq + std::fmt::Debug> {
    let disk = Disk(Arc::new(Mutex::new(Plate::of(bytes))));
    let bounds = Kept {
        rules: rules(100, u64::MAX),
        topics: 1_000,
        bytes: 1 << 30,
    };
    let load = || Contents::load(File::on(disk, epoch())?, bounds, 1_000, |_, _, _, _| ());
    let contents = guard(load).ok()?;
    Some(told(&contents.past(usize::MAX).ok()?))
}

#[test]
fn what_has_changed_is_refused_or_harmless() {
    let disk = Disk::default();
    let mut open = writer(
        &disk,
        rules(100, u64::MAX),
        &Arc::new(AtomicU64::new(1_000)),
    );
    for round in 0..100 {
        let batch = (0..5).map(|it| publication(&format!("t{it}"), &"x".repeat(round * 9)));
        append(&mut open, batch.collect(), 1_000);
    }
    drop(open);
    let whole = disk.lock().now.clone();
    let expected = opened(whole.clone());
    assert!(expected.is_some());
    let mut refused = 0;
    for begin in (0..whole.len()).step_by(SECTOR) {
        let mut bytes = whole.clone();
        for byte in &mut bytes[begin..begin + SECTOR] {
            *byte ^= 0x55;
        }
        match opened(bytes) {
            None => refused += 1,
            found => assert_eq!(found, expected, "at {begin}"),
        }
    }
    assert!(refused > 50, "{refused}");
    for len in [0, 1, 4, 8, 15].map(|it| it * whole.len() / 16) {
        let found = opened(whole[..len].to_vec());
        // An empty file is a new one.
        assert!(found.is_none() || len == 0, "{len} bytes");
    }
}
