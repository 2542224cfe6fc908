//! A file with secrets that is read again when it changes.
//!
//! Input: a path, and a function that parses its text. Output: the last parsed value. A separate
//! thread checks the file, so a caller never waits for a disk.
//!
//! Invariant: once there is a value, there always is one: a file that is gone, unreadable, not a
//! regular file, too large or malformed changes nothing, is logged once, and is tried again.

use crate::stamp::Stamp;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

/// Bytes of a file of keys or tokens: 16 MiB hold about 300,000 tokens, and are read in well under
/// a second.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How long a change of the file may go unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The text of a file, without the byte order mark that some editors write.
///
/// # Errors
///
/// The system's error; or the file is not a regular file, is larger than [`MAX_FILE_BYTES`], or is
/// not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    read_file(path).map(|(text, _)| text)
}

/// The parsed content of a file. Clones share it.
pub struct Watched<T> {
    latest: Shared<T>,
    /// Its thread ends with the last of these. `None` without a file.
    wake: Option<Sender<()>>,
}

type Shared<T> = Arc<RwLock<Latest<T>>>;

struct Latest<T> {
    value: Arc<T>,
    /// How many values there were before this one.
    generation: u64,
}

/// Parses a text.
pub type Parse<T> = fn(&str) -> io::Result<T>;

impl<T: PartialEq + Send + Sync + 'static> Watched<T> {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// Those of [`read_text`] and of `parse`, or the system's error for threads.
    pub fn open(path: PathBuf, parse: Parse<T>) -> io::Result<Self> {
        let (mut watcher, latest) = Watcher::open(path, parse)?;
        let (wake, woken) = channel();
        let watched = Self {
            latest,
            wake: Some(wake),
        };
        let thread = std::thread::Builder::new().name("secrets".into());
        thread.spawn(move || watcher.run(&woken))?;
        Ok(watched)
    }

    /// A value without a file.
    pub fn new(value: T) -> Self {
        let (value, generation) = (Arc::new(value), 0);
        Self {
            latest: Arc::new(RwLock::new(Latest { value, generation })),
            wake: None,
        }
    }

    /// The last parsed value.
    pub fn get(&self) -> Arc<T> {
        let latest = self.latest.read();
        Arc::clone(&latest.unwrap_or_else(PoisonError::into_inner).value)
    }

    /// How often the value has changed.
    pub fn generation(&self) -> u64 {
        let latest = self.latest.read();
        latest.unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Replaces the value, until the file changes.
    pub fn set(&self, value: T) {
        replace(&self.latest, value);
    }

    /// Reads the file at once, whether or not it seems to have changed. Does not wait for the
    /// result.
    pub fn reload(&self) {
        // Its thread outlives us.
        let _ = self.wake.as_ref().map(|wake| wake.send(()));
    }
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self {
            latest: Arc::clone(&self.latest),
            wake: self.wake.clone(),
        }
    }
}

/// Whether that was a change.
fn replace<T: PartialEq>(latest: &RwLock<Latest<T>>, value: T) -> bool {
    let mut latest = latest.write().unwrap_or_else(PoisonError::into_inner);
    let changes = *latest.value != value;
    if changes {
        latest.value = Arc::new(value);
        latest.generation += 1;
    }
    changes
}

impl<T> fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched(…)")
    }
}

/// The thread that checks the file.
struct Watcher<T> {
    path: PathBuf,
    parse: Parse<T>,
    latest: Shared<T>,
    /// The file as it was last read.
    seen: Option<Stamp>,
    /// Reading it again would give the same.
    settled: bool,
    /// What was wrong with it.
    problem: Option<String>,
}

impl<T: PartialEq> Watcher<T> {
    fn open(path: PathBuf, parse: Parse<T>) -> io::Result<(Self, Shared<T>)> {
        let (text, stamp) = read_file(&path)?;
        let (value, generation) = (Arc::new(parse(&text)?), 0);
        let latest = Arc::new(RwLock::new(Latest { value, generation }));
        let watcher = Self {
            path,
            parse,
            latest: Arc::clone(&latest),
            settled: stamp.is_settled(),
            seen: Some(stamp),
            problem: None,
        };
        Ok((watcher, latest))
    }

    fn run(&mut self, woken: &Receiver<()>) {
        loop {
            match woken.recv_timeout(LOOK_EVERY) {
                Ok(()) => self.look(true),
                Err(RecvTimeoutError::Timeout) => self.look(false),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    // req: push-auth-03
    fn look(&mut self, forced: bool) {
        let stamp = std::fs::metadata(&self.path).map(|file| Stamp::of(&file));
        let is_seen = stamp.ok().is_some_and(|stamp| self.seen == Some(stamp));
        if is_seen && self.settled && !forced {
            return;
        }
        let (text, stamp) = match read_file(&self.path) {
            Ok(read) => read,
            // Tried again each time: the obstacle may go away without changing the file.
            Err(error) => return self.fail(&error, None),
        };
        let settled = stamp.is_settled();
        match (self.parse)(&text) {
            Ok(value) => self.change(value, forced),
            Err(error) => self.fail(&error, Some(stamp)),
        }
        (self.seen, self.settled) = (Some(stamp), settled);
    }

    fn change(&mut self, new: T, forced: bool) {
        let changed = replace(&self.latest, new);
        let path = self.path.display();
        if self.problem.take().is_some() || changed {
            log::info!("{path}: read again");
        } else if forced {
            log::info!("{path}: unchanged");
        }
    }

    // req: push-auth-04
    fn fail(&mut self, error: &io::Error, stamp: Option<Stamp>) {
        let problem = error.to_string();
        if self.problem.as_ref() != Some(&problem) || self.seen != stamp {
            let path = self.path.display();
            log::warn!("{path}: {error}; what it held before stays in force");
        }
        self.problem = Some(problem);
        self.seen = stamp;
    }
}

fn read_file(path: &Path) -> io::Result<(String, Stamp)> {
    let wrong = |problem| io::Error::new(io::ErrorKind::InvalidData, problem);
    // Before it is opened: opening a FIFO would wait for its other end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(wrong("not a regular file".to_owned()));
    }
    let file = File::open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(wrong("not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let most = MAX_FILE_BYTES >> 20;
        return Err(wrong(format!("too large: it may have at most {most} MiB")));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("not UTF-8 text".to_owned()))?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    };
    Ok((text, Stamp::of(&about)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A temporary file, deleted when this is dropped.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str, text: &str) -> Self {
            let name = format!("wirebell-watched-{}-{name}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::write(&path, text).unwrap();
            Self(path)
        }

        fn watch(&self) -> Watcher<String> {
            Watcher::open(self.0.clone(), parse).unwrap().0
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
            let _ = fs::remove_dir(&self.0);
        }
    }

    fn parse(text: &str) -> io::Result<String> {
        let bad = || io::Error::new(io::ErrorKind::InvalidData, "bad");
        (text != "bad").then(|| text.to_owned()).ok_or_else(bad)
    }

    fn value(watcher: &Watcher<String>) -> String {
        watcher.latest.read().unwrap().value.to_string()
    }

    #[test]
    // req: push-auth-03
    fn a_change_of_the_same_size_and_time_is_seen() {
        let file = Scratch::new("same", "one");
        let mut watcher = file.watch();
        let time = fs::metadata(&file.0).unwrap().modified().unwrap();
        fs::write(&file.0, "two").unwrap();
        let open = File::options().append(true).open(&file.0).unwrap();
        open.set_modified(time).unwrap();
        watcher.look(false);
        assert_eq!(value(&watcher), "two");
        // Another file in its place, with the timestamp of the first.
        let other = Scratch::new("other", "six");
        let open = File::options().append(true).open(&other.0).unwrap();
        open.set_modified(time).unwrap();
        fs::rename(&other.0, &file.0).unwrap();
        watcher.look(false);
        assert_eq!(value(&watcher), "six");
    }

    #[test]
    // req: push-auth-04
    fn what_cannot_be_read_or_understood_keeps_the_old_until_it_can() {
        let file = Scratch::new("gone", "one");
        let mut watcher = file.watch();
        let looks_bad = |watcher: &mut Watcher<String>, part: &str| {
            for _ in 0..2 {
                watcher.look(false);
                assert_eq!(value(watcher), "one");
                assert!(watcher.problem.as_ref().unwrap().contains(part), "{part}");
            }
        };
        let moved = file.0.with_extension("moved");
        fs::rename(&file.0, &moved).unwrap();
        looks_bad(&mut watcher, "No such file");
        // The very same file again.
        fs::rename(&moved, &file.0).unwrap();
        watcher.look(false);
        assert_eq!(
            (value(&watcher), watcher.problem.take()),
            ("one".into(), None)
        );
        fs::write(&file.0, "bad").unwrap();
        looks_bad(&mut watcher, "bad");
        fs::write(&file.0, b"\xff").unwrap();
        looks_bad(&mut watcher, "UTF-8");
        let large = File::options().write(true).open(&file.0).unwrap();
        large.set_len(MAX_FILE_BYTES + 1).unwrap();
        looks_bad(&mut watcher, "16 MiB");
        fs::remove_file(&file.0).unwrap();
        fs::create_dir(&file.0).unwrap();
        looks_bad(&mut watcher, "regular");
        fs::remove_dir(&file.0).unwrap();
        fs::write(&file.0, "\u{feff}new").unwrap();
        watcher.look(false);
        assert_eq!(value(&watcher), "new");
    }

    #[test]
    fn what_is_no_file_is_refused_and_not_waited_for() {
        for path in ["/dev/null", "/dev/zero", "/", "/nothing/here"] {
            assert!(read_text(Path::new(path)).is_err(), "{path}");
        }
        let file = Scratch::new("fifo", "one");
        let mut watcher = file.watch();
        fs::remove_file(&file.0).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&file.0).status();
        assert!(made.unwrap().success());
        watcher.look(true);
        assert_eq!(value(&watcher), "one");
        assert!(
            read_text(&file.0)
                .unwrap_err()
                .to_string()
                .contains("regular")
        );
    }

    #[test]
    fn the_thread_reads_when_it_is_told_and_ends_with_its_last_owner() {
        let file = Scratch::new("thread", "one");
        let watched = Watched::open(file.0.clone(), parse).unwrap();
        let weak = Arc::downgrade(&watched.latest);
        assert_eq!(watched.generation(), 0);
        fs::write(&file.0, "two").unwrap();
        watched.reload();
        let wait = |done: &dyn Fn() -> bool| {
            let mut left = 500;
            while !done() && left > 0 {
                std::thread::sleep(Duration::from_millis(10));
                left -= 1;
            }
            assert!(done());
        };
        wait(&|| *watched.get() == "two");
        assert_eq!(watched.generation(), 1);
        drop(watched);
        wait(&|| weak.upgrade().is_none());
    }
}
