//! A WebSocket on Tokio, and an echo on it: shown in the documentation of `proto`, run by a test.
use futures_core::Stream;
use futures_sink::Sink;
use std::future::{Future, poll_fn};
use std::io::{Error, ErrorKind, Result};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wirebell::handshake::{Refused, UpgradeRequest};
use wirebell::http::{EMPTY_FIELD, HeadLimits, HeadReader, MAX_FIELDS, RequestHead};
use wirebell::wire::NoEntropy;
use wirebell::{
    Assembler, CloseCode, Connection, Event, Limits, MessageKind, Outbox, Refusal, Role,
};

/// The messages of one client. What is sent leaves in one write: when it is flushed, when all that
/// has come was handled, or when it has become much.
pub struct WebSocket {
    stream: TcpStream,
    connection: Connection,
    assembler: Assembler,
    outbox: Outbox,
    input: Vec<u8>,
    handled: usize,
    output: Vec<u8>,
}

const READ: usize = 16 * 1024;
const MUCH: usize = 64 * 1024;

impl WebSocket {
    /// Reads the opening handshake and answers it.
    pub async fn accept(mut stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (mut input, mut reader) = (Vec::with_capacity(READ), HeadReader::new());
        let head = loop {
            match reader.find(&input, &HeadLimits::DEFAULT).transpose() {
                Some(head) => break head,
                None if stream.read_buf(&mut input).await? > 0 => {}
                None => return Err(ErrorKind::UnexpectedEof.into()),
            }
        };
        let mut fields = [EMPTY_FIELD; MAX_FIELDS];
        let handled = head.as_ref().map_or(0, |head| head.end);
        let head = head.and_then(|head| RequestHead::parse(&input[head], &mut fields));
        let opening = head.map_err(Refusal::from).and_then(UpgradeRequest::read);
        let answer = match &opening {
            Ok(opening) => opening.accept(None).to_string(),
            Err(refusal) => Refused::new(*refusal).to_string(),
        };
        stream.write_all(answer.as_bytes()).await?;
        opening.map_err(Error::other)?;
        Ok(Self {
            stream,
            connection: Connection::new(Role::Server, &Limits::DEFAULT, 0),
            assembler: Assembler::new(),
            outbox: Outbox::new(),
            input,
            handled,
            output: Vec::new(),
        })
    }

    /// Writes what was sent, and what is owed: a Pong, or a Close.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            if self.output.len() < MUCH {
                let (mut owed, outbox) = ([0; 512], &mut self.outbox);
                let len = self.connection.transmit(outbox, &mut owed, &mut NoEntropy);
                self.output.extend_from_slice(&owed[..len]);
            }
            if self.output.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let written = ready!(pin!(self.stream.write(&self.output)).poll(cx))?;
            self.output.drain(..written);
        }
    }
}

/// Ends once the connection has, in whatever way.
impl Stream for WebSocket {
    type Item = Result<(MessageKind, Vec<u8>)>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let input = &mut this.input[this.handled..];
            let received = this.connection.receive(input, &mut this.outbox);
            this.handled += received.consumed;
            let waits = received.consumed == 0;
            if let Some(Event::Piece(piece)) = received.event
                && let Some(message) = this.assembler.push(piece)
            {
                let message = (message.kind, message.bytes.to_vec());
                this.assembler.clear();
                return Poll::Ready(Some(Ok(message)));
            }
            if waits {
                let written = this.poll_write(cx)?;
                if this.connection.wants_shutdown() {
                    ready!(written);
                    ready!(pin!(this.stream.shutdown()).poll(cx))?;
                    return Poll::Ready(None);
                }
                this.input.drain(..std::mem::take(&mut this.handled));
                this.input.reserve(READ);
                if ready!(pin!(this.stream.read_buf(&mut this.input)).poll(cx))? == 0 {
                    this.connection.receive_eof();
                }
            }
        }
    }
}

impl Sink<(MessageKind, Vec<u8>)> for WebSocket {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match self.output.len() < MUCH {
            true => Poll::Ready(Ok(())),
            false => self.poll_flush(cx),
        }
    }

    fn start_send(mut self: Pin<&mut Self>, (kind, bytes): (MessageKind, Vec<u8>)) -> Result<()> {
        let len = bytes.len() as u64;
        let begun = self.connection.begin(kind, len, true, &mut NoEntropy);
        let (header, _) = begun.map_err(Error::other)?;
        self.output.extend_from_slice(&header);
        self.output.extend_from_slice(&bytes);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.get_mut().poll_write(cx)
    }

    /// Sends Close, once; the stream goes on until the client has answered.
    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Self {
            connection, outbox, ..
        } = &mut *self;
        let _ = connection.close(Some(CloseCode::NORMAL), "", outbox);
        self.poll_flush(cx)
    }
}

/// Echoes the messages of one client: those that came together in one write.
pub async fn echo(stream: TcpStream) -> Result<()> {
    let mut socket = WebSocket::accept(stream).await?;
    while let Some(message) = poll_fn(|cx| Pin::new(&mut socket).poll_next(cx)).await {
        poll_fn(|cx| Pin::new(&mut socket).poll_ready(cx)).await?;
        Pin::new(&mut socket).start_send(message?)?;
    }
    Ok(())
}
