//! Captures of every kind that is read, whole, damaged and out of order.

use super::*;
use crate::cli::inspect::{explain, html, text};
use etherparse::PacketBuilder;
use proptest::prelude::*;

const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

/// An IP packet with a segment from the client.
fn packet(v6: bool, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let builder = match v6 {
        true => PacketBuilder::ipv6([1; 16], [2; 16], 64),
        false => PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64),
    };
    let mut packet = Vec::new();
    let builder = builder.tcp(5000, 80, sequence, 1000).ack(1);
    builder.write(&mut packet, payload).unwrap();
    packet
}

/// How the numbers of a file are written.
#[derive(Clone, Copy)]
struct Form {
    big: bool,
    nanoseconds: bool,
    link: u32,
}

fn capture(form: Form, packets: &[Vec<u8>]) -> Vec<u8> {
    let word = |word: u32| match form.big {
        true => word.to_be_bytes(),
        false => word.to_le_bytes(),
    };
    let magic = if form.nanoseconds {
        0xA1B2_3C4D
    } else {
        0xA1B2_C3D4
    };
    let header = [magic, 0x0002_0004, 0, 0, 65535, form.link].map(word);
    let mut file = header.concat();
    for (number, packet) in packets.iter().enumerate() {
        let len = packet.len() as u32;
        file.extend([100, 5 * number as u32, len, len].map(word).concat());
        file.extend_from_slice(packet);
    }
    file
}

/// What each link type has in front of IP.
fn prefix(link: u32, v6: bool) -> Vec<u8> {
    let protocol: [u8; 2] = if v6 { [0x86, 0xDD] } else { [8, 0] };
    match link {
        0 => vec![if v6 { 30 } else { 2 }, 0, 0, 0],
        108 => vec![0, 0, 0, if v6 { 30 } else { 2 }],
        1 => [&[0; 12][..], &protocol].concat(),
        113 => [&[0; 14][..], &protocol].concat(),
        276 => [&protocol[..], &[0; 18]].concat(),
        _ => Vec::new(),
    }
}

#[test]
fn every_link_type_in_every_byte_order() {
    for link in [0, 1, 12, 14, 101, 108, 113, 228, 229, 276] {
        for bits in 0..8 {
            let (big, nanoseconds, v6) = (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0);
            let with =
                |sequence, payload| [prefix(link, v6), packet(v6, sequence, payload)].concat();
            let packets = [with(1, &HELLO[..4]), with(5, &HELLO[4..])];
            let form = Form {
                big,
                nanoseconds,
                link,
            };
            let input = parse(capture(form, &packets), None, None).unwrap();
            let what = format!("link {link}, {bits:b}: {:?}", input.notes);
            assert_eq!(input.talks.len(), 1, "{what}");
            let talk = &input.talks[0];
            assert_eq!(talk.from_client.bytes, HELLO, "{what}");
            let time = talk.from_client.arrival(11).unwrap().time.unwrap();
            let unit = if nanoseconds { 1e-9 } else { 1e-6 };
            assert!(
                (time - 5.0 * unit).abs() < 0.6 * unit.max(1e-7),
                "{what}: {time}"
            );
        }
    }
}

const PLAIN: Form = Form {
    big: false,
    nanoseconds: false,
    link: 101,
};

#[test]
fn padding_of_ethernet_is_no_payload() {
    let mut frame = [prefix(1, false), packet(false, 1, b"\x81")].concat();
    frame.resize(60, 0xEE);
    let file = capture(Form { link: 1, ..PLAIN }, &[frame]);
    let input = parse(file, None, None).unwrap();
    assert_eq!(input.talks[0].from_client.bytes, b"\x81");
}

#[test]
fn a_file_that_is_cut() {
    let file = capture(PLAIN, &[packet(false, 1, HELLO), packet(false, 12, HELLO)]);
    let whole = parse(file.clone(), None, None).unwrap();
    assert_eq!(whole.talks[0].from_client.bytes.len(), 22);
    let cut = parse(file[..file.len() - 5].to_vec(), None, None).unwrap();
    assert!(
        cut.notes.iter().any(|note| note.contains("ends inside")),
        "{:?}",
        cut.notes
    );
    assert!(parse(file[..20].to_vec(), None, None).is_err());
    assert!(
        parse(b"\x0a\x0d\x0d\x0a....".to_vec(), None, None).is_err_and(|e| e.contains("pcapng"))
    );
}

#[test]
fn what_the_input_is() {
    let side = |bytes: &[u8]| parse(bytes.to_vec(), None, None).unwrap().name;
    assert!(side(b"81 00").contains("hexadecimal text, 2 bytes from the server"));
    assert!(side(b"81 80 0000 0000").contains("from the client"));
    assert!(side(HELLO).contains("raw bytes, 11 bytes from the client"));
    assert!(side(b"GET / HTTP/1.1\r\n\r\n").contains("raw bytes, 18 bytes from the client"));
    assert!(side(b"HTTP/1.1 101 x\r\n\r\n").contains("from the server"));
    assert!(parse(Vec::new(), None, None).is_err());
}

proptest! {
    #[test]
    fn damaged_captures_can_be_printed(
        link in prop::sample::select(vec![0, 1, 101, 113, 276]),
        sequences in prop::collection::vec(0..40u32, 1..6),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let packets: Vec<_> = sequences
            .iter()
            .map(|sequence| [prefix(link, false), packet(false, *sequence, HELLO)].concat())
            .collect();
        let mut file = capture(Form { link, ..PLAIN }, &packets);
        for (place, byte) in damage {
            let place = place.index(file.len());
            file[place] = byte;
        }
        if let Ok(input) = parse(file, Some(crate::cli::inspect::args::Form::Pcap), None) {
            let report = explain::report(input, None, 10);
            text::print(&report, 20, true);
            html::print(&report, 20);
        }
    }
}
