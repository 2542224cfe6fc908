//! `src/tour/source.md`: the files in the order in which to read them, each with the first sentence
//! of its own head, and after that the table of `sections`.

use super::sections;
use crate::support::sources::sources;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Folders of `src` and their files, first things first.
const ORDER: [(&str, &str, &str); 25] = [
    ("", "To begin with", "lib error options limits stamp"),
    (
        "wire",
        "One frame",
        "mod close_code opcode header mask entropy utf8 close",
    ),
    (
        "http",
        "HTTP around it",
        "mod fields host limits head status body request lines date response reader \
         forwarded types",
    ),
    (
        "handshake",
        "How a connection begins",
        "mod extensions deflate key origin extra refused server client types",
    ),
    (
        "deflate",
        "Compression",
        "mod window inflater compressor budget session settings pool stub",
    ),
    (
        "proto",
        "A connection without I/O",
        "mod role sequence closing outbox wait event connection keepalive whole intents assembler",
    ),
    ("", "What is shown to others", "tap"),
    (
        "tls",
        "Encryption",
        "mod error pem provider versions authorities identity self_signed identities acceptor \
         unverified connector session plaintext in_memory",
    ),
    ("client", "A client", "mod"),
    (
        "client/open",
        "How a client opens a connection",
        "mod uri proxy error limits options entropy permit endpoint opening backoff",
    ),
    (
        "client/blocking",
        "A client on a blocking stream",
        "mod receive_buffer compression transport secure no_secure stream shared sender connecting \
         waiting client",
    ),
    (
        "net",
        "The event loop",
        "mod words limits access rate options service context connections frame metrics \
         latency peer_map moving fields mailbox \
         memory wake wheel handle orders sockets entropy upgrade conn/mod conn/peer conn/table \
         conn/cold conn/lists conn/timers conn/batch conn/send_queue conn/deflate conn/dialing \
         conn/no_dialing conn/deadlines conn/addresses conn/moved \
         output/mod output/buffers output/cork \
         output/write output/send output/compress output/pieces output/http output/end \
         input/mod input/read input/requests input/frames input/events input/inflate \
         input/direct input/answers \
         engine/mod engine/acceptor engine/drain engine/rest engine/no_rest engine/turn \
         engine/accept engine/deadlines engine/shed engine/dial engine/stop engine/moving \
         secure/mod secure/socket secure/connection secure/sessions secure/no_sessions \
         driver/mod driver/listeners driver/sockets driver/moving driver/taps driver/alarm \
         driver/event_loop driver/server testing/mod testing/pipes testing/network testing/sockets \
         testing/peer testing/test_loop testing/moving",
    ),
    (
        "push",
        "The push server",
        "mod time clock percent name position tally record few json hub/limits hub/rules \
         hub/history hub/lineage hub/wildcards hub/interests hub/account hub/topics \
         hub/replay hub/mod log/port log/keys log/memory log/moving log/mod store data/mod \
         data/problem data/record data/tables data/contents data/writer data/queue data/log \
         data/tool unavailable delivery workers broker/mail broker/rates broker/turn broker/here \
         broker/stats broker/moving broker/mod wserver/mod wserver/json wserver/wire \
         wserver/members watched auth/mod auth/digest auth/wserver auth/grant auth/elsewhere \
         auth/tokens auth/revocations auth/jwt auth/no_jwt auth/function auth/authenticator \
         auth/bearer auth/moving redis/mod redis/problem redis/address redis/record redis/reply \
         redis/tail redis/pending redis/nodes redis/link redis/node redis/log origin hosts seldom \
         tries throttle access limits answers denial page gotify/mod gotify/problem gotify/call \
         gotify/credentials gotify/passwords gotify/multipart gotify/fields gotify/directory \
         gotify/message gotify/edits gotify/state gotify/image gotify/caller gotify/streams \
         gotify/dialect gotify/gate gotify/live gotify/moving gotify/manage no_gotify settings \
         native/mod native/base64 native/problem native/ask native/envelope native/publish \
         native/batch native/caller native/events native/messages native/form native/session \
         native/receipts native/subscribers native/dialect native/gate native/publishing \
         native/live native/revocation native/moving mail stats shared metrics routes echo service \
         admission operating beside server moving",
    ),
    (
        "cli/common",
        "What the commands share",
        "mod terminal failure stdout units files logging signals deflate one_or_many \
         tls no_tls trace",
    ),
    (
        "cli/server",
        "wirebell serve and wirebell echo",
        "mod trace no_trace access_log no_access_log jwt no_jwt data no_data engine no_engine \
         gotify no_gotify takeover/mod takeover/wire takeover/give takeover/handed takeover/take \
         takeover/settings no_takeover args listeners settings listening stop notify no_notify \
         serve echo",
    ),
    (
        "cli/tools/common",
        "What the tools share",
        "mod failure terminal progress signals deflate tls client https http markup",
    ),
    (
        "cli/tools/connect",
        "wirebell connect",
        "mod seconds args current input frames output envelopes resume_file follow",
    ),
    (
        "cli/tools/push",
        "wirebell push",
        "mod args attempts credentials users listeners topic batch",
    ),
    ("cli/tools/token", "wirebell token", "mod args edit"),
    (
        "cli/tools/inspect",
        "wirebell inspect",
        "mod args model input/mod input/talk input/protocol input/begins input/packet \
         input/capture input/pcapng input/pcap input/midway input/tcp input/dump input/hex \
         input/literal input/text explain/mod explain/rules explain/terms explain/request_info \
         explain/checks explain/body explain/head explain/track explain/way explain/frame \
         explain/close explain/envelopes explain/frames explain/ties show text \
         html/mod html/item html/payload",
    ),
    (
        "cli/tools/verify",
        "wirebell verify",
        "mod problem wire unsolicited target head client_request probe expect handshake accept \
         open case args cases/mod cases/rows cases/opening cases/good_requests \
         cases/bad_requests cases/requests cases/keys cases/refused cases/answers \
         cases/bad_answers cases/frames cases/messages cases/fragments cases/texts cases/pings \
         cases/closing cases/deflated \
         cases/offers cases/agreements cases/compression cases/windows cases/load cases/cuts \
         html/mod badge report suite preflight serving case_run listen random/mod random/dice \
         random/stream random/oracle random/judge random/frames random/broken random/generate \
         random/request random/response random/exchange random/shrink random/drive \
         random/with_server random/with_client random/findings random/file random/hunt \
         random/servers random/clients",
    ),
    (
        "cli/tools/doctor",
        "wirebell doctor",
        "mod args finding facts validity target reach http talk examine judge/mod judge/way \
         judge/proxy judge/upgrade judge/pings judge/idle judge/events judge/pages judge/time \
         report",
    ),
    (
        "cli/tools/bench",
        "wirebell bench",
        "mod args process open_files clock stamp plan tally load_loop interrupt opening \
         figures echo handshake idle fanout topic publish run report text plot",
    ),
    (
        "",
        "The command",
        "main cli/mod cli/no_tools cli/args cli/sources cli/tools/mod cli/tools/data \
         cli/tools/certificate \
         cli/tools/completions cli/tools/manual",
    ),
    ("tour", "This tour", "mod"),
];

/// All files of the order, as their paths from the top of the project.
fn paths() -> Vec<(usize, String)> {
    let mut all = Vec::new();
    for (number, (folder, _, files)) in ORDER.iter().enumerate() {
        for file in files.split_whitespace() {
            let path = match folder.is_empty() {
                true => format!("src/{file}.rs"),
                false => format!("src/{folder}/{file}.rs"),
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

/// The names after `Reading order:` in the head of a module.
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
        "a file appears twice in the order"
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
            assert!(place > last, "{name} is elsewhere in {}", source.path);
            last = place;
            told += 1;
        }
    }
    assert!(told > 40, "only {told} files have a place");
}

#[test]
fn sentences_and_orders_are_found() {
    let text = "//! One [`A`] makes\n//! [`b`](crate::b) here. Two.\n//!\n//! Three.\n//! Reading \
                order: `x`,\n//! `y`.\n//!\n//! `z`\nmod a;\n";
    assert_eq!(first_sentence(text), "One `A` makes `b` here.");
    assert_eq!(told_order(text), ["x", "y"]);
}
