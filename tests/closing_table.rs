//! The closing table, cell by cell: section 7 of RFC 6455, and 5.5.1.
//!
//! `golden/closing.txt` holds all cells as they should be. With `UPDATE_GOLDEN=1` in the
//! environment the file is written again; then read it.

use crate::support::driver::{Driver, Seen};
use crate::support::frames::{close, ping, pong, text};
use wirebell::proto::{Action, Input, Tick};
use wirebell::wire::NoEntropy;
use wirebell::{CloseCode, Eof, Limits, MessageKind, Role, State};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/closing.txt");

#[test]
// req: 6455-5.5.1-05 6455-5.5.1-06 6455-5.5.2-02 6455-6.1-02 6455-6.1-03 6455-7.1.7-07
fn all_cells_are_as_in_the_golden_file() {
    let table = table();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, &table).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(GOLDEN).expect("the golden file");
    assert_eq!(table, golden);
}

fn table() -> String {
    let mut rows = vec![row("", State::ALL.map(|state| format!("{state:?}")))];
    for input in Input::ALL {
        rows.push(row(
            input_name(input),
            State::ALL.map(|state| cell(state, input)),
        ));
    }
    rows.concat()
}

fn row(name: &str, cells: [String; 5]) -> String {
    let cells = cells.map(|cell| format!(" | {cell:<20}"));
    format!("{name:<13}{}", cells.concat())
        .trim_end()
        .to_owned()
        + "\n"
}

/// The next state, or `=` to stay, and what is done.
fn cell(state: State, input: Input) -> String {
    match state.on(input) {
        (next, action) if next == state => format!("= {}", action_name(action)),
        (next, action) => format!("{next:?}, {}", action_name(action)),
    }
}

fn input_name(input: Input) -> &'static str {
    match input {
        Input::PeerData => "peer data",
        Input::PeerPing => "peer Ping",
        Input::PeerPong => "peer Pong",
        Input::PeerClose => "peer Close",
        Input::Violation => "violation",
        Input::EndOfStream => "end of stream",
        Input::SendMessage => "send message",
        Input::SendPing => "send Ping",
        Input::SendClose => "send Close",
        Input::Deadline => "deadline",
    }
}

fn action_name(action: Action) -> &'static str {
    match action {
        Action::Deliver => "deliver",
        Action::Pong => "pong",
        Action::Echo => "echo",
        Action::SendClose => "send Close",
        Action::SayNoMore => "say no more",
        Action::Discard => "discard",
        Action::Emit => "emit",
        Action::Refuse => "refuse",
        Action::Nothing => "nothing",
        Action::Lost => "lost",
        Action::Clean => "clean",
        Action::Drop => "drop",
    }
}

fn cells() -> impl Iterator<Item = (State, Input, State, Action)> {
    let inputs = |state: State| Input::ALL.map(|input| (state, input));
    State::ALL
        .into_iter()
        .flat_map(inputs)
        .map(|(state, input)| {
            let (next, action) = state.on(input);
            (state, input, next, action)
        })
}

#[test]
fn the_state_never_goes_back() {
    for (state, input, next, _) in cells() {
        assert!(next >= state, "{state:?} {input:?} {next:?}");
    }
}

#[test]
// req: 6455-5.5.1-05 6455-5.5.2-02 6455-7.1.7-07
fn nothing_is_emitted_outside_open_but_a_pong_while_closing() {
    for (state, input, _, action) in cells() {
        let emits = match action {
            Action::Pong | Action::Echo | Action::SendClose | Action::Emit => true,
            Action::Deliver | Action::SayNoMore | Action::Discard | Action::Refuse => false,
            Action::Nothing | Action::Lost | Action::Clean | Action::Drop => false,
        };
        let may = state == State::Open || (state, input) == (State::Closing, Input::PeerPing);
        assert!(may || !emits, "{state:?} {input:?} {action:?}");
    }
}

#[test]
fn gone_is_the_end() {
    for (state, input, next, action) in cells().filter(|cell| cell.0 == State::Gone) {
        assert_eq!(next, State::Gone, "{state:?} {input:?}");
        let idle = [Action::Discard, Action::Refuse, Action::Nothing];
        assert!(idle.contains(&action), "{input:?} {action:?}");
    }
}

/// A connection in `state`, with an empty outbox and nothing noted.
fn connection_in(state: State) -> Driver {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    match state {
        State::Open => {}
        State::Closing => {
            let closed = driver.connection.close(None, "", &mut driver.outbox);
            assert_eq!(closed, Ok(()));
        }
        State::Closed => driver.feed(&close(1000, "").to(Role::Server)),
        State::Failed => driver.feed(&[0x83]),
        State::Gone => {
            driver.connection.receive_eof();
        }
    }
    driver.transmit();
    driver.seen.clear();
    driver.sent.clear();
    assert_eq!(driver.connection.state(), state);
    driver
}

/// Lets `input` happen and names the action by what can be seen from outside.
fn happen(driver: &mut Driver, input: Input) -> Action {
    let to = Role::Server;
    let state = driver.connection.state();
    match input {
        Input::PeerData => driver.feed(&text("x").to(to)),
        Input::PeerPing => driver.feed(&ping(b"x").to(to)),
        Input::PeerPong => driver.feed(&pong(b"x").to(to)),
        Input::PeerClose => driver.feed(&close(4000, "x").to(to)),
        Input::Violation => driver.feed(&[0x83]),
        Input::EndOfStream => {
            return match driver.connection.receive_eof() {
                Eof::Lost if state == State::Gone => Action::Discard,
                Eof::Lost => Action::Lost,
                Eof::Clean => Action::Clean,
            };
        }
        Input::SendMessage => {
            let begun = driver
                .connection
                .begin(MessageKind::Text, 0, true, &mut NoEntropy);
            return begun.map_or(Action::Refuse, |_| Action::Emit);
        }
        Input::SendPing => {
            let pinged = driver.connection.ping(b"", &mut driver.outbox);
            return pinged.map_or(Action::Refuse, |()| Action::Emit);
        }
        Input::SendClose => {
            let code = Some(CloseCode::NORMAL);
            let closed = driver.connection.close(code, "", &mut driver.outbox);
            assert_eq!(closed, Ok(()));
            driver.transmit();
            return match driver.sent[..] {
                [] => Action::Nothing,
                _ => Action::Emit,
            };
        }
        Input::Deadline => return wait(driver),
    }
    seen_action(driver)
}

/// Lets time pass until nothing more is due.
fn wait(driver: &mut Driver) -> Action {
    for _ in 0..5 {
        let Some(deadline) = driver.deadline() else {
            return Action::Discard;
        };
        match driver.tick(deadline) {
            Tick::Expired => return Action::Drop,
            Tick::Ping | Tick::Early => driver.transmit(),
        }
    }
    panic!("a deadline that never expires");
}

fn seen_action(driver: &Driver) -> Action {
    let sent = driver.sent.first().copied();
    match (driver.seen.first(), sent) {
        (None, None) => Action::Discard,
        (Some(Seen::Text(_) | Seen::Pong(_)), None) => Action::Deliver,
        (Some(Seen::Ping(_)), Some(0x8A)) => Action::Pong,
        (Some(Seen::Close(..)), Some(0x88)) => Action::Echo,
        (Some(Seen::Close(..)), None) => Action::Deliver,
        (Some(Seen::Failed(_)), Some(0x88)) => Action::SendClose,
        (Some(Seen::Failed(_)), None) => Action::SayNoMore,
        other => panic!("{other:?}"),
    }
}

#[test]
// req: 6455-5.5.1-05 6455-5.5.1-06 6455-5.5.2-02 6455-6.1-02 6455-6.1-03 6455-7.1.7-07
// req: 6455-7.2.1-02 6455-5.5.1-10
fn a_connection_does_what_each_cell_says() {
    for (state, input, next, action) in cells() {
        let mut driver = connection_in(state);
        assert_eq!(happen(&mut driver, input), action, "{state:?} {input:?}");
        assert_eq!(driver.connection.state(), next, "{state:?} {input:?}");
    }
}
