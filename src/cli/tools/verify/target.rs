//! Whom the probe talks to.

use crate::cli::tools::verify::unasked::Unasked;
use std::net::SocketAddr;
use std::time::Duration;

/// Whom the probe talks to.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// Host and port of the server, which stand in the Host field.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// How long an answer may take.
    pub patience: Duration,
    /// What each request bears besides, such as credentials.
    pub fields: Vec<(String, String)>,
    /// What each request offers.
    pub subprotocols: Vec<String>,
    /// What the server sends by itself.
    pub unasked: Unasked,
}
