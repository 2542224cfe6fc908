//! From a TCP connection to an open WebSocket, without I/O: RFC 6455 section 4.1.
//!
//! Comes in: what the other end sent. Goes out: what to send, and at last the agreed terms or the
//! [`Error`]. Invariant: nothing is sent before the answer to what was sent last (section 4.1,
//! behind item 12), and nothing grows beyond the head's limit, [`MAX_ANSWER_BODY`], and one read.
//!
//! ```text
//!   Proxy ──2xx──▶ Response ──101, checked──▶ Opened
//!     │               │
//!     └──other──▶ Body ◀──other──┘  ──whole, end of stream, or too long──▶ Error
//! ```

use crate::client::endpoint::Endpoint;
use crate::client::entropy::Drawn;
use crate::client::error::{Answer, Error, MAX_ANSWER_BODY, Wait};
use crate::error::Refusal;
use crate::handshake::{DeflateTerms, Field, HeadReader, MAX_FIELDS, ResponseHead};
use std::mem;

/// One attempt to open a connection.
#[derive(Debug)]
pub(crate) struct Opening {
    stage: Stage,
    drawn: [u8; 16],
    reader: HeadReader,
    /// What has come and is not done with.
    input: Vec<u8>,
    /// Answers with a status of 1xx that preceded the real one.
    interim: u8,
}

#[derive(Debug)]
enum Stage {
    Proxy,
    Response,
    Body {
        answer: Box<Answer>,
        length: Length,
        of_proxy: bool,
    },
}

/// What a server agreed to, and what it has sent since.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) subprotocol: Option<String>,
    pub(crate) deflate: Option<DeflateTerms>,
    pub(crate) rest: Vec<u8>,
}

/// How the end of a body is found: RFC 9112 section 6.3.
#[derive(Clone, Copy, Debug)]
enum Length {
    /// So many bytes are missing.
    Known(usize),
    /// Likewise of the current chunk.
    Chunked(usize),
    ToTheEnd,
}

/// More interim answers than anybody sends.
const MAX_INTERIM: u8 = 16;

impl Opening {
    /// Begins; what is to be sent first is put into `out`.
    // req: 6455-4.1-02 6455-4.1-18
    pub(crate) fn new(endpoint: &Endpoint, out: &mut Vec<u8>) -> Result<Self, Error> {
        let drawn = Drawn::new();
        let mut opening = Self {
            stage: Stage::Proxy,
            drawn: drawn.0,
            reader: HeadReader::new(),
            input: Vec::new(),
            interim: 0,
        };
        match &endpoint.proxy {
            Some(proxy) => out.extend_from_slice(proxy.request(endpoint.uri()).as_bytes()),
            None => opening.request(endpoint, out)?,
        }
        Ok(opening)
    }

    fn request(&mut self, endpoint: &Endpoint, out: &mut Vec<u8>) -> Result<(), Error> {
        let text = endpoint.with_request(Drawn(self.drawn), |request| request.to_string())?;
        out.extend_from_slice(text.as_bytes());
        self.stage = Stage::Response;
        Ok(())
    }

    /// Takes what has come. `Some` ends it well, an error ends it badly, `None` waits for more,
    /// once `out` is sent.
    // req: 6455-4.1-40 6455-4.1-13
    pub(crate) fn receive(
        &mut self,
        endpoint: &Endpoint,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Opened>, Error> {
        self.input.extend_from_slice(bytes);
        loop {
            if matches!(self.stage, Stage::Body { .. }) {
                return match self.body_is_whole() {
                    true => Err(self.receive_eof()),
                    false => Ok(None),
                };
            }
            let found = self.reader.find(&self.input, &endpoint.options.limits);
            let Some(range) = found.map_err(Error::Refusal)? else {
                return Ok(None);
            };
            let input = mem::take(&mut self.input);
            self.input = input[range.end..].to_vec();
            self.reader = HeadReader::new();
            if let Some(opened) = self.head(endpoint, &input[range], out)? {
                return Ok(Some(opened));
            }
        }
    }

    /// The other end sends no more, or nothing more is waited for.
    pub(crate) fn receive_eof(&mut self) -> Error {
        match mem::replace(&mut self.stage, Stage::Response) {
            Stage::Proxy | Stage::Response => Error::Lost(None),
            Stage::Body {
                answer, of_proxy, ..
            } => match of_proxy {
                true => Error::Proxy(answer),
                false => Error::Answer(answer),
            },
        }
    }

    /// Time is up. An answer whose body has not come whole is an answer.
    pub(crate) fn timed_out(&mut self) -> Error {
        match self.stage {
            Stage::Body { .. } => self.receive_eof(),
            _ => Error::TimedOut(Wait::Open),
        }
    }

    fn head(
        &mut self,
        endpoint: &Endpoint,
        head: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Opened>, Error> {
        const NO_FIELD: Field<'_> = Field {
            name: "",
            value: b"",
        };
        let mut storage = [NO_FIELD; MAX_FIELDS];
        let response = ResponseHead::parse(head, &mut storage).map_err(Error::Refusal)?;
        match (&self.stage, response.status) {
            (Stage::Response, 101) => {
                let verified = endpoint.with_request(Drawn(self.drawn), |request| {
                    let agreed = request.verify(&response)?;
                    Ok((agreed.subprotocol.map(str::to_owned), agreed.deflate))
                })?;
                let (subprotocol, deflate) = verified.map_err(Error::Refusal)?;
                let rest = mem::take(&mut self.input);
                Ok(Some(Opened {
                    subprotocol,
                    deflate,
                    rest,
                }))
            }
            (_, 100..=199) if self.interim < MAX_INTERIM => {
                self.interim += 1;
                Ok(None)
            }
            (_, 100..=199) => Err(Error::Refusal(Refusal::MalformedHead)),
            (Stage::Proxy, 200..=299) => self.request(endpoint, out).map(|()| None),
            (stage, _) => {
                self.stage = Stage::Body {
                    of_proxy: matches!(stage, Stage::Proxy),
                    length: length(&response),
                    answer: Box::new(answer(&response)),
                };
                Ok(None)
            }
        }
    }

    /// Moves what has come of the body into the answer.
    fn body_is_whole(&mut self) -> bool {
        let Stage::Body { answer, length, .. } = &mut self.stage else {
            return false;
        };
        let whole = match length {
            Length::ToTheEnd => {
                answer.body.append(&mut self.input);
                false
            }
            Length::Known(left) => {
                let take = self.input.len().min(*left);
                answer.body.extend(self.input.drain(..take));
                *left -= take;
                *left == 0
            }
            Length::Chunked(left) => unchunk(&mut self.input, left, &mut answer.body),
        };
        let full = answer.body.len().max(self.input.len()) >= MAX_ANSWER_BODY;
        answer.body.truncate(MAX_ANSWER_BODY);
        whole || full
    }
}

fn answer(response: &ResponseHead<'_>) -> Answer {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields = response.fields.iter();
    Answer {
        status: response.status,
        fields: fields
            .map(|field| (field.name.to_owned(), text(field.value)))
            .collect(),
        body: Vec::new(),
    }
}

fn length(response: &ResponseHead<'_>) -> Length {
    let fields = response.fields;
    if matches!(response.status, 204 | 304) {
        return Length::Known(0);
    }
    if fields.has_token("Transfer-Encoding", "chunked") {
        return Length::Chunked(0);
    }
    match fields.get("Content-Length").map(str::parse) {
        Some(Ok(length)) => Length::Known(length),
        _ => Length::ToTheEnd,
    }
}

/// Takes chunks out of `input`; `left` counts what is missing of the current one, its line end
/// included. True behind the last one, or behind what is none.
fn unchunk(input: &mut Vec<u8>, left: &mut usize, body: &mut Vec<u8>) -> bool {
    loop {
        let take = input.len().min(*left);
        let data = take.min(left.saturating_sub(LINE_END));
        body.extend_from_slice(&input[..data]);
        input.drain(..take);
        *left -= take;
        if *left > 0 || body.len() >= MAX_ANSWER_BODY {
            return false;
        }
        match httparse::parse_chunk_size(input) {
            Ok(httparse::Status::Partial) => return false,
            Ok(httparse::Status::Complete((_, 0))) | Err(_) => return true,
            Ok(httparse::Status::Complete((head, size))) => {
                input.drain(..head);
                *left = usize::try_from(size).map_or(usize::MAX, |n| n.saturating_add(LINE_END));
            }
        }
    }
}

/// CR and LF behind a chunk.
const LINE_END: usize = 2;
