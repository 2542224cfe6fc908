//! From a TCP connection to an open WebSocket, without I/O: RFC 6455 section 4.1.
//!
//! Input: what the other end sent. Output: what to send, and in the end the negotiated terms or the
//! [`Error`]. Invariant: nothing is sent before the answer to what was sent last (section 4.1,
//! after item 12), and nothing grows beyond the head's limit, [`MAX_ANSWER_BODY`], and one read.
//!
//! ```text
//!   Proxy ──2xx──▶ Response ──101, checked──▶ Opened
//!     │               │
//!     └──other──▶ Body ◀──other──┘  ──whole, end of stream, or too long──▶ Error
//! ```

use crate::client::open::endpoint::Endpoint;
use crate::client::open::entropy::Drawn;
use crate::client::open::error::{Answer, Error, MAX_ANSWER_BODY, Wait};
use crate::error::BadResponse;
use crate::handshake::DeflateTerms;
use crate::http::{BodyDecoder, Field, Framing, HeadReader, MAX_FIELDS, ResponseHead};
use std::mem;

/// One attempt to open a connection.
#[derive(Debug)]
pub(crate) struct Opening {
    stage: Stage,
    drawn: [u8; 16],
    reader: HeadReader,
    /// What has arrived and was not consumed.
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
        body: BodyDecoder,
        of_proxy: bool,
    },
}

/// What has become of an attempt.
#[derive(Debug)]
pub(crate) enum Progress {
    /// More has to come, after what there is to send was sent.
    More,
    /// The tunnel leads to the server: from here on everything is encrypted, beginning with what
    /// there is to send.
    Secure,
    Opened(Opened),
}

/// What a server agreed to, and what it sent after that.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) subprotocol: Option<String>,
    pub(crate) deflate: Option<DeflateTerms>,
    pub(crate) rest: Vec<u8>,
}

/// Milliseconds for the rest of an answer that opens nothing. It gives a reason at best, and a
/// server that sends no length may keep the connection open forever.
pub(crate) const BODY_GRACE_MS: u64 = 1000;

/// Bytes by which a peer that speaks another protocol is recognised.
const GREETING: usize = 8;

/// More interim answers than any server sends.
const MAX_INTERIM: u8 = 16;

impl Opening {
    /// Begins; puts what is to be sent first into `out`.
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

    /// Nothing is sent unencrypted: TLS comes first, as there is no proxy in between.
    pub(crate) fn is_secure_at_once(endpoint: &Endpoint) -> bool {
        endpoint.is_secure() && endpoint.proxy.is_none()
    }

    /// Consumes what has arrived; an error is failure.
    // req: 6455-4.1-40 6455-4.1-13
    pub(crate) fn receive(
        &mut self,
        endpoint: &Endpoint,
        bytes: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Progress, Error> {
        self.input.extend_from_slice(bytes);
        loop {
            if matches!(self.stage, Stage::Body { .. }) {
                return match self.body_is_whole() {
                    true => Err(self.receive_eof()),
                    false => Ok(Progress::More),
                };
            }
            if let Some(peer) = stranger(&self.input, false) {
                return Err(Error::NotHttp(peer));
            }
            if !begins_http(&self.input) {
                return Ok(Progress::More); // It speaks another protocol; its next bytes show which.
            }
            let found = self.reader.find(&self.input, &endpoint.options.limits.head);
            let Some(range) = found.map_err(|error| Error::BadResponse(error.into()))? else {
                return Ok(Progress::More);
            };
            let input = mem::take(&mut self.input);
            self.input = input[range.end..].to_vec();
            self.reader = HeadReader::new();
            match self.head(endpoint, &input[range], out)? {
                Progress::More => {}
                progress => return Ok(progress),
            }
        }
    }

    /// What has arrived opens nothing, whatever follows: only a body is missing, or the bytes by
    /// which another protocol is recognised.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_answer() || !begins_http(&self.input)
    }

    fn has_answer(&self) -> bool {
        matches!(self.stage, Stage::Body { .. })
    }

    /// The other end sends no more, or nothing more is waited for.
    pub(crate) fn receive_eof(&mut self) -> Error {
        if !self.has_answer()
            && let Some(peer) = stranger(&self.input, true)
        {
            return Error::NotHttp(peer);
        }
        match mem::replace(&mut self.stage, Stage::Response) {
            Stage::Proxy | Stage::Response => Error::Lost(None),
            Stage::Body {
                mut answer,
                body,
                of_proxy,
            } => {
                answer.body = body.body().to_vec();
                match of_proxy {
                    true => Error::Proxy(answer),
                    false => Error::Answer(answer),
                }
            }
        }
    }

    /// Time is up. An answer whose body is not whole still counts as an answer.
    pub(crate) fn timed_out(&mut self) -> Error {
        match self.stage {
            Stage::Body { .. } => self.receive_eof(),
            _ => match stranger(&self.input, true) {
                Some(peer) => Error::NotHttp(peer),
                None => Error::TimedOut(Wait::Open),
            },
        }
    }

    fn head(
        &mut self,
        endpoint: &Endpoint,
        head: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Progress, Error> {
        const NO_FIELD: Field<'_> = Field {
            name: "",
            value: b"",
        };
        let mut storage = [NO_FIELD; MAX_FIELDS];
        let storage = &mut storage[..endpoint.options.limits.head.fields.min(MAX_FIELDS)];
        let response = ResponseHead::parse(head, storage);
        let response = response.map_err(|error| Error::BadResponse(error.into()))?;
        match (&self.stage, response.status) {
            (Stage::Response, 101) => {
                let verified = endpoint.with_request(Drawn(self.drawn), |request| {
                    let agreed = request.verify(&response)?;
                    Ok((agreed.subprotocol.map(str::to_owned), agreed.deflate))
                })?;
                let (subprotocol, deflate) = verified.map_err(Error::BadResponse)?;
                let rest = mem::take(&mut self.input);
                Ok(Progress::Opened(Opened {
                    subprotocol,
                    deflate,
                    rest,
                }))
            }
            (_, 100..=199) if self.interim < MAX_INTERIM => {
                self.interim += 1;
                Ok(Progress::More)
            }
            (_, 100..=199) => Err(Error::BadResponse(BadResponse::TooManyInterim)),
            (Stage::Proxy, 200..=299) => {
                self.request(endpoint, out)?;
                match endpoint.is_secure() {
                    // A proxy would speak for the server.
                    true if !self.input.is_empty() => Err(Error::in_clear()),
                    true => Ok(Progress::Secure),
                    false => Ok(Progress::More),
                }
            }
            (stage, _) => {
                self.stage = Stage::Body {
                    of_proxy: matches!(stage, Stage::Proxy),
                    body: BodyDecoder::truncating(Framing::of_response(&response), MAX_ANSWER_BODY),
                    answer: Box::new(answer(&response)),
                };
                Ok(Progress::More)
            }
        }
    }

    /// Consumes what has arrived of the body. After a broken chunk nothing more can be read.
    fn body_is_whole(&mut self) -> bool {
        let Stage::Body { body, .. } = &mut self.stage else {
            return false;
        };
        let fed = body.feed(&mem::take(&mut self.input));
        fed.is_err() || body.is_done()
    }
}

/// How an answer begins, apart from empty lines before it.
const HTTP: &[u8] = b"HTTP/1.";

fn without_empty_lines(mut input: &[u8]) -> &[u8] {
    while let Some(rest) = input.strip_prefix(b"\r\n") {
        input = rest;
    }
    input
}

/// Whether what has arrived may be the beginning of an answer.
fn begins_http(input: &[u8]) -> bool {
    let input = match without_empty_lines(input) {
        b"\r" => b"",
        input => input,
    };
    let len = input.len().min(HTTP.len());
    input[..len] == HTTP[..len]
}

/// Which protocol a peer speaks that does not answer in HTTP; `None` as long as it may be HTTP, or
/// more bytes are needed to decide. The verdict does not depend on how the bytes were cut; `ended`
/// if no more will follow.
fn stranger(input: &[u8], ended: bool) -> Option<&'static str> {
    if begins_http(input) {
        return None;
    }
    let input = without_empty_lines(input);
    match input.first()? {
        0x15 | 0x16 => return Some("it speaks TLS: write wss://, or find its port without TLS"),
        byte if !byte.is_ascii_graphic() => {
            return Some("it sends binary data, perhaps HTTP/2 without the upgrade");
        }
        _ => {}
    }
    let line = input.iter().position(|byte| *byte == b'\n');
    let told = line.map_or(input, |end| &input[..end]);
    if line.is_none() && told.len() < GREETING && !ended {
        return None;
    }
    let greeting = &told[..told.len().min(GREETING)];
    let known: [(&[u8], &str); 9] = [
        (b"SSH-", "it is an SSH server"),
        (b"220", "it greets as a mail or FTP server does"),
        (b"+OK", "it greets as a mail server does"),
        (b"* OK", "it greets as a mail server does"),
        (b"-ERR", "it answers as Redis does"),
        (b"RFB ", "it is a VNC server"),
        (b"HTTP/", "it speaks a version of HTTP other than 1.1"),
        (b"<", "it sends a document without a head, as HTTP/0.9 did"),
        (b"{", "it sends JSON without a head"),
    ];
    let found = known.iter().find(|(begin, _)| greeting.starts_with(begin));
    Some(found.map_or("it speaks another protocol", |(_, peer)| peer))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Options, ProxyChoice};
    use crate::handshake::accept_key;
    use proptest::prelude::*;

    fn endpoint(through_proxy: bool) -> Endpoint {
        let proxy = match through_proxy {
            true => ProxyChoice::Proxy("http://127.0.0.1:3128".parse().unwrap()),
            false => ProxyChoice::Direct,
        };
        let options = Options::default().proxy(proxy);
        Endpoint::resolve("ws://127.0.0.1/", options).unwrap()
    }

    /// The outcome for `bytes` that arrive in steps, followed by the end.
    fn verdict(endpoint: &Endpoint, bytes: &[u8], steps: &[usize]) -> String {
        let mut out = Vec::new();
        let mut opening = Opening::new(endpoint, &mut out).unwrap();
        opening.drawn = [7; 16];
        let (mut rest, mut steps) = (bytes, steps.iter().cycle());
        while !rest.is_empty() {
            let step = steps.next().copied().unwrap_or(1).clamp(1, rest.len());
            let (now, later) = rest.split_at(step);
            rest = later;
            match opening.receive(endpoint, now, &mut out) {
                Ok(Progress::More | Progress::Secure) => {}
                Ok(Progress::Opened(opened)) => {
                    let frames = [&opened.rest, rest].concat();
                    return format!("{:?} {frames:?}", opened.subprotocol);
                }
                Err(error) => return format!("{error:?}"),
            }
        }
        format!("{:?}", opening.receive_eof())
    }

    fn answers() -> Vec<Vec<u8>> {
        let key = crate::handshake::ClientHandshake::new("a", "/", &mut Drawn([7; 16])).unwrap();
        let key = key.to_string();
        let key = key.split("Key: ").nth(1).unwrap().lines().next().unwrap();
        let good = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {}\r\n\r\n\u{1}\u{0}",
            accept_key(key).as_str()
        );
        let others = [
            "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nhello, more",
            "HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
            "HTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 404 No\r\n\r\nto the end",
            "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
            "HTTP/1.0 500 Bad\r\nContent-Length: 99999999999999999999\r\n\r\nx",
            "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
            "\r\n\r\n\u{15}\u{3}\u{3}\0\u{2}\u{2}(",
            "HTTP/2 400\r\n\r\n",
            "-ERR",
            "\0\0\u{12}\u{4}",
            "<html>no head",
        ];
        let tunnel = format!("HTTP/1.0 200 Connection established\r\n\r\n{good}");
        let others = others.into_iter().map(|text| text.as_bytes().to_vec());
        others
            .chain([good.into_bytes(), tunnel.into_bytes()])
            .collect()
    }

    #[test]
    fn the_answers_are_told_apart() {
        let answers = answers();
        let direct: Vec<_> = answers
            .iter()
            .map(|a| verdict(&endpoint(false), a, &[9]))
            .collect();
        for (text, part) in direct.iter().zip([
            "status: 302",
            "body: [97, 98, 99, 100, 101]",
            "status: 404",
            "status: 200",
            "status: 500",
            "SSH",
            "TLS",
            "other than 1.1",
            "Redis",
            "binary",
            "document",
            "None [1, 0]",
            "status: 200",
        ]) {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(verdict(&endpoint(true), &answers[12], &[9]), "None [1, 0]");
        let text = verdict(&endpoint(true), &answers[0], &[9]);
        assert!(text.starts_with("Proxy("), "{text}");
    }

    proptest! {
        #[test]
        fn the_verdict_does_not_depend_on_the_cuts(
            which in 0..13usize,
            through_proxy: bool,
            at in any::<prop::sample::Index>(),
            change in prop::option::of(any::<u8>()),
            steps in prop::collection::vec(1..80usize, 1..8),
        ) {
            let mut bytes = answers().swap_remove(which);
            if let Some(byte) = change {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let endpoint = endpoint(through_proxy);
            let whole = verdict(&endpoint, &bytes, &[usize::MAX]);
            prop_assert_eq!(verdict(&endpoint, &bytes, &steps), &*whole);
            prop_assert_eq!(verdict(&endpoint, &bytes, &[1]), &*whole);
        }
    }
}
