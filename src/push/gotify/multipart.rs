//! The parts of a form with files: `multipart/form-data`, RFC 7578 and RFC 2046 section 5.1.
//!
//! Input: a Content-Type and a whole body. Output: parts, whose contents are slices of the body.
//! Invariants: no input panics; a part never reaches beyond its delimiter; a body has a bounded
//! number of parts. What parts mean is left to their readers.

/// Parts of a body: the fields of a message, and room.
const MAX_PARTS: usize = 100;

/// One part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) name: &'b str,
    pub(super) content: &'b [u8],
}

/// The boundary that a Content-Type names, if it is a form.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(rest, "boundary")?;
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The value of a parameter, without its quotation marks.
fn parameter<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split(';').find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        let bare = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| bare.unwrap_or(value))
    })
}

/// The parts of a body; `None` if it is malformed or has no end.
// req: gotify-bodies-03
pub(super) fn parts<'b>(boundary: &str, body: &'b [u8]) -> Option<Vec<Part<'b>>> {
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let mut rest = match body.strip_prefix(&delimiter[2..]) {
        Some(rest) => rest,
        None => &body[find(body, &delimiter)? + delimiter.len()..],
    };
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        // White space may follow a delimiter.
        let line = find(rest, b"\r\n")?;
        if !rest[..line].iter().all(|byte| matches!(byte, b' ' | b'\t')) {
            return None;
        }
        let end = find(&rest[line..], &delimiter)? + line;
        if parts.len() >= MAX_PARTS {
            return None;
        }
        parts.extend(part(&rest[line + 2..end.max(line + 2)])?);
        rest = &rest[end + delimiter.len()..];
    }
    Some(parts)
}

/// A part from its head on. One without a name is skipped.
fn part(bytes: &[u8]) -> Option<Option<Part<'_>>> {
    let (head, content) = match bytes.strip_prefix(b"\r\n") {
        Some(content) => (&b""[..], content),
        None => {
            let end = find(bytes, b"\r\n\r\n")?;
            (&bytes[..end], &bytes[end + 4..])
        }
    };
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    });
    let name = disposition.and_then(|value| parameter(value, "name"));
    Some(name.map(|name| Part { name, content }))
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> Option<Vec<(&str, &[u8])>> {
        let parts = parts("b", body.as_bytes())?;
        Some(parts.into_iter().map(|it| (it.name, it.content)).collect())
    }

    #[test]
    fn the_boundary_is_a_parameter() {
        for (kind, expected) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            (
                "Multipart/Form-Data;charset=x; Boundary=\"a b\"",
                Some("a b"),
            ),
            ("multipart/form-data", None),
            ("multipart/form-data; boundary=", None),
            ("multipart/mixed; boundary=abc", None),
        ] {
            assert_eq!(boundary(kind), expected, "{kind}");
        }
    }

    #[test]
    // req: gotify-bodies-03
    fn parts_are_found_between_delimiters() {
        let head = "Content-Disposition: form-data; name=";
        let two = format!("--b\r\n{head}\"a\"\r\n\r\n1\r\n--b  \r\n{head}c\r\n\r\n\r\n--b--\r\n");
        assert_eq!(read(&two), Some(vec![("a", &b"1"[..]), ("c", b"")]));
        let lines = format!("x\r\n--b\r\n{head}\"a\"\r\n\r\n--bx\r\n-b\n--b\r\n--b--");
        assert_eq!(read(&lines), None, "a delimiter and more");
        let lines = format!("x\r\n--b\r\n{head}\"a\"\r\n\r\n--x\r\n-b\n--b\r\n--b--");
        assert_eq!(read(&lines), Some(vec![("a", &b"--x\r\n-b\n--b"[..])]));
        assert_eq!(read("--b\r\n\r\nno name\r\n--b--"), Some(vec![]));
        for bad in ["", "--b", "--b\r\n", "--b\r\nx\r\n--b--", "--c--"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        let many = format!("--b\r\n{head}a\r\n\r\n\r\n").repeat(MAX_PARTS + 1);
        assert_eq!(read(&format!("{many}--b--")), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body in "(--b|--|\r\n|[ab:;=\"]|name){0,40}") {
            let _ = read(&body);
        }

        #[test]
        fn what_is_written_is_read(contents in prop::collection::vec("[ -~\r\n]{0,30}", 0..5)) {
            prop_assume!(contents.iter().all(|it| !it.contains("--zz")));
            let head = "Content-Disposition: form-data; name=\"n\"\r\n\r\n";
            let part = |it: &String| format!("--zz\r\n{head}{it}\r\n");
            let body: String = contents.iter().map(part).collect();
            let body = format!("{body}--zz--\r\n");
            let read = parts("zz", body.as_bytes()).unwrap();
            let read: Vec<&[u8]> = read.iter().map(|it| it.content).collect();
            let expected: Vec<&[u8]> = contents.iter().map(|it| it.as_bytes()).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
