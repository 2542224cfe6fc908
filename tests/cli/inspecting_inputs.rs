//! `wirebell inspect`: inputs that are not frames are named, and never explained as frames.

use super::inspecting::{inspect, json};

#[test]
fn what_is_no_websocket_is_named_and_ends_with_status_2() {
    for (input, part) in [
        (&b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"[..], "TLS"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", "HTTP/2"),
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nSSH-2.0-x\r\n",
            "SSH",
        ),
    ] {
        let outcome = inspect(input, &[]);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(outcome.stdout.contains(part), "{part}: {outcome:?}");
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
        assert!(outcome.stdout.contains("No violations."), "{outcome:?}");
    }
}

#[test]
fn text_that_is_no_bytes_is_refused_in_one_line() {
    for (input, part) in [
        (&b"Dear reader\n"[..], "this is text"),
        (b"0000000 8581 fa37 3d21\n0000006\n", "hexdump -C"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "zcat FILE | wirebell inspect -"),
        (b"\x28\xb5\x2f\xfd\0\0", "zstdcat FILE | wirebell inspect -"),
    ] {
        let outcome = inspect(input, &[]);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(2), ""),
            "{outcome:?}"
        );
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
}

#[test]
fn a_dump_of_wireshark() {
    let dump = b"0000   81 85 37 fa 21 3d 7f 9f 4d 51 58   ..7.!=..MQX\n";
    let report = json(dump, &[]);
    assert_eq!(report["violations"], 0, "{report:#}");
    let frame = &report["connections"][0]["items"][0];
    assert_eq!(frame["payload"]["text"], "Hello");
    assert_eq!(frame["missing"], 0);
}
