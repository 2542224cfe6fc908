//! Replays the committed inputs of the fuzz targets on a stable compiler.

#[path = "../fuzz/src/checks.rs"]
mod checks;
#[cfg(feature = "deflate")]
#[path = "../fuzz/src/deflate.rs"]
mod deflate;

use std::fs;
use std::path::Path;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{target}: {error}"));
    let mut count = 0;
    for entry in entries {
        let path = entry.expect("an entry of the corpus").path();
        check(&fs::read(&path).expect("an input"));
        count += 1;
    }
    assert!(count >= 5, "{target} has {count} inputs");
}

#[test]
fn every_input_still_holds() {
    replay("request_head", checks::request_head);
    replay("response_head", checks::response_head);
    replay("server_stream", checks::server_stream);
    replay("client_stream", checks::client_stream);
    replay("http_request", checks::http_request);
    #[cfg(feature = "deflate")]
    {
        replay("inflate", deflate::inflate);
        replay("negotiation", deflate::negotiation);
    }
}

/// Small random inputs, so that the checks themselves are exercised without a fuzzer.
#[test]
fn random_bytes_hold_too() {
    let mut random = crate::support::Rng::new(7);
    for round in 0..300 {
        let data: Vec<u8> = (0..round % 97).map(|_| random.next() as u8).collect();
        checks::request_head(&data);
        checks::response_head(&data);
        checks::server_stream(&data);
        checks::client_stream(&data);
        checks::http_request(&data);
        #[cfg(feature = "deflate")]
        {
            deflate::inflate(&data);
            deflate::negotiation(&data);
        }
    }
}
