//! Header fields: look-up by name, lists of tokens (RFC 9110 section 5).
//!
//! Comes in: the fields of one head. Goes out: values as trimmed text. Names compare without
//! case; several lines of one name are one list (RFC 9110 section 5.3). Invariant: nothing is
//! copied and nothing is looked at twice per question.

/// One header field line: a name and the raw bytes of its value.
pub type Field<'h> = httparse::Header<'h>;

/// The fields of one head.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'h> {
    lines: &'h [Field<'h>],
}

/// A field that may stand once stands several times, or its value is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl<'h> Fields<'h> {
    pub(crate) fn new(lines: &'h [Field<'h>]) -> Self {
        Self { lines }
    }

    /// The fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = &'h Field<'h>> + use<'h> {
        self.lines.iter()
    }

    /// The values of all lines with this name, trimmed; a value that is not UTF-8 is empty.
    pub fn all(&self, name: &'h str) -> impl Iterator<Item = &'h str> + Clone + use<'h> {
        let named = self
            .lines
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name));
        named.map(|line| trim(core::str::from_utf8(line.value).unwrap_or_default()))
    }

    /// The first value with this name, trimmed.
    pub fn get(&self, name: &'h str) -> Option<&'h str> {
        self.all(name).next()
    }

    /// The value of a field that must not stand twice.
    pub(crate) fn single(&self, name: &str) -> Result<Option<&'h str>, Ambiguous> {
        let mut lines = self
            .lines
            .iter()
            .filter(|line| line.name.eq_ignore_ascii_case(name));
        match (lines.next(), lines.next()) {
            (None, _) => Ok(None),
            (Some(line), None) => match core::str::from_utf8(line.value) {
                Ok(value) => Ok(Some(trim(value))),
                Err(_) => Err(Ambiguous),
            },
            (Some(_), Some(_)) => Err(Ambiguous),
        }
    }

    /// The elements of a comma-separated list over all lines, trimmed, empty ones left out
    /// (RFC 9110 section 5.6.1).
    pub fn list(&self, name: &'h str) -> impl Iterator<Item = &'h str> + Clone + use<'h> {
        let elements = self.all(name).flat_map(|value| value.split(',').map(trim));
        elements.filter(|element| !element.is_empty())
    }

    /// Whether a list has this token, in any case.
    pub fn has_token(&self, name: &'h str, token: &str) -> bool {
        self.list(name)
            .any(|element| element.eq_ignore_ascii_case(token))
    }
}

fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// Whether this is a token of RFC 9110 section 5.6.2: at least one character, no separators.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
