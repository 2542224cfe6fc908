//! What the disk takes by itself: one `fdatasync`, on the file system of the data file.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use crate::data::publishers::quantile;

/// What is written before each of them: a page of the store.
const PAGE: usize = 4096;

/// Pages of the file, which are all there before the first is measured.
const PAGES: u64 = 64;

pub struct Disk {
    file: File,
    times: Vec<u64>,
    next: u64,
}

impl Disk {
    pub fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join("sync");
        fs::write(&path, vec![1; PAGE * PAGES as usize])?;
        let file = File::options().write(true).open(&path)?;
        file.sync_all()?;
        Ok(Self {
            file,
            times: Vec::new(),
            next: 0,
        })
    }

    /// Measures some more.
    pub fn sample(&mut self) -> io::Result<()> {
        for _ in 0..20 {
            let page = [self.next as u8; PAGE];
            let at = self.next % PAGES * PAGE as u64;
            self.file.write_all_at(&page, at)?;
            self.next += 1;
            let start = Instant::now();
            self.file.sync_data()?;
            self.times.push(start.elapsed().as_nanos() as u64);
        }
        Ok(())
    }

    /// Nanoseconds of one: the median, and what 99 of 100 are below.
    pub fn times(&mut self) -> (f64, f64) {
        self.times.sort_unstable();
        (quantile(&self.times, 0.5), quantile(&self.times, 0.99))
    }
}
