//! Completions and manual pages: those of the repository are what the command makes, bash takes
//! the former, and the latter have the sections that a page should have.

use super::file;
use super::program::{Outcome, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What packagers install.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/generated");

/// Each shell and the name of its file.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "wirebell.bash"),
    ("elvish", "wirebell.elv"),
    ("fish", "wirebell.fish"),
    ("powershell", "_wirebell.ps1"),
    ("zsh", "_wirebell"),
];

type Files = BTreeMap<String, String>;

#[track_caller]
fn printed(args: &[&str]) -> String {
    let Outcome {
        status,
        stdout,
        stderr,
    } = run(args);
    assert_eq!((status, &*stderr), (Some(0), ""), "{args:?}");
    assert!(!stdout.is_empty(), "{args:?}");
    stdout
}

fn read(folder: &Path) -> Files {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    paths.map(read).collect()
}

fn made_completions() -> Files {
    let script = |(shell, name): (&str, &str)| (name.into(), printed(&["completions", shell]));
    SHELLS.into_iter().map(script).collect()
}

fn made_pages() -> Files {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("generated-man");
    let _ = std::fs::remove_dir_all(&folder);
    let outcome = run(&["man", "--output", folder.to_str().unwrap()]);
    assert_eq!(
        (outcome.status, &*outcome.stdout, &*outcome.stderr),
        (Some(0), "", "")
    );
    read(&folder)
}

/// The files that are out of date.
fn stale(made: &Files, kept: &Files) -> Vec<String> {
    let names = made.keys().chain(kept.keys());
    let mut stale: Vec<String> = names
        .filter(|name| made.get(*name) != kept.get(*name))
        .cloned()
        .collect();
    stale.sort_unstable();
    stale.dedup();
    stale
}

#[test]
fn the_generated_files_are_current() {
    let mut all = Vec::new();
    for (folder, made) in [("completions", made_completions()), ("man", made_pages())] {
        let folder = Path::new(FOLDER).join(folder);
        if std::env::var_os("WIREBELL_RENEW").is_some() {
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).unwrap();
            for (name, text) in &made {
                std::fs::write(folder.join(name), text).unwrap();
            }
        }
        all.extend(stale(&made, &read(&folder)));
    }
    assert!(
        all.is_empty(),
        "{all:?} are not what the command makes; renew them with\n  \
         WIREBELL_RENEW=1 cargo test --test main generated"
    );
}

#[test]
fn what_is_stale_is_found() {
    let files = |pairs: &[(&str, &str)]| -> Files {
        let owned = pairs.iter().map(|(a, b)| ((*a).into(), (*b).into()));
        owned.collect()
    };
    let made = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
    assert!(stale(&made, &made).is_empty());
    let kept = files(&[("b", "2"), ("c", "x"), ("d", "4")]);
    assert_eq!(stale(&made, &kept), ["a", "c", "d"]);
}

/// The names of the commands, as `--help` lists them.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").expect("a list of commands");
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    });
    names.filter(|name| name != "help").collect()
}

#[test]
fn each_command_has_a_page_with_all_sections() {
    let pages = made_pages();
    let commands = commands();
    assert!(commands.len() >= 8, "{commands:?}");
    assert_eq!(pages.len(), commands.len() + 1, "{:?}", pages.keys());
    let whole = &pages["wirebell.1"];
    assert_eq!(&printed(&["man"]), whole);
    for command in &commands {
        let page = &pages[&format!("wirebell-{command}.1")];
        assert_eq!(&printed(&["man", command]), page);
        assert!(whole.contains(&format!("wirebell\\-{command}(1)")));
        for part in [
            format!(".TH WIREBELL-{} 1 20", command.to_uppercase()),
            format!("wirebell {}", env!("CARGO_PKG_VERSION")),
            format!("wirebell {command}"),
        ] {
            assert!(page.contains(&part), "{part}: {page}");
        }
    }
    for (name, page) in &pages {
        let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS"];
        let sections = sections
            .iter()
            .chain(&["EXIT STATUS", "EXAMPLES", "SEE ALSO"]);
        let mut at = 0;
        for section in sections {
            let heading = match section.contains(' ') {
                true => format!("\n.SH \"{section}\"\n"),
                false => format!("\n.SH {section}\n"),
            };
            let place = page[at..].find(&heading);
            at += place.unwrap_or_else(|| panic!("{name} has no {section} there: {page}"));
        }
        assert!(!page.contains(".SH EXTRA"), "{name}");
        assert!(page.is_ascii(), "{name}: groff alone reads no UTF-8");
        let ends = |request: &str| page.lines().filter(|line| *line == request).count();
        assert_eq!(ends(".nf"), ends(".fi"), "{name}");
    }
}

#[test]
fn what_is_no_command_has_no_page() {
    let outcome = run(&["man", "nonsense"]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(2), ""));
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(outcome.stderr.contains("nonsense"), "{outcome:?}");
    assert_eq!(run(&["man", "serve", "--output", "x"]).status, Some(2));
    let taken = file("generated-taken", "a file");
    let outcome = run(&["man", "--output", taken.to_str().unwrap()]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert_eq!(run(&["completions", "tcsh"]).status, Some(2));
    assert_eq!(run(&["completions"]).status, Some(2));
}

/// What bash proposes after these words; the last one may be incomplete.
#[track_caller]
fn bash(script: &Path, words: &[&str]) -> Vec<String> {
    let opening = r#"
        set -eu
        source "$1"
        shift
        complete -p wirebell | grep -q -- '-F _wirebell '
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _wirebell wirebell "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}" || true
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", opening, "bash"]).arg(script);
    let output = command.args(words).output().expect("bash is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_values() {
    let script = file(
        "generated-wirebell.bash",
        &printed(&["completions", "bash"]),
    );
    let syntax = Command::new("bash").arg("-n").arg(&script).status();
    assert!(syntax.expect("bash is there").success());
    assert_eq!(bash(&script, &["wirebell", "ser"]), ["serve"]);
    let commands = commands();
    let proposed = bash(&script, &["wirebell", ""]);
    for command in &commands {
        assert!(proposed.contains(command), "{command}: {proposed:?}");
        assert_eq!(bash(&script, &["wirebell", command, "--hel"]), ["--help"]);
    }
    let flags = bash(&script, &["wirebell", "serve", "--trace"]);
    assert_eq!(flags, ["--trace", "--trace-limit"]);
    let modes = bash(&script, &["wirebell", "echo", "--deflate", ""]);
    assert_eq!(modes, ["off", "on", "takeover"]);
    assert_eq!(bash(&script, &["wirebell", "completions", "z"]), ["zsh"]);
}
