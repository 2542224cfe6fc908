//! Where a request body ends, and what it says: RFC 9112 sections 6 and 7.
//!
//! Comes in: a head, then bytes in pieces. Goes out: the decoded body, or a [`BodyError`] with its
//! status. Invariant: at most the limit is held, and no memory is taken for a length that was
//! only announced.

use crate::handshake::RequestHead;

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// Why a body cannot be read; the connection ends after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BodyError {
    /// 400: Content-Length is no number, stands twice, or stands beside Transfer-Encoding.
    Length,
    /// 501: a transfer coding other than chunked.
    Coding,
    /// 400: the chunks break the grammar.
    Chunk,
    /// 413: longer than [`Limits::body_bytes`](crate::Limits::body_bytes).
    TooLong,
}

impl BodyError {
    /// The HTTP status to answer.
    pub const fn status(self) -> u16 {
        match self {
            Self::Length | Self::Chunk => 400,
            Self::Coding => 501,
            Self::TooLong => 413,
        }
    }

    /// One sentence for the answer.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Length => "The length of the body is ambiguous.",
            Self::Coding => "The only transfer coding here is chunked.",
            Self::Chunk => "The chunks of the body are malformed.",
            Self::TooLong => "The body is too long.",
        }
    }
}

impl Framing {
    /// Reads it from the head (RFC 9112 section 6.3).
    pub fn of(head: &RequestHead<'_>) -> Result<Self, BodyError> {
        let mut lengths = head.fields.all("Content-Length");
        let length = lengths.next();
        if lengths.next().is_some() {
            return Err(BodyError::Length);
        }
        let mut codings = head.fields.all("Transfer-Encoding");
        match (codings.next(), length) {
            (None, None) => Ok(Self::None),
            (None, Some(length)) => match parse_length(length) {
                Some(0) => Ok(Self::None),
                Some(length) => Ok(Self::Length(length)),
                None => Err(BodyError::Length),
            },
            // Both, or a coding in HTTP/1.0, is how requests are smuggled (section 6.1).
            (Some(_), Some(_)) => Err(BodyError::Length),
            (Some(_), None) if head.minor_version == 0 => Err(BodyError::Length),
            (Some(coding), None) => {
                match coding.eq_ignore_ascii_case("chunked") && codings.next().is_none() {
                    true => Ok(Self::Chunked),
                    false => Err(BodyError::Coding),
                }
            }
        }
    }
}

fn parse_length(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Bytes of chunk-size lines and trailers that one body may have, apart from its data.
const MAX_OVERHEAD: usize = 16 * 1024;

/// Decodes one body piece by piece.
#[derive(Debug)]
pub struct BodyDecoder {
    body: Vec<u8>,
    limit: usize,
    overhead: usize,
    state: BodyState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// Plain bytes of a Content-Length body.
    Plain(u64),
    /// The hexadecimal size; `None` before its first digit.
    Size(Option<u64>),
    /// From `;` to the end of the line, ignored.
    SizeExtension(u64),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the beginning of a trailer line.
    TrailerStart,
    Trailer,
    TrailerLf,
    LastLf,
    Done,
}

impl BodyDecoder {
    /// Ready for a body of this framing and at most `limit` decoded bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLong`] if the announced length is over the limit already.
    pub fn new(framing: Framing, limit: usize) -> Result<Self, BodyError> {
        let state = match framing {
            Framing::None => BodyState::Done,
            Framing::Length(length) if length > limit as u64 => return Err(BodyError::TooLong),
            Framing::Length(length) => BodyState::Plain(length),
            Framing::Chunked => BodyState::Size(None),
        };
        Ok(Self {
            body: Vec::new(),
            limit,
            overhead: 0,
            state,
        })
    }

    /// The body is complete.
    pub fn is_done(&self) -> bool {
        self.state == BodyState::Done
    }

    /// What has been decoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Takes bytes from the front of `input` and returns how many: all, unless the body ended.
    ///
    /// # Errors
    ///
    /// [`BodyError::Chunk`] or [`BodyError::TooLong`]; the decoder must not be used again.
    pub fn feed(&mut self, input: &[u8]) -> Result<usize, BodyError> {
        let mut at = 0;
        while at < input.len() && !self.is_done() {
            at += match self.state {
                BodyState::Plain(left) | BodyState::Data(left) => self.data(left, &input[at..])?,
                state => {
                    self.overhead += 1;
                    if self.overhead > MAX_OVERHEAD {
                        return Err(BodyError::Chunk);
                    }
                    self.state = next_state(state, input[at])?;
                    1
                }
            };
        }
        Ok(at)
    }

    fn data(&mut self, left: u64, input: &[u8]) -> Result<usize, BodyError> {
        let take = left.min(input.len() as u64) as usize;
        if take > self.limit - self.body.len() {
            return Err(BodyError::TooLong);
        }
        self.body.extend_from_slice(&input[..take]);
        let left = left - take as u64;
        self.state = match (self.state, left) {
            (BodyState::Plain(_), 0) => BodyState::Done,
            (BodyState::Plain(_), _) => BodyState::Plain(left),
            (_, 0) => BodyState::DataCr,
            _ => BodyState::Data(left),
        };
        Ok(take)
    }
}

/// Everything between the data of the chunks (RFC 9112 section 7.1), byte by byte.
fn next_state(state: BodyState, byte: u8) -> Result<BodyState, BodyError> {
    Ok(match (state, byte) {
        (BodyState::Size(size), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
            let digit = (byte as char).to_digit(16).unwrap_or_default();
            let size = size.unwrap_or_default();
            let shifted = size.checked_mul(16).ok_or(BodyError::TooLong)?;
            BodyState::Size(Some(shifted + u64::from(digit)))
        }
        (BodyState::Size(Some(size)), b';' | b' ' | b'\t') => BodyState::SizeExtension(size),
        (BodyState::Size(Some(size)) | BodyState::SizeExtension(size), b'\r') => {
            BodyState::SizeLf(size)
        }
        (BodyState::SizeExtension(_), b'\n') => return Err(BodyError::Chunk),
        (BodyState::SizeExtension(size), _) => BodyState::SizeExtension(size),
        (BodyState::SizeLf(0), b'\n') => BodyState::TrailerStart,
        (BodyState::SizeLf(size), b'\n') => BodyState::Data(size),
        (BodyState::DataCr, b'\r') => BodyState::DataLf,
        (BodyState::DataLf, b'\n') => BodyState::Size(None),
        (BodyState::TrailerStart, b'\r') => BodyState::LastLf,
        (BodyState::TrailerStart | BodyState::Trailer, b'\n') => return Err(BodyError::Chunk),
        (BodyState::Trailer, b'\r') => BodyState::TrailerLf,
        (BodyState::TrailerStart | BodyState::Trailer, _) => BodyState::Trailer,
        (BodyState::TrailerLf, b'\n') => BodyState::TrailerStart,
        (BodyState::LastLf, b'\n') => BodyState::Done,
        _ => return Err(BodyError::Chunk),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(
        framing: Framing,
        limit: usize,
        input: &[u8],
        step: usize,
    ) -> Result<String, BodyError> {
        let mut decoder = BodyDecoder::new(framing, limit)?;
        for piece in input.chunks(step) {
            decoder.feed(piece)?;
        }
        let text = String::from_utf8_lossy(decoder.body()).into_owned();
        Ok(text + if decoder.is_done() { "." } else { "" })
    }

    #[test]
    fn the_body_is_the_same_in_every_cut() {
        let chunked = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET";
        for step in 1..chunked.len() {
            let body = decode(Framing::Chunked, 100, chunked, step);
            assert_eq!(body.as_deref(), Ok("hello world."), "{step}");
            let body = decode(Framing::Length(5), 5, b"helloGET", step);
            assert_eq!(body.as_deref(), Ok("hello."));
        }
    }

    #[test]
    fn what_is_refused() {
        let rows: [(&[u8], BodyError); 9] = [
            (b"x\r\n", BodyError::Chunk),
            (b"\r\n", BodyError::Chunk),
            (b"5\nhello", BodyError::Chunk),
            (b"5\r\nhelloX", BodyError::Chunk),
            (b"5\r\nhello\n", BodyError::Chunk),
            (b"-1\r\n", BodyError::Chunk),
            (b"ffffffffffffffffff\r\n", BodyError::TooLong),
            (b"a\r\n0123456789\r\n1\r\nx", BodyError::TooLong),
            (b"0\r\nbare: lf\n\r\n", BodyError::Chunk),
        ];
        for (input, error) in rows {
            assert_eq!(
                decode(Framing::Chunked, 10, input, 1),
                Err(error),
                "{input:?}"
            );
            assert_eq!(
                decode(Framing::Chunked, 10, input, 99),
                Err(error),
                "{input:?}"
            );
        }
        assert_eq!(
            decode(Framing::Length(11), 10, b"", 1),
            Err(BodyError::TooLong)
        );
        let endless = b"1;"
            .iter()
            .chain([b'x'; 20_000].iter())
            .copied()
            .collect::<Vec<_>>();
        assert_eq!(
            decode(Framing::Chunked, 10, &endless, 999),
            Err(BodyError::Chunk)
        );
    }
}
