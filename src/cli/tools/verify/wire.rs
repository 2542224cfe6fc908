//! Frames as the probe writes and reads them: it has its own reader and writer, so that a bug of
//! the library is not repeated here.

use crate::cli::tools::verify::problem::Problem;

/// Bytes of one message that are shown.
const SHOWN: usize = 48;

/// A frame, to be sent or as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// FIN, RSV and opcode.
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(first: u8, payload: impl Into<Vec<u8>>) -> Self {
        let payload = payload.into();
        Self { first, payload }
    }

    pub fn opcode(&self) -> u8 {
        self.first & 0x0F
    }
}

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;
pub const PONG: u8 = 0x8A;

/// A received frame, with its length and key on the wire.
pub struct Decoded {
    pub frame: Frame,
    /// Bytes on the wire.
    pub len: usize,
    /// The masking key.
    pub key: Option<[u8; 4]>,
}

/// Reads one frame; fails on what no endpoint may send.
pub fn decode(input: &[u8], masked: bool) -> Result<Option<Decoded>, Problem> {
    let &[first, second, ref rest @ ..] = input else {
        return Ok(None);
    };
    if (second & 0x80 != 0) != masked {
        let what = if masked { "is not masked" } else { "is masked" };
        return Problem::fail(format!("a frame {what} (RFC 6455 5.1)"));
    }
    let (length, extra) = match (second & 0x7F, rest) {
        (126, [a, b, ..]) => (u64::from(u16::from_be_bytes([*a, *b])), 2),
        (127, [a, b, c, d, e, f, g, h, ..]) => {
            (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), 8)
        }
        (126 | 127, _) => return Ok(None),
        (length, _) => (u64::from(length), 0),
    };
    let minimal = match extra {
        2 => length > 125,
        8 => length > 0xFFFF && length >> 63 == 0,
        _ => true,
    };
    if !minimal {
        return Problem::fail("a frame has a length that is not in its shortest form (5.2)");
    }
    if first & 0x08 != 0 && (length > 125 || first & 0x80 == 0) {
        return Problem::fail("a control frame is fragmented or too long (5.5)");
    }
    let start: usize = 2 + extra + if masked { 4 } else { 0 };
    let Some(end) = usize::try_from(length)
        .ok()
        .and_then(|length| start.checked_add(length))
    else {
        return Ok(None);
    };
    let Some(payload) = input.get(start..end) else {
        return Ok(None);
    };
    let mut payload = payload.to_vec();
    let key = input[..start].last_chunk().filter(|_| masked).copied();
    if let Some(key) = key {
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i % 4];
        }
    }
    let frame = Frame { first, payload };
    Ok(Some(Decoded {
        frame,
        len: end,
        key,
    }))
}

/// What is wrong with the first byte of a frame.
pub fn bits_problem(first: u8, compression: bool) -> Option<&'static str> {
    let rsv1_may_be = compression && matches!(first & 0x0F, 1 | 2);
    match (first & 0x70, first & 0x0F) {
        (_, 3..=7 | 11..=15) => Some("a frame has a reserved opcode (RFC 6455 5.2)"),
        (0, _) => None,
        (0x40, _) if rsv1_may_be => None,
        _ => Some("a frame has a reserved bit (RFC 6455 5.2)"),
    }
}

/// A length in its shortest form, without the mask bit.
pub fn shortest(length: u64) -> Vec<u8> {
    match length {
        0..=125 => vec![length as u8],
        126..=0xFFFF => [&[126][..], &(length as u16).to_be_bytes()].concat(),
        _ => [&[127][..], &length.to_be_bytes()].concat(),
    }
}

/// A frame with any length field.
pub fn encode(first: u8, payload: &[u8], mask: bool, mut length: Vec<u8>) -> Vec<u8> {
    let key: [u8; 4] = rand_key();
    let mut bytes = vec![first];
    if mask {
        length[0] |= 0x80;
    }
    bytes.extend(length);
    if mask {
        bytes.extend(key);
        bytes.extend(
            payload
                .iter()
                .enumerate()
                .map(|(i, byte)| byte ^ key[i % 4]),
        );
    } else {
        bytes.extend_from_slice(payload);
    }
    bytes
}

fn rand_key() -> [u8; 4] {
    use wirebell::wire::Entropy as _;
    let mut key = [0; 4];
    wirebell::client::Random.fill(&mut key);
    key
}

/// A frame in a few words.
pub fn describe(first: u8, payload: &[u8]) -> String {
    let name = match first & 0x0F {
        0 => "continuation".to_owned(),
        1 => "text".to_owned(),
        2 => "binary".to_owned(),
        8 => "close".to_owned(),
        9 => "ping".to_owned(),
        0xA => "pong".to_owned(),
        other => format!("opcode {other}"),
    };
    let fin = if first & 0x80 == 0 {
        " (more follows)"
    } else {
        ""
    };
    let rsv: String = [(0x40, " RSV1"), (0x20, " RSV2"), (0x10, " RSV3")]
        .iter()
        .filter(|(bit, _)| first & bit != 0)
        .map(|(_, name)| *name)
        .collect();
    format!(
        "{name}{fin}{rsv}, {} bytes {}",
        payload.len(),
        shown(payload)
    )
}

/// The first bytes, as text if they are text.
pub fn shown(bytes: &[u8]) -> String {
    let head = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { "…" } else { "" };
    let printable = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\r' | b'\n');
    match !head.is_empty() && head.iter().all(printable) {
        true => format!("{:?}{more}", String::from_utf8_lossy(head)),
        false => {
            let hex: Vec<String> = head.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("[{}{more}]", hex.join(" "))
        }
    }
}
