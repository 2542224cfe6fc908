//! An echo server made with fastwebsockets: its example `echo_server`.

use fastwebsockets::upgrade::{UpgradeFut, upgrade};
use fastwebsockets::{FragmentCollector, OpCode, WebSocketError};
use http_body_util::Empty;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rivals::{MAX_MESSAGE, Options, Outcome, report, serve};
use tokio::net::TcpStream;
use tokio::task::unconstrained;

const NAME: &str = "fastwebsockets";

fn main() -> Outcome {
    serve(
        NAME,
        "fastwebsockets",
        Options::of_process(NAME, false),
        connection,
    )
}

async fn connection(stream: TcpStream) -> Outcome {
    let http = http1::Builder::new();
    let service = service_fn(server_upgrade);
    http.serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await?;
    Ok(())
}

async fn server_upgrade(
    mut request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, WebSocketError> {
    let (response, upgraded) = upgrade(&mut request)?;
    tokio::spawn(async move { report(NAME, unconstrained(echo(upgraded)).await) });
    Ok(response)
}

async fn echo(upgraded: UpgradeFut) -> Outcome {
    let mut ws = upgraded.await?;
    ws.set_max_message_size(MAX_MESSAGE);
    let mut ws = FragmentCollector::new(ws);
    loop {
        let frame = ws.read_frame().await?;
        match frame.opcode {
            OpCode::Close => return Ok(()),
            OpCode::Text | OpCode::Binary => ws.write_frame(frame).await?,
            OpCode::Ping | OpCode::Pong | OpCode::Continuation => {}
        }
    }
}
