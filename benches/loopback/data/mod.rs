//! The log in a file, `serve --data`: acknowledged publications, echoes beside them, and the start.
//!
//! These are times of a clock, not of the processor, as waiting for the disk is what is measured:
//! the server may use both processors, and the client sleeps while nothing comes. Turns are short
//! and alternate; what is printed are medians of turns.
//!
//! **A commit** is the unit of acknowledgements: the median time of the answer to a publisher that
//! is alone and has one publication in flight, measured in the same turns on the same server. So it
//! is everything that one transaction takes, both of its calls of `fdatasync` and the way to the
//! client included. A publication that comes while a transaction is written waits for the rest of
//! that one and for the next one.

mod beside;
mod disk;
mod publish;
mod publishers;
mod serving;
mod start;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process;

use crate::args::Options;
use crate::report::Report;

pub fn run(options: &Options, report: &mut Report) -> io::Result<()> {
    let folder = Folder::new(&options.folder)?;
    println!(
        "\ntimes of a clock; data files in {}",
        options.folder.display()
    );
    publish::run(&folder.path, options, report)?;
    beside::run(&folder.path, options, report)?;
    start::run(&folder.path, options, report)
}

/// A folder that is removed with what is in it.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!("wirebell-data-{}", process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
