//! The arguments, checked: everything that a run needs, or one line on what is wrong.

use crate::cli::common::Failure;
use crate::cli::common::deflate::DeflateMode;
use crate::cli::common::files;
use crate::cli::tools::bench::args::{BenchArgs, Mode};
use crate::cli::tools::bench::clock::{Clock, Nanos, Schedule};
use crate::cli::tools::bench::open_files::open_now;
use crate::cli::tools::bench::process;
use crate::cli::tools::bench::stamp::STAMP;
use crate::cli::tools::common::client::{failure, header_fields};
use crate::cli::tools::common::deflate::offer;
use crate::cli::tools::common::http::segment;
use crate::cli::tools::common::tls::is_secure;
use std::sync::Arc;
use std::time::Duration;
use wirebell::client::{Endpoint, Error, Options, ProxyChoice};
use wirebell::push::mask_token;
use wirebell::push::native::ENVELOPES;
use wirebell::tls::Connector;
use wirebell::{Limits, Message, MessageKind, client, net};

/// The plan of a run.
#[derive(Debug)]
pub struct Plan {
    pub args: Box<BenchArgs>,
    pub endpoint: Arc<Endpoint>,
    /// For servers that are reached through TLS.
    pub tls: Option<Connector>,
    pub clock: Clock,
    pub kind: MessageKind,
    pub payload: Vec<u8>,
    /// The same, if messages are text.
    text: String,
    /// Messages in flight on one connection.
    pub depth: usize,
}

/// Bytes in flight on one connection: an echo server that stops reading until we read must not
/// deadlock with us, so all of them have to fit into the socket buffers.
const IN_FLIGHT: u64 = 256 * 1024 + 64; // With the headers of a few large messages.

/// The longest message.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// After one handshake timed out, the next one may still open within this time.
const AFTER_TIMEOUT: Duration = Duration::from_millis(500);

/// What a loop has open besides its connections: the poll, the waker, and their copies.
const FILES_OF_LOOP: u64 = 4;

/// Reports, /proc, the signal pipe, and a connection that is closing.
const FILES_BESIDE: u64 = 8;

impl Plan {
    pub fn new(args: Box<BenchArgs>) -> Result<Self, Failure> {
        let size = args.size.map_or(args.mode.usual_size(), |size| size.0);
        check_mode(&args, size)?;
        if size > MAX_SIZE {
            let text = format!("--size {size}: at most {MAX_SIZE} bytes");
            return Err(Failure::usage(text));
        }
        let most = (IN_FLIGHT / (size + 14)).max(1);
        let depth = match (args.depth, args.rate) {
            (Some(depth), _) if u64::from(depth) > most => {
                return Err(Failure::usage(format!(
                    "--depth {depth}: at most {most} messages of this size, 256 KiB together"
                )));
            }
            (Some(depth), _) => depth as usize,
            (None, Some(_)) => most as usize,
            (None, None) => 1,
        };
        if let Some(pid) = args.pid {
            let readable = process::cpu_ns(pid);
            readable.map_err(|error| Failure::usage(format!("--pid {pid}: {error}")))?;
        }
        let publishes = args.publish_url.as_ref().filter(|url| is_secure(url));
        let tls = args.tls.connector(publishes.unwrap_or(&args.uri))?;
        let options = client_options(&args, tls.clone())?;
        let endpoint = match Endpoint::resolve(&subscribers_uri(&args), options) {
            Err(error @ (Error::Lookup(_) | Error::Tls(_))) => return Err(failure(error)),
            other => other
                .map_err(|error| Failure::usage(format!("{}: {error}", mask_token(&args.uri))))?,
        };
        let payload = payload(size as usize, args.text);
        Ok(Self {
            endpoint: Arc::new(endpoint),
            tls,
            clock: Clock::start(),
            kind: if args.text {
                MessageKind::Text
            } else {
                MessageKind::Binary
            },
            text: match args.text {
                true => String::from_utf8_lossy(&payload).into_owned(),
                false => String::new(),
            },
            payload,
            depth,
            args,
        })
    }

    pub fn message(&self) -> Message<'_> {
        match self.kind {
            MessageKind::Text => Message::text(&self.text),
            MessageKind::Binary => Message::binary(&self.payload),
        }
    }

    /// The number of connections of one loop.
    pub fn share(&self, worker: u32) -> u32 {
        let (all, loops) = (self.args.connections, self.loops());
        all / loops + u32::from(worker < all % loops)
    }

    /// The number of event loops: none has no connection.
    pub fn loops(&self) -> u32 {
        self.args.threads.min(self.args.connections)
    }

    /// Options of the event loops.
    pub fn loop_options(&self) -> net::Options {
        let size = self.payload.len() as u64;
        let pings = self.args.mode == Mode::Idle;
        net::Options::default()
            .workers(self.loops() as usize)
            .limits(
                net::Limits::DEFAULT
                    .protocol(
                        Limits::DEFAULT
                            .message_bytes(Limits::DEFAULT.message_bytes.max(size))
                            .frame_bytes(Limits::DEFAULT.frame_bytes.max(size))
                            .ping_ms(if pings { self.args.ping.0 } else { 0 })
                            .close_ms(1000)
                            .linger_ms(200),
                    )
                    .queued_bytes((2 * (size + IN_FLIGHT)) as usize),
            )
            .deflate(offer(self.args.deflate))
    }
}

impl Plan {
    /// How long to wait for an answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.args.timeout.0.into())
    }

    /// How long no connection may open before the rest are given up: one handshake may time out,
    /// and with a ramp the next one may not be due.
    pub fn longest_gap(&self) -> Duration {
        let ramp = self
            .args
            .ramp
            .map(|per_second| Duration::try_from_secs_f64(1.0 / per_second));
        let ramp = ramp.and_then(Result::ok).unwrap_or_default();
        self.timeout() + ramp + AFTER_TIMEOUT
    }

    /// Whether all connections can be open at the same time.
    pub fn check_files(&self) -> Result<(), Failure> {
        let (args, open) = (&self.args, open_now());
        let publishers = match args.mode {
            Mode::FanOut => args.publishers,
            _ => 0,
        };
        let each = |count: u32, files: u64| u64::from(count) * files;
        let needed = open
            + each(args.connections, 1)
            + each(self.loops(), FILES_OF_LOOP)
            + each(publishers, 1)
            + FILES_BESIDE;
        match files::raise_limit() {
            Some(limit) if limit < needed => Err(Failure::failed(format!(
                "-c {} needs {needed} file descriptors, the limit is {limit}: raise it with \
                 ulimit -n {needed}, or open fewer connections",
                args.connections
            ))),
            _ => Ok(()),
        }
    }

    /// The endpoint of every connection.
    pub fn client_options(&self) -> Result<Options, Failure> {
        client_options(&self.args, self.tls.clone())
    }

    /// The schedule, if there is a rate.
    pub fn whole_schedule(&self, start: Nanos) -> Option<Schedule> {
        let per_second = self.args.rate?;
        Some(Schedule { start, per_second })
    }

    /// The share of one loop.
    pub fn schedule(&self, worker: u32, start: Nanos) -> Option<Schedule> {
        let all = self.whole_schedule(start);
        all.map(|all| all.part(worker, self.loops()))
    }

    /// When the connections of this loop are opened, if there is a ramp.
    pub fn ramp(&self, worker: u32) -> Option<Schedule> {
        self.whole_ramp().map(|all| all.part(worker, self.loops()))
    }

    pub fn whole_ramp(&self) -> Option<Schedule> {
        let per_second = self.args.ramp?;
        Some(Schedule {
            start: 0,
            per_second,
        })
    }
}

fn client_options(args: &BenchArgs, tls: Option<Connector>) -> Result<Options, Failure> {
    let mut fields = header_fields(&args.header)?;
    fields.extend(args.credentials.field()?);
    Ok(
        // Otherwise the proxy would be measured.
        Options::default()
            .fields(fields)
            .subprotocols(subprotocols(args))
            .deflate(offer(args.deflate))
            .proxy(ProxyChoice::Direct)
            .tls(tls)
            .limits(client::Limits::default().open_ms(args.timeout.0)),
    )
}

/// Where connections are opened.
fn subscribers_uri(args: &BenchArgs) -> String {
    match &args.topic {
        None => args.uri.clone(),
        Some(topic) => {
            let server = args.uri.trim_end_matches('/');
            format!("{server}/topics/{}", segment(topic.as_str()))
        }
    }
}

fn subprotocols(args: &BenchArgs) -> Vec<String> {
    match args.envelopes {
        true => vec![ENVELOPES.into()],
        false => args.subprotocol.clone(),
    }
}

/// Options that have no meaning in a mode are usage errors.
fn check_mode(args: &BenchArgs, size: u64) -> Result<(), Failure> {
    let mode = args.mode;
    let only = |flag: &str, given: bool, modes: &[Mode]| match given && !modes.contains(&mode) {
        true => Err(format!("{flag} has no meaning with --mode {}", mode.name())),
        false => Ok(()),
    };
    let checks = [
        only("--depth", args.depth.is_some(), &[Mode::Echo]),
        only("--touch", args.touch, &[Mode::Idle]),
        only("--publish-url", args.publish_url.is_some(), &[Mode::FanOut]),
        only("--topic", args.topic.is_some(), &[Mode::FanOut]),
        only(
            "--rate",
            args.rate.is_some(),
            &[Mode::Echo, Mode::FanOut, Mode::Handshake],
        ),
        only(
            "--ramp",
            args.ramp.is_some(),
            &[Mode::Echo, Mode::FanOut, Mode::Idle],
        ),
        only(
            "--plot",
            args.plot.is_some(),
            &[Mode::Echo, Mode::FanOut, Mode::Handshake],
        ),
        only(
            "--threads above 1",
            args.threads > 1,
            &[Mode::Echo, Mode::FanOut, Mode::Idle],
        ),
    ];
    checks
        .into_iter()
        .collect::<Result<(), _>>()
        .map_err(Failure::usage)?;
    if args.duration.0 == 0 {
        return Err(Failure::usage("--duration 0: nothing to measure".into()));
    }
    if mode == Mode::FanOut && size < STAMP as u64 {
        let least = STAMP;
        return Err(Failure::usage(format!(
            "--size {size}: a publication carries its time in its first {least} bytes"
        )));
    }
    Ok(())
}

/// Neither constant nor random: a fixed sequence of letters and digits, in lines.
fn payload(size: usize, text: bool) -> Vec<u8> {
    const LETTERS: &[u8; 32] = b"etaoin shrdlu,cmfwyp.vbgk\"01234:";
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let byte = |_| match text {
        true => LETTERS[(next() >> 59) as usize],
        false => (next() >> 56) as u8,
    };
    (0..size).map(byte).collect()
}

impl BenchArgs {
    pub fn deflate_name(&self) -> &'static str {
        match self.deflate {
            DeflateMode::Off => "off",
            DeflateMode::On => "on",
            DeflateMode::Takeover => "takeover",
        }
    }
}
