//! The cases, one file for each group.

mod agreements;
mod answers;
mod bad_answers;
mod bad_requests;
mod closing;
mod compression;
mod cuts;
pub mod deflated;
mod fragments;
mod frames;
mod good_requests;
mod keys;
mod load;
mod messages;
mod offers;
mod opening;
mod pings;
mod refused;
mod requests;
mod rows;
mod texts;
mod windows;

use crate::cli::tools::verify::case::Cases;

/// All cases for servers.
pub fn for_servers() -> Cases {
    let mut cases = Cases::default();
    opening::add(&mut cases);
    after_opening(&mut cases, true);
    cases
}

/// All cases for clients.
pub fn for_clients() -> Cases {
    let mut cases = Cases::default();
    requests::add(&mut cases);
    answers::add(&mut cases);
    after_opening(&mut cases, false);
    cuts::add(&mut cases);
    cases
}

fn after_opening(cases: &mut Cases, of_server: bool) {
    frames::add(cases, of_server);
    messages::add(cases);
    fragments::add(cases);
    texts::add(cases);
    pings::add(cases);
    closing::add(cases, of_server);
    compression::add(cases, of_server);
    windows::add(cases, of_server);
    load::add(cases, of_server);
}
