//! `wirebell data`: looks after the file of `serve --data`, while no server has it open.
//!
//! Input: the file. Output: what is in it, a smaller file, or its messages as lines of JSON.

use crate::cli::common::stdout::print;
use crate::cli::common::{Failure, quietly};
use clap::{Args, Subcommand};
use std::io::{self, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use wirebell::push::data::{self, DataProblem};
use wirebell::push::native::write_envelope;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell data check push.db\n  \
                  wirebell data export push.db > messages.ndjson\n  \
                  wirebell data compact push.db\n\n\
                  Stop the server first: a file belongs to one process at a time.\n\n\
                  Exit status: 0 done, 1 failed or damaged, 2 wrong usage.")]
pub struct DataArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Compare every page with its checksum, read every message, and say what there is
    Check(FileArgs),
    /// Give the space of removed messages back to the disk
    Compact(FileArgs),
    /// Print every message as a line of JSON, oldest first
    Export(FileArgs),
}

#[derive(Debug, Args)]
struct FileArgs {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(args: &DataArgs) -> Result<(), Failure> {
    quietly(|| match &args.action {
        Action::Check(args) => check(&args.file),
        Action::Compact(args) => compact(&args.file),
        Action::Export(args) => export(&args.file),
    })
}

fn check(path: &Path) -> Result<(), Failure> {
    let found = data::check(path).map_err(|problem| failed(path, &problem))?;
    let mut text = format!(
        "{}: {} messages of {} topics, {} bytes; {} other entries, such as users of gotify\n",
        path.display(),
        found.messages,
        found.topics,
        found.message_bytes,
        found.values
    );
    if let Some((first, last)) = found.sequences {
        let epoch = found.epoch;
        text += &format!("Positions: {} to {}\n", epoch.at(first), epoch.at(last));
    }
    text += match found.repaired {
        true => "It was not closed properly, and is repaired\n",
        false => "All of it is in order\n",
    };
    print(text)
}

fn compact(path: &Path) -> Result<(), Failure> {
    let (before, after) = data::compact(path).map_err(|problem| failed(path, &problem))?;
    print(format!(
        "{}: {before} bytes before, {after} after\n",
        path.display()
    ))
}

fn export(path: &Path) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut line = Vec::new();
    let exported = data::export(path, |record, epoch| {
        line.clear();
        write_envelope(&mut line, record, epoch);
        line.push(b'\n');
        out.write_all(&line)
    });
    match exported.and_then(|()| Ok(out.flush()?)) {
        // The reader has what it wanted.
        Err(DataProblem::Io(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done.map_err(|problem| failed(path, &problem)),
    }
}

fn failed(path: &Path, problem: &DataProblem) -> Failure {
    Failure::failed(format!("{}: {problem}", path.display()))
}
