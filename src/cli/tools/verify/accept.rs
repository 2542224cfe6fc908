//! The opening handshake as the probe serves it: the response to a client's request.

use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::{EXTENSIONS, Head};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;

/// The response that opens the WebSocket.
pub fn answer(probe: &Probe) -> Head {
    let key = probe.request.as_ref().map(ClientRequest::key);
    Head::answer(key.unwrap_or_default())
}

/// Opens a WebSocket, perhaps with extensions.
pub fn open(probe: &mut Probe, extensions: Option<&str>) -> Result<(), Problem> {
    let mut head = answer(probe);
    if let Some(extensions) = extensions {
        head.add(EXTENSIONS, extensions);
    }
    handshake::send(probe, &head);
    probe.extensions = extensions.map(str::to_owned);
    Ok(())
}
