//! A response, and how it is written: RFC 9112 section 4.
//!
//! Invariant: whatever a service puts into it, the head has the lines that were meant and no
//! others, and one length: a value cannot split it, and the fields of the loop cannot stand twice.

use crate::http::fields::is_token;
use std::borrow::Cow;
use std::io::Write as _;
use std::time::SystemTime;

/// An HTTP response with a body whose length is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    fields: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; for a HEAD request only its length is sent.
    pub body: Cow<'static, [u8]>,
    /// End the connection behind this response.
    pub close: bool,
}

impl Response {
    /// Without fields and body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            body: Cow::Borrowed(b""),
            close: false,
        }
    }

    /// Plain text as it is, without a newline at its end.
    pub fn text(status: u16, text: impl Into<Cow<'static, str>>) -> Self {
        let body = match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        };
        let mut response = Self::new(status).field("Content-Type", "text/plain; charset=utf-8");
        response.body = body;
        response
    }

    /// Adds a header field. Control characters in `value` become spaces, so that what a service
    /// copies into a field cannot split the response. A second Content-Type takes the place of the
    /// first. Content-Length, Transfer-Encoding and Date are the loop's, and so is Connection:
    /// these, and names that are no tokens (RFC 9110 section 5.1), are left out; `Connection:
    /// close` is [`Response::closing`].
    pub fn field(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        let mut value = value.into();
        if value.contains(is_control) {
            value = Cow::Owned(value.replace(is_control, " "));
        }
        if is("Connection") {
            let mut options = value.split(',');
            self.close |= options.any(|option| option.trim().eq_ignore_ascii_case("close"));
        }
        let left_out = OF_THE_LOOP.iter().any(|other| is(other)) || !is_token(name);
        if is("Content-Type") {
            self.fields.retain(|(other, _)| !is(other));
        }
        if !left_out {
            self.fields.push((name, value));
        }
        self
    }

    /// The header fields in their order, apart from those that the loop writes.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(name, value)| (*name, &**value))
    }

    /// The status as it is sent: what is no final status (RFC 9110 section 15) is an error of
    /// the service.
    fn final_status(&self) -> u16 {
        match self.status {
            status @ 200..=599 => status,
            _ => 500,
        }
    }

    /// Ends the connection behind this response.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Appends the response to `out`; the body is left out for `head_only`.
    pub fn write(&self, out: &mut Vec<u8>, head_only: bool) {
        let content = self.content();
        let length = match self.final_status() {
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
    fn content(&self) -> &[u8] {
        match self.final_status() {
            204 | 205 | 304 => b"",
            _ => &self.body,
        }
    }

    fn write_head(&self, out: &mut Vec<u8>, length: Length) {
        let mut write = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a vector takes everything");
        };
        let status = self.final_status();
        write(format_args!("HTTP/1.1 {status} {}\r\n", reason(status)));
        write(format_args!(
            "Date: {}\r\n",
            httpdate::fmt_http_date(SystemTime::now())
        ));
        for (name, value) in &self.fields {
            write(format_args!("{name}: {value}\r\n"));
        }
        let upgrade = |(name, _): &(&str, _)| name.eq_ignore_ascii_case("Upgrade");
        let upgrades = self.fields.iter().any(upgrade);
        match (upgrades, self.close) {
            // RFC 9110 section 7.8: Upgrade is named in Connection.
            (true, true) => write(format_args!("Connection: upgrade, close\r\n")),
            (true, false) => write(format_args!("Connection: upgrade\r\n")),
            (false, true) => write(format_args!("Connection: close\r\n")),
            (false, false) => {}
        }
        match length {
            Length::None => {}
            Length::Bytes(bytes) => write(format_args!("Content-Length: {bytes}\r\n")),
            Length::Chunked => write(format_args!("Transfer-Encoding: chunked\r\n")),
        }
        write(format_args!("\r\n"));
    }
}

/// How a head tells the length of the body.
#[derive(Clone, Copy)]
enum Length {
    None,
    Bytes(usize),
    Chunked,
}

/// Fields that the loop writes.
const OF_THE_LOOP: [&str; 4] = ["Connection", "Content-Length", "Date", "Transfer-Encoding"];

fn is_control(c: char) -> bool {
    c.is_control()
}

/// The reason phrase of a status (RFC 9110 section 15, and RFCs 6585 and 7725).
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_value_cannot_split_a_response() {
        let response = Response::text(200, "hi")
            .field("Location", "/a\r\nSet-Cookie: x\r\n\r\n<b>\0\u{85}é")
            .field("X Y", "no name")
            .field("", "none");
        let expected = [
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain; charset=utf-8",
            "Location: /a  Set-Cookie: x    <b>  é",
            "Content-Length: 2",
            "",
            "hi",
        ];
        assert_eq!(written(&response, false), expected);
    }

    #[test]
    fn fields_that_stand_once_stand_once() {
        let response = Response::text(200, "hi")
            .field("content-type", "text/html")
            .field("Content-Length", "99")
            .field("transfer-encoding", "chunked")
            .field("Date", "never")
            .field("Connection", "keep-alive, Close");
        let expected = [
            "HTTP/1.1 200 OK",
            "content-type: text/html",
            "Connection: close",
            "Content-Length: 2",
            "",
            "",
        ];
        assert_eq!(written(&response, true), expected);
        assert!(response.close);
    }

    #[test]
    fn bodies_are_left_out_where_there_is_none() {
        let mut response = Response::text(204, "gone");
        assert!(!written(&response, false).concat().contains("gone"));
        response.status = 304;
        assert!(
            !written(&response, false)
                .concat()
                .contains("Content-Length")
        );
        response.status = 205;
        assert!(
            written(&response, false)
                .concat()
                .ends_with("Content-Length: 0")
        );
        for status in [0, 101, 199, 600, 20_000] {
            response.status = status;
            assert_eq!(
                written(&response, false)[0],
                "HTTP/1.1 500 Internal Server Error"
            );
        }
    }
}
