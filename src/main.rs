//! The `wirebell` command. All it does is in `cli`; this file is where the process begins.
#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
