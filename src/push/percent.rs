//! Percent-decoding: RFC 3986 section 2.1.
//!
//! Input: a part of a request target. Output: its text. Invariant: what is decoded is not decoded
//! again. A `+` is not a space: names and positions have none, and times have offsets such as
//! `+01:00`.

use std::borrow::Cow;

/// Decodes once; `None` if a `%` is not followed by two digits, or the result is not UTF-8.
// req: push-names-05
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend(parts.next().unwrap_or_default().bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok();
        bytes.push(byte.filter(|_| is_number)?);
        bytes.extend(rest.bytes());
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// The values of a parameter of a query, undecoded.
pub(super) fn values<'q>(query: Option<&'q str>, name: &str) -> impl Iterator<Item = &'q str> {
    let parameters = query.into_iter().flat_map(|query| query.split('&'));
    parameters.filter_map(move |parameter| parameter.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_once_or_not_at_all() {
        for (text, expected) in [
            ("plain", Some("plain")),
            ("a%2Fb", Some("a/b")),
            ("a%2fb", Some("a/b")),
            ("%252F", Some("%2F")),
            ("1+2", Some("1+2")),
            ("%C3%BC", Some("ü")),
            ("%", None),
            ("%2", None),
            ("%+1", None),
            ("%zz", None),
            ("%aü", None),
            ("%FF", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_whole_name() {
        let query = Some("a=1&aa=2&a=&a&b=a=3");
        assert_eq!(values(query, "a").collect::<Vec<_>>(), ["1", ""]);
        assert_eq!(values(query, "b").collect::<Vec<_>>(), ["a=3"]);
        assert_eq!(values(None, "a").count(), 0);
    }
}
