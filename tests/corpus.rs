//! Replays the committed inputs of the fuzz targets on a stable compiler.

#[path = "../fuzz/src/checks.rs"]
mod checks;
#[cfg(feature = "deflate")]
#[path = "../fuzz/src/deflate.rs"]
mod deflate;
#[cfg(feature = "push")]
#[path = "../fuzz/src/push.rs"]
mod push;
#[cfg(feature = "self-signed")]
#[path = "../fuzz/src/tls.rs"]
mod tls;

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
    #[cfg(feature = "push")]
    {
        replay("push_patterns", push::patterns);
        replay("push_batch", push::batch);
        replay("push_messages", push::messages);
    }
    #[cfg(feature = "self-signed")]
    replay("tls", tls::tls);
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
        #[cfg(feature = "push")]
        {
            push::patterns(&data);
            push::batch(&data);
            push::messages(&data);
        }
        #[cfg(feature = "self-signed")]
        tls::tls(&data);
    }
}

/// Inputs that are too long to be committed.
#[cfg(feature = "push")]
#[test]
fn long_inputs_hold_too() {
    let many = 1 << 20;
    let digits = "1".repeat(many / 2);
    for text in [
        "[".repeat(many),
        "{\"a\":".repeat(many / 5),
        digits.clone(),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":{digits}}}"),
        format!("{{\"type\":\"publish\",\"topic\":\"a\",\"data\":\"\",\"ttl\":{digits}}}"),
        format!("{{\"topic\":\"a\",\"data\":\"\",\"ttl\":1e{digits}}}"),
        format!(
            "{{\"topic\":[{}\"a\"],\"data\":\"\"}}",
            "\"a\",".repeat(many / 4 - 100)
        ),
        "\\ud800".repeat(many / 6),
        "a.".repeat(many / 2),
        "{}\n".repeat(many / 3),
    ] {
        push::messages(text.as_bytes());
        push::batch(&[b"\x00\x80\xFF\x07", text.as_bytes()].concat());
        push::patterns(text.as_bytes());
    }
}
