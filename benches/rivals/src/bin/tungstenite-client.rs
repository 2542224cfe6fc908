//! The client of tungstenite, in the loop of a client under test: see `wirebell verify --help`.

use rivals::{MAX_MESSAGE, Outcome};
use std::net::TcpStream;
use tungstenite::client::client_with_config;
use tungstenite::protocol::WebSocketConfig;

const AGENT: &str = "tungstenite";

fn main() -> Outcome {
    let server = std::env::args().nth(1);
    let server = server.ok_or("usage: tungstenite-client ws://HOST:PORT")?;
    let count = talk(&server, "/getCaseCount", false);
    let count: usize = count.first().ok_or("no number of cases")?.parse()?;
    for number in 1..=count {
        let path = format!("/runCase?case={number}&agent={AGENT}");
        talk(&server, &path, true);
    }
    talk(&server, &format!("/updateReports?agent={AGENT}"), false);
    Ok(())
}

/// The messages until the connection is over, however it ended.
fn talk(server: &str, path: &str, answer: bool) -> Vec<String> {
    let mut messages = Vec::new();
    let _ = talk_into(&mut messages, server, path, answer);
    messages
}

fn talk_into(messages: &mut Vec<String>, server: &str, path: &str, answer: bool) -> Outcome {
    let address = server.strip_prefix("ws://").unwrap_or(server);
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let opened = client_with_config(format!("{server}{path}"), stream, Some(config));
    let (mut ws, _) = opened.map_err(|error| error.to_string())?;
    loop {
        let message = ws.read()?;
        if let tungstenite::Message::Text(text) = &message {
            messages.push(text.to_string());
        }
        if answer && (message.is_text() || message.is_binary()) {
            ws.send(message)?;
        }
    }
}
