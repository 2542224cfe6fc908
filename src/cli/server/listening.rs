//! What `serve` and `echo` say before they serve: their settings, or why they cannot listen.
//!
//! Input: settings, or the error of a socket. Output: a settings file on stdout, or a [`Failure`]
//! that says what can be done.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::server::args::LoopSettings;
use std::io;

/// Prints the effective settings as a settings file.
pub fn print_settings(settings: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        basic_toml::to_string(settings).map_err(|error| Failure::failed(error.to_string()))?;
    print(text.trim_end().to_owned() + "\n")
}

/// Says what can be done about it.
pub fn cannot_listen(settings: &LoopSettings, error: &io::Error) -> Failure {
    let listen = settings.listen.as_deref().unwrap_or("127.0.0.1:8080");
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; choose another port with --listen",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    Failure::failed(format!("cannot listen on {listen}: {error}{hint}"))
}
