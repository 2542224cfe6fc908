//! The endpoint that the probe connects to.

use crate::cli::tools::verify::unsolicited::Unsolicited;
use std::net::SocketAddr;
use std::time::Duration;

/// The endpoint that the probe connects to.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// Host and port of the server, as in the Host field.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Additional fields of each request, such as credentials.
    pub fields: Vec<(String, String)>,
    /// The subprotocols that each request offers.
    pub subprotocols: Vec<String>,
    /// What the server sends unsolicited.
    pub unsolicited: Unsolicited,
}
