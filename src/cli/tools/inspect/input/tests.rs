//! Captures of every supported kind: complete, damaged and out of order.

use super::*;
use crate::cli::tools::inspect::{explain, html, text};
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

/// The byte order of a file.
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

/// The header of each link type before IP.
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
        if let Ok(input) = parse(file, Some(crate::cli::tools::inspect::args::Form::Pcap), None) {
            let report = explain::report(input, None, 10);
            text::print(&report, 20, true);
            html::print(&report, 20);
        }
    }
}

/// Blocks of pcapng in either byte order.
struct Blocks {
    big: bool,
    file: Vec<u8>,
}

impl Blocks {
    fn word(&self, word: u32) -> [u8; 4] {
        match self.big {
            true => word.to_be_bytes(),
            false => word.to_le_bytes(),
        }
    }

    fn halves(&self, first: u16, second: u16) -> Vec<u8> {
        match self.big {
            true => [first.to_be_bytes(), second.to_be_bytes()].concat(),
            false => [first.to_le_bytes(), second.to_le_bytes()].concat(),
        }
    }

    fn block(&mut self, kind: u32, mut body: Vec<u8>) {
        body.resize(body.len().next_multiple_of(4), 0);
        let length = self.word(body.len() as u32 + 12);
        self.file
            .extend([&self.word(kind), &length, &body[..], &length].concat());
    }

    fn section(big: bool) -> Self {
        let mut blocks = Self {
            big,
            file: Vec::new(),
        };
        let version = blocks.halves(1, 0);
        let body = [&blocks.word(0x1A2B_3C4D)[..], &version, &[0xFF; 8]].concat();
        blocks.block(0x0A0D_0D0A, body);
        blocks
    }

    fn interface(&mut self, link: u16, resolution: u8) {
        let options = [self.halves(2, 3), b"lo0\0".to_vec(), self.halves(9, 1)].concat();
        let body = [
            self.halves(link, 0),
            vec![0; 4],
            options,
            vec![resolution, 0, 0, 0],
        ]
        .concat();
        self.block(1, [body, vec![0; 4]].concat());
    }

    fn packet(&mut self, interface: u32, time: u32, packet: &[u8]) {
        let length = packet.len() as u32;
        let words = [interface, 0, time, length, length].map(|word| self.word(word));
        self.block(6, [&words.concat(), packet].concat());
    }
}

#[test]
fn pcapng_in_both_byte_orders_with_several_interfaces() {
    let mut both = Vec::new();
    for big in [false, true] {
        let mut blocks = Blocks::section(big);
        blocks.interface(1, 9);
        blocks.interface(101, 0x8A);
        blocks.block(5, vec![1; 8]);
        let first = [prefix(1, false), packet(false, 1, &HELLO[..4])].concat();
        blocks.packet(0, 1_000_000_000, &first);
        blocks.packet(1, 3 * 1024, &packet(false, 5, &HELLO[4..8]));
        let last = [prefix(1, false), packet(false, 9, &HELLO[8..])].concat();
        let length = blocks.word(last.len() as u32).to_vec();
        blocks.block(3, [length, last].concat());
        let input = parse(blocks.file.clone(), None, None).unwrap();
        let stream = &input.talks[0].from_client;
        assert_eq!(stream.bytes, HELLO, "{big}: {:?}", input.notes);
        assert_eq!(stream.arrival(8).unwrap().time, Some(2.0));
        assert!(input.name.contains("Ethernet") && input.name.contains("raw IP"));
        both.extend(blocks.file);
    }
    // Each section has its own byte order.
    assert_eq!(
        parse(both.clone(), None, None).unwrap().talks[0]
            .from_client
            .bytes,
        HELLO
    );
    let cut = parse(both[..both.len() - 6].to_vec(), None, None).unwrap();
    assert!(
        cut.notes.iter().any(|note| note.contains("ends inside")),
        "{:?}",
        cut.notes
    );
}

#[test]
fn tags_and_tunnels_are_taken_off() {
    let inner = packet(false, 1, HELLO);
    let ethernet = [prefix(1, false), inner.clone()].concat();
    let udp = |port: u16, payload: &[u8]| {
        let mut packet = Vec::new();
        let builder = PacketBuilder::ipv4([10, 0, 0, 8], [10, 0, 0, 9], 64).udp(5000, port);
        builder.write(&mut packet, payload).unwrap();
        packet
    };
    let over_ip = |protocol: u8, payload: &[u8]| {
        let mut packet = udp(1, payload);
        // The UDP header becomes part of what is replaced.
        packet.drain(20..28);
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet[9] = protocol;
        packet
    };
    let macs = &[0; 12][..];
    let vlan = [macs, &[0x88, 0xA8, 0, 1, 0x81, 0, 0, 2, 8, 0], &inner].concat();
    let pppoe = [macs, &[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0, 0x21], &inner].concat();
    let mpls = [macs, &[0x88, 0x47, 0, 0, 0, 9, 0, 0, 1, 9], &inner].concat();
    let nflog = [
        &[2, 0, 0, 0, 8, 0, 1, 0, 8, 0, 0, 0][..],
        &[(4 + inner.len()) as u8, 0, 9, 0],
    ];
    let rows = [
        (1, vlan),
        (1, pppoe),
        (1, mpls),
        (
            101,
            udp(4789, &[&[8, 0, 0, 0, 0, 0, 1, 0], &ethernet[..]].concat()),
        ),
        (
            101,
            udp(
                6081,
                &[&[0, 0, 0x65, 0x58, 0, 0, 1, 0], &ethernet[..]].concat(),
            ),
        ),
        (
            101,
            over_ip(47, &[&[0x20, 0, 8, 0, 1, 2, 3, 4], &inner[..]].concat()),
        ),
        (101, over_ip(4, &inner)),
        (113, [&[0; 14][..], &[0x81, 0, 0, 1, 8, 0], &inner].concat()),
        (
            276,
            [&[0x81, 0][..], &[0; 18], &[0, 1, 8, 0], &inner].concat(),
        ),
        (239, [&nflog.concat(), &inner[..]].concat()),
        (9, [&[0xFF, 3, 0, 0x21], &inner[..]].concat()),
    ];
    for (link, packet) in rows {
        let input = parse(capture(Form { link, ..PLAIN }, &[packet]), None, None);
        let input = input.unwrap_or_else(|error| panic!("link {link}: {error}"));
        assert_eq!(input.talks[0].from_client.bytes, HELLO, "link {link}");
    }
}

#[test]
fn a_capture_with_nothing_to_explain_says_what_is_there() {
    let mut dns = Vec::new();
    let builder = PacketBuilder::ipv4([10, 0, 0, 8], [10, 0, 0, 9], 64).udp(5000, 53);
    builder.write(&mut dns, b"?").unwrap();
    let rows = [
        (vec![dns], "UDP port 53: 1"),
        (vec![packet(false, 1, b"")], "without data: 1"),
        (vec![], "it has no packets"),
    ];
    for (packets, part) in rows {
        let error = parse(capture(PLAIN, &packets), None, None).err().unwrap();
        let count = format!("capture of {} packets", packets.len());
        assert!(error.contains(part) && error.contains(&count), "{error}");
    }
    let arp = [&[0; 12][..], &[8, 6], &[0; 28]].concat();
    let error = parse(capture(Form { link: 1, ..PLAIN }, &[arp]), None, None)
        .err()
        .unwrap();
    assert!(
        error.contains("ARP: 1") && error.contains("Ethernet"),
        "{error}"
    );
    for (packed, part) in [
        (&b"\x1f\x8b\x08\0"[..], "zcat"),
        (b"\x28\xb5\x2f\xfd\0", "zstdcat"),
    ] {
        let error = parse(packed.to_vec(), None, None).err().unwrap();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn dumped_packets_and_both_sides_of_a_stream() {
    let packet = packet(false, 1, HELLO);
    let words = |chunk: &[u8]| {
        chunk
            .iter()
            .map(|b| format!("{b:02x} "))
            .collect::<String>()
    };
    let lines = packet.chunks(16).enumerate();
    let dump: String = lines
        .map(|(row, chunk)| format!("\t0x{:04x}:  {}\n", 16 * row, words(chunk).trim()))
        .collect();
    let text = format!("12:00:00.5 IP 10.0.0.1.5000 > 10.0.0.2.80: Flags [.], length 11\n{dump}");
    let talk = &parse(text.into_bytes(), None, None).unwrap().talks[0];
    assert_eq!(talk.from_client.bytes, HELLO);
    assert_eq!(talk.client.as_deref(), Some("10.0.0.1:5000"));
    assert_eq!(
        text_tests::bytes(&words(&packet)).as_deref(),
        Ok(HELLO),
        "hex of a packet"
    );
    let ethernet = [prefix(1, false), packet].concat();
    assert_eq!(text_tests::bytes(&words(&ethernet)).as_deref(), Ok(HELLO));
    let follow = "00000000  81 80 00 00 00 00                                 ......\n    \
                  00000000  81 00                                             ..\n\
                  00000006  89 80 00 00 00 00                                 ......\n";
    let talk = &parse(follow.into(), None, None).unwrap().talks[0];
    assert_eq!(talk.from_client.bytes, b"\x81\x80\0\0\0\0\x89\x80\0\0\0\0");
    assert_eq!(talk.from_server.bytes, b"\x81\0");
}

#[test]
fn keep_alive_probes_shift_nothing() {
    let rows = [
        vec![(0, &b""[..]), (1, HELLO)],
        vec![(0, b"\0"), (1, HELLO)],
        vec![(0, b"\x81"), (1, HELLO)],
        vec![(0, b"\n"), (0, b"\n"), (1, HELLO)],
        vec![(0, b"\x58"), (0, b"\x58"), (1, HELLO), (11, b"\x58")],
        vec![(1, &HELLO[..5]), (5, &[0][..]), (6, &HELLO[5..])],
        vec![
            (1, &HELLO[..5]),
            (4, &HELLO[3..8]),
            (1, HELLO),
            (7, &HELLO[6..]),
        ],
    ];
    for row in rows {
        let packets: Vec<_> = row
            .iter()
            .map(|(at, bytes)| packet(false, *at, bytes))
            .collect();
        let input = parse(capture(PLAIN, &packets), None, None).unwrap();
        assert_eq!(input.talks[0].from_client.bytes, HELLO, "{row:?}");
    }
}

#[test]
fn words_in_a_reset_are_no_frames() {
    let mut reset = packet(false, 12, b"go away");
    // The flags of the TCP header.
    reset[20 + 13] |= 4;
    let file = capture(PLAIN, &[packet(false, 1, HELLO), reset]);
    let input = parse(file, None, None).unwrap();
    assert_eq!(input.talks[0].from_client.bytes, HELLO);
}
