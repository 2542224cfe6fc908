//! `wirebell token`: the file that it edits, and what it prints.

use super::errors::expect_line;
use super::program::{Outcome, command, run, run_command};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use wirebell::push::{Auth, Digest, Tokens};

/// An empty folder of this test.
fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("token-{name}"));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder");
    path
}

fn token(action: &str, path: &Path, args: &[&str]) -> Outcome {
    let path = path.to_str().expect("a path");
    run(&[&["token", action, "--tokens", path], args].concat())
}

/// What was printed; nothing else was, and no other file is left.
#[track_caller]
fn good(outcome: Outcome, path: &Path) -> String {
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    assert!(!path.with_file_name("tokens.toml.new").exists());
    outcome.stdout
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o777
}

#[test]
// req: push-auth-10
fn a_new_token_is_printed_once_and_good_for_what_was_said() {
    let path = folder("new").join("tokens.toml");
    let args = [
        "--name",
        "shop",
        "--publish",
        "orders.**,news",
        "--publish",
        "x",
    ];
    let made = good(token("new", &path, &args), &path);
    let made = made.trim_end();
    assert!(made.starts_with("wb_") && made.len() == 3 + 43, "{made}");
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).expect("written");
    assert!(!text.contains(made), "{text}");
    let args = [
        "--name",
        "shop",
        "--subscribe",
        "a",
        "--admin",
        "--expires",
        "30d",
    ];
    let other = good(token("new", &path, &args), &path);
    assert_ne!(other.trim_end(), made);
    let tokens = Tokens::parse(&fs::read_to_string(&path).expect("written")).expect("valid");
    let auth = Auth::default().tokens(tokens);
    let grant = auth.check(made, 0).expect("known");
    assert_eq!((&**grant.name(), grant.publish().len()), ("shop", 3));
    assert!(grant.subscribe().is_empty() && !grant.is_admin());
    assert_eq!(grant.expires(), None);
    let grant = auth.check(other.trim_end(), 0).expect("known");
    assert!(grant.is_admin() && grant.publish().is_empty());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = grant.expires().expect("a time") / 1000 - now.expect("later").as_secs();
    assert!((30 * 86_400 - 60..=30 * 86_400).contains(&days), "{days}");
    let list = good(token("list", &path, &[]), &path);
    for part in [&*grant.id(), "shop", "never", "orders.**,news,x", "yes"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    assert!(!list.contains(made));
}

#[test]
fn what_else_is_in_the_file_stays_as_it_was() {
    let folder = folder("edit");
    let path = folder.join("tokens.toml");
    let digest = |token: &str| Digest::of(token.as_bytes()).to_string();
    let first = format!(
        "# the shop\n[[token]]\nname   =  'shop' # not the other\nsha256 = '{}'\n\n",
        digest("a")
    );
    let second = format!("[[token]]\nname = \"bob\"\nsha256 = \"{}\"\n", digest("b"));
    fs::write(&path, format!("{first}{second}")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
    // A link stays one.
    let link = folder.join("link.toml");
    symlink(&path, &link).expect("a link");
    good(
        token("new", &link, &["--name", "c", "--publish", "c"]),
        &path,
    );
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    let text = fs::read_to_string(&path).expect("there");
    assert!(text.starts_with(&format!("{first}{second}")), "{text}");
    assert_eq!(mode(&path), 0o640);
    good(token("revoke", &path, &["--name", "c"]), &path);
    good(token("revoke", &path, &[&digest("b")[..12]]), &path);
    assert_eq!(
        fs::read_to_string(&path).expect("there").trim_end(),
        first.trim_end()
    );
    good(token("revoke", &path, &["--subject", "mallory"]), &path);
    good(token("revoke", &path, &["--subject", "mallory"]), &path);
    let text = fs::read_to_string(&path).expect("there");
    assert_eq!(text.matches("mallory").count(), 1, "{text}");
    assert!(
        text.contains("# the shop") && text.contains("# not the other"),
        "{text}"
    );
    assert!(good(token("list", &path, &[]), &path).contains("JWT subject: mallory"));
    good(token("revoke", &path, &["a"]), &path);
    assert!(
        !fs::read_to_string(&path)
            .expect("there")
            .contains("[[token]]")
    );
}

/// Action, arguments, exit status, and a part of what is printed.
type Row = (&'static str, &'static [&'static str], i32, &'static str);

const WRONG: [Row; 14] = [
    ("new", &["--name", "a"], 2, "--publish"),
    ("new", &["--publish", "a"], 2, "--name"),
    ("new", &["--name", "a", "--publish", "a..b"], 2, "a..b"),
    ("new", &["--name", "a", "--publish", "$stats"], 1, "admin"),
    ("new", &["--name", "", "--publish", "a"], 1, "empty"),
    (
        "new",
        &["--name", "a", "--admin", "--expires", "soon"],
        2,
        "30d",
    ),
    (
        "new",
        &["--name", "a", "--admin", "--expires", "2027-01-01"],
        2,
        "30d",
    ),
    (
        "new",
        &[
            "--name",
            "a",
            "--admin",
            "--expires",
            "2020-01-01T00:00:00Z",
        ],
        2,
        "--expires",
    ),
    (
        "new",
        &["--name", "a", "--admin", "--expires", "0"],
        2,
        "--expires",
    ),
    ("revoke", &[], 2, "TOKEN"),
    ("revoke", &["a", "--name", "a"], 2, "--name"),
    ("revoke", &["--name", "b"], 1, "\"b\""),
    ("revoke", &["unknown-token"], 1, "no such token"),
    ("revoke", &["abc"], 1, "no such token"),
];

#[test]
fn what_cannot_be_done_changes_nothing() {
    let folder = folder("bad");
    let path = folder.join("tokens.toml");
    let new = ["--name", "a", "--publish", "a"];
    good(token("new", &path, &new), &path);
    let before = fs::read_to_string(&path).expect("there");
    for (action, args, status, part) in WRONG {
        let outcome = token(action, &path, args);
        assert_eq!(outcome.status, Some(status), "{args:?}: {outcome:?}");
        assert!(outcome.stderr.contains(part), "{args:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{args:?}");
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            before,
            "{args:?}"
        );
        assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
    }
}

#[test]
fn a_file_that_cannot_be_edited_is_named() {
    let folder = folder("busy");
    let path = folder.join("tokens.toml");
    let new = ["--name", "a", "--publish", "a"];
    good(token("new", &path, &new), &path);
    let before = fs::read_to_string(&path).expect("there");
    let lock = folder.join("tokens.toml.new");
    fs::write(&lock, "").expect("written");
    expect_line(
        &token("new", &path, &new),
        1,
        &["tokens.toml.new", "another edit"],
    );
    assert!(lock.exists());
    fs::remove_file(&lock).expect("it is still there");
    fs::write(&path, format!("{before}nonsense\n")).expect("written");
    expect_line(&token("new", &path, &new), 1, &["tokens.toml", "line "]);
    for (action, args) in [("list", &[][..]), ("revoke", &["--name", "a"])] {
        let missing = folder.join("missing.toml");
        expect_line(
            &token(action, &missing, args),
            1,
            &["missing.toml", "No such file"],
        );
        assert!(!missing.exists());
    }
}

#[test]
fn several_edits_at_once_lose_nothing() {
    let path = folder("race").join("tokens.toml");
    let made: usize = std::thread::scope(|scope| {
        let edits: Vec<_> = (0..8)
            .map(|n| {
                let path = &path;
                let name = format!("n{n}");
                scope.spawn(move || {
                    let outcome = token("new", path, &["--name", &name, "--admin"]);
                    let is_busy = outcome.stderr.contains("another edit is under way");
                    assert!(outcome.status == Some(0) || is_busy, "{outcome:?}");
                    usize::from(outcome.status == Some(0))
                })
            })
            .collect();
        edits
            .into_iter()
            .map(|edit| edit.join().expect("no panic"))
            .sum()
    });
    let text = fs::read_to_string(&path).expect("there");
    assert!(made > 0);
    assert_eq!(Tokens::parse(&text).expect("valid").grants().len(), made);
}

#[test]
fn the_environment_may_name_the_file() {
    let path = folder("env").join("tokens.toml");
    let mut new = command(&["token", "new", "--name", "a", "--admin"]);
    new.env("WIREBELL_TOKENS", &path);
    assert_eq!(run_command(new).status, Some(0));
    assert!(path.exists());
    assert_eq!(run(&["token", "list"]).status, Some(2));
}
