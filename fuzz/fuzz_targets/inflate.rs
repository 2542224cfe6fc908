//! See `deflate::inflate`.
#![no_main]

#[path = "../src/compressed.rs"]
mod compressed;
#[path = "../src/deflate.rs"]
#[allow(dead_code)]
mod deflate;
#[path = "../src/mutators.rs"]
#[allow(dead_code)]
mod mutators;

libfuzzer_sys::fuzz_target!(|data: &[u8]| deflate::inflate(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    compressed::messages(data, size, max_size, seed)
});
