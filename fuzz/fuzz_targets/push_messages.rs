//! See `push::messages`.
#![no_main]

#[path = "../src/push.rs"]
#[allow(dead_code)]
mod push;

libfuzzer_sys::fuzz_target!(|data: &[u8]| push::messages(data));
