//! A publisher of mode `fan-out` to a topic, over HTTP on a connection that stays open.
//!
//! ```text
//!   POST /topics/NAME       one message a request
//!   POST /topics            --batch: several, as NDJSON
//! ```
//!
//! Input: payloads. Output: requests, up to `--pipeline` of them before the first answer is read
//! (RFC 9112 section 9.3.2). Invariant: everything that was published was accepted, or it fails.

use crate::cli::common::Failure;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::common::client::{failure, header_fields};
use crate::cli::tools::common::failure::{refused, within};
use crate::cli::tools::common::http::segment;
use crate::cli::tools::common::terminal::one_line;
use serde_json::json;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use wirebell::client::Stream;

/// Bytes of an answer.
const ANSWER: u64 = 16 * 1024 * 1024;

/// One publisher.
pub struct TopicPublisher {
    stream: BufReader<Stream>,
    topic: String,
    /// Messages of one request.
    batch: usize,
    /// The request line and the fields that are always the same.
    head: String,
}

impl TopicPublisher {
    pub fn connect(plan: &Plan, topic: &str) -> Result<Self, Failure> {
        let args = &plan.args;
        let mut fields = header_fields(&args.header)?;
        fields.extend(args.credentials.field()?);
        let authority = plan.endpoint.authority();
        let target = plan.endpoint.uri().target();
        let base = target.rsplit_once("/topics/").map_or("", |(base, _)| base);
        let (path, kind) = match args.batch {
            1 => (format!("/{}", segment(topic)), "text/plain"),
            _ => (String::new(), "application/x-ndjson"),
        };
        let mut head = format!(
            "POST {base}/topics{path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: {kind}\r\n"
        );
        for (name, value) in &fields {
            head += &format!("{name}: {value}\r\n");
        }
        let lost = |error: io::Error| refused(format!("{authority}: {error}"));
        let tcp = TcpStream::connect(plan.endpoint.addresses()).map_err(lost)?;
        tcp.set_nodelay(true).map_err(lost)?;
        let stream = match &plan.tls {
            None => Stream::from(tcp),
            Some(connector) => {
                let host = plan.endpoint.uri().host();
                let stream = Stream::secure(tcp, connector, host, plan.timeout());
                stream.map_err(|error| within(authority, failure(error)))?
            }
        };
        let bounded = stream.set_read_timeout(Some(plan.timeout()));
        bounded.map_err(lost)?;
        Ok(Self {
            stream: BufReader::new(stream),
            topic: topic.to_owned(),
            batch: args.batch as usize,
            head,
        })
    }

    /// Publishes these messages and reads all answers.
    pub fn publish(&mut self, payloads: &[String]) -> Result<(), Failure> {
        let mut requests = Vec::new();
        let mut count = 0;
        for messages in payloads.chunks(self.batch) {
            let body = match self.batch {
                1 => messages.concat(),
                _ => self.lines(messages),
            };
            let head = &self.head;
            let length = body.len();
            requests.extend_from_slice(
                format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes(),
            );
            count += 1;
        }
        let lost = |error: io::Error| Failure::failed(format!("publishing: {error}"));
        self.stream.get_mut().write_all(&requests).map_err(lost)?;
        for _ in 0..count {
            let (status, body) = self.answer().map_err(lost)?;
            let is_good = (200..=202).contains(&status) && !body.contains("\"error\":");
            if !is_good {
                let said = one_line(&body);
                return Err(refused(format!("publishing: HTTP status {status}: {said}")));
            }
        }
        Ok(())
    }

    fn lines(&self, messages: &[String]) -> String {
        let line = |data: &String| json!({ "topic": self.topic, "data": data }).to_string() + "\n";
        messages.iter().map(line).collect()
    }

    /// The status and the body of the next response.
    fn answer(&mut self) -> io::Result<(u16, String)> {
        let (mut status, mut length) = (0, 0);
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if status == 0 {
                let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
                status = code.ok_or(io::ErrorKind::InvalidData)?;
            } else if text.is_empty() {
                break;
            } else if let Some((name, value)) = text.split_once(':')
                && name.eq_ignore_ascii_case("Content-Length")
            {
                length = value.trim().parse().unwrap_or_default();
            }
        }
        let mut body = Vec::new();
        let most = u64::min(length, ANSWER);
        self.stream.by_ref().take(most).read_to_end(&mut body)?;
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}
