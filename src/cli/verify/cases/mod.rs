//! The cases, one file for each group.

pub mod closing;
pub mod compression;
pub mod fragments;
pub mod frames;
pub mod load;
pub mod messages;
pub mod opening;
pub mod pings;
pub mod texts;

use crate::cli::verify::case::Cases;

/// Everything that a server is asked.
pub fn for_servers() -> Cases {
    let mut cases = Cases::default();
    opening::add(&mut cases);
    frames::add(&mut cases, true);
    messages::add(&mut cases);
    fragments::add(&mut cases);
    texts::add(&mut cases);
    pings::add(&mut cases);
    closing::add(&mut cases, true);
    compression::add(&mut cases);
    load::add(&mut cases);
    cases
}
