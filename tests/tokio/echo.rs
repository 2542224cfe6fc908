//! An echo server on Tokio, shown in the documentation of `proto` and run by a test.
use std::io::{Error, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirebell::handshake::Ask;
use wirebell::http::{Field, HeadReader, MAX_FIELDS, RequestHead};
use wirebell::wire::NoEntropy;
use wirebell::{Assembler, Connection, Event, Limits, Outbox, Role};

/// Echoes the messages of one client.
pub async fn echo(mut stream: TcpStream) -> Result<()> {
    stream.set_nodelay(true)?;
    let limits = Limits::default();
    let (mut bytes, mut reader) = (Vec::new(), HeadReader::new());
    let head = loop {
        if let Some(head) = reader.find(&bytes, &limits).map_err(Error::other)? {
            break head;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(());
        }
    };
    let mut fields = [Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    let request = RequestHead::parse(&bytes[head.clone()], &mut fields).and_then(Ask::read);
    let answer = request.map_err(Error::other)?.accept(None).to_string();
    stream.write_all(answer.as_bytes()).await?;
    bytes.drain(..head.end);

    let mut connection = Connection::new(Role::Server, &limits, 0);
    let (mut outbox, mut assembler) = (Outbox::new(), Assembler::new());
    let (mut out, mut control) = (Vec::new(), [0; 512]);
    while !connection.wants_shutdown() {
        let received = connection.receive(&mut bytes, &mut outbox);
        let consumed = received.consumed;
        if let Some(Event::Piece(piece)) = received.event
            && let Some(message) = assembler.push(piece)
        {
            let (kind, len) = (message.kind, message.bytes.len() as u64);
            let begun = connection.begin(kind, len, true, &mut NoEntropy);
            out.extend_from_slice(&begun.map_err(Error::other)?.0);
            out.extend_from_slice(message.bytes);
            assembler.clear();
        }
        bytes.drain(..consumed);
        // What is owed: a Pong, or a Close.
        let len = connection.transmit(&mut outbox, &mut control, &mut NoEntropy);
        out.extend_from_slice(&control[..len]);
        if consumed == 0 || connection.wants_shutdown() {
            // One write for all replies to one read.
            stream.write_all(&std::mem::take(&mut out)).await?;
        }
        if consumed == 0 && stream.read_buf(&mut bytes).await? == 0 {
            connection.receive_eof();
        }
    }
    stream.shutdown().await
}
