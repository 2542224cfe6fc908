//! Group `key`: the masking keys of a client, RFC 6455 sections 5.3 and 10.3. It has to choose a
//! fresh, unpredictable key for each frame.

use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::Must;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{PING, TEXT};
use std::collections::HashSet;

/// Frames of a client to check.
const FRAMES: u32 = 24;

pub fn add(cases: &mut Cases) {
    let rule = "each frame has a new masking key";
    cases.add("key.changes", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        let different: HashSet<_> = keys.iter().collect();
        match different.len() == keys.len() {
            true => Ok(()),
            false => Problem::fail(format!("{} keys in {FRAMES} frames", different.len())),
        }
    });
    let rule = "masking keys are not zero";
    cases.add(
        "key.not-zero",
        "6455 5.3",
        Must,
        rule,
        |probe| match keys(probe)?.contains(&[0; 4]) {
            true => Problem::fail("a masking key is zero"),
            false => Ok(()),
        },
    );
    let rule = "masking keys do not follow in predictable steps";
    cases.add("key.unpredictable", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        for read in [u32::from_be_bytes, u32::from_le_bytes] {
            let steps: HashSet<u32> = keys
                .windows(2)
                .map(|two| read(two[1]).wrapping_sub(read(two[0])))
                .collect();
            if steps.len() < keys.len() / 2 {
                return Problem::fail(format!("only {} steps between keys", steps.len()));
            }
        }
        Ok(())
    });
    let rule = "all four bytes of masking keys vary";
    cases.add("key.all-bytes", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        match (0..4).find(|at| keys.iter().all(|key| key[*at] == keys[0][*at])) {
            Some(at) => Problem::fail(format!("byte {at} of all keys is the same")),
            None => Ok(()),
        }
    });
    between(cases);
}

/// One key, compared with those of other frames.
fn between(cases: &mut Cases) {
    let rule = "the key of a Pong differs from that of the frame before";
    cases.add("key.of-pong", "6455 5.3", Must, rule, |probe| {
        probe.open()?;
        probe.send(TEXT, b"text");
        probe.expect_message(TEXT, b"text")?;
        probe.send(PING, b"ping");
        probe.expect_pong(b"ping")?;
        match probe.keys[..] {
            [.., text, pong] if text == pong => Problem::fail("both keys are the same"),
            _ => Ok(()),
        }
    });
    let rule = "the first masking key differs on each connection";
    cases.add("key.first", "6455 5.3", Must, rule, |probe| {
        keys(probe)?;
        let first = probe.keys[0];
        let earlier = probe.request.as_ref().map(|request| &request.first_keys);
        match earlier.is_some_and(|keys| keys.contains(&first)) {
            true => Problem::fail("an earlier connection began with the same masking key"),
            false => Ok(()),
        }
    });
}

/// The keys of this many frames.
fn keys(probe: &mut Probe) -> Result<Vec<[u8; 4]>, Problem> {
    probe.open()?;
    for n in 0..FRAMES {
        let text = format!("{n}");
        probe.send(TEXT, text.as_bytes());
        probe.expect_message(TEXT, text.as_bytes())?;
    }
    Ok(probe.keys.clone())
}
