//! Text of every form: the same bytes, or a clear refusal, but never raw bytes.

use super::*;

const HELLO: &[u8] = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";

/// The bytes of a text, from any sender.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let talk = parse(text.as_bytes().to_vec(), None, None)?.talks.remove(0);
    Ok([talk.from_client.bytes, talk.from_server.bytes].concat())
}

#[test]
fn every_form_of_text_has_the_same_bytes() {
    let rows = [
        "00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
        "8185 37fa 213d7f9f4d5158\n",
        "00000000  81 85 37 fa 21 3d 7f 9f  4d 51 58                 |..7.!=..MQX|\n0000000b\n",
        "0000   81 85 37 fa 21 3d 7f 9f 4d 51 58   ..7.!=..MQX\n",
        "0000  81 85 37 fa 21 3d 7f 9f  4d 51 58   ..7.!=..MQX\n",
        "0000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n0000013\n",
        "000000 81 85 37 fa 21 3d 7f 9f 4d 51 58     >..7.!=..MQX<\n00000b\n",
        "0000000 81 85 37 fa 21 3d 7f 9f 4d 51 58\n0000011\n",
        "0000   81 85 37 fa\n0004   21 3d 7f 9f 4d 51 58\n",
        "\t0x0000:  8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n",
        "           00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F\n\n\
         00000000   81 85 37 FA 21 3D 7F 9F 4D 51 58                 ..7.!=..MQX\n",
        "81 85 37 fa 21 3d 7f 9f 4d 51 58   ..7.!=..MQX\n",
        "<Buffer 81 85 37 fa 21 3d 7f 9f 4d 51 58>\n",
        r"b'\x81\x857\xfa!=\x7f\x9fMQX'",
        r"(b'\x81\x857\xfa!=' b'\x7f\x9fMQX')",
        "\"\\x81\\x85\\x37\\xfa\\x21\\x3d\" \\\n\"\\x7f\\x9f\\x4d\\x51\\x58\"",
        r#"char *s = "\201\205\67\372!=\177\237MQX";"#,
        "/* Frame (11 bytes) */\nstatic const unsigned char pkt1[11] = {\n\
         0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, /* ..7.!=.. */\n0x4d, 0x51, 0x58 };\n",
        "[129, 133, 55, 250, 33, 61, 127, 159, 77, 81, 88]",
        "[-127, -123, 55, -6, 33, 61, 127, -97, 77, 81, 88]",
        "let a: [u8; 11] = [0x81u8, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];",
        "[]byte{0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}",
        "Uint8Array(11) [\n  129, 133, 55, 250, 33, 61,\n  127, 159, 77, 81, 88\n]",
        r#"{"type":"Buffer","data":[129,133,55,250,33,61,127,159,77,81,88]}"#,
        "gYU3+iE9f59NUVg=\n",
        "[81, 85, 37, fa, 21, 3d, 7f, 9f, 4d, 51, 58]",
        "<<129,133,55,250,33,61,127,159,77,81,88>>",
        "ArrayBuffer {\n  [Uint8Contents]: <81 85 37 fa 21 3d 7f 9f 4d 51 58>,\n\
         \x20 byteLength: 11\n}",
        "bytes.fromhex('81 85 37 fa 21 3d 7f 9f 4d 51 58')",
        "x'818537fa213d7f9f4d5158'",
        "['0x81', '0x85', '0x37', '0xfa', '0x21', '0x3d', '0x7f', '0x9f', '0x4d', '0x51', '0x58']",
        "%81%857%fa!=%7f%9fMQX",
        r"\x81\x857\xfa!=\x7f\x9fMQX",
        "```\n00000000: 8185 37fa 213d 7f9f 4d51 58              ..7.!=..MQX\n```\n",
        "0x7ffe00:\t0x81\t0x85\t0x37\t0xfa\t0x21\t0x3d\t0x7f\t0x9f\n0x7ffe08:\t0x4d\t0x51\t0x58\n",
        "0000000    81  85  37  fa  21  3d  7f  9f  4d  51  58\n0000013\n",
        "0000000    81  85  37  fa  21  3d  7f  9f  4d  51  58\n",
        " 81 85 37 fa 21 3d 7f 9f 4d 51 58                 >..7.!=..MQX<\n",
        "81-85-37-FA-21-3D-7F-9F-4D-51-58",
        "\u{feff}81 85 37 fa 21 3d 7f 9f 4d 51 58",
    ];
    for text in rows {
        assert_eq!(bytes(text).as_deref(), Ok(HELLO), "{text}");
    }
    let wide = "81 85 37 fa 21 3d 7f 9f 4d 51 58\r\n".encode_utf16();
    let wide: Vec<u8> = wide.flat_map(u16::to_le_bytes).collect();
    let marked = [b"\xFF\xFE", &wide[..]].concat();
    let latin = b"00000000   81 85 37 FA 21 3D 7F 9F 4D 51 58   \x81\x857\xFA!=.\x9FMQX\r\n";
    let colours = "00000000: \u{1b}[1;31m8185\u{1b}[0m 37\u{1b}[mfa 213d 7f9f 4d51 58  ..7.!=..MQX";
    for text in [wide, marked, latin.to_vec(), colours.into()] {
        let input = parse(text, None, None).unwrap();
        assert_eq!(input.talks[0].from_client.bytes, HELLO, "{}", input.name);
    }
}

#[test]
fn a_column_of_characters_that_looks_like_digits() {
    let frame = b"\x81\x06abcdef\x81\x06012345";
    for text in [
        "00000000: 8106 6162 6364 6566 8106 3031 3233 3435  ..abcdef..012345\n",
        "00000000  81 06 61 62 63 64 65 66  81 06 30 31 32 33 34 35  |..abcdef..012345|\n\
         00000010\n",
        "0000   81 06 61 62 63 64 65 66 81 06 30 31 32 33 34 35   ..abcdef..012345\n",
        "0000   81 06 61 62 63 64 65 66   ..abcdef\n0008   81 06 30 31 32 33 34 35   ..012345\n",
    ] {
        assert_eq!(bytes(text).as_deref(), Ok(&frame[..]), "{text}");
    }
    assert_eq!(bytes("0000   61 62 63   abc\n"), Ok(b"abc".to_vec()));
    assert_eq!(bytes("00000000: 6162 6364  abcd\n"), Ok(b"abcd".to_vec()));
    assert_eq!(bytes("61 62 63   abc\n"), Ok(b"abc".to_vec()));
    assert_eq!(bytes("61 62 23 78  ab#x\n"), Ok(b"ab#x".to_vec()));
    assert_eq!(bytes("20 20 61 62    ab\n"), Ok(b"  ab".to_vec()));
    let repeated = "00000000: 82fe 0000 0000 0000 0000 0000 0000 0000  ................\n\
                    00000010: 0000 0000 0000 0000 0000 0000 0000 0000  ................\n*\n\
                    00000040: 01                                       .\n";
    let repeated = bytes(repeated).unwrap();
    assert_eq!((repeated.len(), repeated[0x40], repeated[0x3F]), (65, 1, 0));
}

#[test]
fn offsets_in_any_radix() {
    let frame: Vec<u8> = (0..100)
        .map(|at| [0x81, 98].get(at).copied().unwrap_or(b' '))
        .collect();
    let offsets: [fn(usize) -> String; 7] = [
        |at| format!("{at:08x}: "),
        |at| format!("{at:08}: "),
        |at| format!("{at:07o}"),
        |at| format!("{at:07}"),
        |at| format!("{at:07x}"),
        |at| format!("{at:06x}"),
        |at| format!("{at:04x}  "),
    ];
    for width in [8, 10, 16, 24, 32] {
        for offset in offsets {
            let lines = frame.chunks(width).enumerate().map(|(line, bytes)| {
                let bytes: String = bytes.iter().map(|byte| format!(" {byte:02x}")).collect();
                format!("{}{bytes}\n", offset(line * width))
            });
            let text = lines.collect::<String>();
            assert_eq!(bytes(&text).as_ref(), Ok(&frame), "{text}");
        }
    }
}

#[test]
fn text_that_cannot_be_read_is_never_raw() {
    for (text, part) in [
        ("this is no capture", "this is text"),
        (
            "0000000 8581 fa37 3d21 9f7f 514d 0058\n000000b\n",
            "words of several bytes",
        ),
        (
            "0000000 102601 175067 036441 117577 050515 000130\n0000013\n",
            "words of several bytes",
        ),
        ("0000000 201 205   7 372   !   =\n0000006\n", "hexdump -C"),
        ("<Buffer 81 85 37 ... 50 more bytes>", "toString"),
        ("0000   81 85\n0010   37 fa\n", "line 1"),
        (r#"[{"_raw": ["8185", 0, 2], "text": "a\\x81"}]"#, "JSON"),
        ("{\"a\": 1}\n{\"b\": [129, 0]}\n", "JSON"),
        ("f(\"\\x81\");\ng(\"\\x82\");\n", "leave one"),
        ("It's in C:\\new, and that's it.\n", "this is text"),
        ("worker [12] has read {34}\n", "this is text"),
        ("[300, 2]", "300"),
        ("{0x81, 5}", "without 0x"),
        ("\"\\x81", "without an end"),
        ("\"\\q\"", "\\q"),
        ("test", "this is text"),
        (
            "00000000: 10000001 00000000                    ..\n",
            "these are bits",
        ),
        ("10000001 00000000\n", "these are bits"),
        (
            "00000000: fa378581 9f7f3d21   58514d             ..7.!=..MQX\n",
            "words",
        ),
        (
            "00000000:     0081                             ..\n",
            "words",
        ),
        (
            "00000000: 82818081     0000                    ......\n",
            "words",
        ),
        (" 8581 fa37 3d21 9f7f 514d 0058\n", "words"),
        (" 102601 175067 036441 117577 050515 000130\n", "octal"),
        ("129 133 55 250\n", "decimal"),
        ("0000000 129 133  55 250\n0000004\n", "decimal"),
        (" 81 00 00 00\n*\n", "od -v"),
        (
            "Uint8Array(101) [ 129, 5,\n  ... 1 more item\n]",
            "toString",
        ),
        ("0x7ffe00:\t0xfa378581\t0x9f7f3d21\n", "words"),
        ("%81%0", "%"),
        ("# nothing\n", "only comments"),
    ] {
        let error = bytes(text).expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn a_stream_that_tshark_followed() {
    let rule = "=".repeat(67);
    let text = format!(
        "\n{rule}\nFollow: tcp,raw\nFilter: tcp.stream eq 0\nNode 0: 127.0.0.1:5000\n\
         Node 1: 127.0.0.1:80\n818537fa213d\n7f9f4d5158\n\t8100\n{rule}\n"
    );
    let talk = parse(text.into_bytes(), None, None)
        .unwrap()
        .talks
        .remove(0);
    assert_eq!(talk.from_client.bytes, HELLO);
    assert_eq!(talk.from_server.bytes, b"\x81\x00");
}
