//! How a client rejects a response: it closes TCP and sends nothing, RFC 6455 section 4.1.

use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{TEXT, shown};
use std::time::Instant;

/// Sends this head followed by a message, which a client that accepts the head would answer. The
/// client must close TCP and send nothing.
pub fn expect_refused(probe: &mut Probe, head: &[u8]) -> Result<(), Problem> {
    let frame = probe.encode(TEXT, b"are you in?");
    probe.note("> text, right after it");
    probe.write(&[head, &frame].concat());
    expect_end_without_a_word(probe)
}

/// Expects that TCP closes, and that nothing was sent.
pub fn expect_end_without_a_word(probe: &mut Probe) -> Result<(), Problem> {
    let deadline = Instant::now() + probe.target.timeout;
    while !probe.has_ended() && probe.input().is_empty() && probe.read(deadline) {}
    let came = probe.input().clone();
    match (came.is_empty(), probe.has_ended()) {
        (true, true) => Ok(()),
        (true, false) => Problem::fail("the TCP connection stays open"),
        (false, _) => Problem::fail(format!("the client sent bytes {}", shown(&came))),
    }
}
