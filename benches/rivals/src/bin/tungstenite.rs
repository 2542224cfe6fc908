//! An echo server made with tungstenite: the example of its README, with a thread for each
//! connection, so that `--threads` means nothing.

use rivals::{MAX_MESSAGE, Options, Outcome, listen, report};
use std::net::TcpStream;
use std::thread;
use tungstenite::accept_with_config;
use tungstenite::error::Error;
use tungstenite::protocol::WebSocketConfig;

const NAME: &str = "tungstenite";

fn main() -> Outcome {
    let options = Options::of_process(NAME, false);
    let listener = listen(NAME, "tungstenite", options)?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || report(NAME, echo(stream)));
    }
    Ok(())
}

fn echo(stream: TcpStream) -> Outcome {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default();
    let config = config
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    // The error has the unfinished handshake in it, which cannot leave this thread.
    let mut ws = accept_with_config(stream, Some(config)).map_err(|error| error.to_string())?;
    loop {
        let message = match ws.read() {
            Ok(message) => message,
            Err(Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if message.is_text() || message.is_binary() {
            ws.send(message)?;
        }
    }
}
