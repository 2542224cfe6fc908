//! See `push::batch`.
#![no_main]

#[path = "../src/push.rs"]
#[allow(dead_code)]
mod push;

libfuzzer_sys::fuzz_target!(|data: &[u8]| push::batch(data));
