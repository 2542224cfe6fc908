//! The command line: `server` for the commands that listen, `tools` for all others, and `common`
//! for what they share.
//!
//! Input: arguments, environment, a settings file. Output: a running server, or one line on stderr
//! and an exit status: 2 for wrong usage, 1 for failures, others for the tools.

mod args;
mod common;
mod server;
mod sources;
#[cfg(feature = "cli")]
mod tools;
#[cfg(not(feature = "cli"))]
#[path = "no_tools.rs"]
mod tools;

use args::{Cli, Command};
use clap::CommandFactory as _;
use common::{Failure, logging};
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

/// Parses the arguments and runs the command.
pub fn run() -> ExitCode {
    let args = with_default_command(std::env::args_os());
    let result = sources::parse(&args)
        .and_then(|(cli, sources)| obey(cli.command).map_err(|failure| sources.name(failure)));
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    logging::flush(logging::FLUSH_TIMEOUT);
    logging::write(io::stderr(), format!("wirebell: {failure}\n"));
    ExitCode::from(failure.status())
}

fn obey(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => server::serve(args),
        Command::Echo(args) => server::echo(args),
        Command::Tool(tool) => tools::run(tool, Cli::command()),
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
