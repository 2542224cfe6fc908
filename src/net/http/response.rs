//! A response, and how it is written: RFC 9112 section 4.

use std::borrow::Cow;
use std::io::Write as _;
use std::time::SystemTime;

/// An HTTP response with a body whose length is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields apart from Content-Length, Connection and Date, which the loop writes.
    pub fields: Vec<(&'static str, Cow<'static, str>)>,
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

    /// Adds a header field.
    ///
    /// # Panics
    ///
    /// If `value` has a control character: a response must not be split by what a service copies
    /// into a field.
    pub fn field(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        let value = value.into();
        assert!(
            !value.contains(|c: char| c.is_ascii_control()),
            "control character in {name}"
        );
        self.fields.push((name, value));
        self
    }

    /// Ends the connection behind this response.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Appends the response to `out`; the body is left out for `head_only`.
    pub fn write(&self, out: &mut Vec<u8>, head_only: bool) {
        let mut write = |text: std::fmt::Arguments<'_>| {
            out.write_fmt(text).expect("a vector takes everything");
        };
        write(format_args!(
            "HTTP/1.1 {} {}\r\n",
            self.status,
            reason(self.status)
        ));
        write(format_args!(
            "Date: {}\r\n",
            httpdate::fmt_http_date(SystemTime::now())
        ));
        for (name, value) in &self.fields {
            write(format_args!("{name}: {value}\r\n"));
        }
        let upgrades = self.fields.iter().any(|(name, _)| *name == "Upgrade");
        match (upgrades, self.close) {
            // RFC 9110 section 7.8: Upgrade is named in Connection.
            (true, true) => write(format_args!("Connection: upgrade, close\r\n")),
            (true, false) => write(format_args!("Connection: upgrade\r\n")),
            (false, true) => write(format_args!("Connection: close\r\n")),
            (false, false) => {}
        }
        write(format_args!("Content-Length: {}\r\n\r\n", self.body.len()));
        if !head_only {
            out.extend_from_slice(&self.body);
        }
    }
}

/// The reason phrase of a status (RFC 9110 section 15).
pub const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Unknown",
    }
}
