//! What packagers install: units of systemd, settings, a Containerfile. The command takes the flags
//! and settings that they name, and tells the service manager what the unit waits for.

use super::program::{Program, command, run};
use crate::net_support::PATIENCE;
use rustix::process::Signal;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/server/packaging");
    folder.join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).expect("a text")
}

/// The value of a line such as `ExecStart=…`.
#[track_caller]
fn value<'t>(text: &'t str, name: &str) -> &'t str {
    let mut values = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap_or_else(|| panic!("no {name}"))
}

#[test]
fn settings_of_the_package_are_settings_of_the_command() {
    let settings = text("wirebell.toml");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packaged.toml");
    let path = file.to_str().expect("a path");
    // As it is, and with what it suggests.
    let suggested = |line: &str| match line.strip_prefix('#') {
        // There is no such file.
        Some(setting) if setting.starts_with("tokens") || setting.starts_with("listen") => {
            String::new()
        }
        Some(setting) if !setting.starts_with(' ') => setting.to_owned() + "\n",
        _ => line.to_owned() + "\n",
    };
    let all: String = settings.lines().map(suggested).collect();
    for settings in [&settings, &all] {
        std::fs::write(&file, settings).expect("written");
        let outcome = run(&["serve", "--config", path, "--check"]);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
        assert!(
            outcome.stdout.contains("\ndrain = \"10s\"\n"),
            "{}",
            outcome.stdout
        );
    }
    assert!(all.contains("\npublish_rate = "), "{all}");
}

#[test]
fn commands_of_unit_and_image_exist() {
    let (help, unit) = (run(&["serve", "--help"]).stdout, text("wirebell.service"));
    let image = text("Containerfile");
    let start = value(&unit, "ExecStart").replace("/usr/bin/wirebell ", "");
    let last = image.lines().find_map(|line| line.strip_prefix("CMD "));
    let last: Vec<String> = serde_json::from_str(last.expect("a command")).expect("a list");
    for words in [start.split(' ').map(str::to_owned).collect(), last] {
        assert_eq!(words[0], "serve");
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(&format!("{flag} <")), "{flag}");
        }
    }
    for mentioned in ["--drain", "--close-timeout"] {
        assert!(unit.contains(mentioned) && help.contains(mentioned));
    }
    let socket = text("wirebell.socket");
    assert_eq!(
        value(&socket, "ListenStream"),
        "127.0.0.1:8080",
        "the default of --listen"
    );
    let manifest = include_str!("../../Cargo.toml");
    let names = manifest.split('"').filter(|it| it.starts_with("src/cli/"));
    for name in names.filter(|it| !it.contains('*')) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        assert!(path.exists(), "{name}");
    }
}

/// If the machine has systemd's own check; without the command and the manual where the unit
/// expects them.
#[test]
fn systemd_reads_the_units() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("units");
    std::fs::create_dir_all(&folder).expect("a folder");
    let unit = text("wirebell.service");
    let unit = unit.replace("/usr/bin/wirebell", env!("CARGO_BIN_EXE_wirebell"));
    let unit = unit.replace("Documentation=", "#");
    for (name, text) in [
        ("wirebell.service", unit),
        ("wirebell.socket", text("wirebell.socket")),
    ] {
        std::fs::write(folder.join(name), text).expect("written");
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .arg("verify")
        .args(["wirebell.service", "wirebell.socket"].map(|it| folder.join(it)));
    let Ok(output) = verify.output() else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("wirebell"))
        .collect();
    assert!(output.status.success() && ours.is_empty(), "{said}");
}

/// The service manager: what it is told.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wirebell-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Self { socket, path }
    }

    #[track_caller]
    fn next(&self) -> String {
        let mut buffer = [0; 1000];
        let len = self.socket.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    }

    /// The next message that does not feed the watchdog, and how many have fed it.
    #[track_caller]
    fn next_state(&self) -> (String, usize) {
        let mut fed = 0;
        loop {
            match self.next() {
                text if text == "WATCHDOG=1" => fed += 1,
                text => return (text, fed),
            }
        }
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn the_service_manager_is_told() {
    let manager = Manager::new("notify");
    let mut command = command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &manager.path);
    command.env("WATCHDOG_USEC", "200000");
    let (mut program, address) = Program::serve_command(command);
    let ready = format!("READY=1\nSTATUS=listens on http://{address}/");
    assert_eq!(manager.next(), ready);
    for _ in 0..3 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    program.signal(Signal::HUP);
    assert_eq!(manager.next_state().0, "RELOADING=1");
    assert_eq!(manager.next_state().0, "READY=1");
    program.signal(Signal::TERM);
    assert_eq!(
        manager.next_state().0,
        "STOPPING=1\nSTATUS=closing connections"
    );
    assert_eq!(program.wait().code(), Some(0));
}

/// The watchdog of a parent is not ours.
#[test]
fn another_process_is_not_fed() {
    let manager = Manager::new("other");
    let mut command = command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &manager.path);
    command
        .env("WATCHDOG_USEC", "2000")
        .env("WATCHDOG_PID", "1");
    let (mut program, _) = Program::serve_command(command);
    assert!(manager.next().starts_with("READY=1\n"));
    program.signal(Signal::TERM);
    assert_eq!(manager.next_state().1, 0);
    program.wait();
}
