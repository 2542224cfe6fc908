//! Arguments and environment → a command; and where a setting came from, for error messages.
//!
//! An empty environment variable counts as unset: wrappers such as Compose and systemd pass on
//! unset variables that way. A wrong setting is named as its author wrote it: by its flag, its
//! variable, or its line in the settings file.

use crate::cli::args::Cli;
use crate::cli::common::Failure;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the settings of one call came from.
pub struct Sources {
    command: Command,
    matches: ArgMatches,
}

/// Reads arguments and environment. Exits the process for help, and for wrong usage of flags.
pub fn parse(args: &[OsString]) -> Result<(Cli, Sources), Failure> {
    let mut command = forget(Cli::command(), &is_empty);
    let matches = match command.try_get_matches_from_mut(args) {
        Ok(matches) => matches,
        Err(error) => match blamed_variable(&command, args, &error) {
            Some(name) => return Err(Failure::usage(format!("{name}: {}", without_flag(&error)))),
            None => error.exit(),
        },
    };
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    Ok((cli, Sources { command, matches }))
}

impl Sources {
    /// Names a flag at the start of an error as its author wrote it.
    pub fn name(&self, failure: Failure) -> Failure {
        failure.map(|text| self.rename(&text).unwrap_or(text))
    }

    fn rename(&self, text: &str) -> Option<String> {
        let (name, matches) = self.matches.subcommand()?;
        let flag = text.strip_prefix("--")?;
        let flag = &flag[..flag.find([' ', ':', '='])?];
        let arg = argument(&self.command, name, flag)?;
        let rest = &text[2 + flag.len()..];
        match matches.value_source(arg.get_id().as_str()) {
            Some(ValueSource::CommandLine) => None,
            Some(ValueSource::EnvVariable) => {
                Some(format!("{}{rest}", arg.get_env()?.to_string_lossy()))
            }
            _ => {
                let file = matches.try_get_one::<PathBuf>("config").ok()??;
                let setting = flag.replace('-', "_");
                let line = line_of(file, &setting)?;
                Some(format!("{} line {line}: {setting}{rest}", file.display()))
            }
        }
    }
}

/// The line of a settings file that begins with this name.
fn line_of(file: &Path, setting: &str) -> Option<usize> {
    let text = std::fs::read_to_string(file).ok()?;
    let is_it = |line: &str| {
        let rest = line.trim_start().strip_prefix(setting);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    text.lines().position(is_it).map(|at| at + 1)
}

/// Ignores the variables for which `unwanted` is true.
fn forget(command: Command, unwanted: &dyn Fn(&Arg) -> bool) -> Command {
    let command = command.mut_args(|arg| match unwanted(&arg) {
        true => arg.env(Resettable::Reset),
        false => arg,
    });
    command.mut_subcommands(|command| forget(command, unwanted))
}

fn is_empty(arg: &Arg) -> bool {
    let value = arg.get_env().and_then(std::env::var_os);
    value.is_some_and(|value| value.is_empty())
}

/// The variable whose value is wrong: without it, the error is another one, or gone.
fn blamed_variable(command: &Command, args: &[OsString], error: &clap::Error) -> Option<String> {
    let flag = blamed_flag(error)?;
    let arg = argument(command, args.get(1)?.to_str()?, &flag)?;
    let name = arg.get_env()?.to_owned();
    std::env::var_os(&name)?;
    let is_it = |arg: &Arg| arg.get_env() == Some(&name);
    let again = forget(command.clone(), &is_it).try_get_matches_from(args);
    let still = again.err().and_then(|error| blamed_flag(&error));
    (still.as_ref() != Some(&flag)).then(|| name.to_string_lossy().into_owned())
}

/// The long name of the flag that an error is about.
fn blamed_flag(error: &clap::Error) -> Option<String> {
    let ContextValue::String(text) = error.get(ContextKind::InvalidArg)? else {
        return None;
    };
    let flag = text.strip_prefix("--")?;
    Some(flag[..flag.find([' ', '=']).unwrap_or(flag.len())].to_owned())
}

fn argument<'c>(command: &'c Command, name: &str, flag: &str) -> Option<&'c Arg> {
    let mut args = command.find_subcommand(name)?.get_arguments();
    args.find(|arg| arg.get_long() == Some(flag))
}

/// clap's message, in one line.
fn without_flag(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let lines = text.lines().take_while(|line| !line.is_empty());
    let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    match (line.find(" for '--"), line.find(">'")) {
        (Some(begin), Some(end)) if begin < end => [&line[..begin], &line[end + 2..]].concat(),
        _ => line.to_owned(),
    }
}
