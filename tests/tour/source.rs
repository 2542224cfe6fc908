//! `src/tour/source.md`: the files in the order in which to read them, each with the first sentence
//! of its own head, and behind that the table of `sections`.

use super::sections;
use crate::support::sources::sources;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Folders of `src` and their files, first things first.
const ORDER: [(&str, &str, &str); 16] = [
    ("", "To begin with", "lib error limits"),
    (
        "wire",
        "One frame",
        "mod opcode header mask entropy utf8 close",
    ),
    (
        "http",
        "HTTP around it",
        "mod fields host head status body request lines date response reader types",
    ),
    (
        "handshake",
        "How a connection begins",
        "mod extensions deflate key origin extra refused server client types",
    ),
    (
        "deflate",
        "Compression",
        "mod window inflater compressor budget session pool",
    ),
    (
        "proto",
        "A connection without I/O",
        "mod sequence closing outbox keepalive event connection short intents assembler",
    ),
    ("", "What is shown to others", "tap"),
    (
        "client",
        "A client on a blocking socket",
        "mod uri options error proxy entropy endpoint turn opening backoff connecting inbox \
         shared compression sender blocking waiting no_compression",
    ),
    (
        "net",
        "The event loop",
        "mod service options context slots peer transport event_loop input requests core output \
         buffers cork turn send_queue frame compression timers alarm deadlines accept dial masked \
         taps mailbox memory \
         upgrade server no_compression no_dial",
    ),
    (
        "push",
        "The push server",
        "mod topics hub members watched auth origin hosts seldom tries access dialect/mod \
         dialect/json dialect/wserver answers routes echo server",
    ),
    (
        "",
        "The command",
        "main cli/mod cli/args cli/units cli/files cli/settings cli/sources cli/logging \
         cli/signals cli/serve cli/echo cli/terminal cli/http cli/push cli/client_args \
         cli/completions cli/manual cli/markup",
    ),
    (
        "cli/connect",
        "wirebell connect",
        "mod input current frames output ../trace",
    ),
    (
        "cli/inspect",
        "wirebell inspect",
        "mod args input/mod input/text input/hex input/dump input/literal input/midway input/pcap \
         input/pcapng input/packet input/tcp input/protocol model explain/mod explain/body \
         explain/frame explain/frames explain/track explain/close explain/rules explain/head \
         explain/checks explain/terms explain/ties show text html/mod html/item html/payload",
    ),
    (
        "cli/verify",
        "wirebell verify",
        "mod args case wire probe expect handshake asked cases/mod cases/opening \
         cases/good_requests cases/bad_requests cases/offers cases/requests cases/keys \
         cases/answers cases/bad_answers cases/agreements cases/frames cases/messages \
         cases/fragments cases/texts cases/pings cases/closing cases/compression cases/windows \
         cases/load \
         cases/cuts suite preflight desk listen report",
    ),
    (
        "cli/bench",
        "wirebell bench",
        "mod args plan clock tally crew echo handshake idle fanout publish process progress run \
         report text plot",
    ),
    ("tour", "This tour", "mod"),
];

/// All files of the order, as their paths from the top of the project.
fn paths() -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (number, (folder, _, files)) in ORDER.iter().enumerate() {
        for file in files.split_whitespace() {
            let path = match file.strip_prefix("../") {
                Some(file) => format!("src/cli/{file}.rs"),
                None if folder.is_empty() => format!("src/{file}.rs"),
                None => format!("src/{folder}/{file}.rs"),
            };
            all.push((number, path));
        }
    }
    all
}

/// The first sentence of a file's head, without links.
fn first_sentence(text: &str) -> String {
    let head = text.lines().map_while(|line| line.strip_prefix("//!"));
    let head: Vec<&str> = head
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let mut sentence = head.join(" ");
    if let Some(end) = sentence.find(". ") {
        sentence.truncate(end + 1);
    }
    while let (Some(begin), Some(end)) = (sentence.find("[`"), sentence.find("`]")) {
        let rest = &sentence[end + 2..];
        let target = match rest.strip_prefix('(') {
            Some(link) => link.find(')').map_or(0, |at| at + 2),
            None => 0,
        };
        let name = sentence[begin + 1..=end].to_owned();
        sentence.replace_range(begin..end + 2 + target, &name);
    }
    sentence
}

/// The names behind `Reading order:` in the head of a module.
fn told_order(text: &str) -> Vec<String> {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let mut order = lines.skip_while(|line| !line.contains("Reading order:"));
    let mut names = Vec::new();
    for line in order.by_ref().take_while(|line| !line.trim().is_empty()) {
        names.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

fn page() -> String {
    let all = sources("src");
    let mut page = String::from(
        "Each part needs only those before it. A file says in its first lines what comes in, what \
         goes out\nand what always holds; `cargo doc --document-private-items` shows them all.\n",
    );
    let mut current = usize::MAX;
    for (number, path) in paths() {
        if number != current {
            let title = ORDER[number].1;
            let _ = write!(
                page,
                "\n### {title}\n\n| file | what it is for |\n|---|---|\n"
            );
            current = number;
        }
        let source = all.iter().find(|source| source.path == path);
        let source = source.unwrap_or_else(|| panic!("{path} is not there"));
        let sentence = first_sentence(&source.text);
        let _ = writeln!(page, "| `{path}` | {sentence} |");
    }
    page + &sections::tables(&all)
}

#[test]
fn the_page_of_the_source() {
    super::agree("source.md", &page());
}

#[test]
fn every_file_has_one_place_in_the_order() {
    let ordered: Vec<String> = paths().into_iter().map(|(_, path)| path).collect();
    let once: BTreeSet<&String> = ordered.iter().collect();
    assert_eq!(
        once.len(),
        ordered.len(),
        "a file stands twice in the order"
    );
    let is_test = |path: &str| path.ends_with("tests.rs");
    for source in sources("src") {
        let known = once.contains(&source.path);
        assert!(
            known || is_test(&source.path),
            "{} has no place",
            source.path
        );
    }
}

/// What a module says of its own order agrees with this one.
#[test]
fn modules_tell_the_same_order() {
    let mut told = 0;
    let ordered: Vec<String> = paths().into_iter().map(|(_, path)| path).collect();
    for source in sources("src") {
        let Some(folder) = source.path.strip_suffix("/mod.rs") else {
            continue;
        };
        let mut last = 0;
        for name in told_order(&source.text) {
            let as_file = format!("{folder}/{name}.rs");
            let as_folder = format!("{folder}/{name}/mod.rs");
            let place = ordered
                .iter()
                .position(|path| *path == as_file || *path == as_folder);
            let place = place.unwrap_or_else(|| panic!("{name} in {} is no file", source.path));
            assert!(place > last, "{name} stands elsewhere in {}", source.path);
            last = place;
            told += 1;
        }
    }
    assert!(told > 40, "only {told} files are told of");
}

#[test]
fn sentences_and_orders_are_found() {
    let text = "//! One [`A`] makes\n//! [`b`](crate::b) here. Two.\n//!\n//! Three.\n//! Reading \
                order: `x`,\n//! `y`.\n//!\n//! `z`\nmod a;\n";
    assert_eq!(first_sentence(text), "One `A` makes `b` here.");
    assert_eq!(told_order(text), ["x", "y"]);
}
