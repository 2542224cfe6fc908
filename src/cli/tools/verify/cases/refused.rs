//! How a client refuses an answer: it ends TCP and sends nothing, RFC 6455 section 4.1.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::wire::{TEXT, shown};
use std::time::Instant;

/// Sends this head with a message behind it, which a client answers that is taken in. The
/// client must end TCP without a word.
pub fn expect_refused(probe: &mut Probe, head: &[u8]) -> Result<(), Trouble> {
    let frame = probe.encode(TEXT, b"are you in?");
    probe.note("> text, right behind it");
    probe.write(&[head, &frame].concat());
    expect_end_without_a_word(probe)
}

/// TCP ends, and nothing was sent.
pub fn expect_end_without_a_word(probe: &mut Probe) -> Result<(), Trouble> {
    let deadline = Instant::now() + probe.target.patience;
    while !probe.has_ended() && probe.input().is_empty() && probe.read(deadline) {}
    let came = probe.input().clone();
    match (came.is_empty(), probe.has_ended()) {
        (true, true) => Ok(()),
        (true, false) => Trouble::wrong("the TCP connection stays open"),
        (false, _) => Trouble::wrong(format!("the client sent bytes {}", shown(&came))),
    }
}
