//! The state of one connection, and the table of all: data, and what it says about itself.
//!
//! Nothing here reads, writes or calls a service. Reading order: `peer`, `table`, `cold`,
//! `lists`, `timers`, `batch`, `send_queue`, `deflate`, `dialing`, `no_dialing`, `deadlines`,
//! `addresses`, `moved`.

pub(crate) mod addresses;
pub(crate) mod batch;
pub(crate) mod cold;
pub(crate) mod deadlines;
pub(crate) mod deflate;
#[cfg(feature = "client")]
pub(crate) mod dialing;
#[cfg(not(feature = "client"))]
#[path = "no_dialing.rs"]
pub(crate) mod dialing;
pub(crate) mod lists;
#[cfg(feature = "take-over")]
pub(crate) mod moved;
pub(crate) mod peer;
pub(crate) mod send_queue;
pub(crate) mod table;
pub(crate) mod timers;
