//! Messages of every size and cut come back as they were sent.

use crate::net_support::{Client, Probes, Simulated, limits, options, options_with, protocol};
use crate::support::Rng;
use crate::support::frames::{Frame, binary, binary_start, end, frame, more, ping};
use crate::support::frames::{head, length_in_8, text, text_start};
use wirebell::Role;

#[test]
fn messages_of_all_lengths_of_a_header_come_back() {
    let server = Probes::start(options());
    let mut client = server.open();
    let mut rng = Rng::new(1);
    for len in [
        0,
        1,
        125,
        126,
        127,
        4095,
        4096,
        65_535,
        65_536,
        300_000,
        1 << 20,
    ] {
        let message = binary(&rng.bytes(len));
        client.send_frame(&message);
        assert!(client.frame() == message, "{len} binary bytes");
        let message = text("ü".repeat(len / 2));
        client.send_frame(&message);
        assert!(client.frame() == message, "{len} bytes of text");
    }
}

// req: 6455-10.4-01
#[test]
fn a_message_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
    let server = Probes::start(options());
    let mut client = server.open();
    let most = limits().protocol.message_bytes as usize;
    let message = binary(&vec![7; most]);
    client.send_frame(&message);
    assert!(client.frame() == message);
    // The header alone is enough to know.
    client.send(head(0x82, true, &length_in_8(most as u64 + 1)));
    client.send([1, 2, 3, 4]);
    client.expect_close(1009);
    client.expect_end();
}

// req: 6455-10.4-01
#[test]
fn the_limit_holds_for_the_sum_of_all_fragments() {
    let server = Simulated::start(options_with(
        limits().protocol(protocol().frame_bytes(800).message_bytes(1000)),
    ));
    let mut client = server.open();
    for frame in [binary_start(&[1; 800]), more([2; 100]), end([3; 100])] {
        client.send_frame(&frame);
    }
    assert_eq!(client.frame().payload.len(), 1000);
    client.send_frame(&binary_start(&[1; 800]));
    client.send(&end([3; 201]).to(Role::Server)[..4]);
    client.expect_silence(std::time::Duration::from_millis(1000));
    client.send(&end([3; 201]).to(Role::Server)[4..8]);
    client.expect_close(1009);
    client.expect_end();
}

#[test]
fn fragments_come_back_as_one_message_with_pongs_in_between() {
    let server = Simulated::start(options());
    let mut client = server.open();
    let frames = [
        text_start("Ω≈"),
        more(""),
        ping(b"in the middle"),
        more(&"ç√".as_bytes()[..3]),
        more(&"ç√".as_bytes()[3..]),
        end("∫"),
        text("next"),
    ];
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.to(Role::Server))
        .collect();
    for cut in 0..bytes.len() {
        client.send(&bytes[..cut]);
        client.send(&bytes[cut..]);
        assert_eq!(client.frame(), frame(0x8A, b"in the middle"));
        client.expect_text("Ω≈ç√∫");
        client.expect_text("next");
    }
}

#[test]
fn large_fragments_come_back_as_one_message() {
    let server = Probes::start(options());
    let mut client = server.open();
    let mut rng = Rng::new(2);
    let parts = [
        rng.bytes(200_000),
        rng.bytes(1),
        rng.bytes(400_000),
        rng.bytes(70_000),
    ];
    let frames = [
        binary_start(&parts[0]),
        more(&parts[1]),
        ping(b"?"),
        more(&parts[2]),
        end(&parts[3]),
    ];
    for frame in &frames {
        client.send_frame(frame);
    }
    assert_eq!(client.frame(), frame(0x8A, b"?"));
    assert!(client.frame() == binary(&parts.concat()));
}

#[test]
fn many_small_frames_in_random_cuts_come_back_in_their_order() {
    let server = Probes::start(options());
    let mut client = server.open();
    let mut rng = Rng::new(3);
    let frames: Vec<Frame> = (0..3000)
        .map(|n| {
            let len = rng.below(300);
            match n % 5 {
                0 => ping(&rng.bytes(len.min(125))),
                1 => text("é".repeat(len / 2)),
                _ => binary(&rng.bytes(len)),
            }
        })
        .collect();
    let bytes: Vec<u8> = frames
        .iter()
        .flat_map(|frame| frame.to(Role::Server))
        .collect();
    let mut writer = client.second_handle();
    let sender = std::thread::spawn(move || {
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let len = (1 + rng.below(700)).min(rest.len());
            writer.send(&rest[..len]);
            rest = &rest[len..];
        }
    });
    for (n, sent) in frames.iter().enumerate() {
        let first = if sent.first == 0x89 { 0x8A } else { sent.first };
        assert_eq!(client.frame(), frame(first, &sent.payload), "frame {n}");
    }
    sender.join().expect("all was sent");
}

#[test]
fn a_hundred_connections_do_not_mix() {
    let server = Probes::start(options());
    let mut clients: Vec<Client> = (0..100).map(|_| server.open()).collect();
    for round in 0..3 {
        for (n, client) in clients.iter_mut().enumerate() {
            client.send_text(&format!("{n} in round {round}"));
        }
        for (n, client) in clients.iter_mut().enumerate() {
            client.expect_text(&format!("{n} in round {round}"));
        }
    }
}
