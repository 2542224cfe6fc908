//! Servers with and without tokens: where they listen, and what they say.

use super::errors::expect_line;
use super::file;
use super::program::{Program, command, run, run_command};

const KEY: &str = "0123456789abcdef0123456789abcdef\n";

#[test]
// req: push-auth-02
fn a_server_without_tokens_stays_on_this_machine() {
    let key = file("protect-push-key", "secret\n");
    let users = file("protect-users", "token alice\n");
    let (key, users) = (
        key.to_str().expect("a path"),
        users.to_str().expect("a path"),
    );
    let rows: [&[&str]; 4] = [
        &["--listen", "0.0.0.0:0"],
        &["--listen", "[::]:0", "--check"],
        &["--listen", "192.0.2.1:0"],
        // The secrets of wserver protect its own paths alone.
        &[
            "--listen",
            "0.0.0.0:0",
            "--push-key-file",
            key,
            "--token-file",
            users,
        ],
    ];
    for args in rows {
        expect_line(&run(args), 2, &["--listen", args[1], "--tokens", "--open"]);
    }
    let config = file("protect-open.toml", "listen = \"0.0.0.0:0\"\nopen = true\n");
    let tokens = file("protect-tokens.toml", "");
    let jwt_key = file("protect-jwt-key", KEY);
    let config = config.to_str().expect("a path");
    let all = ["serve", "--check", "--listen", "0.0.0.0:0"];
    for (flag, path) in [
        ("--tokens", tokens.to_str()),
        ("--jwt-key-file", jwt_key.to_str()),
    ] {
        let outcome = run(&[&all[..], &[flag, path.expect("a path")]].concat());
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""), "{flag}");
        assert!(outcome.stdout.contains("echo = false"), "{outcome:?}");
    }
    for args in [
        &["--listen", "0.0.0.0:0", "--open"][..],
        &["--config", config],
        &["--listen", "127.0.0.1:0"],
        &["--listen", "[::1]:0", "--open=false"],
    ] {
        let outcome = run(&[&["serve", "--check"], args].concat());
        assert_eq!(
            (outcome.status, &*outcome.stderr),
            (Some(0), ""),
            "{args:?}"
        );
    }
    let mut refused = command(&all);
    refused.env("WIREBELL_OPEN", "no");
    assert_eq!(run_command(refused).status, Some(2));
    let mut open = command(&all);
    open.env("WIREBELL_OPEN", "yes");
    assert_eq!(run_command(open).status, Some(0));
}

#[test]
// req: push-auth-01 push-auth-04
fn an_open_server_says_so_and_another_does_not() {
    let (open, _) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let line = open.first_error();
    assert!(line.contains("open") && line.contains("--tokens"), "{line}");
    let tokens = file("protect-quiet.toml", "");
    let tokens = tokens.to_str().expect("a path");
    let (closed, _) = Program::serve(&["--listen", "127.0.0.1:0", "--tokens", tokens]);
    std::fs::write(tokens, "nonsense\n").expect("written");
    let line = closed.first_error();
    assert!(
        line.contains("stays in force") && line.contains("line 1"),
        "{line}"
    );
}

#[test]
fn settings_of_tokens_that_are_wrong_are_told() {
    let broken = file("protect-broken.toml", "\n[[token]]\nname = \"shop\"\n");
    let short = file("protect-short-key", "secret\n");
    let tokens = file("protect-both.toml", "");
    let (broken, short) = (
        broken.to_str().expect("a path"),
        short.to_str().expect("a path"),
    );
    let tokens = tokens.to_str().expect("a path");
    expect_line(
        &run(&["--tokens", broken]),
        1,
        &["--tokens", broken, "line 2", "\"shop\"", "sha256"],
    );
    expect_line(
        &run(&["--jwt-key-file", short]),
        1,
        &["--jwt-key-file", short, "32"],
    );
    expect_line(
        &run(&["--tokens", tokens, "--open"]),
        2,
        &["--open", "tokens"],
    );
}
