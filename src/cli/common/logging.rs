//! The log of `serve` and `echo`: lines to stderr that never block the caller.
//!
//! Input: records of [`log`], from event loops too. Output: one line each, written by a dedicated
//! thread. Invariants: a record is queued or dropped at once, whatever stderr does; memory is
//! bounded; a line contains no control characters of a peer; a stop waits a bounded time.

use crate::cli::common::units::timestamp;
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::mem::take;
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Lines that may wait for a slow stderr; with [`MAX_LINE`] at most 2 MiB.
const MAX_LINES: usize = 1024;
const MAX_LINE: usize = 2048;

/// Lines from one place in the source within [`PERIOD`]; more are only counted. Enough to see what
/// is happening, too few to fill a disk. Debug lines were asked for and are not limited.
const BURST: u32 = 20;
const PERIOD: Duration = Duration::from_secs(10);

/// How long a stop waits for stderr.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The delay between attempts to write to a stderr that accepts nothing: a full disk, or no reader.
const PAUSE: Duration = Duration::from_secs(1);

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// Starts logging to stderr.
pub fn start(level: LevelFilter) {
    let logger = LOGGER.get_or_init(|| {
        let is_plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = !is_plain && io::stderr().is_terminal();
        let queue = Arc::new(Queue::new(colours));
        Logger { level, queue }
    });
    let writer = Arc::clone(&logger.queue);
    let thread = std::thread::Builder::new().name("log".into());
    let started = thread.spawn(move || writer.run(&mut io::stderr(), PAUSE));
    if started.is_ok() && log::set_logger(logger).is_ok() {
        log::set_max_level(level);
        // The default hook writes to stderr itself, and could block.
        std::panic::set_hook(Box::new(|panic| {
            log::error!("{panic}");
            flush(FLUSH_TIMEOUT);
        }));
    }
}

/// Waits until all lines are written, for at most this long.
pub fn flush(timeout: Duration) {
    if let Some(logger) = LOGGER.get() {
        logger.queue.flush(timeout);
    }
}

/// Writes to a stream of this process that may block or be closed: waits for it no longer than
/// [`FLUSH_TIMEOUT`].
pub fn write(mut stream: impl Write + Send + 'static, text: String) {
    let (sender, written) = channel::<()>();
    let write = move || {
        let _ = stream.write_all(text.as_bytes());
        let _ = stream.flush();
        drop(sender);
    };
    if std::thread::Builder::new().spawn(write).is_ok() {
        // Nothing is ever sent: this waits for the thread to end.
        let _ = written.recv_timeout(FLUSH_TIMEOUT);
    }
}

struct Logger {
    level: LevelFilter,
    queue: Arc<Queue>,
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut text = Line(String::new());
            // It fails only when the text is truncated.
            let _ = write!(text, "{}", record.args());
            let place = (record.file_static().unwrap_or_default(), record.line());
            self.queue
                .put(record.level(), place, text.0, Instant::now());
        }
    }

    fn flush(&self) {
        self.queue.flush(FLUSH_TIMEOUT);
    }
}

/// A text of bounded length without control characters.
struct Line(String);

impl std::fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for c in text.chars() {
            if self.0.len() > MAX_LINE - 16 {
                self.0.push('…');
                return Err(std::fmt::Error);
            }
            match c.is_control() {
                true => self.0.extend(c.escape_default()),
                false => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// A place in the source.
type Place = (&'static str, Option<u32>);

#[derive(Default)]
struct State {
    lines: VecDeque<String>,
    /// Lines dropped for lack of room.
    dropped: u64,
    /// Lines have been taken but are not yet written.
    writing: bool,
    places: HashMap<Place, Burst>,
}

/// The recent lines of one place.
struct Burst {
    since: Instant,
    lines: u32,
    /// How many were left out, and the last of them.
    more: u64,
    last: (Level, String),
}

struct Queue {
    colours: bool,
    state: Mutex<State>,
    filled: Condvar,
    written: Condvar,
}

impl Queue {
    fn new(colours: bool) -> Self {
        Self {
            colours,
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, level: Level, place: Place, text: String, now: Instant) {
        let mut state = self.lock();
        if level <= Level::Info {
            let burst = state.places.entry(place).or_insert_with(|| Burst::new(now));
            if now.saturating_duration_since(burst.since) >= PERIOD {
                let left_out = burst.end(now);
                self.push(&mut state, left_out);
            }
            let burst = state.places.entry(place).or_insert_with(|| Burst::new(now));
            if burst.lines >= BURST {
                burst.more += 1;
                burst.last = (level, text);
                return;
            }
            burst.lines += 1;
        }
        self.push(&mut state, Some((level, text)));
        drop(state);
        self.filled.notify_one();
    }

    fn push(&self, state: &mut State, line: Option<(Level, String)>) {
        let Some((level, text)) = line else { return };
        if state.lines.len() >= MAX_LINES {
            state.dropped += 1;
        } else {
            state.lines.push_back(self.line(level, &text));
        }
    }

    fn line(&self, level: Level, text: &str) -> String {
        let time = timestamp(SystemTime::now());
        let (colour, plain) = match (self.colours, level) {
            (false, _) => ("", ""),
            (true, Level::Error) => ("\u{1b}[1;31m", "\u{1b}[0m"),
            (true, Level::Warn) => ("\u{1b}[33m", "\u{1b}[0m"),
            (true, Level::Info) => ("\u{1b}[32m", "\u{1b}[0m"),
            (true, _) => ("\u{1b}[34m", "\u{1b}[0m"),
        };
        format!("[{time} {colour}{level:<5}{plain}] {text}\n")
    }

    /// Ends bursts that are over.
    fn end_bursts(&self, state: &mut State, now: Instant) {
        let is_over = |burst: &Burst| now.saturating_duration_since(burst.since) >= PERIOD;
        let over = state.places.values_mut().filter(|burst| is_over(burst));
        let left_out: Vec<_> = over.map(|burst| burst.end(now)).collect();
        for line in left_out {
            self.push(state, line);
        }
    }

    /// Waits for lines, and takes them.
    fn next(&self) -> String {
        let mut state = self.lock();
        loop {
            self.end_bursts(&mut state, Instant::now());
            if !state.lines.is_empty() {
                break;
            }
            // Something was left out: its count is due soon.
            let waits = state.places.values().any(|burst| burst.more > 0);
            let time = if waits {
                PAUSE
            } else {
                Duration::from_secs(3600)
            };
            let woken = self.filled.wait_timeout(state, time);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        if state.dropped > 0 {
            let dropped = take(&mut state.dropped);
            let text = format!("{dropped} lines were dropped here: stderr was blocked");
            let line = self.line(Level::Warn, &text);
            state.lines.push_back(line);
        }
        state.writing = true;
        state.lines.drain(..).collect()
    }

    fn run(&self, out: &mut impl Write, pause: Duration) {
        loop {
            let lines = self.next();
            let failed = write_all(out, lines.as_bytes()).is_err();
            let mut state = self.lock();
            state.writing = false;
            if failed {
                state.dropped += lines.lines().count() as u64;
            }
            drop(state);
            self.written.notify_all();
            if failed {
                std::thread::sleep(pause);
            }
        }
    }

    fn flush(&self, timeout: Duration) {
        let state = self.lock();
        let is_busy = |state: &mut State| state.writing || !state.lines.is_empty();
        drop(self.written.wait_timeout_while(state, timeout, is_busy));
    }
}

impl Burst {
    fn new(now: Instant) -> Self {
        Self {
            since: now,
            lines: 0,
            more: 0,
            last: (Level::Info, String::new()),
        }
    }

    /// Starts over; returns what was left out so far, as a line.
    fn end(&mut self, now: Instant) -> Option<(Level, String)> {
        let Self { more, last, .. } = std::mem::replace(self, Self::new(now));
        let (level, text) = last;
        (more > 0).then(|| (level, format!("{more} more like this: {text}")))
    }
}

/// As [`Write::write_all`], but also waits for a stderr that another process made non-blocking.
fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => bytes = &bytes[taken..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender};

    const HERE: Place = ("here", Some(1));

    fn warn(queue: &Queue, place: Place, text: &str, now: Instant) {
        queue.put(Level::Warn, place, text.into(), now);
    }

    /// Blocks until released; reports what it takes.
    struct Slow(Receiver<io::Result<()>>, Sender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().unwrap_or(Ok(()))?;
            let _ = self.1.send(String::from_utf8_lossy(bytes).into());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Arc<Queue>, Sender<io::Result<()>>, Receiver<String>) {
        let queue = Arc::new(Queue::new(false));
        let (allow, allowed) = channel();
        let (taken, shown) = channel();
        let writer = Arc::clone(&queue);
        let mut out = Slow(allowed, taken);
        std::thread::spawn(move || writer.run(&mut out, Duration::ZERO));
        (queue, allow, shown)
    }

    #[test]
    fn a_place_has_a_burst_and_then_a_count() {
        let (queue, now) = (Queue::new(false), Instant::now());
        for n in 0..1000 {
            warn(&queue, HERE, &format!("line {n}"), now);
        }
        warn(&queue, ("there", Some(1)), "another place", now);
        for _ in 0..100 {
            queue.put(Level::Debug, HERE, "asked for".into(), now);
        }
        let lines = queue.next();
        assert_eq!(lines.lines().count(), BURST as usize + 1 + 100);
        warn(&queue, HERE, "later", now + PERIOD);
        let lines = queue.next();
        assert!(lines.contains("980 more like this: line 999\n"), "{lines}");
        assert!(lines.ends_with("] later\n"), "{lines}");
        // The same without another line from there.
        for n in 0..30 {
            warn(&queue, HERE, &format!("line {n}"), now + PERIOD);
        }
        queue.next();
        queue.end_bursts(&mut queue.lock(), now + PERIOD * 2);
        assert!(queue.next().contains("11 more like this: line 29"));
    }

    #[test]
    fn no_caller_waits_for_stderr_and_what_is_dropped_is_counted() {
        let (queue, allow, shown) = slow();
        let now = Instant::now();
        let began = Instant::now();
        for n in 0..5 * MAX_LINES {
            queue.put(Level::Debug, HERE, format!("{n}"), now);
        }
        queue.flush(Duration::from_millis(10));
        assert!(began.elapsed() < Duration::from_secs(10));
        let (mut kept, mut dropped) = (0, 0);
        while kept + dropped < 5 * MAX_LINES {
            allow.send(Ok(())).unwrap();
            for line in shown.recv().unwrap().lines() {
                let text = line.split_once("] ").unwrap().1;
                match text.split_once(" lines were dropped here") {
                    Some((count, _)) => dropped += count.parse::<usize>().unwrap(),
                    None => kept += 1,
                }
            }
        }
        assert!(dropped > 0 && kept <= 3 * MAX_LINES, "{kept}");
        queue.flush(FLUSH_TIMEOUT);
    }

    #[test]
    fn a_stderr_that_fails_is_tried_again_with_the_next_line() {
        let (queue, allow, shown) = slow();
        for kind in [io::ErrorKind::BrokenPipe, io::ErrorKind::StorageFull] {
            allow.send(Err(kind.into())).unwrap();
            warn(&queue, HERE, "lost", Instant::now());
            queue.flush(Duration::from_secs(10));
        }
        allow.send(Err(io::ErrorKind::WouldBlock.into())).unwrap();
        allow.send(Ok(())).unwrap();
        warn(&queue, HERE, "found", Instant::now());
        let seen = shown.recv().unwrap();
        assert!(
            seen.contains("found") && seen.contains("2 lines were dropped"),
            "{seen}"
        );
    }

    #[test]
    fn a_line_is_one_line_of_bounded_length() {
        let mut line = Line(String::new());
        let _ = write!(line, "a\nb\r\u{1b}[2J\u{9b}ü");
        assert_eq!(line.0, "a\\nb\\r\\u{1b}[2J\\u{9b}ü");
        let mut line = Line(String::new());
        assert!(write!(line, "{}", "ü\n".repeat(MAX_LINE)).is_err());
        assert!(line.0.len() <= MAX_LINE && line.0.ends_with('…'));
    }
}
