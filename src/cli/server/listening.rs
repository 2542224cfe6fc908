//! What `serve` and `echo` print before they serve: their settings, or why they cannot listen.
//!
//! Input: settings, or the error of a socket. Output: a settings file on stdout, or a [`Failure`]
//! with a hint.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::server::args::LoopSettings;
use std::io;

/// Prints the effective settings as a settings file.
pub fn print_settings(settings: &impl serde::Serialize) -> Result<(), Failure> {
    let settings = serde_json::to_value(settings);
    let settings = settings.map_err(|error| Failure::failed(error.to_string()))?;
    let fields = settings.as_object().into_iter().flatten();
    let fields = fields.filter(|(_, value)| !value.is_null());
    let text: String = fields
        .map(|(name, value)| format!("{name} = {}\n", toml_value(value)))
        .collect();
    print(text)
}

/// Strings, numbers and booleans are written in TOML as in JSON.
fn toml_value(value: &serde_json::Value) -> String {
    match value.as_array() {
        Some(list) => {
            let items: Vec<String> = list.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        None => value.to_string(),
    }
}

/// Explains a bind failure.
pub fn cannot_listen(settings: &LoopSettings, error: &io::Error) -> Failure {
    let listen = settings.listen.as_deref().unwrap_or("127.0.0.1:8080");
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => "; choose another port with --listen",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    Failure::failed(format!("cannot listen on {listen}: {error}{hint}"))
}
