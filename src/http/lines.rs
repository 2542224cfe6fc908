//! Header fields to be sent: RFC 9110 section 5.
//!
//! Input: a name and a value. Output: a line that can be sent in a head. Invariant: a name is a
//! token, a value cannot end the line, and no line repeats what the response writer adds itself.

use crate::http::fields::{is_token_byte, is_value_byte};
use core::fmt;
#[cfg(feature = "net")]
use std::borrow::Cow;

/// Fields that the response writer adds itself.
const OF_THE_WRITER: [&str; 5] = [
    "Connection",
    "Content-Length",
    "Content-Type",
    "Date",
    "Transfer-Encoding",
];

/// The media type of plain text.
pub(crate) const TEXT_PLAIN: &str = "text/plain; charset=utf-8";

/// Why something cannot be a field of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidField {
    /// The name is not a token (RFC 9110 section 5.1).
    Name,
    /// The response writer adds it itself: Connection, Content-Length, Content-Type, Date,
    /// Transfer-Encoding.
    Reserved,
    /// The value has control characters, or leading or trailing spaces (RFC 9110 section 5.5).
    Value,
}

impl InvalidField {
    const fn text(self) -> &'static str {
        match self {
            Self::Name => "the name of a header field is a token",
            Self::Reserved => "the response writes this header field itself",
            Self::Value => "a field value has no control characters, and no spaces at its ends",
        }
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for InvalidField {}

/// A header field that was checked at compile time: [`field!`](crate::http::field).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaticField {
    name: &'static str,
    value: &'static str,
}

impl StaticField {
    /// What [`field!`](crate::http::field) calls, in a constant.
    ///
    /// # Panics
    ///
    /// For an [`InvalidField`]; in a constant this is a compile error.
    #[track_caller]
    pub const fn new(name: &'static str, value: &'static str) -> Self {
        match check(name, value) {
            Ok(()) => Self { name, value },
            Err(invalid) => panic!("{}", invalid.text()),
        }
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// The value.
    pub const fn value(self) -> &'static str {
        self.value
    }
}

/// A header field made of two constants; one that cannot be sent is a compile error.
///
/// ```
/// use wirebell::http::{StaticField, field};
///
/// let allow: StaticField = field!("Allow", "GET, HEAD");
/// ```
///
/// A value cannot end its line:
///
/// ```compile_fail,E0080
/// let bad = wirebell::http::field!("Location", "/\r\nSet-Cookie: a=b");
/// ```
///
/// What the response writer adds itself is refused:
///
/// ```compile_fail,E0080
/// let bad = wirebell::http::field!("content-length", "0");
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __field {
    ($name:expr, $value:expr $(,)?) => {
        const { $crate::http::StaticField::new($name, $value) }
    };
}

/// A header field of a [`Response`](crate::http::Response).
#[cfg(feature = "net")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLine {
    pub(super) name: &'static str,
    pub(super) value: Cow<'static, str>,
}

#[cfg(feature = "net")]
impl FieldLine {
    /// A field whose value is only known at run time.
    ///
    /// ```
    /// use wirebell::http::{FieldLine, InvalidField};
    ///
    /// assert!(FieldLine::new("Retry-After", 5.to_string()).is_ok());
    /// let split = FieldLine::new("Location", "/\r\nSet-Cookie: a=b");
    /// assert_eq!(split, Err(InvalidField::Value));
    /// ```
    ///
    /// # Errors
    ///
    /// The [`InvalidField`] that says what is wrong.
    pub fn new(
        name: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Result<Self, InvalidField> {
        let value = value.into();
        check(name, &value)?;
        Ok(Self { name, value })
    }
}

#[cfg(feature = "net")]
impl From<StaticField> for FieldLine {
    fn from(StaticField { name, value }: StaticField) -> Self {
        let value = value.into();
        Self { name, value }
    }
}

const fn check(name: &str, value: &str) -> Result<(), InvalidField> {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_token_byte(bytes[at]) {
            return Err(InvalidField::Name);
        }
        at += 1;
    }
    if bytes.is_empty() {
        return Err(InvalidField::Name);
    }
    let mut at = 0;
    while at < OF_THE_WRITER.len() {
        if name.eq_ignore_ascii_case(OF_THE_WRITER[at]) {
            return Err(InvalidField::Reserved);
        }
        at += 1;
    }
    check_value(value)
}

/// The grammar of RFC 9110 section 5.5.
pub(super) const fn check_value(value: &str) -> Result<(), InvalidField> {
    let bytes = value.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_value_byte(bytes[at]) {
            return Err(InvalidField::Value);
        }
        at += 1;
    }
    match bytes {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => Err(InvalidField::Value),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_tokens_and_not_those_of_the_writer() {
        for name in ["", "a b", "a:", "a\r\nb", "é", "(a)"] {
            assert_eq!(check(name, "x"), Err(InvalidField::Name), "{name:?}");
        }
        for name in OF_THE_WRITER {
            assert_eq!(check(name, "x"), Err(InvalidField::Reserved), "{name}");
        }
        for name in ["connection", "CONTENT-LENGTH", "content-Type", "dAte"] {
            assert_eq!(check(name, "x"), Err(InvalidField::Reserved), "{name}");
        }
        for name in [
            "Allow",
            "x",
            "Content-Language",
            "Dates",
            "Dat",
            "Vary",
            "!#$%&'*+-.^_`|~",
        ] {
            assert_eq!(check(name, "x"), Ok(()), "{name}");
        }
    }

    #[test]
    fn values_stay_in_their_line() {
        for value in [
            "a\r\nb: c",
            "a\rb",
            "a\nb",
            "\0",
            "\x1b",
            "\x7f",
            " a",
            "a\t",
            " ",
        ] {
            assert_eq!(check("a", value), Err(InvalidField::Value), "{value:?}");
        }
        for value in ["", "a", "a b\tc", "Grüße", "\u{85}", "a=\"b\""] {
            assert_eq!(check("a", value), Ok(()), "{value:?}");
        }
    }
}
