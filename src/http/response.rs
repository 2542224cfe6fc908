//! A response, and how it is written: RFC 9112 section 4.
//!
//! Input: a final status, fields, a body. Output: bytes. Invariant: the head has exactly the
//! intended lines, and one length: what cannot be sent is refused when it is set ([`InvalidField`],
//! [`Status`]), so writing cannot fail.

use crate::http::date;
use crate::http::lines::{FieldLine, InvalidField, TEXT_PLAIN, check_value};
use crate::http::status::Status;
use std::borrow::Cow;
use std::io::Write as _;

/// An HTTP response with a body whose length is known.
///
/// ```
/// use wirebell::http::{FieldLine, InvalidField, Response, Status, field};
///
/// fn moved(place: String) -> Result<Response, InvalidField> {
///     let response = Response::text(Status::FOUND, "It has moved.");
///     Ok(response
///         .field(field!("Cache-Control", "no-store"))
///         .field(FieldLine::new("Location", place)?))
/// }
///
/// assert!(moved("/elsewhere".into()).is_ok());
/// assert_eq!(moved("/\r\nSet-Cookie: a=b".into()), Err(InvalidField::Value));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: Status,
    fields: Vec<FieldLine>,
    media_type: Option<MediaType>,
    /// The body; for a HEAD request only its length is sent.
    pub body: Cow<'static, [u8]>,
    /// End the connection after this response.
    pub close: bool,
}

/// The value of Content-Type (RFC 9110 section 8.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(Cow<'static, str>);

impl MediaType {
    /// Plain text in UTF-8.
    pub const TEXT: Self = Self(Cow::Borrowed(TEXT_PLAIN));
    /// An HTML page in UTF-8.
    pub const HTML: Self = Self(Cow::Borrowed("text/html; charset=utf-8"));
    /// JSON, which is always UTF-8 (RFC 8259 section 8.1).
    pub const JSON: Self = Self(Cow::Borrowed("application/json"));
    /// One JSON value a line.
    pub const NDJSON: Self = Self(Cow::Borrowed("application/x-ndjson"));

    /// Any other.
    ///
    /// # Errors
    ///
    /// [`InvalidField::Value`] for a value that cannot appear in a header field.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Result<Self, InvalidField> {
        let name = name.into();
        check_value(&name)?;
        Ok(Self(name))
    }
}

impl Response {
    /// Without fields or body.
    pub fn new(status: Status) -> Self {
        Self {
            status,
            fields: Vec::new(),
            media_type: None,
            body: Cow::Borrowed(b""),
            close: false,
        }
    }

    /// Plain text as it is, without a newline at its end.
    pub fn text(status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        match text.into() {
            Cow::Borrowed(text) => Self::content(status, MediaType::TEXT, text.as_bytes()),
            Cow::Owned(text) => Self::content(status, MediaType::TEXT, text.into_bytes()),
        }
    }

    /// A body of any type.
    pub fn content(
        status: Status,
        media_type: MediaType,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        Self {
            media_type: Some(media_type),
            body: body.into(),
            ..Self::new(status)
        }
    }

    /// Replaces the body; status and fields stay.
    pub fn with_content(
        mut self,
        media_type: MediaType,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        self.media_type = Some(media_type);
        self.body = body.into();
        self
    }

    /// Adds a header field: [`field!`](crate::http::field) for constants, [`FieldLine::new`] for
    /// values that are known only at run time. If there is an Upgrade field, Connection names it
    /// (RFC 9110 section 7.8).
    pub fn field(mut self, line: impl Into<FieldLine>) -> Self {
        self.fields.push(line.into());
        self
    }

    /// The header fields in order, without those that the response writer adds itself.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|line| (line.name, &*line.value))
    }

    /// Ends the connection after this response.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Appends the response to `out`, with the current Date; `head_only` leaves the body out.
    pub fn write(&self, out: &mut Vec<u8>, head_only: bool) {
        let content = self.sent_body();
        let length = match self.status.code() {
            204 | 304 => Length::None,
            _ => Length::Bytes(content.len()),
        };
        self.write_head(out, length);
        if !head_only {
            out.extend_from_slice(content);
        }
    }

    /// Appends the head of a response whose body follows in parts: `chunked`, or up to the end of
    /// the connection.
    pub fn write_head_of_stream(&self, out: &mut Vec<u8>, chunked: bool) {
        let length = match chunked {
            true => Length::Chunked,
            false => Length::None,
        };
        self.write_head(out, length);
    }

    /// These have no content; 205 says so by its length, and 204 must not have one (RFC 9110
    /// sections 8.6 and 15.3.6).
    fn sent_body(&self) -> &[u8] {
        match self.status.code() {
            204 | 205 | 304 => b"",
            _ => &self.body,
        }
    }

    fn write_head(&self, out: &mut Vec<u8>, length: Length) {
        write!(out, "HTTP/1.1 {}\r\n", self.status).expect("a vector takes everything");
        // Without `write!`, which takes longer than all the rest.
        let mut line = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                out.extend_from_slice(part);
            }
        };
        if let Some(date) = date::now() {
            line("Date", &date);
        }
        if let Some(MediaType(media_type)) = &self.media_type {
            line("Content-Type", media_type.as_bytes());
        }
        for FieldLine { name, value } in &self.fields {
            line(name, value.as_bytes());
        }
        let upgrade = |(name, _): (&str, _)| name.eq_ignore_ascii_case("Upgrade");
        match (self.fields().any(upgrade), self.close) {
            (true, true) => line("Connection", b"upgrade, close"),
            (true, false) => line("Connection", b"upgrade"),
            (false, true) => line("Connection", b"close"),
            (false, false) => {}
        }
        match length {
            Length::None => {}
            Length::Bytes(bytes) => line("Content-Length", bytes.to_string().as_bytes()),
            Length::Chunked => line("Transfer-Encoding", b"chunked"),
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// How a head states the length of the body.
#[derive(Clone, Copy)]
enum Length {
    None,
    Bytes(usize),
    Chunked,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::field;

    fn written(response: &Response, head_only: bool) -> Vec<String> {
        let mut bytes = Vec::new();
        response.write(&mut bytes, head_only);
        let text = String::from_utf8(bytes).unwrap();
        let lines = text
            .split("\r\n")
            .filter(|line| !line.starts_with("Date: "));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_response_has_the_lines_that_were_meant() {
        let location = FieldLine::new("Location", "/é".to_owned()).unwrap();
        let response = Response::text(Status::FOUND, "hi")
            .field(field!("Allow", "GET"))
            .field(location)
            .closing();
        let head = [
            "HTTP/1.1 302 Found",
            "Content-Type: text/plain; charset=utf-8",
            "Allow: GET",
            "Location: /é",
            "Connection: close",
            "Content-Length: 2",
            "",
        ];
        assert_eq!(written(&response, false), [&head[..], &["hi"]].concat());
        assert_eq!(written(&response, true), [&head[..], &[""]].concat());
        let fields: Vec<_> = response.fields().collect();
        assert_eq!(fields, [("Allow", "GET"), ("Location", "/é")]);
    }

    #[test]
    fn the_head_of_a_stream_states_no_length() {
        let response = Response::text(Status::OK, "hi").field(field!("Allow", "GET"));
        for (chunked, last) in [(true, "Transfer-Encoding: chunked"), (false, "Allow: GET")] {
            let mut bytes = Vec::new();
            response.write_head_of_stream(&mut bytes, chunked);
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
            assert!(text.ends_with(&format!("\r\n{last}\r\n\r\n")), "{text}");
            assert!(!text.contains("Content-Length"), "{text}");
        }
    }

    #[test]
    fn an_upgrade_is_named_in_connection() {
        let response = Response::new(Status::UPGRADE_REQUIRED).field(field!("upgrade", "h2c"));
        assert!(written(&response, false).contains(&"Connection: upgrade".into()));
        let response = response.closing();
        assert!(written(&response, false).contains(&"Connection: upgrade, close".into()));
    }

    #[test]
    fn a_media_type_stays_in_its_line() {
        for bad in ["text/html\r\nA: b", "text/html\n", " text/html"] {
            assert_eq!(MediaType::new(bad), Err(InvalidField::Value), "{bad:?}");
        }
        let page = Response::content(Status::OK, MediaType::HTML, &b"<p>"[..]);
        let lines = written(&page, false);
        let types = lines.iter().filter(|line| line.starts_with("Content-Type"));
        assert_eq!(
            types.collect::<Vec<_>>(),
            ["Content-Type: text/html; charset=utf-8"]
        );
    }

    #[test]
    fn bodies_are_left_out_where_there_is_none() {
        let mut response = Response::text(Status::NO_CONTENT, "gone");
        assert!(!written(&response, false).concat().contains("gone"));
        response.status = Status::NOT_MODIFIED;
        let lines = written(&response, false).concat();
        assert!(!lines.contains("Content-Length"), "{lines}");
        response.status = Status::RESET_CONTENT;
        let lines = written(&response, false).concat();
        assert!(lines.ends_with("Content-Length: 0"), "{lines}");
    }
}
