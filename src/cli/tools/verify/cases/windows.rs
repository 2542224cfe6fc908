//! Group `deflate.window`: no distance exceeds the negotiated window, RFC 7692 section 7.1.2.
//!
//! Only the last window of the first message is kept. The second message repeats an earlier part,
//! so a reference to it cannot be resolved.

use super::deflated::{RSV1, agree, inflated, params};
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::Must;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::TEXT;
use wirebell::deflate::{Budget, Compressor, Pool, Session, Settings};

pub fn add(cases: &mut Cases, of_server: bool) {
    let (role, section) = match of_server {
        true => ("server", "7692 7.1.2.1"),
        false => ("client", "7692 7.1.2.2"),
    };
    for bits in 9..=14 {
        let id = format!("deflate.window.{bits}");
        let rule = format!("a {role} that agrees to {bits} bits refers no further back");
        cases.add(id, section, Must, rule, move |probe| {
            let terms = format!("permessage-deflate; {role}_max_window_bits={bits}");
            ask(probe, &terms)
        });
    }
}

fn ask(probe: &mut Probe, terms: &str) -> Result<(), Problem> {
    let terms = agree(probe, terms)?;
    let params = params(probe, &terms);
    let bits = params.receive.window_bits;
    if bits == 15 || !params.receive.takeover {
        let what = "no smaller window with context takeover was negotiated";
        return Err(Problem::Skip(what.into()));
    }
    let mut pool = Pool::new(Settings::default(), Budget::new(1 << 20));
    let mut session = Session::default();
    let message = letters((1 << bits) * 15 / 8);
    for _ in 0..2 {
        let mut out = Vec::new();
        // Our side uses no context takeover.
        Compressor::new(params.send.window_bits, 6).fragment(&message, true, true, &mut out);
        probe.send(TEXT | RSV1, &out);
        if inflated(&mut pool, &mut session, &params, probe)? != message {
            return Problem::fail("the echo is a different message");
        }
    }
    Ok(())
}

/// Text with hardly any repetition.
fn letters(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut letter = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'A' + (state >> 24) as u8 % 58
    };
    (0..len).map(|_| letter()).collect()
}
