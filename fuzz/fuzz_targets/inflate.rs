//! See `deflate::inflate`.
#![no_main]

#[path = "../src/deflate.rs"]
#[allow(dead_code)]
mod deflate;

libfuzzer_sys::fuzz_target!(|data: &[u8]| deflate::inflate(data));
