//! The names of topics, and the patterns that match them.
//!
//! ```text
//!   topic     orders.eu.berlin     1 to 255 bytes; levels between dots, none of them empty
//!   pattern   orders.*.berlin      * is any one level
//!             orders.**            ** is one or more levels, and the last one
//! ```
//!
//! Input: text from a path, a message or a settings file, already percent-decoded. Output: checked
//! names. Invariant: a topic is also the pattern that matches it alone. Topics of owners consist of
//! any two texts, as in `$,5,aliceorders`: no text is parsed as one, and no wildcard matches one.
//! Whether a client may use a name is left to `auth`.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Bytes of a topic or a pattern: as long as the names of files, so that other programs can store
/// them.
pub const MAX_NAME_BYTES: usize = 255;

/// The beginning of the topics of owners. No name from outside has a comma.
const OWNED: &str = "$,";

/// The name of a topic. Cloning it copies a pointer. Compares byte by byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

/// The topics of a subscription or a permission: a name that may have wildcards. Cloning it copies
/// a pointer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(Arc<str>);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadName {
    /// It has no bytes.
    Empty,
    /// It has more than [`MAX_NAME_BYTES`].
    TooLong,
    /// It begins or ends with a dot, or has two in a row.
    EmptyLevel,
    /// It has a control character, white space, or one of `* , / ? #`.
    Character(char),
    /// `*` is not a whole level, or `**` is not the last one.
    Wildcard,
}

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name cannot be empty"),
            Self::TooLong => write!(f, "a name has at most {MAX_NAME_BYTES} bytes"),
            Self::EmptyLevel => f.write_str("a level between two dots cannot be empty"),
            Self::Character(character) => write!(f, "a name cannot contain {character:?}"),
            Self::Wildcard => f.write_str("* stands for a whole level, ** for all the last ones"),
        }
    }
}

impl std::error::Error for BadName {}

impl TopicName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic `name` of an owner: any two texts, of any length.
    pub(super) fn owned(owner: &str, name: &str) -> Self {
        Self([&*Self::prefix_of_owner(owner), name].concat().into())
    }

    /// What all topics of an owner begin with, and no others.
    pub(super) fn prefix_of_owner(owner: &str) -> String {
        format!("{OWNED}{},{owner}", owner.len())
    }

    /// The owner and the name in the text of a topic of an owner.
    #[cfg(feature = "take-over")]
    pub(super) fn parts_of(text: &str) -> Option<(&str, &str)> {
        let (length, rest) = text.strip_prefix(OWNED)?.split_once(',')?;
        rest.split_at_checked(length.parse().ok()?)
    }

    /// It is a topic of an owner.
    pub(super) fn is_owned(&self) -> bool {
        self.0.starts_with(OWNED)
    }

    /// A topic of the server itself: clients cannot publish to it, and no wildcard matches it.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with('$')
    }

    /// The pattern that matches this topic alone.
    pub fn to_pattern(&self) -> Pattern {
        Pattern(Arc::clone(&self.0))
    }
}

impl Pattern {
    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The topic that it matches, if there are no wildcards in it.
    pub fn to_topic(&self) -> Option<TopicName> {
        let is_topic = !self.0.contains('*') || self.0.starts_with(OWNED);
        is_topic.then(|| TopicName(Arc::clone(&self.0)))
    }

    /// The text before the first wildcard, with which all that it matches begins.
    pub(super) fn prefix(&self) -> &str {
        self.0.split('*').next().unwrap_or_default()
    }

    /// Whether the topic is one of these.
    pub fn matches(&self, topic: &TopicName) -> bool {
        covers(&self.0, &topic.0)
    }

    /// Whether this pattern matches every topic that `other` matches.
    pub fn covers(&self, other: &Self) -> bool {
        covers(&self.0, &other.0)
    }
}

/// Compares level by level. A topic is a pattern without wildcards.
// req: push-names-07 push-names-08 push-names-09
fn covers(wide: &str, narrow: &str) -> bool {
    if narrow.starts_with('$') && wide.starts_with('*') {
        return false;
    }
    let (mut wide, mut narrow) = (wide.split('.'), narrow.split('.'));
    loop {
        match (wide.next(), narrow.next()) {
            (None, None) | (Some("**"), Some(_)) => return true,
            (Some("*"), Some(level)) if level != "**" => {}
            (Some(level), Some(other)) if level == other => {}
            _ => return false,
        }
    }
}

impl FromStr for TopicName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        check(text, |level| match level.contains(&b'*') {
            true => Err(BadName::Character('*')),
            false => Ok(()),
        })?;
        Ok(Self(text.into()))
    }
}

impl FromStr for Pattern {
    type Err = BadName;

    // req: push-names-10
    fn from_str(text: &str) -> Result<Self, BadName> {
        let mut ended = false;
        check(text, |level| match level {
            _ if ended => Err(BadName::Wildcard),
            b"*" => Ok(()),
            b"**" => {
                ended = true;
                Ok(())
            }
            _ if level.contains(&b'*') => Err(BadName::Wildcard),
            _ => Ok(()),
        })?;
        Ok(Self(text.into()))
    }
}

/// The rules of topics and patterns; `stars` judges the wildcards of each level.
// req: push-names-01 push-names-02 push-names-03
fn check(text: &str, mut stars: impl FnMut(&[u8]) -> Result<(), BadName>) -> Result<(), BadName> {
    match text.len() {
        0 => return Err(BadName::Empty),
        len if len > MAX_NAME_BYTES => return Err(BadName::TooLong),
        _ => {}
    }
    let is_bad = |c: &char| c.is_control() || c.is_whitespace() || ",/?#".contains(*c);
    let is_good = |byte: u8| byte.is_ascii_graphic() && !b",/?#".contains(&byte);
    // Characters are told apart only if some are not ASCII, as most names are.
    if !text.bytes().all(is_good)
        && let Some(bad) = text.chars().find(is_bad)
    {
        return Err(BadName::Character(bad));
    }
    for level in text.as_bytes().split(|byte| *byte == b'.') {
        if level.is_empty() {
            return Err(BadName::EmptyLevel);
        }
        stars(level)?;
    }
    Ok(())
}

// Hashes and orders like the text.
impl Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Pattern {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    // req: push-names-02 push-names-03 push-names-10
    fn names_and_what_is_wrong_with_them() {
        let longest = "é".repeat(127) + "x";
        for good in ["a", "orders.eu", "$stats", "größe.ü", "a:b;c", &longest] {
            assert_eq!(good.parse::<TopicName>().unwrap().as_str(), good);
            assert!(pattern(good).to_topic().is_some());
        }
        let too_long = "x".repeat(256);
        let bad = BadName::Character;
        for (text, topic, as_pattern) in [
            ("", BadName::Empty, Some(BadName::Empty)),
            (&too_long, BadName::TooLong, Some(BadName::TooLong)),
            (".", BadName::EmptyLevel, Some(BadName::EmptyLevel)),
            ("a.", BadName::EmptyLevel, Some(BadName::EmptyLevel)),
            ("a..b", BadName::EmptyLevel, Some(BadName::EmptyLevel)),
            ("a b", bad(' '), Some(bad(' '))),
            ("a\u{a0}b", bad('\u{a0}'), Some(bad('\u{a0}'))),
            ("a\0", bad('\0'), Some(bad('\0'))),
            ("a,b", bad(','), Some(bad(','))),
            ("a/b", bad('/'), Some(bad('/'))),
            ("a?", bad('?'), Some(bad('?'))),
            ("a#", bad('#'), Some(bad('#'))),
            ("*", bad('*'), None),
            ("a.*.b", bad('*'), None),
            ("a.**", bad('*'), None),
            ("a.**.b", bad('*'), Some(BadName::Wildcard)),
            ("**.**", bad('*'), Some(BadName::Wildcard)),
            ("a*", bad('*'), Some(BadName::Wildcard)),
            ("***", bad('*'), Some(BadName::Wildcard)),
        ] {
            assert_eq!(text.parse::<TopicName>(), Err(topic), "{text:?}");
            assert_eq!(text.parse::<Pattern>().err(), as_pattern, "{text:?}");
        }
    }

    #[test]
    // req: push-names-07 push-names-08 push-names-09
    fn a_wildcard_is_one_level_or_all_the_last_ones() {
        for (wide, narrow, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "a.b", false),
            ("a.b", "a", false),
            ("*", "a", true),
            ("*", "a.b", false),
            ("*.b", "a.b", true),
            ("*.b", "a.c", false),
            ("a.*", "a.*", true),
            ("a.*", "a.**", false),
            ("a.*", "a", false),
            ("a.**", "a", false),
            ("a.**", "a.b", true),
            ("a.**", "a.b.c", true),
            ("a.**", "a.*", true),
            ("a.**", "a.*.c.**", true),
            ("a.**", "a.**", true),
            ("**", "a.b.c", true),
            ("**", "**", true),
            ("*", "**", false),
            ("a.b", "a.*", false),
            ("**", "$stats", false),
            ("*", "$stats", false),
            ("$stats", "$stats", true),
            ("$x.**", "$x.y", true),
            ("**", "a.$x", true),
        ] {
            let (wide, narrow) = (pattern(wide), pattern(narrow));
            assert_eq!(wide.covers(&narrow), expected, "{wide} {narrow}");
            if let Some(topic) = narrow.to_topic() {
                assert_eq!(wide.matches(&topic), expected, "{wide} {narrow}");
            }
        }
    }
}
