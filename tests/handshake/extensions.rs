//! The grammar of the list of extensions, section 9.1, good and bad, for both sides.

use super::{fields, good_request, verdict};
use wirebell::Refusal;
use wirebell::handshake::Extensions;

const FIELD: &str = "Sec-WebSocket-Extensions";

/// The list as `name;param=value`, or `None` if it is malformed.
fn parse(lines: &[&str]) -> Option<Vec<String>> {
    let lines: Vec<_> = lines.iter().map(|line| (FIELD, *line)).collect();
    fields(&lines, |fields| {
        let extensions = Extensions::parse(fields)?;
        let described = extensions.iter().map(|extension| {
            let params = extension.params().map(|param| match param.value {
                None => format!(";{}", param.name),
                Some(value) => format!(";{}={value}", param.name),
            });
            extension.name.to_owned() + &params.collect::<String>()
        });
        let described: Vec<String> = described.collect();
        assert_eq!(extensions.is_empty(), described.is_empty());
        Some(described)
    })
}

#[test]
// req: 6455-9.1-01 6455-9.1-02 6455-4.3-01 6455-11.3.2-02
fn lists_that_follow_the_grammar() {
    let rows: [(&[&str], &[&str]); 20] = [
        (&[], &[]),
        (&["foo"], &["foo"]),
        (&["foo;bar"], &["foo;bar"]),
        (&["foo; bar=1"], &["foo;bar=1"]),
        (&["foo;a;b=2;c"], &["foo;a;b=2;c"]),
        (&["foo;a;a=1;a"], &["foo;a;a=1;a"]),
        (&["foo, bar; baz=2"], &["foo", "bar;baz=2"]),
        // Empty elements (RFC 9110 section 5.6.1) and spaces around separators.
        (&["foo, ,bar"], &["foo", "bar"]),
        (&[",foo,"], &["foo"]),
        (&["foo , bar"], &["foo", "bar"]),
        (&["\tfoo\t;\ta\t=\t1\t"], &["foo;a=1"]),
        (&["foo ; a , bar ; b"], &["foo;a", "bar;b"]),
        // What is quoted is a token inside.
        (&["foo; a=\"10\""], &["foo;a=10"]),
        (&["foo; a=\"10\" ; b"], &["foo;a=10;b"]),
        (&["foo; a=\"1\\0\""], &["foo;a=1\\0"]),
        (&["foo; a=\"!#$%&'*+-.^_`|~\""], &["foo;a=!#$%&'*+-.^_`|~"]),
        (&["!#$%&'*+-.^_`|~09azAZ"], &["!#$%&'*+-.^_`|~09azAZ"]),
        // Several lines are one list (section 9.1, erratum 3433).
        (&["foo", "bar; baz=2"], &["foo", "bar;baz=2"]),
        (&["foo", "foo"], &["foo", "foo"]),
        (
            &["permessage-deflate; client_max_window_bits, permessage-deflate"],
            &[
                "permessage-deflate;client_max_window_bits",
                "permessage-deflate",
            ],
        ),
    ];
    for (lines, expected) in rows {
        let expected: Vec<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(parse(lines), Some(expected), "{lines:?}");
        let request = lines
            .iter()
            .fold(good_request(), |head, line| head.with(FIELD, line));
        assert_eq!(verdict(&request), Ok(()), "{lines:?}");
    }
}

/// Values that break the grammar in one place.
const BAD: [&str; 41] = [
    "",
    " ",
    ",",
    ", ,",
    ";",
    "foo;",
    "foo; ",
    "foo;;a",
    "foo;,bar",
    "foo;=1",
    "foo;a=",
    "foo;a= ",
    "foo;a=,bar",
    "foo;a=;b",
    "foo=1",
    "foo a",
    "foo;a b",
    "foo;a=b c",
    "foo;a=b=c",
    "=",
    "foo/1",
    "(foo)",
    "foo@bar",
    "foo:bar",
    "\"foo\"",
    "föo",
    "foo;ä",
    "foo;a=ä",
    "foo;\"a\"=1",
    "foo;a=\"",
    "foo;a=\"b",
    "foo;a=\"\"",
    "foo;a=\"b c\"",
    "foo;a=\" \"",
    "foo;a=\"b,c\"",
    "foo;a=\"ä\"",
    "foo;a=\"b\\\"",
    "foo;a=\"b\\\"\"",
    "foo;a=\"b\\ \"",
    "foo;a=\"b\"c",
    "foo;a='b c'",
];

#[test]
// req: 6455-9.1-01 6455-9.1-02 6455-4.3-01
fn lists_that_break_the_grammar() {
    for line in BAD {
        assert_eq!(parse(&[line]), None, "{line:?}");
        assert_eq!(parse(&["good", line]), None, "a good line and {line:?}");
        assert_eq!(parse(&[line, "good"]), None, "{line:?} and a good line");
        if !line.trim_matches([' ', ',']).is_empty() {
            assert_eq!(
                parse(&[&format!("good; a=1, {line}")]),
                None,
                "good, {line:?}"
            );
        }
        let refused = verdict(&good_request().with(FIELD, line));
        assert_eq!(refused, Err(Refusal::Extensions), "{line:?}");
    }
}

/// Quotes, backslashes and separators in every order: no panic, and what passes can be listed.
#[test]
// req: 6455-9.1-01 6455-10.7-01
fn every_short_string_of_the_characters_that_matter() {
    let characters = ['a', ';', '=', ',', '"', '\\', ' '];
    let mut strings = vec![String::new()];
    for _ in 0..5 {
        let longer = strings
            .iter()
            .flat_map(|string| characters.map(|character| format!("{string}{character}")));
        strings = longer.collect();
        for string in &strings {
            if let Some(list) = parse(&[string]) {
                assert!(!list.is_empty(), "{string:?}");
                assert!(list.iter().all(|name| name.starts_with('a')), "{string:?}");
            }
        }
    }
}
