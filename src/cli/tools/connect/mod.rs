//! `wirebell connect`: a client for people and pipes.
//!
//! Input: lines or bytes on stdin, messages from the server. Output: messages to the server, lines
//! or bytes on stdout, and an exit status. Two threads: `input` sends, this one receives; `current`
//! is what they share. Invariant: everything read from stdin is sent before the Close, and
//! everything the server sends before its Close is printed. Topics are followed instead: nothing
//! is sent, and each connection continues after the one before.
//!
//! Reading order: `seconds`, `args`, `current`, `input`, `frames`, `output`, `envelopes`,
//! `resume_file`, `follow`.

mod args;
mod current;
mod envelopes;
mod follow;
mod frames;
mod input;
mod output;
mod resume_file;
mod seconds;

pub use args::ConnectArgs;

use crate::cli::common::Failure;
use crate::cli::common::trace::{All, Recorder};
use crate::cli::tools::common::client::{failure, header_fields};
use crate::cli::tools::common::deflate::offer;
use crate::cli::tools::common::terminal::one_line;
use current::Current;
use follow::Follow;
use frames::FrameLog;
use input::Input;
use output::{Output, Printed};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wirebell::client::{Backoff, Client, Closed, Endpoint, Error, Options, ProxyChoice};
use wirebell::push::mask_token;
use wirebell::push::native::ENVELOPES;
use wirebell::{CloseCode, Limits, Message, Tap, client};

pub fn run(args: Box<ConnectArgs>) -> Result<(), Failure> {
    let warn = |text: &str| eprintln!("wirebell: {text}");
    let path = args.trace.as_deref();
    let recorder = path.map(|path| Recorder::create(path, args.trace_limit, warn));
    let recorder = recorder.transpose()?;
    let follows = follow::is_asked(&args)?;
    let mut options = options(&args, recorder.clone())?;
    if follows {
        options.subprotocols.push(ENVELOPES.into());
    }
    let follow = follows.then(|| Follow::new(&args, options.clone()));
    let endpoint = match Endpoint::resolve(&args.uri, options) {
        Err(error @ (Error::Lookup(_) | Error::Tls(_))) => return Err(failure(error)),
        other => {
            other.map_err(|error| Failure::usage(format!("{}: {error}", mask_token(&args.uri))))?
        }
    };
    let current = Arc::new(Current::default());
    current::stop_on_signals(Arc::clone(&current))?;
    let mut session = Session {
        output: Output::new(args.binary, args.json_lines || args.json),
        messages_left: args.max_messages,
        input: (!args.no_input && !follows).then(|| Input::new(&args)),
        follow: follow.transpose()?,
        json: args.json,
        endpoint,
        current,
    };
    let ended = session.run(args.reconnect);
    ended.and(recorder.map_or(Ok(()), |recorder| recorder.finish()))
}

/// A connection that lasts this long counts as successful.
const STEADY: Duration = Duration::from_secs(30);

fn backoff(attempts: u32) -> Backoff {
    Backoff::default()
        .first_ms(1_000)
        .most_ms(30_000)
        .attempts(attempts)
}

/// How the server closed without a failure.
enum Close {
    Normal,
    GoingAway,
}

struct Session {
    endpoint: Endpoint,
    current: Arc<Current>,
    output: Output,
    messages_left: Option<u64>,
    /// Taken when its thread starts.
    input: Option<Input>,
    follow: Option<Follow>,
    /// Envelopes are printed instead of payloads.
    json: bool,
}

impl Session {
    /// Connects repeatedly, as long as there is a reason to reconnect.
    fn run(&mut self, reconnect: Option<u32>) -> Result<(), Failure> {
        let mut failed = 0;
        loop {
            let (why, failure) = match self.connect(&mut failed) {
                Ok(Close::Normal) => return Ok(()),
                Ok(Close::GoingAway) => ("the server is going away".to_owned(), None),
                Err(failure) if failure.status() == 2 => return Err(failure),
                Err(failure) => (failure.to_string(), Some(failure)),
            };
            let delay = reconnect.and_then(|attempts| backoff(attempts).delay(failed));
            match delay.filter(|_| !self.current.is_ending()) {
                None => return failure.map_or(Ok(()), Err),
                Some(delay) => {
                    eprintln!("wirebell: {why}; trying again in {delay:.1?}");
                    failed += 1;
                    self.current.sleep(delay);
                    // If the lookup fails now, the old addresses may still work.
                    let _ = self.endpoint.refresh();
                }
            }
        }
    }

    /// One connection from its beginning to its end.
    fn connect(&mut self, failed: &mut u32) -> Result<Close, Failure> {
        if self.current.is_ending() {
            return Ok(Close::Normal);
        }
        let mut client = self.open()?;
        let opened = Instant::now();
        self.current.set(client.sender());
        if let Some(input) = self.input.take() {
            input.start(Arc::clone(&self.current));
        }
        let ended = self.receive(&mut client);
        self.current.clear();
        // One that opens and ends at once has not recovered: the delays keep growing.
        if opened.elapsed() >= STEADY {
            *failed = 0;
        }
        match self.current.failure() {
            Some(of_input) => Err(of_input),
            None => ended.and_then(|()| self.closed(client.closed())),
        }
    }

    fn open(&mut self) -> Result<Client, Failure> {
        let Some(follow) = &mut self.follow else {
            let client = Client::open(&self.endpoint).map_err(failure)?;
            let hint = "Lines are sent; Ctrl-D closes.";
            self.output.connected(&self.endpoint, &client, hint);
            return Ok(client);
        };
        let endpoint = follow.endpoint(&self.endpoint)?;
        let client = Client::open(&endpoint).map_err(failure)?;
        follow.check(&client)?;
        self.output.connected(&endpoint, &client, "Ctrl-C ends.");
        Ok(client)
    }

    fn receive(&mut self, client: &mut Client) -> Result<(), Failure> {
        if self.follow.is_some() {
            return self.receive_topics(client);
        }
        while let Some(message) = client.receive().map_err(failure)? {
            if self.messages_left == Some(0) {
                continue;
            }
            let printed = self.output.print(message);
            self.printed(printed)?;
        }
        Ok(())
    }

    /// Follows topics until the connection ends.
    fn receive_topics(&mut self, client: &mut Client) -> Result<(), Failure> {
        while let Some(message) = client.receive().map_err(failure)? {
            let Some(mut follow) = self.follow.take_if(|_| self.messages_left != Some(0)) else {
                continue;
            };
            let taken = self.take(&mut follow, message);
            let stored = follow.store();
            self.follow = Some(follow);
            taken.and(stored)?;
        }
        Ok(())
    }

    /// Prints what the server says of topics.
    fn take(&mut self, follow: &mut Follow, message: Message<'_>) -> Result<(), Failure> {
        let (envelopes, then) = follow.hear(message.as_text())?;
        for envelope in envelopes {
            let printed = match self.json {
                true => self.output.print_json(envelope.json),
                false => self.output.print(envelope.message()),
            };
            if self.printed(printed)? {
                follow.reached(envelope.id);
            }
            if self.messages_left == Some(0) {
                return Ok(());
            }
        }
        follow.reached(then);
        Ok(())
    }

    /// Counts a message. False if stdout has no reader.
    fn printed(&mut self, printed: io::Result<Printed>) -> Result<bool, Failure> {
        let is_read = match printed {
            Ok(Printed::Taken) => true,
            // stdout closed (EPIPE): exit quietly.
            Ok(Printed::NoReader) => {
                self.messages_left = Some(1);
                false
            }
            Err(error) => return Err(Failure::failed(format!("stdout: {error}"))),
        };
        if let Some(left) = &mut self.messages_left {
            *left -= 1;
            if *left == 0 {
                self.current.end(CloseCode::NORMAL);
            }
        }
        Ok(is_read)
    }

    /// Whether the server's Close was a normal one.
    fn closed(&self, closed: Option<&Closed>) -> Result<Close, Failure> {
        let Some(Closed { code, reason }) = closed else {
            return Ok(Close::Normal);
        };
        match code {
            None | Some(CloseCode::NORMAL) => Ok(Close::Normal),
            Some(CloseCode::GOING_AWAY) => Ok(Close::GoingAway),
            Some(code) => {
                let text = format!("closed by the server: {} {}", code.get(), one_line(reason));
                Err(Failure::failed(text.trim_end().to_owned()))
            }
        }
    }
}

/// The taps that see the bytes.
fn tap(args: &ConnectArgs, recorder: Option<Arc<Recorder>>) -> Option<Arc<dyn Tap>> {
    let mut taps: Vec<Arc<dyn Tap>> = Vec::new();
    if args.show_frames {
        taps.push(Arc::new(FrameLog::new()));
    }
    taps.extend(recorder.map(|recorder| recorder as _));
    match taps.len() {
        0 | 1 => taps.pop(),
        _ => Some(Arc::new(All(taps))),
    }
}

fn options(args: &ConnectArgs, recorder: Option<Arc<Recorder>>) -> Result<Options, Failure> {
    let mut fields = header_fields(&args.header)?;
    fields.extend(args.credentials.field()?);
    let proxy = match (&args.proxy, args.no_proxy) {
        (Some(proxy), _) => {
            let parsed = proxy.parse();
            ProxyChoice::Proxy(parsed.map_err(|error| Failure::usage(format!("--proxy: {error}")))?)
        }
        (None, true) => ProxyChoice::Direct,
        (None, false) => ProxyChoice::Environment,
    };
    Ok(Options::default()
        .fields(fields)
        .origin(args.origin.clone())
        .subprotocols(args.subprotocol.clone())
        .deflate(offer(args.deflate))
        .proxy(proxy)
        .tls(args.tls.connector(&args.uri)?)
        .tap(tap(args, recorder))
        .limits(
            client::Limits::default()
                .protocol(
                    Limits::default()
                        .ping_ms(args.ping.0)
                        .message_bytes(args.max_message.0)
                        .frame_bytes(args.max_message.0),
                )
                .open_ms(args.timeout.limit()),
        ))
}
