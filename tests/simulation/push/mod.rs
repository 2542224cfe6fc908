//! The whole push server: publishers, subscribers of every transport that stall, vanish and resume
//! from their last position, and the clients of the dialects of wserver and gotify. Some runs have
//! a disk, and servers that are killed.

mod accounts;
mod body;
mod checks;
mod disk;
mod gotify;
mod plan;
mod publishers;
mod requests;
mod server;
mod socket;
mod spy;
mod subscriber;
mod subscribers;
mod world;
mod wserver;

pub use plan::Plan;
