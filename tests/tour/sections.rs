//! Where each section of RFC 6455 and RFC 7692, and each part of the wire of topics, lives: from
//! the `req:` tags, and for sections that bind no implementation from what is named here.

use crate::requirements::{Requirement, parse, tags};
use crate::support::sources::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Sections, what they are about, and files that no tag leads to.
const SECTIONS: [(&str, &str, &str, &str); 85] = [
    ("6455", "1.3", "the key and its answer", "handshake/key"),
    ("6455", "3", "URIs", ""),
    ("6455", "4.1", "opening, the client's side", ""),
    ("6455", "4.2.1", "opening: what a server reads", ""),
    ("6455", "4.2.2", "opening: what a server answers", ""),
    ("6455", "4.3", "the grammar of the header fields", ""),
    ("6455", "4.4", "versions", ""),
    ("6455", "5.1", "who masks", ""),
    ("6455", "5.2", "a frame, bit by bit", "wire/opcode"),
    (
        "6455",
        "5.3",
        "masking",
        "wire/mask wire/entropy net/output/send",
    ),
    ("6455", "5.4", "fragments", ""),
    ("6455", "5.5", "control frames", ""),
    ("6455", "5.5.1", "Close", ""),
    ("6455", "5.5.2", "Ping", "proto/keepalive"),
    ("6455", "5.5.3", "Pong", "proto/outbox"),
    ("6455", "5.6", "text and binary", "wire/opcode"),
    ("6455", "5.8", "room for extensions", ""),
    ("6455", "6.1", "sending", ""),
    ("6455", "6.2", "receiving", ""),
    ("6455", "7.1.1", "the end of TCP", "net/output/write"),
    ("6455", "7.1.2", "starting to close", ""),
    ("6455", "7.1.7", "failing a connection", ""),
    ("6455", "7.2.1", "a client that gives up", ""),
    ("6455", "7.2.2", "a server that gives up", ""),
    (
        "6455",
        "7.2.3",
        "coming back",
        "client/open/backoff net/conn/dialing net/engine/dial",
    ),
    ("6455", "7.4", "close codes", "wire/close_code"),
    ("6455", "7.4.1", "close codes with a meaning", ""),
    ("6455", "8.1", "UTF-8", ""),
    ("6455", "9", "extensions", ""),
    ("6455", "9.1", "agreeing on extensions", ""),
    (
        "6455",
        "10.2",
        "pages of others",
        "handshake/origin push/origin",
    ),
    ("6455", "10.3", "unpredictable keys", "wire/entropy"),
    ("6455", "10.4", "limits", "limits"),
    ("6455", "10.6", "TLS", ""),
    ("6455", "10.7", "data that is not valid", ""),
    ("6455", "11.1.1", "ws URIs", ""),
    ("6455", "11.1.2", "wss URIs", ""),
    ("6455", "11.3.1", "Sec-WebSocket-Key", ""),
    ("6455", "11.3.2", "Sec-WebSocket-Extensions", ""),
    ("6455", "11.3.3", "Sec-WebSocket-Accept", ""),
    ("6455", "11.3.4", "Sec-WebSocket-Protocol", ""),
    ("6455", "11.3.5", "Sec-WebSocket-Version", ""),
    ("7692", "4", "other extensions beside it", ""),
    ("7692", "5", "offers and answers", ""),
    ("7692", "6", "the bit RSV1", ""),
    ("7692", "6.1", "sending compressed", ""),
    ("7692", "6.2", "receiving compressed", ""),
    ("7692", "7", "permessage-deflate", ""),
    ("7692", "7.1.1.2", "client_no_context_takeover", ""),
    ("7692", "7.1.2.1", "server_max_window_bits", ""),
    ("7692", "7.1.2.2", "client_max_window_bits", ""),
    ("7692", "7.2.1", "compressing", ""),
    ("7692", "7.2.2", "decompressing", "deflate/window"),
    ("7692", "8", "security", "deflate/inflater"),
    ("push", "names", "topics and patterns", ""),
    ("push", "order", "positions and the order of all topics", ""),
    ("push", "publish", "one message", ""),
    ("push", "receipt", "who has read a message", ""),
    ("push", "batch", "many messages", ""),
    ("push", "errors", "statuses and code words", ""),
    ("push", "subscribe", "which form a subscriber gets", ""),
    ("push", "raw", "WebSockets with payloads alone", ""),
    ("push", "sse", "server-sent events", ""),
    ("push", "ndjson", "streams of lines", ""),
    ("push", "poll", "long polls", ""),
    ("push", "since", "where a subscriber begins, and gaps", ""),
    ("push", "v1", "the messages of `wirebell.v1`", ""),
    ("push", "auth", "tokens and what they allow", ""),
    ("push", "pages", "pages of others, and hosts", ""),
    ("push", "bounds", "limits", ""),
    ("push", "rates", "how often, and how many connections", ""),
    ("push", "nodes", "several servers of one log", ""),
    (
        "push",
        "upgrade",
        "a new process in place of the old one",
        "",
    ),
    ("gotify", "paths", "what is asked for", ""),
    ("gotify", "auth", "tokens and passwords of requests", ""),
    ("gotify", "tokens", "their form", ""),
    ("gotify", "passwords", "hashes", ""),
    ("gotify", "errors", "the JSON of an error", ""),
    ("gotify", "bodies", "four ways to say the same", ""),
    ("gotify", "messages", "messages, pages, deletes", ""),
    ("gotify", "stream", "the WebSocket", ""),
    ("gotify", "images", "files", ""),
    ("gotify", "manage", "applications, clients, users", ""),
    ("gotify", "state", "what is kept", ""),
    ("gotify", "topics", "messages in the other dialects", ""),
];

const LIST: &str = include_str!("../requirements.csv");

/// RFC and section of an id, or `push` or `gotify` and a part of its wire.
fn place(id: &str) -> (&str, &str) {
    let mut parts = id.split('-');
    (parts.next().unwrap_or(id), parts.next().unwrap_or_default())
}

/// The files of `src` that carry a tag of each section.
fn tagged(code: &[Source]) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
    let mut files: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (id, of) in tags(code) {
        files.entry(place(id)).or_default().extend(of);
    }
    files
}

/// The text names this section, and not only one below it.
fn cites(text: &str, section: &str) -> bool {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let comments = text.lines().filter(|line| line.contains("//"));
    let words = comments.flat_map(|line| line.split(|c: char| !is_part(c)));
    let mut words = words.map(|word| word.trim_matches('.'));
    words.any(|word| word == section)
}

fn cell(
    entry: (&str, &str, &str, &str),
    code: &[Source],
    tagged: &BTreeMap<(&str, &str), BTreeSet<&str>>,
    list: &[Requirement<'_>],
) -> Result<String, String> {
    let (rfc, section, _, more) = entry;
    let mut files: BTreeSet<String> = BTreeSet::new();
    let found = tagged.get(&(rfc, section)).into_iter().flatten();
    files.extend(found.map(|path| (*path).to_owned()));
    for name in more.split_whitespace() {
        let path = format!("src/{name}.rs");
        let source = code.iter().find(|source| source.path == path);
        let source = source.ok_or_else(|| format!("{path} is not there"))?;
        if !cites(&source.text, section) {
            return Err(format!("{path} does not cite section {section}"));
        }
        files.insert(path);
    }
    if files.is_empty() {
        let excused = list
            .iter()
            .find(|requirement| place(requirement.id) == (rfc, section));
        let excused = excused.ok_or_else(|| format!("RFC {rfc} {section} lives nowhere"))?;
        return Ok(format!("nowhere: {}", excused.excused));
    }
    let files: Vec<String> = files
        .iter()
        .map(|path| {
            let name = path.trim_start_matches("src/").trim_end_matches(".rs");
            format!("`{name}`")
        })
        .collect();
    Ok(files.join(", "))
}

/// The tables, one after the other.
pub fn tables(code: &[Source]) -> String {
    let list = parse(LIST);
    let tagged = tagged(code);
    let mut page = String::new();
    for (rfc, title) in [
        ("6455", "RFC 6455 lives"),
        ("7692", "RFC 7692 lives"),
        ("push", "the rules of topics live"),
        ("gotify", "the rules of the gotify dialect live"),
    ] {
        let _ = write!(
            page,
            "\n### Where {title}\n\n| section | about | in `src/` |\n|---|---|---|\n"
        );
        for entry in SECTIONS.into_iter().filter(|entry| entry.0 == rfc) {
            let cell = cell(entry, code, &tagged, &list);
            let cell = cell.unwrap_or_else(|what| panic!("{what}"));
            let (_, section, about, _) = entry;
            let _ = writeln!(page, "| {section} | {about} | {cell} |");
        }
    }
    page
}

/// The sections of the list that the table lacks.
fn missing(list: &[Requirement<'_>]) -> Vec<String> {
    let known = |at: (&str, &str)| SECTIONS.iter().any(|entry| (entry.0, entry.1) == at);
    let places = list.iter().map(|requirement| place(requirement.id));
    let missing: BTreeSet<String> = places
        .filter(|at| !known(*at))
        .map(|(rfc, section)| format!("{rfc} {section}"))
        .collect();
    missing.into_iter().collect()
}

#[test]
fn every_section_that_binds_somebody_is_in_the_table() {
    assert_eq!(missing(&parse(LIST)), [""; 0]);
}

#[test]
fn the_checks_can_fail() {
    let list = parse("id,role,level,wording,excused\n6455-99.9-01,both,MUST,one,\n");
    assert_eq!(missing(&list), ["6455 99.9"]);
    assert!(cites("//! RFC 6455 sections 5.3 and 10.3.", "10.3"));
    assert!(!cites("//! RFC 6455 section 5.5.1.", "5.5"));
    assert!(!cites("let section = 5.5;", "5.5"));
    let code = [Source {
        path: "src/a.rs".into(),
        text: "//! RFC 6455 section 5.2".into(),
    }];
    let none = BTreeMap::new();
    for (section, more, verdict) in [
        ("5.2", "a", Ok("`a`")),
        ("5.3", "a", Err("src/a.rs does not cite section 5.3")),
        ("5.2", "b", Err("src/b.rs is not there")),
        ("5.2", "", Err("RFC 6455 5.2 lives nowhere")),
    ] {
        let found = cell(("6455", section, "", more), &code, &none, &[]);
        let found = found.as_deref().map_err(|what| &**what);
        assert_eq!(found, verdict, "{section} {more}");
    }
}
