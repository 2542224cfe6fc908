//! The command line: one file per subcommand, and what they share.
//!
//! Comes in: arguments, environment, a settings file. Goes out: a running server, or one line on
//! stderr and an exit status: 2 for what the caller wrote, 1 for what went wrong; clients also
//! have 3 for a refusal and 4 for a time that ran out.

mod args;
mod bench;
mod client_args;
mod completions;
mod connect;
mod echo;
mod files;
mod http;
mod inspect;
mod logging;
mod manual;
mod markup;
mod push;
mod serve;
mod settings;
mod signals;
mod sources;
mod terminal;
mod trace;
mod units;
mod verify;

use args::Command;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

/// Why a command ends without having done its work.
#[derive(Debug)]
enum Failure {
    /// Exit status 2: the caller can mend it by writing something else.
    Usage(String),
    /// Exit status 1.
    Failed(String),
    /// Exit status 3: whoever was asked has said no.
    Refused(String),
    /// Exit status 4.
    TimedOut(String),
}

impl Failure {
    /// Says where it happened.
    fn with(self, place: &str) -> Self {
        self.map(|text| format!("{place}: {text}"))
    }

    /// Says it in other words.
    fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::Usage(text) => Self::Usage(change(text)),
            Self::Failed(text) => Self::Failed(change(text)),
            Self::Refused(text) => Self::Refused(change(text)),
            Self::TimedOut(text) => Self::TimedOut(change(text)),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) | Self::Refused(text) | Self::TimedOut(text) => {
                f.write_str(&terminal::visible(text)) // It may quote a peer.
            }
        }
    }
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    let args = with_default_command(std::env::args_os());
    let result = sources::parse(&args)
        .and_then(|(cli, sources)| obey(cli.command).map_err(|failure| sources.name(failure)));
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    logging::flush(logging::PATIENCE);
    logging::write(io::stderr(), format!("wirebell: {failure}\n"));
    ExitCode::from(match failure {
        Failure::Failed(_) => 1,
        Failure::Usage(_) => 2,
        Failure::Refused(_) => 3,
        Failure::TimedOut(_) => 4,
    })
}

fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Echo(args) => echo::run(args),
        Command::Connect(args) => connect::run(args),
        Command::Push(args) => push::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Inspect(args) => inspect::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => manual::run(&args),
    }
}

/// Writes to stdout all that a command has to say.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Nobody reads any more: as with all filters, no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| Failure::Failed(format!("stdout: {error}"))),
    }
}

/// `wirebell` alone, or with flags only, is `wirebell serve`.
fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let first = args.get(1).and_then(|arg| arg.to_str());
    let about_all = ["-h", "--help", "-V", "--version"];
    if first.is_none_or(|first| first.starts_with('-') && !about_all.contains(&first)) {
        args.insert(1.min(args.len()), "serve".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::args::Cli;
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_means_serve() {
        let full = |args: &[&str]| {
            let args = ["wirebell"].iter().chain(args).map(OsString::from);
            with_default_command(args)
                .iter()
                .skip(1)
                .map(|s| s.to_str().unwrap().into())
                .collect()
        };
        let rows: [(&[&str], Vec<String>); 5] = [
            (&[], vec!["serve".into()]),
            (
                &["--workers", "1"],
                vec!["serve".into(), "--workers".into(), "1".into()],
            ),
            (&["echo"], vec!["echo".into()]),
            (&["--help"], vec!["--help".into()]),
            (&["nonsense"], vec!["nonsense".into()]),
        ];
        for (given, expected) in rows {
            let actual: Vec<String> = full(given);
            assert_eq!(actual, expected);
        }
    }
}
