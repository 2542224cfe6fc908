//! The tokens of a server, as a TOML file holds them.
//!
//! ```toml
//! revoked = ["mallory@example.org"]      # subjects of JWTs
//!
//! [[token]]
//! name = "shop"
//! sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
//! expires = 2027-11-28T00:00:00Z         # without it: never
//! publish = ["orders.**"]                # without it: nothing
//! subscribe = ["orders.**", "news"]
//! admin = true                           # without it: false
//! ```
//!
//! Input: a file or a text. Output: the grant of each token. Invariant: a file is taken whole or
//! not at all, and errors quote nothing that could be a token.

use crate::push::auth::digest::Digest;
use crate::push::auth::elsewhere::Elsewhere;
use crate::push::auth::grant::{Grant, Proof, Source, check_name, check_pattern};
use crate::push::name::Pattern;
use crate::push::time::parse_rfc3339;
use crate::push::watched::Watched;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The tokens of a server: from a file, which is read again when it changes, or from the program.
/// Clones share them.
#[derive(Clone, Debug)]
pub struct Tokens {
    list: Watched<TokenList>,
    /// What other servers of the same log have revoked.
    elsewhere: Elsewhere,
}

impl Tokens {
    /// Reads a file, and again within about a second of each change, on a separate thread. While a
    /// changed file cannot be read, the old tokens stay valid.
    ///
    /// # Errors
    ///
    /// The system's error; the line and the entry that is wrong; or the file is not a regular file,
    /// or is longer than [`MAX_FILE_BYTES`](crate::push::MAX_FILE_BYTES).
    pub fn watch(path: impl Into<PathBuf>) -> io::Result<Self> {
        Watched::open(path.into(), parse).map(Self::of)
    }

    /// The tokens of a text that is written as the file would be.
    ///
    /// # Errors
    ///
    /// The line and the entry that is wrong.
    ///
    /// ```
    /// use wirebell::push::{Digest, Tokens};
    ///
    /// let text = format!(
    ///     "[[token]]\nname = 'shop'\nsha256 = '{}'\npublish = ['orders.**']\n",
    ///     Digest::of(b"secret")
    /// );
    /// let tokens = Tokens::parse(&text)?;
    /// assert!(tokens.grants()[0].may_publish(&"orders.eu".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn parse(text: &str) -> io::Result<Self> {
        parse(text).map(|list| Self::of(Watched::new(list)))
    }

    fn of(list: Watched<TokenList>) -> Self {
        Self {
            list,
            elsewhere: Elsewhere::default(),
        }
    }

    /// Replaces all tokens by those of a text, for a program that keeps them elsewhere; if they are
    /// of a file, until that changes.
    ///
    /// # Errors
    ///
    /// The line and the entry that is wrong; then the old tokens stay valid.
    pub fn replace(&self, text: &str) -> io::Result<()> {
        self.list.set(parse(text)?);
        Ok(())
    }

    /// Reads the file again at once, if there is one. Does not wait for the result.
    pub fn reload(&self) {
        self.list.reload();
    }

    /// All tokens, in the order of the file.
    pub fn grants(&self) -> Vec<Arc<Grant>> {
        self.list.get().grants.clone()
    }

    /// What this token grants, expired or not.
    pub(super) fn find(&self, token: &Digest) -> Option<Arc<Grant>> {
        if self.elsewhere.has_token(token) {
            return None;
        }
        let list = self.list.get();
        let at = *list.places.get(token)?;
        Some(Arc::clone(&list.grants[at]))
    }

    /// Whether the JWTs of this subject are no longer accepted.
    pub(super) fn has_revoked(&self, subject: &str) -> bool {
        self.list.get().revoked.contains(subject) || self.elsewhere.has_subject(subject)
    }

    pub(super) fn generation(&self) -> u64 {
        self.list.generation() + self.elsewhere.generation()
    }

    /// What other servers of the same log have revoked.
    pub(super) fn elsewhere(&self) -> &Elsewhere {
        &self.elsewhere
    }

    /// The digests of all tokens, and the revoked subjects.
    pub(super) fn known(&self) -> (HashSet<Digest>, HashSet<String>) {
        let list = self.list.get();
        (list.places.keys().copied().collect(), list.revoked.clone())
    }
}

#[derive(Debug, Default, PartialEq)]
struct TokenList {
    grants: Vec<Arc<Grant>>,
    /// Where each is in `grants`.
    places: HashMap<Digest, usize>,
    /// Subjects of JWTs.
    revoked: HashSet<String>,
}

/// What is wrong, and where in the text.
struct Problem {
    at: usize,
    text: String,
}

impl Problem {
    fn new<T>(at: &Spanned<T>, text: impl Into<String>) -> Self {
        Self {
            at: at.span().start,
            text: text.into(),
        }
    }
}

type Value<'t> = Spanned<DeValue<'t>>;

fn parse(text: &str) -> io::Result<TokenList> {
    let list = DeTable::parse(text).map_err(|error| Problem {
        at: error.span().map_or(0, |span| span.start),
        text: error
            .message()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned(),
    });
    list.and_then(|table| read_list(table.get_ref()))
        .map_err(|Problem { at, text: problem }| {
            let line = 1 + text[..at].matches('\n').count();
            io::Error::new(
                io::ErrorKind::InvalidData,
                format!("line {line}: {problem}"),
            )
        })
}

fn read_list(table: &DeTable<'_>) -> Result<TokenList, Problem> {
    let mut list = TokenList::default();
    for (key, value) in table {
        match &**key.get_ref() {
            "revoked" => {
                let subjects = texts(value)?.map(|(_, subject)| subject.to_owned());
                list.revoked = subjects.collect();
            }
            "token" => {
                let entries = value.get_ref().as_array();
                let wrong = || Problem::new(value, "write each token as [[token]]");
                for (entry, number) in entries.ok_or_else(wrong)?.iter().zip(1..) {
                    list.add(entry, number)?;
                }
            }
            _ => {
                let text = "unknown key: a file of tokens has `revoked` and `[[token]]`";
                return Err(Problem::new(key, text));
            }
        }
    }
    Ok(list)
}

impl TokenList {
    // req: push-auth-06
    fn add(&mut self, entry: &Value<'_>, number: usize) -> Result<(), Problem> {
        let grant = read_entry(entry).and_then(|(grant, digest)| {
            match self.places.insert(digest, self.grants.len()) {
                None => Ok(grant),
                Some(earlier) => {
                    let text = format!("token {} has this sha256 as well", earlier + 1);
                    Err(Problem::new(entry, text))
                }
            }
        });
        let grant = grant.map_err(|problem| Problem {
            text: format!("{}: {}", entry_name(entry, number), problem.text),
            ..problem
        })?;
        self.grants.push(Arc::new(grant));
        Ok(())
    }
}

/// An entry in an error: its number, and its name if it has one.
fn entry_name(entry: &Value<'_>, number: usize) -> String {
    let name = entry.get_ref().get("name");
    match name.and_then(|name| name.get_ref().as_str()) {
        Some(name) => format!("token {number} ({name:?})"),
        None => format!("token {number}"),
    }
}

// req: push-auth-05
fn read_entry(entry: &Value<'_>) -> Result<(Grant, Digest), Problem> {
    let wrong = || Problem::new(entry, "write each token as [[token]]");
    let table = entry.get_ref().as_table().ok_or_else(wrong)?;
    let (mut name, mut digest) = (None, None);
    let (mut publish, mut subscribe) = (Vec::new(), Vec::new());
    let (mut admin, mut expires) = (false, None);
    for (key, value) in table {
        match &**key.get_ref() {
            "name" => {
                let checked = check_name(text(value)?);
                name = Some(checked.map_err(|problem| Problem::new(value, problem))?);
            }
            "sha256" => {
                let parsed = text(value)?.parse::<Digest>();
                let problem = |bad| Problem::new(value, format!("sha256: {bad}"));
                digest = Some(parsed.map_err(problem)?);
            }
            "expires" => expires = Some(time(value)?),
            "publish" => publish = patterns(value)?,
            "subscribe" => subscribe = patterns(value)?,
            "admin" => {
                let wrong = || Problem::new(value, "admin: write true or false");
                admin = value.get_ref().as_bool().ok_or_else(wrong)?;
            }
            _ => {
                let text = "unknown key: a token has `name`, `sha256`, `expires`, `publish`, \
                            `subscribe` and `admin`";
                return Err(Problem::new(key, text));
            }
        }
    }
    let missing = |key| Problem::new(entry, format!("`{key}` is missing"));
    let digest = digest.ok_or_else(|| missing("sha256"))?;
    let grant = Grant {
        name: name.ok_or_else(|| missing("name"))?,
        publish,
        subscribe,
        admin,
        expires,
        proof: Proof {
            digest,
            source: Source::File,
        },
    };
    Ok((grant, digest))
}

fn text<'v>(value: &'v Value<'_>) -> Result<&'v str, Problem> {
    let wrong = || Problem::new(value, "write a text in quotes");
    value.get_ref().as_str().ok_or_else(wrong)
}

/// A list of texts, each with its place.
fn texts<'v, 't>(
    value: &'v Value<'t>,
) -> Result<impl Iterator<Item = (&'v Value<'t>, &'v str)>, Problem> {
    let wrong = || Problem::new(value, "write a list of texts, such as [\"a\", \"b\"]");
    let list = value.get_ref().as_array().ok_or_else(wrong)?;
    let texts: Result<Vec<_>, Problem> = list.iter().map(|one| Ok((one, text(one)?))).collect();
    Ok(texts?.into_iter())
}

fn patterns(value: &Value<'_>) -> Result<Vec<Pattern>, Problem> {
    texts(value)?
        .map(|(at, text)| check_pattern(text).map_err(|problem| Problem::new(at, problem)))
        .collect()
}

/// A time of TOML, or the same in quotes.
fn time(value: &Value<'_>) -> Result<u64, Problem> {
    let time = match value.get_ref() {
        DeValue::Datetime(time) => parse_rfc3339(&time.to_string()),
        other => other.as_str().and_then(parse_rfc3339),
    };
    let example = "expires: write a time with its zone, such as 2027-01-31T12:00:00Z";
    time.ok_or_else(|| Problem::new(value, example))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(lines: &str) -> String {
        format!("[[token]]\n{lines}\n")
    }

    fn sha256(token: &str) -> String {
        format!("sha256 = \"{}\"", Digest::of(token.as_bytes()))
    }

    fn error(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[track_caller]
    fn told(rows: &[(String, &str)]) {
        for (text, expected) in rows {
            let error = error(text);
            assert!(error.contains(expected), "{text}\n{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    // req: push-auth-05
    fn a_file_with_everything() {
        let text = format!(
            "# all of it\nrevoked = [\"mallory\"]\n\n[[token]]\nname = \"shop\"\n{}\n\
             expires = 2027-01-01T00:00:00Z\npublish = [\"orders.**\"]\n\
             subscribe = ['a', 'b.*']\nadmin = true\n\n[[token]]\nname = \"shop\"\n{}\n\
             expires = \"2027-01-01T00:00:00.5+01:00\"\n",
            sha256("one"),
            sha256("two")
        );
        let tokens = Tokens::parse(&text).unwrap();
        let grants = tokens.grants();
        let (one, two) = (&grants[0], &grants[1]);
        assert_eq!((&**one.name(), &**two.name()), ("shop", "shop"));
        assert_eq!(one.expires(), Some(1_798_761_600_000));
        assert_eq!(two.expires(), Some(1_798_758_000_500));
        assert!(one.is_admin() && !two.is_admin());
        assert_eq!((one.publish().len(), one.subscribe().len()), (1, 2));
        assert!(two.publish().is_empty() && two.subscribe().is_empty());
        assert_eq!(tokens.find(&Digest::of(b"two")).as_ref(), Some(two));
        assert_eq!(tokens.find(&Digest::of(b"three")), None);
        assert!(tokens.has_revoked("mallory") && !tokens.has_revoked("shop"));
        assert_eq!(one.id(), Digest::of(b"one").short());
    }

    #[test]
    fn an_empty_file_has_no_tokens() {
        for text in ["", "# nothing yet\n", "revoked = []", "token = []"] {
            assert!(parse(text).unwrap().grants.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_entry() {
        let name = "name = \"shop\"";
        let good = entry(&format!("{name}\n{}", sha256("one")));
        let rows = [
            (
                format!("{good}{good}"),
                "line 4: token 2 (\"shop\"): token 1 has this",
            ),
            ("tokens = []".to_owned(), "line 1: unknown key"),
            ("\ntoken = 1".to_owned(), "line 2: write each token as"),
            ("token = [1]".to_owned(), "line 1: token 1: write each"),
            ("revoked = \"a\"".to_owned(), "line 1: write a list"),
            ("revoked = [1]".to_owned(), "line 1: write a text"),
            ("a\n".to_owned(), "line 1: "),
            (
                entry(name),
                "line 1: token 1 (\"shop\"): `sha256` is missing",
            ),
            (entry(&sha256("one")), "token 1: `name` is missing"),
        ];
        told(&rows);
    }

    #[test]
    fn values_of_an_entry_that_are_wrong() {
        let name = "name = \"shop\"";
        let good = entry(&format!("{name}\n{}", sha256("one")));
        let rows = [
            (
                entry(name) + "sha256 = \"12\"",
                "line 3: token 1 (\"shop\"): sha256: ",
            ),
            (
                entry("name = \"\""),
                "line 2: token 1 (\"\"): a name cannot be empty",
            ),
            (entry("name = \"a\\nb\""), "a name has no control"),
            (entry("name = 7"), "line 2: token 1: write a text"),
            (
                format!("{good}admin = 1\n"),
                "line 4: token 1 (\"shop\"): admin: ",
            ),
            (
                format!("{good}expires = 2027-01-01\n"),
                "line 4: token 1 (\"shop\"): expires: ",
            ),
            (
                format!("{good}expires = 2027-01-01T00:00:00\n"),
                "with its zone",
            ),
            (format!("{good}expires = \"30d\"\n"), "line 4: "),
            (
                format!("{good}publish = \"a\"\n"),
                "line 4: token 1 (\"shop\"): write a list",
            ),
            (
                format!("{good}publish = [\"a\",\n\"b..c\"]\n"),
                "line 5: token 1 (\"shop\"): \"b..c\"",
            ),
            (format!("{good}subscribe = [\"$stats\"]\n"), "admin"),
            (
                format!("{good}subscibe = []\n"),
                "line 4: token 1 (\"shop\"): unknown key",
            ),
            (format!("{good}name = \"b\"\n"), "line 4: "),
        ];
        told(&rows);
    }

    /// The token itself where its digest belongs, and the file of the wserver dialect.
    #[test]
    fn errors_do_not_quote_secrets() {
        let secret = "wb_secret";
        for text in [
            entry(&format!("name = \"a\"\nsha256 = \"{secret}\"")),
            entry(&format!("name = \"a\"\ntoken = \"{secret}\"")),
            entry(&format!("name = \"a\"\nsha256 = {secret}")),
            format!("{secret} alice\n"),
            format!("{secret} = \"alice\"\n"),
            format!("\"{secret} alice\n"),
        ] {
            let error = error(&text);
            assert!(!error.contains(secret), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(\\[\\[token\\]\\]|name|sha256|=|\"|\\[|\\]|\n| |é|1|,)*") {
            let _ = parse(&text);
        }
    }
}
