//! Streams in a file, as a report has them or one alone.
//!
//! Input: the path of a file. Output: its streams, for a server or for a client.

use crate::cli::common::Failure;
use crate::cli::tools::verify::random::findings::HEADLINE;
use crate::cli::tools::verify::random::stream::Stream;
use std::path::Path;

/// Reads the streams for a server or for a client.
pub fn read(file: &Path, to_client: bool) -> Result<Vec<Stream>, Failure> {
    let wrong = |what: String| Failure::usage(format!("{}: {what}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
    let streams: Result<Vec<Stream>, String> = split(&text)
        .map(|part| Stream::parse(part, to_client))
        .collect();
    let mut streams = streams.map_err(wrong)?;
    streams.retain(|stream| !stream.head.is_empty());
    match (streams.is_empty(), to_client) {
        (true, _) => Err(wrong("no line begins with # head:".into())),
        (false, true) if !streams.iter().all(Stream::is_to_client) => Err(wrong(
            "a stream is for a server: give its URL instead of --listen".into(),
        )),
        (false, false) if streams.iter().any(Stream::is_to_client) => {
            Err(wrong("a stream is for a client: use --listen".into()))
        }
        _ => Ok(streams),
    }
}

/// The streams of a report, each without its first line.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(HEADLINE).enumerate();
    parts.map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('\n').map_or("", |(_, rest)| rest),
    })
}
