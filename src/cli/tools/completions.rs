//! `wirebell completions`: what a shell needs to complete our commands and flags.
//!
//! Input: the name of a shell. Output: its script, on stdout. The files that packagers install are
//! in `generated/completions`; a test compares them.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
                  wirebell completions bash > /etc/bash_completion.d/wirebell\n  \
                  wirebell completions zsh > ~/.zfunc/_wirebell\n  \
                  wirebell completions fish > ~/.config/fish/completions/wirebell.fish\n\n\
                  zsh looks into ~/.zfunc if `fpath+=(~/.zfunc)` comes before `compinit`.\n\n\
                  Exit status: 0 printed, 1 failed, 2 wrong usage.")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Prints the script for `command`, the whole command.
pub fn run(args: &CompletionsArgs, mut command: Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "wirebell", &mut script);
    print(script)
}
