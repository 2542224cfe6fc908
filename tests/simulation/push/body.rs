//! What a bare client has read, taken apart as far as it is whole.

use crate::support::frames::{Sent, take_frame};

/// Bytes of a connection, from the front.
#[derive(Debug, Default)]
pub struct Input {
    bytes: Vec<u8>,
    at: usize,
    /// What chunks have brought.
    text: Vec<u8>,
}

#[derive(Debug)]
pub struct Head {
    pub status: u16,
    text: String,
}

impl Head {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.split("\r\n").skip(1);
        lines.find_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Input {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub fn head(&mut self) -> Option<Head> {
        let end = self.rest().windows(4).position(|it| it == b"\r\n\r\n")?;
        let text = String::from_utf8(self.rest()[..end].to_vec()).expect("a head of UTF-8");
        self.at += end + 4;
        let status = text.split(' ').nth(1).and_then(|it| it.parse().ok());
        Some(Head {
            status: status.expect("a status"),
            text,
        })
    }

    pub fn frame(&mut self) -> Option<Sent> {
        let (frame, len) = take_frame(self.rest())?;
        self.at += len;
        Some(frame)
    }

    /// A body of this length.
    pub fn body(&mut self, length: usize) -> Option<String> {
        let body = self.rest().get(..length)?.to_vec();
        self.at += length;
        Some(String::from_utf8(body).expect("UTF-8"))
    }

    /// What a body in chunks has up to this mark, without it.
    pub fn until(&mut self, mark: &str) -> Option<String> {
        self.take_chunks();
        let end = self
            .text
            .windows(mark.len())
            .position(|it| it == mark.as_bytes())?;
        let mut found: Vec<u8> = self.text.drain(..end + mark.len()).collect();
        found.truncate(end);
        Some(String::from_utf8(found).expect("UTF-8"))
    }

    fn take_chunks(&mut self) {
        loop {
            let rest = self.rest();
            let Some(end) = rest.windows(2).position(|it| it == b"\r\n") else {
                return;
            };
            let size = std::str::from_utf8(&rest[..end]).expect("ASCII");
            let size = usize::from_str_radix(size, 16).expect("a size");
            let Some(chunk) = rest.get(end + 2..end + 2 + size) else {
                return;
            };
            if rest.len() < end + 4 + size {
                return;
            }
            self.text.extend(chunk.to_vec());
            self.at += end + 4 + size;
        }
    }
}
