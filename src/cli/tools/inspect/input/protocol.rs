//! Identifies bytes that are neither HTTP nor frames, by how they start.
//!
//! Input: the front of a direction. Output: the name of the protocol; for the PROXY protocol, also
//! its length, since what follows it is read.

/// The signature of version 2 of the PROXY protocol.
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest line of version 1, including its line end.
const PROXY_1_LONGEST: usize = 107;

/// The header of the PROXY protocol that a load balancer puts before all else, and its version.
/// <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>
pub fn proxy_header(bytes: &[u8]) -> Option<(usize, u8)> {
    if bytes.starts_with(b"PROXY ") {
        let line = &bytes[..bytes.len().min(PROXY_1_LONGEST)];
        let end = line.windows(2).position(|pair| pair == b"\r\n")?;
        return Some((end + 2, 1));
    }
    let rest = bytes.strip_prefix(PROXY_2)?;
    let length = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
    Some((
        (PROXY_2.len() + 4 + usize::from(length)).min(bytes.len()),
        2,
    ))
}

/// Starts with the PROXY protocol, complete or not.
pub fn is_proxy(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PROXY ") || bytes.starts_with(PROXY_2)
}

/// The protocol that starts this way, if it is a known one other than HTTP/1 and WebSocket.
pub fn name(bytes: &[u8]) -> Option<&'static str> {
    if is_tls(bytes) {
        return Some("TLS, and encrypted");
    }
    if is_http_2(bytes) {
        return Some("HTTP/2");
    }
    let known: [(&[u8], &str); 18] = [
        (b"PRI * HTTP/2.0", "HTTP/2"),
        (b"SSH-", "SSH"),
        (b"RTSP/", "RTSP"),
        (b"SIP/2.0", "SIP"),
        (b"ICY ", "ICY (SHOUTcast)"),
        (b"AMQP", "AMQP"),
        (b"*1\r\n$", "Redis"),
        (b"*2\r\n$", "Redis"),
        (b"*3\r\n$", "Redis"),
        (b"\0\0\0\x08\x04\xD2\x16\x2F", "PostgreSQL"),
        (b"RFB 0", "VNC"),
        (b"220 ", "a greeting of SMTP or FTP"),
        (b"220-", "a greeting of SMTP or FTP"),
        (b"* OK", "IMAP"),
        (b"+OK", "POP3 or Redis"),
        (b"\x05\x01\x00", "SOCKS5"),
        (b"\x03\x00\x00", "RDP (TPKT)"),
        (PROXY_2, "the PROXY protocol, cut short"),
    ];
    if is_mqtt(bytes) {
        return Some("MQTT");
    }
    let found = known.iter().find(|(begin, _)| bytes.starts_with(begin));
    if let Some((_, name)) = found {
        return Some(name);
    }
    // Up to the line end: a request without a version is HTTP/0.9.
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line {
        _ if line.len() == bytes.len() => None,
        _ if line.starts_with(b"PROXY ") => Some("the PROXY protocol, malformed"),
        _ if line.starts_with(b"GET /") && !line[4..].contains(&b' ') => Some("HTTP/0.9"),
        _ if line.ends_with(b" RTSP/1.0") => Some("RTSP"),
        _ if line.ends_with(b" SIP/2.0") => Some("SIP"),
        _ => None,
    }
}

/// Any other protocol that starts with a line of text. Frames do not: a printable first byte has
/// RSV1 or RSV2 set, as only a fragmented compressed message may, and hardly for a whole line.
pub fn lines(bytes: &[u8]) -> Option<&'static str> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = bytes[..end].trim_ascii_end();
    let text = line.len() > 1 && line.iter().all(|byte| (b' '..=b'~').contains(byte));
    text.then_some("a protocol of text lines, but not HTTP/1")
}

/// A SETTINGS frame of stream 0, which each side sends first: RFC 9113 sections 3.4 and 6.5.
fn is_http_2(bytes: &[u8]) -> bool {
    match bytes {
        [0, 0, length, 4, 0, 0, 0, 0, 0, ..] => length.is_multiple_of(6),
        _ => false,
    }
}

/// An MQTT CONNECT, after its length of one to four bytes.
fn is_mqtt(bytes: &[u8]) -> bool {
    let Some((0x10, rest)) = bytes.split_first() else {
        return false;
    };
    let length = rest.iter().take(3).take_while(|byte| **byte >= 0x80);
    let name = rest.get(length.count() + 1..).unwrap_or_default();
    name.starts_with(b"\0\x04MQTT") || name.starts_with(b"\0\x06MQIsdp")
}

/// A TLS record: its type, version 3.x, and a valid length.
fn is_tls(bytes: &[u8]) -> bool {
    match bytes {
        [0x14..=0x18, 3, 0..=4, high, _, ..] => *high <= 0x48,
        [0x16, 3, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_proxy_protocol() {
        let line = b"PROXY TCP4 192.0.2.1 192.0.2.2 5000 80\r\nGET / HTTP/1.1\r\n";
        assert_eq!(proxy_header(line), Some((40, 1)));
        let binary = [PROXY_2, &[0x21, 0x11, 0, 12], &[0; 12], b"GET"].concat();
        assert_eq!(proxy_header(&binary), Some((28, 2)));
        assert_eq!(proxy_header(b"PROXY TCP4"), None);
        assert_eq!(proxy_header(b"GET / HTTP/1.1\r\n"), None);
    }

    #[test]
    fn protocols_by_their_beginning() {
        for (bytes, expected) in [
            (&b"SSH-2.0-OpenSSH_9.2\r\n"[..], Some("SSH")),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some("HTTP/2")),
            (b"\x16\x03\x01\x02\x00\x01", Some("TLS, and encrypted")),
            (b"\x17\x03\x03\x00\x20abc", Some("TLS, and encrypted")),
            (b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64", Some("HTTP/2")),
            (b"\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0", Some("MQTT")),
            (b"\x10\x8c\x01\0\x04MQTT\x04\x02\0\x3c\0\0", Some("MQTT")),
            (b"*1\r\n$4\r\nPING\r\n", Some("Redis")),
            (b"\0\0\x06\x04", None),
            (b"GET /index.html\r\n", Some("HTTP/0.9")),
            (b"GET /index.html HTTP/1.1\r\n", None),
            (b"\x81\x85\x37\xfa\x21\x3d", None),
        ] {
            assert_eq!(name(bytes), expected, "{bytes:?}");
        }
    }
}
