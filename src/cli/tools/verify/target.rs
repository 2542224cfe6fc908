//! The endpoint that the probe connects to.
//!
//! Input: an address, and what each request has. Output: connections to it, plain or under TLS.

use crate::cli::tools::common::tls::connect;
use crate::cli::tools::verify::unsolicited::Unsolicited;
use std::net::SocketAddr;
use std::time::Duration;
use wirebell::client::{Error, Stream};
use wirebell::tls::Connector;

/// The endpoint that the probe connects to.
#[derive(Clone, Debug)]
pub struct Target {
    pub address: SocketAddr,
    /// If TLS is spoken: how, and with which host.
    pub tls: Option<(Connector, String)>,
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

impl Target {
    /// A new connection, on which nothing was sent unencrypted if TLS is spoken.
    pub fn connect(&self) -> Result<Stream, Error> {
        let tls = self.tls.as_ref();
        let tls = tls.map(|(connector, host)| (connector, &**host));
        connect(self.address, tls, self.timeout)
    }
}
