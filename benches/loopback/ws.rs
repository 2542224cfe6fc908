//! The little of RFC 6455 that a load generator needs: the opening handshake of a client and
//! whole frames, encoded ahead of time.

use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpStream};

/// FIN and opcode of a text message.
pub const TEXT: u8 = 0x81;
/// FIN, the bit of a compressed message, and opcode of a text message.
pub const COMPRESSED_TEXT: u8 = 0xC1;
/// FIN and opcode of a binary message.
pub const BINARY: u8 = 0x82;

/// The example of RFC 6455 section 1.3, so that no hash is needed to check the answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// The request that opens a WebSocket on `path`.
pub fn upgrade_request(server: SocketAddrV4, path: &str) -> String {
    request(server, path, "")
}

/// The same, offering permessage-deflate.
pub fn deflate_request(server: SocketAddrV4, path: &str) -> String {
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    request(server, path, offer)
}

/// The same, offering a subprotocol.
pub fn subprotocol_request(server: SocketAddrV4, path: &str, name: &str) -> String {
    let offer = format!("Sec-WebSocket-Protocol: {name}\r\n");
    request(server, path, &offer)
}

fn request(server: SocketAddrV4, path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\
         {more}\r\n"
    )
}

/// Opens a WebSocket on a blocking stream, and returns the head of the answer, which must end
/// with it.
pub fn upgrade(stream: &mut TcpStream, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes())?;
    let mut head = [0; 4096];
    let mut length = 0;
    while !head[..length].ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut head[length..])?;
        if count == 0 {
            return Err(io::Error::other("the server ended the opening handshake"));
        }
        length += count;
    }
    let head = String::from_utf8_lossy(&head[..length]);
    if head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
        return Ok(head.into_owned());
    }
    let line = head.lines().next().unwrap_or_default();
    Err(io::Error::other(format!("no WebSocket was opened: {line}")))
}

/// A masked frame with a random key whose bytes are all nonzero.
pub fn client_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let key: [u8; 4] = rand::random::<[u8; 4]>().map(|byte| byte.max(1));
    let mut frame = header(opcode, 0x80, payload.len());
    frame.extend_from_slice(&key);
    frame.extend(
        payload
            .iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}

/// A frame as a server sends it.
pub fn server_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(opcode, 0, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// The last character of [`message`], and none of the others.
pub const LAST: u8 = b'!';

/// The message of the fan-out scenarios: `length` characters that JSON need not escape.
pub fn message(length: usize) -> String {
    let mut message: String = "wirebell".chars().cycle().take(length - 1).collect();
    message.push(LAST.into());
    message
}

fn header(opcode: u8, mask: u8, length: usize) -> Vec<u8> {
    let mut header = vec![opcode];
    if length < 126 {
        header.push(mask | length as u8);
    } else if let Ok(length) = u16::try_from(length) {
        header.push(mask | 126);
        header.extend_from_slice(&length.to_be_bytes());
    } else {
        header.push(mask | 127);
        header.extend_from_slice(&(length as u64).to_be_bytes());
    }
    header
}
