//! `wirebell push`: publishes to a push server, from an argument, a pipe or a script.
//!
//! Input: a message, lines, or NDJSON. Output: requests; what the server says, if it is wanted.
//! Transient failures are retried with growing delays. Invariant: success means that a push server
//! said what became of the message; no other response counts.
//!
//! Reading order: `args`, `attempts`, `credentials`, `users`, `listeners`, `topic`, `batch`.

mod args;
mod attempts;
mod batch;
mod credentials;
mod listeners;
mod topic;
mod users;

pub use args::PushArgs;

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::tools::common::failure::within;
use attempts::Poster;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::Path;
use topic::Topic;
use users::Users;

pub fn run(args: Box<PushArgs>) -> Result<(), Failure> {
    let poster = Poster::new(&args)?;
    let source = Source::new(args.file.as_deref());
    if args.batch {
        return batch::publish(&args, &poster, source.open()?);
    }
    let publisher = match &args.topic {
        Some(topic) => Publisher::Topic(Topic::new(&args, &poster, topic.as_str())?),
        None => Publisher::Users(Users::new(&args, &poster)?),
    };
    if args.lines {
        return publish_lines(&args, &publisher, &source);
    }
    let message = match &args.message {
        Some(message) => message.clone().into_bytes(),
        None => source.read(&args)?,
    };
    tell(&args, publisher.publish(&args, &message)?);
    Ok(())
}

/// Where messages go.
enum Publisher<'a> {
    Topic(Topic<'a>),
    Users(Users<'a>),
}

impl Publisher<'_> {
    fn publish(&self, args: &PushArgs, message: &[u8]) -> Result<String, Failure> {
        match (self, std::str::from_utf8(message)) {
            (Self::Users(users), Ok(message)) => users.publish(message),
            (Self::Users(_), Err(_)) => Err(Failure::usage("the message is not UTF-8".into())),
            (Self::Topic(_), Err(_)) if args.content_type.is_none() => {
                let text = "the message is not UTF-8: say what it is, such as with \
                            --content-type application/octet-stream";
                Err(Failure::usage(text.into()))
            }
            (Self::Topic(topic), _) => topic.publish(message),
        }
    }
}

/// Publishes each line as it arrives; skips empty ones.
fn publish_lines(
    args: &PushArgs,
    publisher: &Publisher<'_>,
    source: &Source<'_>,
) -> Result<(), Failure> {
    let mut taken = 0u64;
    let mut line = Vec::new();
    let mut input = BufReader::new(source.open()?);
    for number in 1u64.. {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        let what = |error| Failure::failed(format!("{source} line {number}: {error}"));
        if read.map_err(what)? == 0 {
            break;
        }
        let message = without_line_end(&line);
        if message.is_empty() {
            continue;
        }
        let published = publisher.publish(args, message);
        tell(
            args,
            published.map_err(|failure| {
                within(&format!("line {number}, after {taken} accepted"), failure)
            })?,
        );
        taken += 1;
    }
    Ok(())
}

fn tell(args: &PushArgs, answer: String) {
    if args.verbose || args.receipt.is_some() {
        // The message is published, even if this line cannot be printed.
        let _ = print(answer + "\n");
    }
}

fn without_line_end(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Where messages are read from.
struct Source<'a>(Option<&'a Path>);

impl<'a> Source<'a> {
    fn new(file: Option<&'a Path>) -> Self {
        Self(file)
    }

    fn file(&self) -> Option<&'a Path> {
        self.0.filter(|path| *path != Path::new("-"))
    }

    fn open(&self) -> Result<Box<dyn Read>, Failure> {
        match self.file() {
            None => Ok(Box::new(io::stdin())),
            Some(path) => {
                let file = File::open(path);
                let file = file.map_err(|error| Failure::failed(format!("{self}: {error}")))?;
                Ok(Box::new(file))
            }
        }
    }

    /// All of it. A line break at the end is that of the shell, unless a file was asked for.
    fn read(&self, args: &PushArgs) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let read = self.open()?.read_to_end(&mut bytes);
        read.map_err(|error| Failure::failed(format!("{self}: {error}")))?;
        match args.file.is_none() {
            true => Ok(without_line_end(&bytes).to_owned()),
            false => Ok(bytes),
        }
    }
}

impl std::fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.file() {
            None => f.write_str("stdin"),
            Some(path) => path.display().fmt(f),
        }
    }
}
