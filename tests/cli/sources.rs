//! Where a setting came from: empty variables, and what an error names.

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, command, run_command};

fn check(args: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = command(args);
    command.arg("--check").envs(environment.iter().copied());
    run_command(command)
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let names = [
        "LISTEN",
        "WORKERS",
        "HOST",
        "ORIGIN",
        "MAX_MESSAGE",
        "OVERFLOW",
        "DEFLATE",
        "LOG",
        "TRACE",
        "CONFIG",
        "PUSH_KEY",
        "PUSH_KEY_FILE",
        "TOKEN_FILE",
        "PING_INTERVAL",
        "MAX_CONNECTIONS",
        "DEFLATE_LEVEL",
    ];
    let names = names.map(|name| format!("WIREBELL_{name}"));
    let empty: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    for server in ["serve", "echo"] {
        let (with, without) = (check(&[server], &empty), check(&[server], &[]));
        assert_eq!((with.status, &*with.stderr), (Some(0), ""), "{with:?}");
        assert_eq!(with.stdout, without.stdout);
    }
}

#[test]
fn a_wrong_value_is_told_with_its_variable() {
    for (variable, value, part) in [
        ("WIREBELL_WORKERS", "abc", "abc"),
        ("WIREBELL_OVERFLOW", "explode", "drop-oldest"),
        ("WIREBELL_PING_INTERVAL", "soon", "30s"),
        ("WIREBELL_LOG", "loud", "debug"),
        ("WIREBELL_LISTEN", "nonsense", "127.0.0.1:8080"),
        (
            "WIREBELL_ORIGIN",
            "https://a.example,example.org",
            "https://",
        ),
        ("WIREBELL_HOST", "a.example:80", "without scheme"),
        ("WIREBELL_DEFLATE_LEVEL", "10", "from 1 to 9"),
    ] {
        for server in ["serve", "echo"] {
            let outcome = check(&[server], &[(variable, value)]);
            expect_line(&outcome, 2, &[variable, part]);
            assert!(
                !outcome.stderr.contains("--"),
                "no flag is to blame: {outcome:?}"
            );
        }
        // If a flag is wrong as well, it is named.
        let flag = variable
            .replace("WIREBELL_", "--")
            .to_lowercase()
            .replace('_', "-");
        let outcome = check(&["serve", &flag, value], &[(variable, value)]);
        assert!(outcome.stderr.contains(&flag), "{outcome:?}");
        assert!(
            !outcome.stderr.contains(&format!("{variable}:")),
            "{outcome:?}"
        );
    }
    let outcome = check(&["serve"], &[("WIREBELL_TOKEN_FILE", "/nothing/here")]);
    expect_line(&outcome, 1, &["WIREBELL_TOKEN_FILE /nothing/here"]);
}

#[test]
fn a_wrong_value_is_told_with_its_line() {
    let text = "workers = 1\n\nlog = \"loud\"\n";
    let path = file("cli-sources.toml", text);
    let path = path.to_str().expect("a path");
    let outcome = check(&["serve", "--config", path], &[]);
    expect_line(&outcome, 2, &[&format!("{path} line 3: log loud"), "debug"]);
}

#[test]
fn origins_that_never_match_are_wrong_usage() {
    for bad in [
        "https://*",
        "https://a*.example",
        "https://a.example:0",
        "wss://a.example",
    ] {
        let outcome = check(&["serve", "--origin", bad], &[]);
        expect_line(&outcome, 2, &["--origin", bad]);
    }
    let good = [
        "null",
        "file://",
        "https://github.com/gilmaimon/TinyWebsockets",
        "same-host",
    ];
    let args = good.iter().flat_map(|origin| ["--origin", origin]);
    let args: Vec<&str> = ["echo"].into_iter().chain(args).collect();
    assert_eq!(check(&args, &[]).status, Some(0));
}
