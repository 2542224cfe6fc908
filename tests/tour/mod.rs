//! The guided tour in `src/tour`: recorded exchanges, what `wirebell inspect` says of them, the
//! reading order of the source, and where each section of the RFCs lives.
//!
//! All of it is made here and compared with the files of the tree. After a change that is meant,
//! `WIREBELL_TOUR=write cargo test tour` writes them again.

mod exchanges;
mod pair;
mod push;
mod record;
mod resume;
mod sections;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the tour.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/tour")
        .join(name)
}

/// The file says what was made now; or it does from now on, if that is what was asked for.
#[track_caller]
fn agree(name: &str, made: &str) {
    let path = path(name);
    if std::env::var("WIREBELL_TOUR").is_ok_and(|wish| wish == "write") {
        fs::write(&path, made).expect("the tour can be written");
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    let pairs = there.lines().zip(made.lines()).enumerate();
    let differs = pairs.into_iter().find(|(_, (there, made))| there != made);
    if let Some((number, (there, made))) = differs {
        panic!(
            "src/tour/{name}:{}\n   has {there}\nshould {made}",
            number + 1
        );
    }
    assert!(there == made, "src/tour/{name} ends too early or too late");
}
