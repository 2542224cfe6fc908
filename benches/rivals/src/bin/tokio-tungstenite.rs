//! An echo server made with tokio-tungstenite: its example `echo-server`.

use futures_util::{StreamExt, TryStreamExt, future};
use rivals::{MAX_MESSAGE, Options, Outcome, serve, serve_tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const NAME: &str = "tokio-tungstenite";

fn main() -> Outcome {
    let options = Options::with_tls(NAME, false, true);
    match options.tls {
        true => serve_tls(NAME, NAME, options, echo),
        false => serve(NAME, NAME, options, echo),
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Outcome {
    let config = WebSocketConfig::default();
    let config = config
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE));
    let ws = accept_async_with_config(stream, Some(config)).await?;
    let (write, read) = ws.split();
    let messages =
        read.try_filter(|message| future::ready(message.is_text() || message.is_binary()));
    messages.forward(write).await?;
    Ok(())
}
