//! Who may subscribe and who may publish.
//!
//! Comes in: tokens and keys as clients send them. Goes out: a user, or yes or no. Invariant: a
//! key is compared in constant time, and neither a key nor a token is ever logged.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use subtle::ConstantTimeEq;

/// The secret without which nothing is published.
#[derive(Clone, PartialEq, Eq)]
pub struct PushKey(String);

impl PushKey {
    /// `None` if the key is empty: then everybody would have it.
    pub fn new(key: impl Into<String>) -> Option<Self> {
        let key = key.into();
        (!key.is_empty()).then_some(Self(key))
    }

    /// Reads a file; white space around the key is not part of it.
    ///
    /// # Errors
    ///
    /// What the system says, or that the file has no key.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let empty = || io::Error::new(io::ErrorKind::InvalidData, "the file holds no key");
        Self::new(text.trim()).ok_or_else(empty)
    }

    /// Whether the caller has it. Takes the same time for every wrong key of the same length.
    pub fn admits(&self, given: Option<&str>) -> bool {
        given.is_some_and(|given| self.0.as_bytes().ct_eq(given.as_bytes()).into())
    }
}

impl fmt::Debug for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushKey(…)")
    }
}

/// A file that maps tokens to users, read again when it changes. Each line holds a token and a
/// user, separated by white space; empty lines and lines that begin with `#` do not count.
#[derive(Clone, Debug)]
pub struct TokenFile {
    shared: Arc<Mutex<Tokens>>,
}

struct Tokens {
    path: PathBuf,
    users: HashMap<String, String>,
    modified: Option<SystemTime>,
    looked: Instant,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// How long a change of the file may go unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl TokenFile {
    /// Reads the file for the first time.
    ///
    /// # Errors
    ///
    /// What the system says, or the number of the first line that is not understood.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let (users, modified) = read_tokens(&path)?;
        let tokens = Tokens {
            path,
            users,
            modified,
            looked: Instant::now(),
        };
        Ok(Self {
            shared: Arc::new(Mutex::new(tokens)),
        })
    }

    /// The user of a token. Looks at most once a second whether the file has changed; while a
    /// changed file cannot be read, the old tokens stay.
    pub fn user(&self, token: &str) -> Option<String> {
        let mut tokens = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.looked.elapsed() >= LOOK_EVERY {
            tokens.refresh();
        }
        tokens.users.get(token).cloned()
    }
}

impl Tokens {
    fn refresh(&mut self) {
        self.looked = Instant::now();
        let modified = std::fs::metadata(&self.path)
            .and_then(|file| file.modified())
            .ok();
        if modified == self.modified {
            return;
        }
        match read_tokens(&self.path) {
            Ok((users, modified)) => {
                log::info!("{}: {} tokens", self.path.display(), users.len());
                (self.users, self.modified) = (users, modified);
            }
            Err(error) => {
                self.modified = modified;
                log::warn!("{}: {error}; the old tokens stay", self.path.display());
            }
        }
    }
}

type Users = HashMap<String, String>;

fn read_tokens(path: &Path) -> io::Result<(Users, Option<SystemTime>)> {
    let modified = std::fs::metadata(path)?.modified().ok();
    let text = std::fs::read_to_string(path)?;
    let mut users = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((token, user)) = line.split_once(char::is_whitespace) else {
            let problem = format!("line {}: a token and a user are needed", number + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        };
        users.insert(token.to_owned(), user.trim_start().to_owned());
    }
    Ok((users, modified))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_key_is_admitted() {
        let key = PushKey::new("secret").unwrap();
        assert!(key.admits(Some("secret")));
        for wrong in [
            None,
            Some(""),
            Some("secre"),
            Some("secretx"),
            Some("Secret"),
        ] {
            assert!(!key.admits(wrong), "{wrong:?}");
        }
        assert!(PushKey::new("").is_none());
        assert_eq!(format!("{key:?}"), "PushKey(…)");
    }
}
