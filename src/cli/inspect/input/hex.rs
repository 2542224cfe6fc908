//! Hexadecimal text, as people write it → bytes.

/// Takes digits in pairs; between them white space, colons, commas, `0x` and `\x`, and comments
/// from `#` to the end of the line.
pub fn read(text: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len() / 3);
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let code = line.split(|byte| *byte == b'#').next().unwrap_or_default();
        let separator = |byte: &u8| byte.is_ascii_whitespace() || b":,".contains(byte);
        for word in code.split(separator).filter(|word| !word.is_empty()) {
            word_bytes(word, &mut bytes).map_err(|what| format!("line {}: {what}", number + 1))?;
        }
    }
    Ok(bytes)
}

fn word_bytes(word: &[u8], bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = word;
    while !rest.is_empty() {
        if let [b'0' | b'\\', b'x' | b'X', tail @ ..] = rest {
            rest = tail;
        }
        let (&high, tail) = rest.split_first().ok_or("0x without digits")?;
        let high = digit(high)?;
        let (&low, tail) = tail
            .split_first()
            .ok_or("hexadecimal digits come in pairs")?;
        bytes.push(16 * high + digit(low)?);
        rest = tail;
    }
    Ok(())
}

fn digit(byte: u8) -> Result<u8, String> {
    let c = char::from(byte);
    let value = c.to_digit(16).map(|digit| digit as u8);
    value.ok_or_else(|| format!("{c:?} is no hexadecimal digit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_that_people_write() {
        let rows: [(&str, &[u8]); 9] = [
            ("", b""),
            ("81 05 48", b"\x81\x05\x48"),
            ("810548", b"\x81\x05\x48"),
            ("0x81, 0x05,0x48", b"\x81\x05\x48"),
            ("81:05:48", b"\x81\x05\x48"),
            ("\\x81\\x05", b"\x81\x05"),
            ("81 # text, FIN\n 05 # length\r\n\n48", b"\x81\x05\x48"),
            ("aB Cd", b"\xab\xcd"),
            ("0x8105", b"\x81\x05"),
        ];
        for (text, expected) in rows {
            assert_eq!(read(text.as_bytes()).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_hex() {
        for (text, part) in [("81 5", "pairs"), ("81\nxy", "line 2"), ("0x", "without")] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
