//! A whole request, as a service sees it.
//!
//! Input: a head and a decoded body, both borrowed. Output: their parts by name. Reading them is
//! left to `reader`.

use crate::http::fields::Fields;
use crate::http::head::RequestHead;

/// An HTTP request with its body, borrowed from the connection's buffers.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    head: RequestHead<'r>,
    body: &'r [u8],
}

impl<'r> Request<'r> {
    /// Combines a head and its decoded body.
    pub fn new(head: RequestHead<'r>, body: &'r [u8]) -> Self {
        Self { head, body }
    }

    /// The method, such as `GET`.
    pub fn method(&self) -> &'r str {
        self.head.method
    }

    /// The path, undecoded.
    pub fn path(&self) -> &'r str {
        self.head.path()
    }

    /// What follows the `?` of the target, undecoded.
    pub fn query(&self) -> Option<&'r str> {
        self.head.query()
    }

    /// The whole head.
    pub fn head(&self) -> RequestHead<'r> {
        self.head
    }

    /// The header fields.
    pub fn fields(&self) -> Fields<'r> {
        self.head.fields
    }

    /// The decoded body.
    pub fn body(&self) -> &'r [u8] {
        self.body
    }

    /// The connection stays open after this request (RFC 9112 section 9.3).
    pub fn keeps_alive(&self) -> bool {
        self.head.keeps_alive()
    }

    /// The request states the length of its body (RFC 9110 section 15.5.12 lets a server insist).
    pub fn has_length(&self) -> bool {
        let fields = self.head.fields;
        fields.get("Content-Length").is_some() || fields.get("Transfer-Encoding").is_some()
    }

    /// The token of `Authorization: Bearer …`; the scheme in any case (RFC 6750 section 2.1).
    pub fn bearer(&self) -> Option<&'r str> {
        self.head.bearer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fields::EMPTY_FIELD;

    #[test]
    fn a_request_is_asked_for_what_its_head_says() {
        for (fields, has_length, bearer) in [
            ("", false, None),
            ("Content-Length: 0\r\n", true, None),
            ("Transfer-Encoding: chunked\r\n", true, None),
            ("Authorization: Bearer abc\r\n", false, Some("abc")),
        ] {
            let text = format!("GET / HTTP/1.1\r\n{fields}\r\n");
            let mut storage = [EMPTY_FIELD; 4];
            let head = RequestHead::parse(text.as_bytes(), &mut storage).unwrap();
            let request = Request::new(head, b"");
            assert_eq!(request.has_length(), has_length, "{fields:?}");
            assert_eq!(request.bearer(), bearer, "{fields:?}");
        }
    }
}
