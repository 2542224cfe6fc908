//! The cases, one file for each group.

mod bad_requests;
mod closing;
mod compression;
mod fragments;
mod frames;
mod good_requests;
mod load;
mod messages;
mod offers;
mod opening;
mod pings;
mod texts;

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
