//! The opening handshake as the probe serves it: the answer to what a client asks for.

use crate::cli::tools::verify::asked::Asked;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::{EXTENSIONS, Head};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;

/// The answer that opens what the client asks for.
pub fn answer(probe: &Probe) -> Head {
    let key = probe.asked.as_ref().map(Asked::key);
    Head::answer(key.unwrap_or_default())
}

/// Opens a WebSocket, perhaps with extensions.
pub fn open(probe: &mut Probe, extensions: Option<&str>) -> Result<(), Trouble> {
    let mut head = answer(probe);
    if let Some(extensions) = extensions {
        head.add(EXTENSIONS, extensions);
    }
    handshake::send(probe, &head);
    probe.extensions = extensions.map(str::to_owned);
    Ok(())
}
