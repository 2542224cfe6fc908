//! The connections of one loop and the way to them: what a service acts on.
//!
//! Three independent parts: the table, the output, and what is to be dialled. Each step looks up a
//! peer here once and hands it to the output.

use crate::net::conn::dialing::Dials;
use crate::net::conn::table::Table;
use crate::net::output::Output;

#[derive(Debug)]
pub(crate) struct Connections {
    pub(crate) peers: Table,
    pub(crate) out: Output,
    pub(crate) dials: Dials,
    /// No new connections and no further requests.
    pub(crate) stopping: bool,
    /// The service wants the server to stop.
    pub(crate) stop_wanted: bool,
}
