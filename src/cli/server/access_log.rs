//! `--access-log` of `serve`: a line for each request.
//!
//! Input: the settings, and requests of the event loops. Output: lines, written by a thread of its
//! own. Invariants: an event loop never waits for the file; memory is bounded; what finds no room
//! is dropped and counted; no line has a token or a control character of a client.

use crate::cli::common::Failure;
use crate::cli::common::units::timestamp;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use wirebell::net::{Access, AccessLog};
use wirebell::push::mask_token;

/// Bytes of lines that may wait for a slow disk.
const MOST: usize = 4 * 1024 * 1024;

/// How long a stop waits for the file.
const PATIENCE: Duration = Duration::from_secs(1);

/// Settings of the access log, as a settings file may hold them.
#[derive(Clone, Debug, Default, Args, Deserialize, Serialize)]
#[serde(default)]
pub struct AccessSettings {
    /// Write a line for each request to this file, or to stdout with `-`, without tokens; SIGHUP
    /// opens the file again [default: none]
    #[arg(long, value_name = "FILE", env = "WIREBELL_ACCESS_LOG")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<PathBuf>,

    /// The form of these lines [default: combined]
    #[arg(long, value_name = "FORMAT", env = "WIREBELL_ACCESS_LOG_FORMAT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log_format: Option<AccessFormat>,
}

/// The form of the lines of an access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessFormat {
    /// As Apache and nginx write it, with the seconds until the answer at the end
    Combined,
    /// One JSON object
    Json,
}

impl AccessSettings {
    /// Takes what is not set here from `file`.
    pub fn or(self, file: Self) -> Self {
        Self {
            access_log: self.access_log.or(file.access_log),
            access_log_format: self.access_log_format.or(file.access_log_format),
        }
    }

    /// All settings that have a default.
    pub fn effective(self) -> Self {
        self.or(Self {
            access_log: None,
            access_log_format: Some(AccessFormat::Combined),
        })
    }

    /// Opens the file, if one is wanted.
    pub fn start(&self) -> Result<AccessWriter, Failure> {
        let Some(path) = &self.access_log else {
            return Ok(AccessWriter(None));
        };
        let format = self.access_log_format.unwrap_or(AccessFormat::Combined);
        let failed = |error| Failure::failed(format!("--access-log {}: {error}", path.display()));
        let out = open(path).map_err(failed)?;
        let queue = Arc::new(Queue {
            format,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let (ours, path) = (Arc::clone(&queue), path.clone());
        let thread = std::thread::Builder::new().name("access-log".into());
        thread.spawn(move || ours.run(out, &path)).map_err(failed)?;
        Ok(AccessWriter(Some(queue)))
    }
}

/// The access log of a running server, if there is one.
pub struct AccessWriter(Option<Arc<Queue>>);

impl AccessWriter {
    /// What the event loops tell of their requests.
    pub fn log(&self) -> Option<Arc<dyn AccessLog>> {
        self.0.clone().map(|queue| queue as _)
    }

    /// Opens the file again, as it may have been moved.
    pub fn reopen(&self) {
        if let Some(queue) = &self.0 {
            queue.lock().reopens = true;
            queue.changed.notify_all();
        }
    }

    /// Waits until all lines are written, for a bounded time.
    pub fn finish(self) {
        if let Some(queue) = &self.0 {
            let is_busy = |state: &mut State| state.is_writing || !state.lines.is_empty();
            let state = queue.lock();
            drop(queue.changed.wait_timeout_while(state, PATIENCE, is_busy));
        }
    }
}

/// Lines that wait.
#[derive(Debug)]
pub struct Queue {
    format: AccessFormat,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: String,
    dropped: u64,
    /// Lines have been taken and are not written yet.
    is_writing: bool,
    reopens: bool,
}

impl AccessLog for Queue {
    fn answered(&self, access: &Access<'_>) {
        let now = SystemTime::now();
        let line = match self.format {
            AccessFormat::Combined => combined(access, now),
            AccessFormat::Json => json(access, now),
        };
        self.put(&line);
    }
}

impl Queue {
    fn put(&self, line: &str) {
        let mut state = self.lock();
        match state.lines.len() + line.len() > MOST {
            true => state.dropped += 1,
            false => state.lines.push_str(line),
        }
        drop(state);
        self.changed.notify_all();
    }

    fn run(&self, mut out: Box<dyn Write + Send>, path: &Path) {
        let mut fails = false;
        loop {
            let (lines, dropped, reopens) = self.next();
            if reopens {
                match open(path) {
                    Ok(file) => out = file,
                    Err(error) => log::warn!("--access-log {}: {error}", path.display()),
                }
            }
            if dropped > 0 {
                log::warn!("{dropped} lines of the access log were dropped: it is too slow");
            }
            let written = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
            if let Err(error) = &written
                && !fails
            {
                log::warn!("--access-log {}: {error}", path.display());
            }
            fails = written.is_err();
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for something to do.
    fn next(&self) -> (String, u64, bool) {
        let is_idle = |state: &mut State| state.lines.is_empty() && !state.reopens;
        let waited = self.changed.wait_while(self.lock(), is_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        let reopens = std::mem::take(&mut state.reopens);
        let dropped = std::mem::take(&mut state.dropped);
        (std::mem::take(&mut state.lines), dropped, reopens)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(path: &Path) -> io::Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdout()));
    }
    let file: File = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(Box::new(file))
}

fn address(access: &Access<'_>) -> String {
    let address = access.address.map(|it| it.ip().to_canonical().to_string());
    address.unwrap_or_else(|| "-".into())
}

/// The Combined Log Format, and the seconds until the answer.
fn combined(access: &Access<'_>, now: SystemTime) -> String {
    let request = match access.method {
        "" => "-".to_owned(),
        method => {
            let target = mask_token(access.target);
            format!("{method} {target} HTTP/1.{}", access.minor_version)
        }
    };
    let referer = mask_token(access.referer.unwrap_or("-"));
    let mut line = String::new();
    let _ = writeln!(
        line,
        "{} - - [{}] \"{}\" {} {} \"{}\" \"{}\" {:.3}",
        address(access),
        log_time(now),
        escaped(&request),
        access.status,
        access.body_bytes,
        escaped(&referer),
        escaped(access.user_agent.unwrap_or("-")),
        access.took.as_secs_f64(),
    );
    line
}

/// As in `[28/Nov/2026:01:33:56 +0000]`.
fn log_time(now: SystemTime) -> String {
    let date = httpdate::fmt_http_date(now);
    let mut words = date.split(' ').skip(1);
    let mut word = || words.next().unwrap_or_default();
    format!("{}/{}/{}:{} +0000", word(), word(), word(), word())
}

/// Quotes, backslashes and control characters as nginx writes them.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control() && c != '"' && c != '\\';
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut all = String::new();
    for c in text.chars() {
        match is_plain(c) {
            true => all.push(c),
            false => drop(write!(all, "\\x{:02X}", u32::from(c))),
        }
    }
    all.into()
}

#[derive(Serialize)]
struct Line<'l> {
    time: String,
    address: String,
    method: &'l str,
    target: &'l str,
    status: u16,
    bytes: usize,
    seconds: f64,
    referer: Option<Cow<'l, str>>,
    user_agent: Option<&'l str>,
}

fn json(access: &Access<'_>, now: SystemTime) -> String {
    let line = Line {
        time: timestamp(now),
        address: address(access),
        method: access.method,
        target: &mask_token(access.target),
        status: access.status,
        bytes: access.body_bytes,
        seconds: access.took.as_secs_f64(),
        referer: access.referer.map(mask_token),
        user_agent: access.user_agent,
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const NOW: Duration = Duration::from_secs(1_795_822_200);

    #[test]
    fn quotes_and_control_characters_are_escaped() {
        assert_eq!(escaped("a b/é"), "a b/é");
        assert_eq!(escaped("a\"b\\c\n\u{7f}"), "a\\x22b\\x5Cc\\x0A\\x7F");
        assert_eq!(log_time(UNIX_EPOCH + NOW), "27/Nov/2026:23:30:00 +0000");
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let queue = Queue {
            format: AccessFormat::Json,
            state: Mutex::default(),
            changed: Condvar::new(),
        };
        let line = "x".repeat(MOST / 4);
        (0..6).for_each(|_| queue.put(&line));
        let (lines, dropped, reopens) = queue.next();
        assert_eq!((lines.len(), dropped, reopens), (MOST, 2, false));
    }
}
