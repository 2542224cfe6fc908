//! Where a body ends, and its decoded content: RFC 9112 sections 6 and 7.
//!
//! Input: a head, then bytes in pieces. Output: the decoded body, or a [`BodyError`] with its
//! status. Invariant: at most the limit is held, no memory is allocated for a length that was only
//! announced, and the outcome does not depend on how the bytes are cut.

use crate::http::fields::is_token_byte;
use crate::http::head::{RequestHead, ResponseHead};
use crate::http::status::Status;

/// How the length of a body is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Framing {
    /// There is no body.
    None,
    /// Content-Length.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
    /// Only for a response: everything up to the end of the stream.
    ToTheEnd,
}

/// Why a body cannot be read; the connection ends after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyError {
    /// 400: Content-Length is not a number, appears twice, or appears together with
    /// Transfer-Encoding; or the last transfer coding is not chunked.
    Length,
    /// 501: a transfer coding other than chunked.
    Coding,
    /// 400: the chunks break the grammar.
    Chunk,
    /// 413: longer than [`Limits::body_bytes`](crate::net::Limits::body_bytes).
    TooLong,
}

impl BodyError {
    /// The HTTP status to answer.
    pub const fn status(self) -> Status {
        match self {
            Self::Length | Self::Chunk => Status::BAD_REQUEST,
            Self::Coding => Status::NOT_IMPLEMENTED,
            Self::TooLong => Status::CONTENT_TOO_LARGE,
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
    /// Reads it from the head of a request (RFC 9112 section 6.3).
    pub fn of(head: &RequestHead<'_>) -> Result<Self, BodyError> {
        let mut lengths = head.fields.all("Content-Length");
        let length = lengths.next();
        if lengths.next().is_some() {
            return Err(BodyError::Length);
        }
        let coded = head.fields.get("Transfer-Encoding").is_some();
        match (coded, length) {
            (false, None) => Ok(Self::None),
            (false, Some(length)) => match parse_length(length) {
                Some(0) => Ok(Self::None),
                Some(length) => Ok(Self::Length(length)),
                None => Err(BodyError::Length),
            },
            // Both, or a coding in HTTP/1.0, is how requests are smuggled (section 6.1).
            (true, Some(_)) => Err(BodyError::Length),
            (true, None) if head.minor_version == 0 => Err(BodyError::Length),
            // A line that seems to have no value may have one that is not text.
            (true, None) if head.fields.all("Transfer-Encoding").any(str::is_empty) => {
                Err(BodyError::Length)
            }
            (true, None) => Self::of_codings(head.fields.list("Transfer-Encoding")),
        }
    }

    /// Reads it from the head of a response to any method but HEAD and CONNECT (RFC 9112 section
    /// 6.3). An invalid length counts as none: the body then ends with the stream.
    pub fn of_response(head: &ResponseHead<'_>) -> Self {
        if matches!(head.status, 100..=199 | 204 | 304) {
            return Self::None;
        }
        if let Some(last) = head.fields.list("Transfer-Encoding").last() {
            return match last.eq_ignore_ascii_case("chunked") {
                true => Self::Chunked,
                false => Self::ToTheEnd,
            };
        }
        match head.fields.get("Content-Length").and_then(parse_length) {
            Some(0) => Self::None,
            Some(length) => Self::Length(length),
            None => Self::ToTheEnd,
        }
    }

    /// If chunked is not the last coding, the end of the body is unknown (section 6.3); applied
    /// twice it is an error (section 6.1). Any other coding is merely not implemented here.
    fn of_codings<'h>(codings: impl Iterator<Item = &'h str>) -> Result<Self, BodyError> {
        let (mut chunked, mut others, mut is_last) = (0, 0, false);
        for coding in codings {
            is_last = coding.eq_ignore_ascii_case("chunked");
            match is_last {
                true => chunked += 1,
                false => others += 1,
            }
        }
        match (chunked, others) {
            (1, 0) => Ok(Self::Chunked),
            (1, _) if is_last => Err(BodyError::Coding),
            _ => Err(BodyError::Length),
        }
    }
}

/// A length that overflows is too long, not malformed (RFC 9110 section 8.6).
fn parse_length(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Bytes of chunk-size lines and trailers that a body may have apart from its data, and how many
/// more for each byte of data: chunks of one byte with lines as they usually are need five.
const OVERHEAD: usize = 16 * 1024;
const OVERHEAD_FOR_A_BYTE: usize = 8;

/// Decodes one body piece by piece.
#[derive(Debug)]
pub struct BodyDecoder {
    body: Vec<u8>,
    /// Bytes of data so far, kept or not.
    len: usize,
    limit: usize,
    /// What arrives is only counted.
    discards: bool,
    /// The body ends at the limit, instead of being too long.
    truncates: bool,
    overhead: usize,
    state: BodyState,
}

/// Where in the body the next byte is (RFC 9112 section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyState {
    /// Plain bytes: as many as Content-Length says, or any number up to the end of the stream.
    Plain(u64),
    /// The hexadecimal size; `None` before its first digit.
    Size(Option<u64>),
    /// In the extensions of a chunk of this size.
    Extension(u64, Extension),
    SizeLf(u64),
    Data(u64),
    DataCr,
    DataLf,
    /// At the beginning of a trailer line.
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

/// Where in `*( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// White space before a semicolon.
    Before,
    /// After the semicolon.
    Start,
    Name,
    AfterName,
    /// After the equals sign.
    Value,
    Token,
    Quoted,
    /// After a backslash.
    Pair,
    AfterQuoted,
}

impl BodyDecoder {
    /// Ready for a body of this framing and at most `limit` decoded bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLong`] if the announced length is over the limit.
    pub fn new(framing: Framing, limit: usize) -> Result<Self, BodyError> {
        match framing {
            Framing::Length(length) if length > limit as u64 => Err(BodyError::TooLong),
            framing => Ok(Self {
                truncates: false,
                ..Self::truncating(framing, limit)
            }),
        }
    }

    /// Like [`BodyDecoder::new`], for a body of which only the first `limit` bytes are needed: it
    /// is complete once they have arrived.
    pub fn truncating(framing: Framing, limit: usize) -> Self {
        Self {
            body: Vec::new(),
            len: 0,
            limit,
            discards: false,
            truncates: true,
            overhead: 0,
            state: match framing {
                Framing::None => BodyState::Done,
                Framing::Length(length) => BodyState::Plain(length),
                Framing::Chunked => BodyState::Size(None),
                Framing::ToTheEnd => BodyState::Plain(u64::MAX),
            },
        }
    }

    /// Like [`BodyDecoder::new`], for a body that is discarded.
    ///
    /// # Errors
    ///
    /// The same as [`BodyDecoder::new`].
    pub fn discarding(framing: Framing, limit: usize) -> Result<Self, BodyError> {
        Ok(Self {
            discards: true,
            ..Self::new(framing, limit)?
        })
    }

    /// The body is complete; one to the end of the stream is only if it was truncated.
    pub fn is_done(&self) -> bool {
        self.state == BodyState::Done
    }

    /// The body is discarded.
    pub fn discards(&self) -> bool {
        self.discards
    }

    /// What has been decoded.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Bytes of memory held.
    pub fn held(&self) -> usize {
        self.body.capacity()
    }

    /// Consumes bytes from the front of `input` and returns how many: all, unless the body ended.
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
                    self.state = self.between(state, input[at])?;
                    1
                }
            };
        }
        Ok(at)
    }

    /// A byte between the data of two chunks.
    fn between(&mut self, state: BodyState, byte: u8) -> Result<BodyState, BodyError> {
        self.overhead += 1;
        if self.overhead > OVERHEAD + OVERHEAD_FOR_A_BYTE.saturating_mul(self.len) {
            return Err(BodyError::Chunk);
        }
        let next = next_state(state, byte)?;
        match next {
            BodyState::Data(size) if size > self.room() as u64 && !self.truncates => {
                Err(BodyError::TooLong)
            }
            next => Ok(next),
        }
    }

    fn room(&self) -> usize {
        self.limit - self.len
    }

    /// Consumes data, up to the limit.
    fn data(&mut self, left: u64, input: &[u8]) -> Result<usize, BodyError> {
        let come = left.min(input.len() as u64) as usize;
        let take = come.min(self.room());
        if take < come && !self.truncates {
            return Err(BodyError::TooLong);
        }
        self.len += take;
        if !self.discards {
            self.body.extend_from_slice(&input[..take]);
        }
        let left = left - take as u64;
        self.state = match (self.state, left) {
            (_, 1..) if self.truncates && self.room() == 0 => BodyState::Done,
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
        (BodyState::Size(Some(size)), b'\r') => BodyState::SizeLf(size),
        (BodyState::Size(Some(size)), _) => {
            BodyState::Extension(size, next_in_extension(Extension::Before, byte)?)
        }
        (
            BodyState::Extension(size, Extension::Name | Extension::Token | Extension::AfterQuoted),
            b'\r',
        ) => BodyState::SizeLf(size),
        (BodyState::Extension(size, place), _) => {
            BodyState::Extension(size, next_in_extension(place, byte)?)
        }
        (BodyState::SizeLf(0), b'\n') => BodyState::TrailerStart,
        (BodyState::SizeLf(size), b'\n') => BodyState::Data(size),
        (BodyState::DataCr, b'\r') => BodyState::DataLf,
        (BodyState::DataLf, b'\n') => BodyState::Size(None),
        (BodyState::TrailerStart, b'\r') => BodyState::LastLf,
        (BodyState::TrailerName, b':') => BodyState::TrailerValue,
        (BodyState::TrailerStart | BodyState::TrailerName, _) if is_token_byte(byte) => {
            BodyState::TrailerName
        }
        (BodyState::TrailerValue, b'\r') => BodyState::TrailerLf,
        (BodyState::TrailerValue, _) if is_text(byte) => BodyState::TrailerValue,
        (BodyState::TrailerLf, b'\n') => BodyState::TrailerStart,
        (BodyState::LastLf, b'\n') => BodyState::Done,
        _ => return Err(BodyError::Chunk),
    })
}

/// One byte of the chunk extensions (RFC 9112 section 7.1.1). White space is allowed only around
/// semicolons and equals signs, so not at the end of the line.
fn next_in_extension(place: Extension, byte: u8) -> Result<Extension, BodyError> {
    use Extension::{AfterName, AfterQuoted, Before, Name, Pair, Quoted, Start, Token, Value};
    let space = matches!(byte, b' ' | b'\t');
    Ok(match (place, byte) {
        (Quoted, b'"') => AfterQuoted,
        (Quoted, b'\\') => Pair,
        (Quoted | Pair, _) if is_text(byte) => Quoted,
        (Before | Name | AfterName | Token | AfterQuoted, b';') => Start,
        (Before | Start | AfterName | Value, _) if space => place,
        (Name, _) if space => AfterName,
        (Token | AfterQuoted, _) if space => Before,
        (Name | AfterName, b'=') => Value,
        (Value, b'"') => Quoted,
        (Start | Name, _) if is_token_byte(byte) => Name,
        (Value | Token, _) if is_token_byte(byte) => Token,
        _ => return Err(BodyError::Chunk),
    })
}

/// What may appear in a field value or a quoted string: no control characters but the tab.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7F
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
    fn a_chunk_that_is_too_long_is_refused_before_its_data_and_what_is_kept_is_held() {
        let mut decoder = BodyDecoder::new(Framing::Chunked, 10).unwrap();
        assert_eq!(decoder.feed(b"a\r\n0123456789"), Ok(13));
        assert!(decoder.held() >= 10, "{} bytes", decoder.held());
        for line in [&b"b\r\n"[..], b"4\r\n1234\r\n7\r\n"] {
            let mut decoder = BodyDecoder::new(Framing::Chunked, 10).unwrap();
            assert_eq!(decoder.feed(line), Err(BodyError::TooLong));
        }
    }

    #[test]
    fn a_truncated_body_is_the_same_in_every_cut() {
        let rows: [(Framing, &[u8], &str); 9] = [
            (Framing::None, b"GET", "."),
            (Framing::Length(9), b"123456789", "1234."),
            (Framing::Length(3), b"123456789", "123."),
            (Framing::ToTheEnd, b"123", "123"),
            (Framing::ToTheEnd, b"123456789", "1234."),
            (
                Framing::Chunked,
                b"2\r\n12\r\n2\r\n34\r\n0\r\n\r\n",
                "1234.",
            ),
            (Framing::Chunked, b"2\r\n12\r\n9\r\n345", "1234."),
            (Framing::Chunked, b"4\r\n1234\r\n9\r\n5", "1234."),
            (Framing::Chunked, b"ffffffffff\r\n123", "123"),
        ];
        for (framing, input, expected) in rows {
            for step in 1..=input.len() {
                let mut decoder = BodyDecoder::truncating(framing, 4);
                for piece in input.chunks(step) {
                    decoder.feed(piece).unwrap();
                }
                let text = String::from_utf8_lossy(decoder.body()).into_owned();
                let text = text + if decoder.is_done() { "." } else { "" };
                assert_eq!(text, expected, "{framing:?} {step}");
            }
        }
        let long = decode(Framing::ToTheEnd, 4, b"12345", 9);
        assert_eq!(long, Err(BodyError::TooLong));
    }

    #[test]
    fn responses_tell_the_length_of_their_bodies() {
        let rows = [
            ("200 OK\r\n", Framing::ToTheEnd),
            ("204 No Content\r\nContent-Length: 5\r\n", Framing::None),
            (
                "304 Not Modified\r\nTransfer-Encoding: chunked\r\n",
                Framing::None,
            ),
            ("404 No\r\nContent-Length: 0\r\n", Framing::None),
            ("404 No\r\nContent-Length: 5\r\n", Framing::Length(5)),
            ("404 No\r\nContent-Length: +5\r\n", Framing::ToTheEnd),
            (
                "404 No\r\nContent-Length: 5\r\nTransfer-Encoding: gzip, Chunked\r\n",
                Framing::Chunked,
            ),
            (
                "404 No\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n",
                Framing::ToTheEnd,
            ),
        ];
        for (text, expected) in rows {
            let text = format!("HTTP/1.1 {text}\r\n");
            let mut storage = [crate::http::Field {
                name: "",
                value: b"",
            }; 4];
            let head = ResponseHead::parse(text.as_bytes(), &mut storage).unwrap();
            assert_eq!(Framing::of_response(&head), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        let rows: [(&[u8], BodyError); 27] = [
            (b"2 garbage\r\n", BodyError::Chunk),
            (b"2 \r\nab", BodyError::Chunk),
            (b"2;\r\nab", BodyError::Chunk),
            (b"2;=b\r\nab", BodyError::Chunk),
            (b"2;a=\r\nab", BodyError::Chunk),
            (b"2;a b\r\nab", BodyError::Chunk),
            (b"2;a \r\nab", BodyError::Chunk),
            (b"2;a=\"b\r\nab", BodyError::Chunk),
            (b"2;a=\"\x01\"\r\nab", BodyError::Chunk),
            (b"2;a=\"b\"c\r\nab", BodyError::Chunk),
            (b"2;a\0\r\nab", BodyError::Chunk),
            (b"0x2\r\nab", BodyError::Chunk),
            (b" 2\r\nab", BodyError::Chunk),
            (b"0\r\nno colon\r\n\r\n", BodyError::Chunk),
            (b"0\r\n: no name\r\n\r\n", BodyError::Chunk),
            (b"0\r\na: b\r\n folded\r\n\r\n", BodyError::Chunk),
            (b"0\r\na: \0\r\n\r\n", BodyError::Chunk),
            (b"b\r\n", BodyError::TooLong),
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
        let endless = [b"1;", &[b'x'; 20_000][..]].concat();
        let verdict = decode(Framing::Chunked, 10, &endless, 999);
        assert_eq!(verdict, Err(BodyError::Chunk));
    }

    #[test]
    fn extensions_and_trailers_of_the_grammar_are_passed_over() {
        let rows: [&[u8]; 8] = [
            b"2\r\nab\r\n0\r\n\r\n",
            b"2;a\r\nab\r\n0;b=c\r\n\r\n",
            b"2 ; a = b ;c\r\nab\r\n0\r\n\r\n",
            b"2;a=\"b;c\\\" \t\xE9\" ;d\r\nab\r\n0\r\n\r\n",
            b"0002\r\nab\r\n000\r\n\r\n",
            b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n",
            b"2\r\nab\r\n0\r\nA-b:\r\nC: d\te \r\n\r\n",
            b"2;a=\"\"\r\nab\r\n0\r\n\r\n",
        ];
        for row in rows {
            for step in 1..=row.len() {
                let body = decode(Framing::Chunked, 2, row, step);
                assert_eq!(
                    body.as_deref(),
                    Ok("ab."),
                    "{:?}",
                    row.escape_ascii().to_string()
                );
            }
        }
    }

    /// RFC 9112 section 7.1.1, read with the whole line at hand.
    fn are_extensions(mut rest: &str) -> Option<()> {
        while !rest.is_empty() {
            rest = rest.trim_start().strip_prefix(';')?.trim_start();
            rest = after_token(rest)?;
            let Some(value) = rest.trim_start().strip_prefix('=') else {
                continue;
            };
            rest = match value.trim_start().strip_prefix('"') {
                None => after_token(value.trim_start())?,
                Some(quoted) => after_quoted(quoted)?,
            };
        }
        Some(())
    }

    fn after_token(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches('a');
        (rest.len() < text.len()).then_some(rest)
    }

    fn after_quoted(text: &str) -> Option<&str> {
        let mut characters = text.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => return Some(&text[at + 1..]),
                '\\' => drop(characters.next()?),
                _ => {}
            }
        }
        None
    }

    /// Each short string of the characters that matter, after a size: the verdict is that of the
    /// grammar, whole and byte by byte.
    #[test]
    fn extensions_are_read_by_the_grammar() {
        let mut strings = vec![String::new()];
        for _ in 0..6 {
            let longer = strings.iter().flat_map(|string| {
                ['a', ';', '=', '"', '\\', ' '].map(|next| format!("{string}{next}"))
            });
            strings = longer.collect();
            for string in &strings {
                let input = format!("1{string}\r\nx\r\n0\r\n\r\n");
                // The `a` is a digit if it is first.
                let line = string.trim_start_matches('a');
                if line.len() < string.len() {
                    continue;
                }
                let expected = match are_extensions(line) {
                    Some(()) => Ok("x.".to_owned()),
                    None => Err(BodyError::Chunk),
                };
                for step in [1, input.len()] {
                    let body = decode(Framing::Chunked, 1, input.as_bytes(), step);
                    assert_eq!(body, expected, "{input:?}");
                }
            }
        }
    }

    #[test]
    fn overhead_is_in_proportion_to_the_data() {
        for size in [1, 50] {
            let chunk = format!("{size:x}\r\n{}\r\n", "x".repeat(size));
            let bytes = chunk.repeat(200_000 / size) + "0\r\n\r\n";
            let body = decode(Framing::Chunked, 200_000, bytes.as_bytes(), 1 << 16);
            assert_eq!(body.map(|body| body.len()), Ok(200_001), "{size}");
        }
        let trailer = |len: usize| format!("0\r\na:{}\r\n\r\n", "x".repeat(len - 9));
        let most = decode(Framing::Chunked, 1, trailer(16_384).as_bytes(), 1 << 16);
        assert_eq!(most.as_deref(), Ok("."));
        let more = decode(Framing::Chunked, 1, trailer(16_385).as_bytes(), 1 << 16);
        assert_eq!(more, Err(BodyError::Chunk));
        let padded = format!("1;{}\r\nx\r\n", "e".repeat(50)).repeat(2000);
        let verdict = decode(Framing::Chunked, 200_000, padded.as_bytes(), 1 << 16);
        assert_eq!(verdict, Err(BodyError::Chunk));
    }

    #[test]
    fn a_discarded_body_is_counted_and_not_kept() {
        let mut decoder = BodyDecoder::discarding(Framing::Chunked, 5).unwrap();
        assert_eq!(decoder.feed(b"5\r\nhello\r\n0\r\n\r\nGET"), Ok(15));
        assert!(decoder.is_done() && decoder.held() == 0);
        let mut decoder = BodyDecoder::discarding(Framing::Chunked, 4).unwrap();
        assert_eq!(decoder.feed(b"5\r\n"), Err(BodyError::TooLong));
    }
}
