//! Where the body of an HTTP message ends: RFC 9112 section 6.
//!
//! Input: the fields of a head, and the bytes after it. Output: how many of them are body.

use wirebell::http::Fields;

/// The framing of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Body {
    #[default]
    None,
    Bytes(usize),
    /// Chunked, up to an empty chunk.
    Chunked,
    /// Until the end of the stream.
    Rest,
}

impl Body {
    /// The framing by the fields; `otherwise` if they do not define it.
    pub fn of(fields: &Fields<'_>, otherwise: Self) -> Self {
        if fields.get("Transfer-Encoding").is_some() {
            // Only the last coding can delimit the body.
            let last = fields.list("Transfer-Encoding").last();
            return match last.is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
                true => Self::Chunked,
                false => Self::Rest,
            };
        }
        match fields.get("Content-Length").map(str::parse) {
            Some(Ok(length)) => Self::Bytes(length),
            Some(Err(_)) => Self::Rest,
            None => otherwise,
        }
    }

    /// How many bytes at the front of `rest` are body.
    pub fn length(self, rest: &[u8]) -> usize {
        match self {
            Self::None => 0,
            Self::Bytes(length) => length.min(rest.len()),
            Self::Chunked => chunks(rest).unwrap_or(rest.len()),
            Self::Rest => rest.len(),
        }
    }
}

/// The length of all chunks and of the trailer, or `None` if the end is missing.
fn chunks(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = line(bytes, at)?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let digits = std::str::from_utf8(digits).ok()?.trim();
        let size = usize::from_str_radix(digits, 16).ok()?;
        at += line.len();
        if size == 0 {
            break;
        }
        at = at.checked_add(size)?.checked_add(2)?;
    }
    loop {
        let line = line(bytes, at)?;
        at += line.len();
        if line.trim_ascii().is_empty() {
            return Some(at);
        }
    }
}

/// The line that starts here, with its end.
fn line(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    Some(&rest[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_end_where_they_say() {
        for (body, expected) in [
            ("0\r\n\r\n", Some(5)),
            ("3\r\nabc\r\n0\r\n\r\nGET", Some(13)),
            (
                "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n\u{1}",
                Some(38),
            ),
            ("3\r\nabc\r\n0\r\n", None),
            ("ffffffffffffffff\r\nabc", None),
            ("x\r\n", None),
            ("", None),
        ] {
            assert_eq!(chunks(body.as_bytes()), expected, "{body}");
        }
    }
}
