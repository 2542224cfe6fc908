//! The secrets of the wserver dialect: one key for all publishers, and tokens that stand for users.
//!
//! Input: tokens and keys as clients send them. Output: a user, or yes or no. Invariant: how long a
//! comparison takes says nothing about the key, and neither a key nor a token is ever logged.

use crate::push::auth::digest::Digest;
use crate::push::watched::{Watched, read_text};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The secret that publishing requires.
#[derive(Clone)]
pub struct PushKey(Source);

#[derive(Clone)]
enum Source {
    Fixed(Digest),
    File(Watched<Digest>),
}

impl PushKey {
    /// `None` if the key is empty: every caller would know it. White space around it and a byte
    /// order mark are not part of it: no field could hold them.
    pub fn new(key: impl AsRef<str>) -> Option<Self> {
        parse_key(key.as_ref())
            .ok()
            .map(|key| Self(Source::Fixed(key)))
    }

    /// Reads a file once.
    ///
    /// # Errors
    ///
    /// The system's error; or the file has no key, is not a regular file, or is longer than
    /// [`MAX_FILE_BYTES`](crate::push::MAX_FILE_BYTES).
    pub fn read(path: &Path) -> io::Result<Self> {
        let key = read_text(path).and_then(|text| parse_key(&text))?;
        Ok(Self(Source::Fixed(key)))
    }

    /// Reads a file, and again when it changes, within about a second. While a changed file cannot
    /// be read, the old key stays valid.
    ///
    /// # Errors
    ///
    /// The same as [`PushKey::read`].
    pub fn watch(path: impl Into<PathBuf>) -> io::Result<Self> {
        let file = Watched::open(path.into(), parse_key)?;
        Ok(Self(Source::File(file)))
    }

    /// Reads its file again at once, if it has one.
    pub fn reload(&self) {
        if let Source::File(file) = &self.0 {
            file.reload();
        }
    }

    /// Whether the caller's key is this one. Compares digests, so that the time it takes says
    /// nothing about the key.
    pub fn admits(&self, given: Option<&str>) -> bool {
        let Some(given) = given else { return false };
        let given = Digest::of(given.as_bytes());
        match &self.0 {
            Source::Fixed(key) => *key == given,
            Source::File(file) => *file.get() == given,
        }
    }
}

impl fmt::Debug for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushKey(…)")
    }
}

fn parse_key(text: &str) -> io::Result<Digest> {
    match text.trim_start_matches('\u{feff}').trim() {
        "" => Err(invalid("the file holds no key".into())),
        key => Ok(Digest::of(key.as_bytes())),
    }
}

/// A file that maps tokens to users, read again when it changes. Each line holds a token and a
/// user, separated by white space; empty lines and lines that begin with `#` do not count.
#[derive(Clone, Debug)]
pub struct TokenFile {
    users: Watched<Users>,
}

impl TokenFile {
    /// Reads the file, and again within about a second of each change, on a separate thread. While
    /// a changed file cannot be read, the old tokens stay valid.
    ///
    /// # Errors
    ///
    /// The system's error, or the number of the first invalid line; or the file is not a regular
    /// file, or is longer than [`MAX_FILE_BYTES`](crate::push::MAX_FILE_BYTES).
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let users = Watched::open(path.into(), parse_users)?;
        Ok(Self { users })
    }

    /// The user of a token. Only looks in memory.
    pub fn user(&self, token: &str) -> Option<String> {
        self.users.get().get(token).cloned()
    }

    /// Reads the file again at once.
    pub fn reload(&self) {
        self.users.reload();
    }
}

type Users = HashMap<String, String>;

fn parse_users(text: &str) -> io::Result<Users> {
    let mut users = Users::new();
    for (number, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), number + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((token, user)) = line.split_once(char::is_whitespace) else {
            return Err(invalid(format!(
                "line {number}: a token and a user are needed"
            )));
        };
        let user = user.trim_start();
        match users.entry(token.to_owned()) {
            Entry::Vacant(entry) => drop(entry.insert(user.to_owned())),
            Entry::Occupied(entry) if entry.get() == user => {}
            Entry::Occupied(_) => {
                return Err(invalid(format!(
                    "line {number}: an earlier line has this token for another user"
                )));
            }
        }
    }
    Ok(users)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
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
        assert_eq!(format!("{key:?}"), "PushKey(…)");
    }

    #[test]
    fn what_surrounds_a_key_is_not_part_of_it() {
        for text in [
            "secret",
            " secret\r\n",
            "\u{feff}secret\n",
            "\u{feff} \tsecret",
        ] {
            assert!(
                PushKey::new(text).unwrap().admits(Some("secret")),
                "{text:?}"
            );
        }
        for text in ["", " ", "\r\n", "\u{feff}", "\u{feff}\n"] {
            assert!(PushKey::new(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_token_is_of_one_user() {
        let users = parse_users("a alice\r\nb bob\na  alice \n").unwrap();
        assert_eq!((users["a"].as_str(), users["b"].as_str()), ("alice", "bob"));
        let error = parse_users("secret-token alice\n\nsecret-token bob\n").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("line 3") && !text.contains("secret"),
            "{text}"
        );
    }
}
