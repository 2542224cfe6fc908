//! Bytes of one connection → requests, sequentially: RFC 9112 section 9.3.
//!
//! Input: bytes in pieces. Output: [`Step`]s: a request is whole, its head announces a body, more
//! is needed. Invariant: a head is searched once and split at most three times, and what is kept
//! is bounded by [`HeadLimits`]; bytes after a request are left to the next one.

use crate::error::{HeadError, Refusal};
use crate::http::body::{BodyDecoder, BodyError, Framing};
use crate::http::fields::{EMPTY_FIELD, Field};
use crate::http::head::{HeadReader, MAX_FIELDS, RequestHead};
use crate::http::host::host;
use crate::http::limits::HeadLimits;
use crate::http::request::Request;
use crate::http::response::Response;

/// The outcome of [`HttpReader::feed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All bytes are consumed; more are needed.
    More,
    /// The head is whole and announces a body: look at it with [`HttpReader::head`], then decide
    /// with [`HttpReader::take_body`] or [`HttpReader::pass_over_body`]. `expects` if the client
    /// waits for `100 Continue` (RFC 9110 section 10.1.1).
    Head {
        /// The client waits.
        expects: bool,
    },
    /// The request is whole: get it with [`HttpReader::request`].
    Whole,
}

/// Why a request is answered without calling the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpFault {
    /// The head.
    Head(Refusal),
    /// The body.
    Body(BodyError),
}

impl HttpFault {
    fn of_head(error: HeadError) -> Self {
        Self::Head(error.into())
    }

    /// The answer; the connection ends after it, as the start of the next request is unknown.
    pub fn response(self) -> Response {
        let (status, text) = match self {
            Self::Head(refusal) => (refusal.into(), refusal.text()),
            Self::Body(error) => (error.status(), error.text()),
        };
        Response::text(status, text).closing()
    }
}

/// Reads the requests of one connection.
#[derive(Debug, Default)]
pub struct HttpReader {
    head: Vec<u8>,
    search: HeadReader,
    /// Present once the head is whole.
    framing: Option<Framing>,
    /// Present once it is decided what to do with the body.
    body: Option<BodyDecoder>,
}

impl HttpReader {
    /// Nothing of a request has arrived.
    pub fn is_idle(&self) -> bool {
        self.head.is_empty() && self.framing.is_none()
    }

    /// The head is whole and the body is not.
    pub fn in_body(&self) -> bool {
        self.framing.is_some()
    }

    /// After [`Step::Head`]: the body as it is, if `input`, which follows the head, has all of it.
    /// Then it need not be fed.
    pub fn body_in<'i>(&self, input: &'i [u8]) -> Option<&'i [u8]> {
        match self.framing {
            Some(Framing::Length(length)) => input.get(..usize::try_from(length).ok()?),
            _ => None,
        }
    }

    /// The request has already been answered; [`Step::Whole`] only marks the end of its body.
    pub fn is_answered(&self) -> bool {
        self.body.as_ref().is_some_and(BodyDecoder::discards)
    }

    /// The request is HEAD, as far as it has arrived: no answer to it has content (RFC 9110 section
    /// 9.3.2), not even a refusal.
    pub fn is_head_only(&self) -> bool {
        let mut head = &self.head[..];
        while let [b'\r' | b'\n', rest @ ..] = head {
            head = rest;
        }
        head.starts_with(b"HEAD ")
    }

    /// What has arrived of a head that is not whole; `None` if it is.
    #[cfg(feature = "take-over")]
    pub(crate) fn part(&self) -> Option<&[u8]> {
        self.framing.is_none().then_some(&self.head[..])
    }

    /// Bytes of memory held for the request in progress.
    pub fn held(&self) -> usize {
        self.head.capacity() + self.body.as_ref().map_or(0, BodyDecoder::held)
    }

    /// Consumes bytes from the front of `input`; returns how many, and the outcome.
    ///
    /// # Errors
    ///
    /// A fault that ends the connection: send [`HttpFault::response`] and close.
    pub fn feed(&mut self, input: &[u8], limits: &HeadLimits) -> Result<(usize, Step), HttpFault> {
        if let Some(body) = &mut self.body {
            let taken = body.feed(input).map_err(HttpFault::Body)?;
            let step = if body.is_done() {
                Step::Whole
            } else {
                Step::More
            };
            return Ok((taken, step));
        }
        let had = self.head.len();
        // Everything beyond the limit would only be refused: it is not copied.
        let room = limits.bytes.saturating_add(1).saturating_sub(had);
        let input_in_room = &input[..input.len().min(room)];
        // Nearly always a head arrives at once, with other requests after it: only it is copied.
        let bytes = if had == 0 {
            input_in_room
        } else {
            self.head.extend_from_slice(input_in_room);
            &self.head
        };
        let range = match self.search.find(bytes, limits) {
            Ok(Some(range)) => range,
            unfinished => {
                if had == 0 {
                    self.head.extend_from_slice(input_in_room);
                }
                unfinished.map_err(HttpFault::of_head)?;
                return Ok((input.len(), Step::More));
            }
        };
        let at = range.end - had;
        if had == 0 {
            self.head.extend_from_slice(&input[range]);
        } else {
            self.head.truncate(range.end);
            self.head.drain(..range.start);
        }
        let (framing, expects) = self.look_for_body(limits)?;
        self.framing = Some(framing);
        match framing {
            Framing::None => {
                self.take_body(0)?;
                Ok((at, Step::Whole))
            }
            _ => Ok((at, Step::Head { expects })),
        }
    }

    /// Splits the head for the first time, to find the body.
    fn look_for_body(&self, limits: &HeadLimits) -> Result<(Framing, bool), HttpFault> {
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let storage = &mut storage[..limits.fields.min(MAX_FIELDS)];
        let head = RequestHead::parse(&self.head, storage).map_err(HttpFault::of_head)?;
        if head.target.len() > limits.target_bytes {
            return Err(HttpFault::Head(Refusal::TargetTooLong));
        }
        // RFC 9112 section 3.2 requires it in every request, not only in a handshake; in HTTP/1.0
        // it may be missing, but not invalid.
        if head.minor_version > 0 || head.fields.get("Host").is_some() {
            host(&head.fields).map_err(HttpFault::Head)?;
        }
        let framing = Framing::of(&head).map_err(HttpFault::Body)?;
        let expects = head.fields.has_token("Expect", "100-continue") && head.minor_version > 0;
        Ok((framing, expects))
    }

    /// After [`Step::Head`]: the head that announces the body.
    ///
    /// # Errors
    ///
    /// None that [`HttpReader::feed`] has not returned before.
    pub fn head<'r>(
        &'r self,
        storage: &'r mut [Field<'r>; MAX_FIELDS],
    ) -> Result<RequestHead<'r>, HttpFault> {
        RequestHead::parse(&self.head, storage).map_err(HttpFault::of_head)
    }

    /// Reads the body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLong`] if the head announces more.
    pub fn take_body(&mut self, limit: usize) -> Result<(), HttpFault> {
        let framing = self.framing.unwrap_or(Framing::None);
        self.body = Some(BodyDecoder::new(framing, limit).map_err(HttpFault::Body)?);
        Ok(())
    }

    /// The request has been answered: its body, of at most `limit` bytes, is discarded.
    ///
    /// # Errors
    ///
    /// [`BodyError::TooLong`] if the head announces more.
    pub fn pass_over_body(&mut self, limit: usize) -> Result<(), HttpFault> {
        let framing = self.framing.unwrap_or(Framing::None);
        self.body = Some(BodyDecoder::discarding(framing, limit).map_err(HttpFault::Body)?);
        Ok(())
    }

    /// The request, once [`Step::Whole`] was returned; `storage` holds its fields.
    pub fn request<'r>(
        &'r self,
        storage: &'r mut [Field<'r>; MAX_FIELDS],
    ) -> Result<Request<'r>, HttpFault> {
        let body = self.body.as_ref().map_or(&b""[..], BodyDecoder::body);
        Ok(Request::new(self.head(storage)?, body))
    }

    /// Frees memory over `keep` bytes.
    pub fn shrink_to(&mut self, keep: usize) {
        self.head.shrink_to(keep);
    }

    /// Ready for the next request.
    pub fn reset(&mut self) {
        self.head.clear();
        self.search = HeadReader::new();
        self.framing = None;
        self.body = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_holds_what_has_arrived_of_a_request() {
        let mut reader = HttpReader::default();
        assert_eq!(reader.held(), 0);
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(5_000));
        let limits = HeadLimits::DEFAULT;
        reader.feed(head.as_bytes(), &limits).unwrap();
        #[cfg(feature = "take-over")]
        assert_eq!(reader.part(), Some(head.as_bytes()));
        let of_head = reader.held();
        assert!(of_head >= head.len(), "{of_head} bytes");
        let rest = b"\r\nContent-Length: 3000\r\n\r\n";
        let (_, step) = reader.feed(rest, &limits).unwrap();
        assert_eq!(step, Step::Head { expects: false });
        #[cfg(feature = "take-over")]
        assert_eq!(reader.part(), None);
        reader.take_body(3_000).unwrap();
        let of_head = reader.held();
        reader.feed(&[b'b'; 3_000], &limits).unwrap();
        assert!((of_head + 3_000..of_head + 10_000).contains(&reader.held()));
        reader.reset();
        reader.shrink_to(100);
        assert!(reader.held() <= 100, "{} bytes", reader.held());
    }
}
