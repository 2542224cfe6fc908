//! `serve --data`, files that it refuses, and `wirebell data`. Killing it is left to `killed`.

use super::file;
use super::program::{Program, run};
use crate::net_support::Client;
use redb::{Database, TableDefinition};
use rustix::process::Signal;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

pub fn new_file(name: &str) -> PathBuf {
    let path = file(name, "");
    fs::remove_file(&path).expect("it was just written");
    path
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn serve(path: &Path) -> (Program, SocketAddr) {
    let listen = ["--listen", "127.0.0.1:0", "--gotify=false"];
    Program::serve(&[&listen[..], &["--data", text(path)]].concat())
}

/// What of a JSON text follows this key, up to the next quote.
fn strings<'t>(json: &'t str, key: &str) -> Vec<&'t str> {
    let key = format!("\"{key}\":\"");
    let parts = json.split(&*key).skip(1);
    parts
        .map(|part| part.split('"').next().unwrap_or_default())
        .collect()
}

#[test]
fn a_file_belongs_to_one_server_and_other_files_are_left_alone() {
    let path = new_file("owned.db");
    let (mut program, address) = serve(&path);
    let mut client = Client::connect(address);
    assert_eq!(client.post("/topics/all.a", "", "hello").status, 202);
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data", text(&path)]);
    assert_eq!(second.status, Some(1));
    assert!(
        second.stderr.contains("another process has it open"),
        "{}",
        second.stderr
    );
    program.signal(Signal::TERM);
    drop(client);
    assert_eq!(program.wait().code(), Some(0));
}

/// Whatever opens a data file refuses this one in one line with these words, and leaves it alone.
#[track_caller]
fn refused(path: &Path, words: &[&str]) {
    let before = fs::read(path).expect("it is there");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", text(path)];
    let looked_at = [&serve[..], &["--check"]].concat();
    for args in [&serve[..], &looked_at, &["data", "check", text(path)]] {
        let outcome = run(args);
        assert_eq!(outcome.status, Some(1), "{args:?}: {outcome:?}");
        let has_words = words.iter().all(|it| outcome.stderr.contains(it));
        let is_one_line = outcome.stderr.trim_end().lines().count() == 1;
        assert!(has_words && is_one_line, "{args:?}: {}", outcome.stderr);
        let after = fs::read(path).expect("it is there");
        assert!(after == before, "{args:?} has changed {}", path.display());
    }
}

const NOTES: TableDefinition<'_, &str, &str> = TableDefinition::new("notes");
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");

#[test]
fn files_of_others_are_left_alone() {
    let notes = "these are someone's notes, and no data file at all";
    let foreign = ["not a data file of wirebell", "name another file"];
    refused(&file("notes.db", notes), &foreign);

    let path = new_file("foreign.db");
    let database = Database::create(&path).expect("a new file");
    let transaction = database.begin_write().expect("it begins");
    let mut table = transaction.open_table(NOTES).expect("a table");
    table.insert("a", "note").expect("it is written");
    drop(table);
    transaction.commit().expect("it is committed");
    let open = file("foreign-open.db", "");
    fs::copy(&path, &open).expect("it is copied");
    drop(database);
    refused(&path, &foreign);
    // Its program was killed. A repair would be that program's.
    refused(&open, &["was not closed", "restore a copy"]);
}

/// The file of a server that has ended, with 100 messages.
fn filled(name: &str) -> PathBuf {
    let path = new_file(name);
    let (mut program, address) = serve(&path);
    let lines = |it| format!("{{\"topic\":\"all.a\",\"data\":\"message {it}\"}}\n");
    let lines: String = (0..100).map(lines).collect();
    assert_eq!(
        Client::connect(address).post("/topics", "", &lines).status,
        200
    );
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
    path
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let path = filled("newer.db");
    let database = Database::open(&path).expect("it opens");
    let mut transaction = database.begin_write().expect("it begins");
    transaction.set_quick_repair(true);
    let mut meta = transaction.open_table(META).expect("a table");
    meta.insert("format", 1_000).expect("it is written");
    drop(meta);
    transaction.commit().expect("it is committed");
    drop(database);
    refused(
        &path,
        &["a newer wirebell", "format 1000", "use that version"],
    );
}

#[test]
fn a_damaged_file_is_left_alone() {
    let path = filled("damaged.db");
    let whole = fs::read(&path).expect("it is there");
    let damaged = ["it is damaged", "restore a copy"];
    let flip = |begin: usize, len: usize, words: &[&str]| {
        let mut bytes = whole.clone();
        bytes[begin..begin + len]
            .iter_mut()
            .for_each(|it| *it ^= 0x55);
        fs::write(&path, bytes).expect("it is written");
        refused(&path, words);
    };
    flip(0, 8, &["not a data file of wirebell"]);
    flip(64, 256, &damaged);
    let message = b"message 57";
    let at = whole.windows(message.len()).rposition(|it| it == message);
    flip(at.expect("a message"), 1, &damaged);
    for len in [whole.len() / 2, 4096, 100] {
        fs::write(&path, &whole[..len]).expect("it is written");
        refused(&path, &["it ", "restore a copy"]);
    }
}

#[test]
fn the_file_of_a_server_that_was_killed_is_in_order() {
    let path = new_file("after.db");
    let (mut program, address) = serve(&path);
    let mut client = Client::connect(address);
    assert_eq!(client.post("/topics/all.a", "", "hello").status, 202);
    program.signal(Signal::KILL);
    program.wait();
    let killed = fs::read(&path).expect("it is there");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--check", "--data"];
    let serve = [&serve[..], &[text(&path)]].concat();
    for args in [
        &serve[..],
        &["data", "check", text(&path)],
        &["data", "export", text(&path)],
    ] {
        fs::write(&path, &killed).expect("it is written");
        let outcome = run(args);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
}

#[test]
fn data_is_checked_compacted_and_exported() {
    let path = new_file("tools.db");
    let (mut program, address) = serve(&path);
    let mut client = Client::connect(address);
    for message in ["one", "two"] {
        assert_eq!(client.post("/topics/all.a", "", message).status, 202);
    }
    program.signal(Signal::TERM);
    drop(client);
    program.wait();
    let tool = |action| run(&["data", action, text(&path)]);
    let checked = tool("check");
    assert_eq!(checked.status, Some(0), "{}", checked.stderr);
    assert!(
        checked.stdout.contains("2 messages of 1 topics"),
        "{}",
        checked.stdout
    );
    assert_eq!(tool("compact").status, Some(0));
    let exported = tool("export");
    assert_eq!(strings(&exported.stdout, "data"), ["one", "two"]);
    let missing = run(&["data", "check", "/nowhere/at/all.db"]);
    assert_eq!(missing.status, Some(1));
}
