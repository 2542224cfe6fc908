//! An echo server made with tokio-tungstenite: its example `echo-server`.

use futures_util::{StreamExt, TryStreamExt, future};
use rivals::{MAX_MESSAGE, Options, Outcome, serve};
use tokio::net::TcpStream;
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const NAME: &str = "tokio-tungstenite";

fn main() -> Outcome {
    serve(
        NAME,
        "tokio-tungstenite",
        Options::of_process(NAME, false),
        echo,
    )
}

async fn echo(stream: TcpStream) -> Outcome {
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
