//! Frames as tables describe them, and what came out taken apart again.
//!
//! `text("Hello").to(Role::Server)` are the bytes that a server receives: masked, with a key that
//! depends on the payload, so that a key which is kept too long shows.

use wirebell::Role;

pub const FIN: u8 = 0x80;
pub const RSV1: u8 = 0x40;
pub const RSV2: u8 = 0x20;
pub const RSV3: u8 = 0x10;
const MASKED: u8 = 0x80;

/// One frame before it is put into bytes. Nothing forbids that it breaks rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub first: u8,
    pub payload: Vec<u8>,
    wrong_mask: bool,
}

pub fn frame(first: u8, payload: &[u8]) -> Frame {
    Frame {
        first,
        payload: payload.to_vec(),
        wrong_mask: false,
    }
}

/// A whole text message.
pub fn text(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x81, payload.as_ref())
}

/// A whole binary message.
pub fn binary(payload: &[u8]) -> Frame {
    frame(0x82, payload)
}

/// The first fragment of a text message.
pub fn text_start(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x01, payload.as_ref())
}

/// The first fragment of a binary message.
pub fn binary_start(payload: &[u8]) -> Frame {
    frame(0x02, payload)
}

/// A fragment that is neither the first nor the last.
pub fn more(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x00, payload.as_ref())
}

/// The last fragment.
pub fn end(payload: impl AsRef<[u8]>) -> Frame {
    frame(0x80, payload.as_ref())
}

pub fn ping(payload: &[u8]) -> Frame {
    frame(0x89, payload)
}

pub fn pong(payload: &[u8]) -> Frame {
    frame(0x8A, payload)
}

/// A Close without a body.
pub fn close_empty() -> Frame {
    frame(0x88, b"")
}

pub fn close(code: u16, reason: impl AsRef<[u8]>) -> Frame {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_ref());
    frame(0x88, &payload)
}

impl Frame {
    /// The same frame, masked where it must not be, or the other way round.
    pub fn wrong_mask(mut self) -> Self {
        self.wrong_mask = true;
        self
    }

    /// The bytes of the frame as `receiver` gets them.
    pub fn to(&self, receiver: Role) -> Vec<u8> {
        let masked = (receiver == Role::Server) != self.wrong_mask;
        let mut bytes = head(self.first, masked, &shortest(self.payload.len() as u64));
        bytes.extend(body(masked, &self.payload));
        bytes
    }
}

/// Several frames in a row.
pub fn wire(receiver: Role, frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.to(receiver)).collect()
}

/// The length in its shortest form: the seven bits, and what follows them.
pub fn shortest(length: u64) -> Vec<u8> {
    match length {
        0..=125 => vec![length as u8],
        126..=0xFFFF => length_in_2(length as u16),
        _ => length_in_8(length),
    }
}

/// 126 and two bytes, whether or not that is the shortest form.
pub fn length_in_2(length: u16) -> Vec<u8> {
    [&[126][..], &length.to_be_bytes()].concat()
}

/// 127 and eight bytes, whether or not that is the shortest form.
pub fn length_in_8(length: u64) -> Vec<u8> {
    [&[127][..], &length.to_be_bytes()].concat()
}

/// A header without the key.
pub fn head(first: u8, masked: bool, length: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    bytes.extend_from_slice(length);
    if masked {
        bytes[1] |= MASKED;
    }
    bytes
}

/// The key if there is to be one, and the payload masked with it.
pub fn body(masked: bool, payload: &[u8]) -> Vec<u8> {
    if !masked {
        return payload.to_vec();
    }
    let salt = payload.iter().fold(payload.len() as u8, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(*byte)
    });
    let key = [0x37, 0xFA, 0x21, 0x3D ^ salt];
    let mut bytes = key.to_vec();
    bytes.extend(payload.iter().enumerate().map(|(i, b)| b ^ key[i % 4]));
    bytes
}

/// A frame that came out of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub first: u8,
    pub key: Option<[u8; 4]>,
    /// Unmasked.
    pub payload: Vec<u8>,
}

impl Sent {
    /// What was sent, without the mask.
    pub fn frame(&self) -> Frame {
        frame(self.first, &self.payload)
    }
}

/// Takes one frame from the front of `bytes`; `None` if it is not whole.
pub fn take_frame(bytes: &[u8]) -> Option<(Sent, usize)> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (length, mut at) = match second & 0x7F {
        126 => {
            let length = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            assert!(length > 125, "sent length in its shortest form");
            (usize::from(length), 4)
        }
        127 => {
            let length = u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            assert!(length > 0xFFFF, "sent length in its shortest form");
            (length as usize, 10)
        }
        short => (usize::from(short), 2),
    };
    let mut key = None;
    if second & MASKED != 0 {
        key = Some(*bytes.get(at..)?.first_chunk::<4>()?);
        at += 4;
    }
    let mut payload = bytes.get(at..at + length)?.to_vec();
    if let Some(key) = key {
        payload
            .iter_mut()
            .enumerate()
            .for_each(|(i, b)| *b ^= key[i % 4]);
    }
    let sent = Sent {
        first,
        key,
        payload,
    };
    Some((sent, at + length))
}

/// All frames of `bytes`, which must end where a frame ends.
pub fn take_frames(mut bytes: &[u8]) -> Vec<Sent> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let (frame, len) = take_frame(bytes).expect("only whole frames are sent");
        frames.push(frame);
        bytes = &bytes[len..];
    }
    frames
}
