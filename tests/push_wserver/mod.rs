//! The wserver dialect over real sockets, exactly as its clients know it, without the faults of
//! the original.

mod auth;
mod dropping;
mod ends;
mod limits;
mod order;
mod publishing;
mod registration;
mod routes;
mod stopping;

use std::path::PathBuf;

/// A file of this name with this text, in a folder of the tests.
pub fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path
}
