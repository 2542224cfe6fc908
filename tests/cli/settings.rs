//! Where settings come from: flags, then the environment, then a file, then the defaults.

use super::file;
use super::program::{Outcome, command, run, run_command};

fn check(args: &[&str], environment: &[(&str, &str)]) -> Outcome {
    let mut command = command(args);
    command.arg("--check").envs(environment.iter().copied());
    run_command(command)
}

/// The value of a setting in what `--check` printed.
#[track_caller]
fn value<'t>(outcome: &'t Outcome, name: &str) -> &'t str {
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let mut lines = outcome
        .stdout
        .lines()
        .filter_map(|line| line.split_once(" = "));
    let (_, value) = lines
        .find(|(other, _)| *other == name)
        .expect("it is printed");
    value
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
    let path = file(
        "cli-order.toml",
        "listen = \"127.0.0.1:1111\"\nworkers = 1\nping_interval = \"1s\"\nmax_body = 1000\n",
    );
    let path = path.to_str().expect("a path");
    let environment = [
        ("WIREBELL_LISTEN", "127.0.0.1:2222"),
        ("WIREBELL_WORKERS", "2"),
        ("WIREBELL_OVERFLOW", "keep-latest"),
        ("WIREBELL_ORIGIN", "https://a.example,https://b.example"),
    ];
    let flags = ["--listen", "127.0.0.1:3333", "--config", path];
    let outcome = check(&flags, &environment);
    assert_eq!(value(&outcome, "listen"), "\"127.0.0.1:3333\"");
    assert_eq!(value(&outcome, "workers"), "2");
    assert_eq!(value(&outcome, "ping_interval"), "\"1s\"");
    assert_eq!(value(&outcome, "max_body"), "\"1000\"");
    assert_eq!(value(&outcome, "overflow"), "\"keep-latest\"");
    assert_eq!(value(&outcome, "pong_timeout"), "\"15s\"");
    let origins = "[\"https://a.example\", \"https://b.example\"]";
    assert_eq!(value(&outcome, "origin"), origins);
    // The environment may name the file as well.
    let outcome = check(&["serve"], &[("WIREBELL_CONFIG", path)]);
    assert_eq!(value(&outcome, "listen"), "\"127.0.0.1:1111\"");
}

#[test]
fn what_check_prints_reads_back_as_the_same() {
    let rows: [&[&str]; 4] = [
        &["serve"],
        &["echo"],
        &[
            "serve",
            "--max-message",
            "5MB",
            "--ping-interval",
            "1m 30s",
            "--origin",
            "any",
        ],
        &[
            "echo",
            "--overflow",
            "drop-oldest",
            "--stall-timeout",
            "0",
            "--log",
            "debug",
        ],
    ];
    for (n, args) in rows.into_iter().enumerate() {
        let first = check(args, &[]);
        assert_eq!((first.status, &*first.stderr), (Some(0), ""), "{args:?}");
        assert!(first.stdout.lines().count() > 10, "{first:?}");
        assert!(first.stdout.lines().is_sorted(), "{first:?}");
        let path = file(&format!("cli-check-{n}.toml"), &first.stdout);
        let path = path.to_str().expect("a path");
        let second = run(&[args[0], "--check", "--config", path]);
        assert_eq!(second.stdout, first.stdout, "{args:?}");
        assert_eq!((second.status, &*second.stderr), (Some(0), ""));
    }
}

#[test]
fn check_looks_at_the_files_and_serves_nothing() {
    let outcome = check(&["--token-file", "/nothing/here"], &[]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(1), ""));
    let outcome = check(&["--listen", "nonsense"], &[]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(2), ""));
}

#[test]
fn every_flag_has_its_name_in_the_environment() {
    let rows = [
        ("WIREBELL_MAX_MESSAGE", "max_message", "1KiB"),
        ("WIREBELL_MAX_QUEUED", "max_queued", "2KiB"),
        ("WIREBELL_MAX_BODY", "max_body", "3KiB"),
        ("WIREBELL_REGISTER_TIMEOUT", "register_timeout", "1s"),
        ("WIREBELL_PING_INTERVAL", "ping_interval", "2s"),
        ("WIREBELL_PONG_TIMEOUT", "pong_timeout", "3s"),
        ("WIREBELL_HEAD_TIMEOUT", "head_timeout", "4s"),
        ("WIREBELL_CLOSE_TIMEOUT", "close_timeout", "5s"),
        ("WIREBELL_STALL_TIMEOUT", "stall_timeout", "6s"),
        ("WIREBELL_LOG", "log", "debug"),
        ("WIREBELL_DEFLATE", "deflate", "takeover"),
        ("WIREBELL_DEFLATE_BUDGET", "deflate_budget", "8MiB"),
        ("WIREBELL_DEFLATE_MIN", "deflate_min", "1KiB"),
        ("WIREBELL_TRACE", "trace", "talk.pcap"),
        ("WIREBELL_TRACE_LIMIT", "trace_limit", "5MiB"),
    ];
    for (variable, setting, text) in rows {
        let outcome = check(&["serve"], &[(variable, text)]);
        assert_eq!(value(&outcome, setting), format!("{text:?}"));
    }
    for (variable, setting) in [
        ("WIREBELL_DEFLATE_LEVEL", "deflate_level"),
        ("WIREBELL_DEFLATE_WINDOW_BITS", "deflate_window_bits"),
    ] {
        let outcome = check(&["serve"], &[(variable, "9")]);
        assert_eq!(value(&outcome, setting), "9");
    }
    for (variable, setting) in [
        ("WIREBELL_MAX_CONNECTIONS", "max_connections"),
        (
            "WIREBELL_MAX_CONNECTIONS_PER_ADDRESS",
            "max_connections_per_address",
        ),
    ] {
        let outcome = check(&["serve"], &[(variable, "77")]);
        assert_eq!(value(&outcome, setting), "77");
    }
    let outcome = check(&["serve"], &[("WIREBELL_TRUSTED_PROXY", "10.0.0.0/8,unix")]);
    assert_eq!(
        value(&outcome, "trusted_proxy"),
        r#"["10.0.0.0/8", "unix"]"#
    );
    let outcome = check(&["echo"], &[("WIREBELL_SUBPROTOCOL", "a,b")]);
    assert_eq!(value(&outcome, "subprotocol"), r#"["a", "b"]"#);
    let mut bad = command(&["serve"]);
    bad.env("WIREBELL_PING_INTERVAL", "soon");
    let outcome = run_command(bad);
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("soon"), "{outcome:?}");
}

#[test]
fn the_echo_of_the_push_server_is_off_where_there_are_secrets_unless_it_is_said() {
    let key = file("cli-echo-key", "secret\n");
    let tokens = file("cli-echo-tokens", "token alice\n");
    let (key, tokens) = (
        key.to_str().expect("a path"),
        tokens.to_str().expect("a path"),
    );
    let on = file("cli-echo-on.toml", "echo = true\n");
    let on = on.to_str().expect("a path");
    /// Flags, environment, and whether there is an echo.
    type Row<'r> = (&'r [&'r str], &'r [(&'r str, &'r str)], &'r str);
    let rows: [Row<'_>; 11] = [
        (&[], &[], "true"),
        (&["--push-key-file", key], &[], "false"),
        (&["--token-file", tokens], &[], "false"),
        (&[], &[("WIREBELL_PUSH_KEY", "secret")], "false"),
        (&["--push-key-file", key, "--echo"], &[], "true"),
        (&["--token-file", tokens, "--echo=true"], &[], "true"),
        (&["--echo=false"], &[], "false"),
        (&["--push-key-file", key, "--config", on], &[], "true"),
        (&["--echo=false", "--config", on], &[], "false"),
        (&["--token-file", tokens], &[("WIREBELL_ECHO", "1")], "true"),
        (&[], &[("WIREBELL_ECHO", "no")], "false"),
    ];
    for (args, environment, expected) in rows {
        let outcome = check(&[&["serve"], args].concat(), environment);
        assert_eq!(
            value(&outcome, "echo"),
            expected,
            "{args:?} {environment:?}"
        );
    }
}

#[test]
fn topics_are_tables_of_the_file_and_a_wrong_one_is_named() {
    let rules = "[[topics]]\npattern = \"orders.**\"\nhistory = 5\nage = \"1h\"\n\n\
                 [[topics]]\nbytes = \"1MiB\"\noverflow = \"keep-latest\"\npattern = \"live.*\"\n";
    let good = file("cli-topics.toml", &format!("log = \"warn\"\n\n{rules}"));
    let outcome = check(&["serve", "--config", good.to_str().unwrap()], &[]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let again = file("cli-topics-again.toml", &outcome.stdout);
    let again = check(&["serve", "--config", again.to_str().unwrap()], &[]);
    assert_eq!(again.stdout, outcome.stdout);
    for (from, to, line, problem) in [
        ("live.*", "live*", 8, "pattern \"live*\""),
        ("history", "histroy", 3, "histroy"),
        ("1h", "soon", 3, "a time like"),
        ("keep-latest", "keep", 8, "keep"),
    ] {
        let text = format!("log = \"warn\"\n\n{}", rules.replace(from, to));
        let bad = file("cli-topics-bad.toml", &text);
        let outcome = check(&["serve", "--config", bad.to_str().unwrap()], &[]);
        assert_eq!(outcome.status, Some(2), "{to}");
        let place = format!("line {line}:");
        let says = outcome.stderr.contains(&place) && outcome.stderr.contains(problem);
        assert!(says, "{to}: {}", outcome.stderr);
    }
}

#[test]
// req: push-pages-11
fn a_trusted_proxy_is_an_address_or_a_network_and_no_name() {
    let path = file(
        "cli-proxies.toml",
        "trusted_proxy = [\"::1\", \"10.0.0.0/8\"]\n",
    );
    let outcome = check(&["serve", "--config", path.to_str().unwrap()], &[]);
    assert_eq!(value(&outcome, "trusted_proxy"), r#"["::1", "10.0.0.0/8"]"#);
    let flags = [
        "serve",
        "--trusted-proxy",
        "127.0.0.1",
        "--trusted-proxy",
        "unix",
    ];
    let outcome = check(&flags, &[]);
    assert_eq!(value(&outcome, "trusted_proxy"), r#"["127.0.0.1", "unix"]"#);
    for bad in ["localhost", "10.0.0.0/33", "any"] {
        let outcome = check(&["serve", "--trusted-proxy", bad], &[]);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        let says = format!("--trusted-proxy {bad}: write an address");
        assert!(outcome.stderr.contains(&says), "{outcome:?}");
    }
}
