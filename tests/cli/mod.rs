//! The `wirebell` command as a process: arguments, settings, signals, what it prints and how it
//! ends.

mod access;
mod benching;
mod client_faults;
mod connecting;
mod connecting_others;
mod data;
mod doctoring;
mod errors;
mod faults;
mod faulty;
mod following;
mod generated;
mod hangups;
mod help;
mod inspecting;
mod inspecting_inputs;
mod inspecting_talks;
mod killed;
mod listening;
mod listening_random;
mod listening_strays;
mod packaging;
mod paused;
pub mod program;
mod protecting;
mod pushing;
mod pushing_topics;
mod serving;
mod serving_tls;
mod settings;
mod sources;
mod stopping;
mod terminal;
mod tls;
mod tokens;
mod tracing;
mod upgrading;
mod verifying;
mod verifying_others;
mod verifying_random;

use std::path::PathBuf;

/// A file of this name with this text, in a folder of the tests.
fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path
}
