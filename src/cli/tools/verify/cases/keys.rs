//! Group `key`: the masking keys of a client, RFC 6455 sections 5.3 and 10.3. It has to choose
//! each anew, and nobody may be able to foretell it.

use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::Must;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::wire::{PING, TEXT};
use std::collections::HashSet;

/// Frames of a client that are looked at.
const FRAMES: u32 = 24;

pub fn add(cases: &mut Cases) {
    let rule = "each frame has another masking key";
    cases.add("key.changes", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        let different: HashSet<_> = keys.iter().collect();
        match different.len() == keys.len() {
            true => Ok(()),
            false => Trouble::wrong(format!("{} keys in {FRAMES} frames", different.len())),
        }
    });
    let rule = "masking keys are not zero";
    cases.add(
        "key.not-zero",
        "6455 5.3",
        Must,
        rule,
        |probe| match keys(probe)?.contains(&[0; 4]) {
            true => Trouble::wrong("a masking key is zero"),
            false => Ok(()),
        },
    );
    let rule = "masking keys do not follow each other in steps that can be foretold";
    cases.add("key.unpredictable", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        for read in [u32::from_be_bytes, u32::from_le_bytes] {
            let steps: HashSet<u32> = keys
                .windows(2)
                .map(|two| read(two[1]).wrapping_sub(read(two[0])))
                .collect();
            if steps.len() < keys.len() / 2 {
                return Trouble::wrong(format!("only {} steps between keys", steps.len()));
            }
        }
        Ok(())
    });
    let rule = "all four bytes of masking keys vary";
    cases.add("key.all-bytes", "6455 5.3", Must, rule, |probe| {
        let keys = keys(probe)?;
        match (0..4).find(|at| keys.iter().all(|key| key[*at] == keys[0][*at])) {
            Some(at) => Trouble::wrong(format!("byte {at} of all keys is the same")),
            None => Ok(()),
        }
    });
    between(cases);
}

/// One key, and those on other occasions.
fn between(cases: &mut Cases) {
    let rule = "the key of a Pong is another one than that of the frame before";
    cases.add("key.of-pong", "6455 5.3", Must, rule, |probe| {
        probe.open()?;
        probe.send(TEXT, b"text");
        probe.expect_message(TEXT, b"text")?;
        probe.send(PING, b"ping");
        probe.expect_pong(b"ping")?;
        match probe.keys[..] {
            [.., text, pong] if text == pong => Trouble::wrong("both keys are the same"),
            _ => Ok(()),
        }
    });
    let rule = "the first masking key is another one on each connection";
    cases.add("key.first", "6455 5.3", Must, rule, |probe| {
        keys(probe)?;
        let first = probe.keys[0];
        let earlier = probe.asked.as_ref().map(|asked| &asked.first_keys);
        match earlier.is_some_and(|keys| keys.contains(&first)) {
            true => Trouble::wrong("an earlier connection began with the same masking key"),
            false => Ok(()),
        }
    });
}

/// The keys of so many frames.
fn keys(probe: &mut Probe) -> Result<Vec<[u8; 4]>, Trouble> {
    probe.open()?;
    for n in 0..FRAMES {
        let text = format!("{n}");
        probe.send(TEXT, text.as_bytes());
        probe.expect_message(TEXT, text.as_bytes())?;
    }
    Ok(probe.keys.clone())
}
