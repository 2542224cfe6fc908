//! What a person reads first.

use super::program::run;

#[test]
fn the_version_is_the_package_s() {
    for flag in ["--version", "-V"] {
        let outcome = run(&[flag]);
        let expected = format!("wirebell {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!((outcome.status, &*outcome.stdout), (Some(0), &*expected));
        assert_eq!(outcome.stderr, "");
    }
}

#[test]
fn help_names_the_commands_and_shows_examples() {
    let help = run(&["--help"]);
    assert_eq!((help.status, &*help.stderr), (Some(0), ""));
    for part in [
        "serve",
        "echo",
        "connect",
        "push",
        "token",
        "verify",
        "doctor",
        "inspect",
        "bench",
        "completions",
        "man",
        "Examples:",
        "Usage:",
        "Exit status",
        "127.0.0.1:8080",
    ] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
    assert_eq!(run(&["-h"]).status, Some(0));
    assert_eq!(run(&["help"]).stdout, help.stdout);
}

#[test]
fn help_of_each_command_shows_defaults_environment_and_an_example() {
    let rows = [
        (
            "serve",
            "wirebell serve &",
            &["--push-key-file", "--token-file", "--max-body"][..],
        ),
        ("echo", "wirebell echo --listen", &[]),
    ];
    for (command, example, flags) in rows {
        let help = run(&[command, "--help"]);
        assert_eq!((help.status, &*help.stderr), (Some(0), ""), "{command}");
        let text = &help.stdout;
        assert!(text.contains(example), "{command}: {text}");
        for flag in flags
            .iter()
            .chain(&["--listen", "--workers", "--origin", "--log"])
        {
            assert!(text.contains(flag), "{command} {flag}: {text}");
        }
        assert!(text.contains("[default: 127.0.0.1:8080]"), "{text}");
        assert!(text.contains("[env: WIREBELL_LISTEN="), "{text}");
        assert!(text.contains("16MiB"), "{text}");
        // Each setting has a default; the exceptions are files and actions.
        let settings = text.matches("[env: ").count();
        let defaults = text.matches("[default: ").count();
        assert!(defaults + 1 >= settings, "{defaults} of {settings}: {text}");
        assert!(!text.contains('\u{1b}'), "no colours into a pipe");
    }
}

#[test]
fn help_of_each_tool_shows_examples_and_exit_statuses() {
    for tool in [
        "connect",
        "push",
        "token",
        "verify",
        "doctor",
        "inspect",
        "bench",
        "completions",
        "man",
    ] {
        let help = run(&[tool, "--help"]);
        assert_eq!((help.status, &*help.stderr), (Some(0), ""), "{tool}");
        let example = format!("wirebell {tool} ");
        for part in [&*example, "Example", "Exit status", "Usage:"] {
            assert!(help.stdout.contains(part), "{tool} {part}: {}", help.stdout);
        }
        assert!(!help.stdout.contains('\u{1b}'), "no colours into a pipe");
    }
}

#[test]
fn help_explains_the_loop_of_a_client_under_test() {
    let help = run(&["verify", "--help"]);
    for part in [
        "wirebell verify --listen 127.0.0.1:9001",
        "/getCaseCount",
        "/runCase?case=N&agent=NAME",
        "/updateReports?agent=NAME",
        "--wait",
    ] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
}
