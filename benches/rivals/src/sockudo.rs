//! The echo server of sockudo-ws: its example `simple_echo`, with three things that its
//! documentation recommends or offers.
//!
//! The stream keeps its type (`accept_raw`); a batch of messages is answered with one write
//! (`feed`, as reading flushes before it waits); there is no keepalive, as most of the others have
//! none. Compression follows its server for Autobahn, as its own HTTP/1 server does not negotiate
//! it.

use crate::{MAX_MESSAGE, Options, Outcome, serve};
use bytes::BytesMut;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use sockudo_ws::deflate::{DeflateConfig, negotiate_server_deflate};
use sockudo_ws::handshake::{build_response, generate_accept_key, parse_request};
use sockudo_ws::server::WebSocketServer;
use sockudo_ws::{CompressedWebSocketStream, Config, Error, Http1, Message, Role, WebSocketStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Runs the server; binaries with different allocators call it.
pub fn run(name: &'static str) -> Outcome {
    // The clock calibrates itself for up to 200 ms when it is first read.
    sockudo_ws::init_clock();
    let options = Options::of_process(name, true);
    match options.deflate {
        false => serve(name, "sockudo-ws", options, plain),
        true => serve(name, "sockudo-ws", options, deflate),
    }
}

fn config() -> Config {
    Config {
        max_message_size: MAX_MESSAGE,
        max_frame_size: MAX_MESSAGE,
        auto_ping: false,
        idle_timeout: 0,
        ..Config::default()
    }
}

async fn plain(stream: TcpStream) -> Outcome {
    let server = WebSocketServer::<Http1>::new(config());
    let (ws, _) = server.accept_raw(stream).await?;
    echo(ws).await
}

async fn deflate(mut stream: TcpStream) -> Outcome {
    let mut input = BytesMut::with_capacity(4096);
    loop {
        if stream.read_buf(&mut input).await? == 0 {
            return Err(Error::ConnectionClosed.into());
        }
        let Some((request, consumed)) = parse_request(&input)? else {
            continue;
        };
        let offers = request.extensions.unwrap_or_default();
        let agreed = negotiate_server_deflate(offers, &DeflateConfig::default());
        let extensions = agreed.as_ref().map(|agreed| agreed.to_response_header());
        let key = generate_accept_key(request.key);
        let response = build_response(&key, None, extensions.as_deref());
        stream.write_all(&response).await?;
        let rest = Some(input.split_off(consumed).freeze());
        let Some(agreed) = agreed else {
            let ws = WebSocketStream::from_raw_with_leftover(stream, Role::Server, config(), rest);
            return echo(ws).await;
        };
        let ws =
            CompressedWebSocketStream::server_with_leftover(stream, config(), agreed.config, rest);
        return echo(ws).await;
    }
}

async fn echo<S>(mut ws: S) -> Outcome
where
    S: Stream<Item = Result<Message, Error>> + Sink<Message, Error = Error> + Unpin,
{
    while let Some(message) = ws.next().await {
        match message? {
            message @ (Message::Text(_) | Message::Binary(_)) => ws.feed(message).await?,
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
    Ok(())
}
