//! Sits before the library and repairs what the fault tolerates, so that the library accepts it.
//! Passes on complete frames only, otherwise unchanged.

use super::Fault;
use wirebell::Role;

/// Lengths from here up are announced but never sent.
const HUGE: u64 = 1 << 40;

pub struct Filter {
    fault: Fault,
    /// Whether input must be masked: from a client it must.
    masked: bool,
    /// RSV1 on a message has a meaning.
    compression: bool,
    raw: Vec<u8>,
    /// A message is open.
    inside: bool,
    /// The fragments of a message that is checked when complete.
    joined: Option<Frame>,
}

#[derive(Clone)]
struct Frame {
    first: u8,
    masked: bool,
    /// Bytes of the extended length: 0, 2 or 8.
    form: usize,
    payload: Vec<u8>,
}

impl Filter {
    /// `None` if the fault is elsewhere.
    pub fn new(fault: Fault, role: Role, compression: bool) -> Option<Self> {
        use Fault::*;
        let here = matches!(
            fault,
            TakesAnyMask
                | TakesAnyRsv
                | TakesAnyOpcode
                | TakesAnyLength
                | TakesLongControls
                | TakesAnyFragments
                | TakesAnyText
                | TakesAnyCloseBody
                | ReadsWholeFrames
                | ChecksWholeMessages
                | DeafInsideMessages
                | WantsFrameInOneRead
        );
        here.then_some(Self {
            fault,
            masked: role == Role::Server,
            compression,
            raw: Vec::new(),
            inside: false,
            joined: None,
        })
    }

    /// Takes the received bytes and appends to `input` what the library should see.
    pub fn pass(&mut self, came: &[u8], input: &mut Vec<u8>) {
        self.raw.extend_from_slice(came);
        while let Some((frame, len)) = self.frame() {
            self.raw.drain(..len);
            if let Some(frame) = self.mend(frame) {
                frame.encode(input);
            }
        }
        if self.fault == Fault::WantsFrameInOneRead {
            self.raw.clear();
        }
    }

    fn frame(&self) -> Option<(Frame, usize)> {
        let &[first, second, ref rest @ ..] = &self.raw[..] else {
            return None;
        };
        let masked = second & 0x80 != 0;
        let (length, form) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2),
            127 => (u64::from_be_bytes(*rest.first_chunk()?), 8),
            length => (u64::from(length), 0),
        };
        if length >= HUGE {
            return None;
        }
        let start = 2 + form + if masked { 4 } else { 0 };
        let end = start + usize::try_from(length).ok()?;
        let mut payload = self.raw.get(start..end)?.to_vec();
        if masked {
            for (i, byte) in payload.iter_mut().enumerate() {
                *byte ^= self.raw[start - 4 + i % 4];
            }
        }
        let frame = Frame {
            first,
            masked,
            form,
            payload,
        };
        Some((frame, end))
    }

    fn mend(&mut self, mut frame: Frame) -> Option<Frame> {
        let control = frame.first & 0x08 != 0;
        let was_inside = self.inside;
        match self.fault {
            Fault::TakesAnyMask => frame.masked = self.masked,
            Fault::TakesAnyRsv if self.compression && matches!(frame.first & 0x0F, 1 | 2) => {
                frame.first &= 0xCF;
            }
            Fault::TakesAnyRsv => frame.first &= 0x8F,
            Fault::TakesAnyOpcode if !matches!(frame.first & 0x0F, 0..=2 | 8..=10) => {
                frame.first = 0x8A;
            }
            Fault::TakesAnyLength => frame.form = shortest(frame.payload.len()),
            Fault::TakesLongControls if control => {
                frame.payload.truncate(125);
                frame.form = 0;
            }
            Fault::TakesAnyFragments => frame.first = continued(frame.first, was_inside),
            Fault::TakesAnyText => frame.make_ascii(),
            Fault::TakesAnyCloseBody if frame.first == 0x88 => match frame.payload.len() {
                0 | 1 => frame.payload.clear(),
                _ => frame.payload[..2].copy_from_slice(&1000_u16.to_be_bytes()),
            },
            Fault::DeafInsideMessages if control && was_inside => return None,
            _ => {}
        }
        if frame.first & 0x08 == 0 {
            self.inside = frame.first & 0x80 == 0;
        }
        match self.fault {
            Fault::ChecksWholeMessages if !control => self.join(frame),
            _ => Some(frame),
        }
    }

    /// Waits for the last fragment.
    fn join(&mut self, frame: Frame) -> Option<Frame> {
        let fin = frame.first & 0x80;
        let joined = match self.joined.take() {
            None => frame,
            Some(mut joined) => {
                joined.payload.extend(frame.payload);
                joined.first |= fin;
                joined.form = shortest(joined.payload.len());
                joined
            }
        };
        if fin != 0 {
            return Some(joined);
        }
        self.joined = Some(joined);
        None
    }
}

fn shortest(len: usize) -> usize {
    match len {
        0..=125 => 0,
        126..=0xFFFF => 2,
        _ => 8,
    }
}

/// Makes a frame valid at this point, and a control frame unfragmented.
fn continued(first: u8, inside: bool) -> u8 {
    match (first & 0x0F, inside) {
        (8.., _) => first | 0x80,
        (0, false) => first | 0x01,
        (_, true) => first & 0xF0,
        (_, false) => first,
    }
}

impl Frame {
    /// Text and close reasons, without invalid parts.
    fn make_ascii(&mut self) {
        let from = match self.first & 0x0F {
            8 => 2,
            _ => 0,
        };
        let bytes = self.payload.iter_mut().skip(from);
        bytes
            .filter(|byte| **byte >= 0x80)
            .for_each(|byte| *byte = b'?');
    }

    /// With a key of zeros.
    fn encode(&self, input: &mut Vec<u8>) {
        let (len, mask) = (self.payload.len(), u8::from(self.masked) << 7);
        input.push(self.first);
        match self.form {
            0 => input.push(mask | len as u8),
            2 => {
                input.push(mask | 126);
                input.extend((len as u16).to_be_bytes());
            }
            _ => {
                input.push(mask | 127);
                input.extend((len as u64).to_be_bytes());
            }
        }
        if self.masked {
            input.extend([0; 4]);
        }
        input.extend_from_slice(&self.payload);
    }
}
