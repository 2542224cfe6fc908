//! What `serve` and `echo` print before they serve: their settings, or why they cannot read a file
//! or listen.
//!
//! Input: settings, or the error of a file or socket. Output: a settings file on stdout, or a
//! [`Failure`] with a hint.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use serde_json::Value;
use std::io;
use std::path::Path;

/// Prints the effective settings as a settings file.
pub fn print_settings(settings: &impl serde::Serialize) -> Result<(), Failure> {
    let settings = serde_json::to_value(settings);
    let settings = settings.map_err(|error| Failure::failed(error.to_string()))?;
    let (tables, values): (Vec<_>, Vec<_>) = settings
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
        .partition(|(_, value)| is_tables(value));
    let values = values.into_iter().map(|(name, value)| line(name, value));
    let tables = tables.into_iter().flat_map(|(name, tables)| {
        let tables = tables.as_array().into_iter().flatten();
        tables.map(move |table| format!("\n[[{name}]]\n{}", lines(table)))
    });
    print(values.chain(tables).collect::<String>())
}

/// Whether a value is a list of tables, which come last in a settings file.
fn is_tables(value: &Value) -> bool {
    let first = value.as_array().and_then(|list| list.first());
    first.is_some_and(Value::is_object)
}

fn lines(table: &Value) -> String {
    let fields = table.as_object().into_iter().flatten();
    fields.map(|(name, value)| line(name, value)).collect()
}

fn line(name: &str, value: &Value) -> String {
    format!("{name} = {}\n", toml_value(value))
}

/// Strings, numbers and booleans are written in TOML as in JSON.
fn toml_value(value: &Value) -> String {
    match value.as_array() {
        Some(list) => {
            let items: Vec<String> = list.iter().map(toml_value).collect();
            format!("[{}]", items.join(", "))
        }
        None => value.to_string(),
    }
}

/// Explains why a file of this setting cannot be read.
pub fn cannot_read(flag: &str, path: &Path, error: &io::Error) -> Failure {
    let hint = match (error.kind(), flag) {
        (io::ErrorKind::PermissionDenied, "--tokens") => {
            ": the user of the server must be able to read it; it holds digests only, so chmod 644 \
             will do"
        }
        (io::ErrorKind::PermissionDenied, _) => ": the user of the server must be able to read it",
        _ => "",
    };
    Failure::failed(format!("{flag} {}: {error}{hint}", path.display()))
}

/// Explains why a server cannot listen there.
pub fn cannot_listen(listen: &str, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "; something listens there already: choose another place with --listen"
        }
        io::ErrorKind::PermissionDenied => {
            "; ports below 1024 need privileges, and unix:PATH a folder that this user may write to"
        }
        io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    Failure::failed(format!("cannot listen on {listen}: {error}{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_must_be_able_to_read_a_file_is_told() {
        let told = |flag: &str, kind: io::ErrorKind| {
            cannot_read(flag, Path::new("/etc/t"), &kind.into()).to_string()
        };
        let tokens = told("--tokens", io::ErrorKind::PermissionDenied);
        assert!(tokens.starts_with("--tokens /etc/t: permission denied: the user"));
        assert!(tokens.ends_with("chmod 644 will do"), "{tokens}");
        let key = told("--push-key-file", io::ErrorKind::PermissionDenied);
        assert!(key.ends_with("must be able to read it"), "{key}");
        assert!(!told("--tokens", io::ErrorKind::NotFound).contains("must"));
    }

    #[test]
    fn hints_hold_for_ports_and_for_unix_sockets() {
        let told = |kind: io::ErrorKind| cannot_listen("unix:/run/w", &kind.into()).to_string();
        let in_use = told(io::ErrorKind::AddrInUse);
        assert!(
            in_use.starts_with("cannot listen on unix:/run/w: "),
            "{in_use}"
        );
        assert!(
            in_use.contains("choose another place") && !in_use.contains("port"),
            "{in_use}"
        );
        let denied = told(io::ErrorKind::PermissionDenied);
        assert!(denied.contains("unix:PATH a folder"), "{denied}");
        assert!(told(io::ErrorKind::AddrNotAvailable).contains("does not have that address"));
        assert!(!told(io::ErrorKind::Other).contains(';'));
    }
}
