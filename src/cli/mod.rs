//! The command line: one file per subcommand, and what they share.
//!
//! Comes in: arguments, environment, a settings file. Goes out: a running server, or one line on
//! stderr and an exit status: 2 for what the caller wrote, 1 for what went wrong.

mod args;
mod echo;
mod serve;
mod settings;
mod units;

use args::{Cli, Command};
use clap::Parser as _;
use std::ffi::OsString;
use std::fmt;
use std::process::ExitCode;

/// Why a command ends without having done its work.
#[derive(Debug)]
enum Failure {
    /// Exit status 2: the caller can mend it by writing something else.
    Usage(String),
    /// Exit status 1.
    Failed(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}

/// Reads the arguments and does what they say.
pub fn run() -> ExitCode {
    let cli = Cli::parse_from(with_default_command(std::env::args_os()));
    let result = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Echo(args) => echo::run(args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("wirebell: {failure}");
            ExitCode::from(if matches!(failure, Failure::Usage(_)) {
                2
            } else {
                1
            })
        }
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
