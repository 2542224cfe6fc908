//! An echo server made with tokio-websockets: its example `echo_server`, with its default limit of
//! a message's length, which is that of the other servers.

use futures_util::{SinkExt, StreamExt};
use rivals::{MAX_MESSAGE, Options, Outcome, serve, serve_tls};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::unconstrained;
use tokio_websockets::{Config, Limits, ServerBuilder};

const NAME: &str = "tokio-websockets";

fn main() -> Outcome {
    let options = Options::with_tls(NAME, false, true);
    match options.tls {
        true => serve_tls(NAME, NAME, options, |stream| unconstrained(echo(stream))),
        false => serve(NAME, NAME, options, |stream| unconstrained(echo(stream))),
    }
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Outcome {
    let server = ServerBuilder::new()
        .config(Config::default().frame_size(usize::MAX))
        .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE)));
    let (_request, mut ws) = server.accept(stream).await?;
    while let Some(message) = ws.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            ws.send(message).await?;
        }
    }
    Ok(())
}
