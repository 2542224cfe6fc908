//! See `checks::server_stream`.
#![no_main]

#[path = "../src/checks.rs"]
#[allow(dead_code)]
mod checks;
#[path = "../src/mutators.rs"]
#[allow(dead_code)]
mod mutators;

use wirebell::Role;

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::server_stream(data));

libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutators::frames(data, size, max_size, seed, Role::Server)
});
