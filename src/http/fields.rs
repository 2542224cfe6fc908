//! Header fields: look-up by name, lists of tokens (RFC 9110 section 5).
//!
//! Input: the fields of one head. Output: values as trimmed text. Names compare without case;
//! several lines of one name are one list (RFC 9110 section 5.3). Invariant: nothing is copied, and
//! a look-up visits each field once.

use crate::error::HeadError;

/// One header field line: a name and the raw bytes of its value.
///
/// It is httparse's own type, so that httparse fills the caller's storage without a copy.
pub type Field<'h> = httparse::Header<'h>;

/// Fills storage that fields are put into.
pub const EMPTY_FIELD: Field<'static> = Field {
    name: "",
    value: b"",
};

/// The fields of one head.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'h> {
    lines: &'h [Field<'h>],
}

/// A field that may appear only once is repeated, or its value is not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl<'h> Fields<'h> {
    pub(crate) fn new(lines: &'h [Field<'h>]) -> Self {
        Self { lines }
    }

    /// Fields from another parser, as names and raw values. `storage` holds them.
    ///
    /// # Errors
    ///
    /// [`HeadError::Malformed`] for a name that is not a token and for a value with control
    /// characters (RFC 9110 sections 5.1 and 5.5), [`HeadError::TooManyFields`] if the storage is
    /// too short.
    pub fn from_pairs(
        pairs: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        storage: &'h mut [Field<'h>],
    ) -> Result<Self, HeadError> {
        let mut count = 0;
        for (name, value) in pairs {
            if !is_token(name) || !value.iter().all(|byte| is_value_byte(*byte)) {
                return Err(HeadError::Malformed);
            }
            *storage.get_mut(count).ok_or(HeadError::TooManyFields)? = Field { name, value };
            count += 1;
        }
        Ok(Self::new(&storage[..count]))
    }

    /// The fields in order.
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

    /// The value of a field that must not be repeated.
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
    /// (RFC 9110 section 5.6.1). A comma inside a quoted string separates too.
    pub fn list(&self, name: &'h str) -> impl Iterator<Item = &'h str> + Clone + use<'h> {
        let elements = self.all(name).flat_map(|value| value.split(',').map(trim));
        elements.filter(|element| !element.is_empty())
    }

    /// Whether a list contains this token; case is ignored.
    pub fn has_token(&self, name: &'h str, token: &str) -> bool {
        self.list(name)
            .any(|element| element.eq_ignore_ascii_case(token))
    }
}

/// Without the spaces and tabs at both ends: a value has no other white space of ASCII.
fn trim(value: &str) -> &str {
    value.trim_ascii()
}

/// What a field value is made of (RFC 9110 section 5.5): no control characters but the tab.
pub(crate) const fn is_value_byte(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

/// Whether this is a token of RFC 9110 section 5.6.2: at least one character, no separators.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(crate) const fn is_token_byte(byte: u8) -> bool {
    let is_mark = matches!(
        byte,
        b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'|' | b'~'
    );
    byte.is_ascii_alphanumeric() || is_mark || matches!(byte, b'^'..=b'`')
}
