//! Finds the end of an HTTP head and splits it: RFC 9112 sections 2 to 5.
//!
//! Input: the bytes so far, in one slice that grows. Output: where the head lies, then a
//! [`RequestHead`] or [`ResponseHead`] that borrows it. Splitting is done by httparse; what it
//! leaves open (bare line feeds, limits, target forms) is decided here. Invariant: each byte is
//! searched once, however slowly a head arrives.

use crate::error::HeadError;
use crate::http::fields::{Field, Fields, is_token};
use crate::http::limits::HeadLimits;
use core::ops::Range;

/// The most header fields that a head can be split into, whatever
/// [`HeadLimits::fields`] says: the size of the storage for them.
pub const MAX_FIELDS: usize = 128;

/// Looks for the end of a head and remembers how far it looked.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadReader {
    /// Where the head begins: after empty lines, which RFC 9112 section 2.2 wants ignored.
    start: usize,
    searched: usize,
    /// The first line is complete.
    in_fields: bool,
}

impl HeadReader {
    /// At the beginning of a head.
    pub const fn new() -> Self {
        Self {
            start: 0,
            searched: 0,
            in_fields: false,
        }
    }

    /// Where the head lies in `bytes`, its empty line included, or `None` if it is not whole.
    /// `bytes` begins where it began in the last call.
    ///
    /// # Errors
    ///
    /// [`HeadError::Malformed`] for what cannot become a head: a first byte that no method has,
    /// a line feed without carriage return. [`HeadError::TargetTooLong`] and
    /// [`HeadError::TooLong`] by the limits, also before the head is whole.
    pub fn find(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<Range<usize>>, HeadError> {
        // Bytes beyond the limit are ignored, so that the answer does not depend on how many of
        // them have arrived.
        let within = &bytes[..bytes.len().min(limits.bytes)];
        while self.searched == self.start && within[self.start..].starts_with(b"\r\n") {
            self.start += 2;
            self.searched = self.start;
        }
        let line_bytes = limits.target_bytes.saturating_add(REQUEST_LINE_EXTRA);
        match within[self.start..] {
            // Perhaps half of an empty line.
            [] | [b'\r'] => {}
            [first, ..] if first != b'\r' && !first.is_ascii_alphanumeric() => {
                return Err(HeadError::Malformed);
            }
            _ => {
                if let Some(end) = self.search(within, line_bytes)? {
                    return Ok(Some(self.start..end));
                }
            }
        }
        if !self.in_fields && within.len() - self.start > line_bytes {
            return Err(HeadError::TargetTooLong);
        }
        if bytes.len() >= limits.bytes {
            return Err(HeadError::TooLong);
        }
        Ok(None)
    }

    /// Continues to the end of `bytes` or of the head, whichever is first.
    fn search(&mut self, bytes: &[u8], line_bytes: usize) -> Result<Option<usize>, HeadError> {
        while let Some(at) = bytes[self.searched..].iter().position(|b| *b == b'\n') {
            let at = self.searched + at;
            self.searched = at + 1;
            let head = &bytes[self.start..at];
            // In this order: a line that is too long was so before its end arrived.
            if !self.in_fields && head.len() > line_bytes {
                return Err(HeadError::TargetTooLong);
            }
            if head.last() != Some(&b'\r') {
                return Err(HeadError::Malformed);
            }
            self.in_fields = true;
            if head.ends_with(b"\r\n\r") {
                return Ok(Some(at + 1));
            }
        }
        self.searched = bytes.len();
        Ok(None)
    }
}

/// Method, two spaces and version around a target; no method in use is longer than 16 bytes.
const REQUEST_LINE_EXTRA: usize = 32;

/// The head of a request, borrowed from the bytes it arrived in.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'h> {
    /// The method, as sent: methods are case-sensitive (RFC 9110 section 9.1).
    pub method: &'h str,
    /// The request target, as sent.
    pub target: &'h str,
    /// 0 or 1: the x of HTTP/1.x.
    pub minor_version: u8,
    /// The header fields in order.
    pub fields: Fields<'h>,
}

impl<'h> RequestHead<'h> {
    /// A head from another parser: the parts of `method target HTTP/1.minor_version` and the
    /// fields. Enforcing the [`HeadLimits`] of heads is left to that parser.
    ///
    /// ```
    /// use wirebell::handshake::UpgradeRequest;
    /// use wirebell::http::{EMPTY_FIELD, Fields, MAX_FIELDS, RequestHead};
    ///
    /// // What another parser made of the request in RFC 6455 section 1.3.
    /// let pairs = [
    ///     ("host", "server.example.com"),
    ///     ("upgrade", "websocket"),
    ///     ("connection", "Upgrade"),
    ///     ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ///     ("sec-websocket-version", "13"),
    /// ];
    /// let pairs = pairs.map(|(name, value)| (name, value.as_bytes()));
    /// let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    /// let fields = Fields::from_pairs(pairs, &mut storage)?;
    /// let head = RequestHead::new("GET", "/chat", 1, fields)?;
    /// let opening = UpgradeRequest::read(head).expect("a handshake");
    /// assert_eq!(opening.head.path(), "/chat");
    /// assert!(opening.accept(None).to_string().contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    /// # Ok::<(), wirebell::HeadError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`HeadError::Malformed`] for a method that is not a token, a target that has none of the
    /// forms of RFC 9112 section 3.2, and a minor version above 1.
    pub fn new(
        method: &'h str,
        target: &'h str,
        minor_version: u8,
        fields: Fields<'h>,
    ) -> Result<Self, HeadError> {
        match is_token(method) && is_target(method, target) && minor_version <= 1 {
            true => Ok(Self {
                method,
                target,
                minor_version,
                fields,
            }),
            false => Err(HeadError::Malformed),
        }
    }

    /// Splits a whole head, as [`HeadReader::find`] found it. `storage` holds the fields.
    ///
    /// # Errors
    ///
    /// [`HeadError::Malformed`], or [`HeadError::TooManyFields`] if the storage is too short.
    pub fn parse(head: &'h [u8], storage: &'h mut [Field<'h>]) -> Result<Self, HeadError> {
        let mut request = httparse::Request::new(storage);
        let status = request.parse(head).map_err(head_error)?;
        if status.is_partial() {
            return Err(HeadError::Malformed);
        }
        let fields = Fields::new(request.headers);
        match (request.method, request.path, request.version) {
            (Some(method), Some(target), Some(minor_version)) => {
                Self::new(method, target, minor_version, fields)
            }
            _ => Err(HeadError::Malformed),
        }
    }

    /// The connection stays open after this request (RFC 9112 section 9.3).
    pub fn keeps_alive(&self) -> bool {
        self.minor_version > 0 && !self.fields.has_token("Connection", "close")
    }

    /// The token of `Authorization: Bearer …`; the scheme in any case (RFC 6750 section 2.1).
    pub fn bearer(&self) -> Option<&'h str> {
        let (scheme, token) = self.fields.get("Authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The path of the target, undecoded: of `/a?b` and of `http://host/a?b` it is `/a`.
    pub fn path(&self) -> &'h str {
        let form = self.origin_form();
        match form.bytes().position(|byte| byte == b'?') {
            Some(0) => "/",
            Some(end) => &form[..end],
            None => form,
        }
    }

    /// What follows the first `?` of the target, undecoded.
    pub fn query(&self) -> Option<&'h str> {
        self.origin_form().split_once('?').map(|(_, query)| query)
    }

    /// The target without scheme and authority (RFC 9112 section 3.2.2).
    fn origin_form(&self) -> &'h str {
        // First, as nearly all begin with it, and a search for a text takes long.
        if self.target.starts_with('/') {
            return self.target;
        }
        let Some((_, rest)) = self.target.split_once("://") else {
            return self.target;
        };
        match rest.find(['/', '?']) {
            Some(at) => &rest[at..],
            None => "/",
        }
    }
}

/// The head of a response, borrowed from the bytes it arrived in.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead<'h> {
    /// The three digits.
    pub status: u16,
    /// 0 or 1: the x of HTTP/1.x.
    pub minor_version: u8,
    /// The header fields in order.
    pub fields: Fields<'h>,
}

impl<'h> ResponseHead<'h> {
    /// Splits a whole head, as [`HeadReader::find`] found it. `storage` holds the fields.
    ///
    /// # Errors
    ///
    /// [`HeadError::Malformed`], or [`HeadError::TooManyFields`] if the storage is too short.
    pub fn parse(head: &'h [u8], storage: &'h mut [Field<'h>]) -> Result<Self, HeadError> {
        let mut response = httparse::Response::new(storage);
        let status = response.parse(head).map_err(head_error)?;
        let fields = Fields::new(response.headers);
        match (response.code, response.version) {
            (Some(status_code), Some(minor_version)) if status.is_complete() => Ok(Self {
                status: status_code,
                minor_version,
                fields,
            }),
            _ => Err(HeadError::Malformed),
        }
    }
}

/// The four forms of RFC 9112 section 3.2, with only the characters that a URI may have. A fragment
/// is never sent.
fn is_target(method: &str, target: &str) -> bool {
    let is_absolute = || match target.split_once("://") {
        Some((scheme, authority)) => is_scheme(scheme) && !authority.is_empty(),
        None => target == "*" && method == "OPTIONS",
    };
    let has_form = target.starts_with('/') || method == "CONNECT" || is_absolute();
    has_form && target.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// RFC 3986 section 3.1.
fn is_scheme(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

fn head_error(error: httparse::Error) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooManyFields,
        _ => HeadError::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fields::EMPTY_FIELD;
    use alloc::format;

    #[test]
    fn a_head_that_is_not_whole_is_not_split() {
        let mut storage = [EMPTY_FIELD; 4];
        for (head, ok) in [
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", true),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", false),
            ("HTTP/1.1 200 OK\r\n", false),
            ("HTTP/1.1 200", false),
        ] {
            let mut storage = storage;
            let parsed = ResponseHead::parse(head.as_bytes(), &mut storage);
            assert_eq!(parsed.is_ok(), ok, "{head:?}");
        }
        let request = RequestHead::parse(b"GET / HTTP/1.1\r\nA: b\r\n", &mut storage);
        assert!(request.is_err());
    }

    #[test]
    fn a_bearer_is_what_follows_the_scheme() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("Bearerabc", None),
        ] {
            let text = format!("GET / HTTP/1.1\r\nAuthorization: {value}\r\n\r\n");
            let mut storage = [EMPTY_FIELD; 4];
            let head = RequestHead::parse(text.as_bytes(), &mut storage).unwrap();
            assert_eq!(head.bearer(), expected, "{value:?}");
        }
    }
}
