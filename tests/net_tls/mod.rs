//! TLS on real sockets: the loop's server and clients, against rustls' own connections and each
//! other.

mod client;
mod dialling;
mod handshakes;
mod serving;

use crate::net_support::client::Stream;
use crate::net_support::{Client, PATIENCE, options};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use wirebell::net::{Context, Listen, Options, PeerId, Reply, Request, Server, Service};
use wirebell::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use wirebell::tls::rustls::server::WebPkiClientVerifier;
use wirebell::tls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    SupportedProtocolVersion, crypto, version,
};
use wirebell::tls::{Acceptor, Connector};
use wirebell::{CloseCode, Message};

/// A certificate for `localhost` and 127.0.0.1 that signs itself.
struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Self {
            certificate: made.cert.der().clone(),
            key: key.into(),
        }
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        roots
    }
}

/// The server's, in all tests that do not need another.
static OURS: LazyLock<Identity> = LazyLock::new(Identity::new);

fn acceptor() -> Acceptor {
    let config = ServerConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_protocol_versions(&[&version::TLS12, &version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![OURS.certificate.clone()], OURS.key.clone_key())
        .unwrap();
    Acceptor::from_config(Arc::new(config))
}

/// One that wants the certificate of a client that signs itself.
fn strict_acceptor(client: &Identity) -> Acceptor {
    let provider = Arc::new(crypto::ring::default_provider());
    let roots = Arc::new(client.roots());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![OURS.certificate.clone()], OURS.key.clone_key())
        .unwrap();
    Acceptor::from_config(Arc::new(config))
}

fn client_config(
    trusted: &Identity,
    version: &'static SupportedProtocolVersion,
    own: Option<&Identity>,
) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(trusted.roots());
    Arc::new(match own {
        None => config.with_no_client_auth(),
        Some(own) => config
            .with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key())
            .unwrap(),
    })
}

fn connector() -> Connector {
    Connector::from_config(client_config(&OURS, &version::TLS13, None))
}

/// Echoes messages, and says of requests whether they came encrypted.
#[derive(Clone)]
struct Echo;

impl Service for Echo {
    type Mail = ();

    fn request<'r>(
        &mut self,
        cx: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        use wirebell::http::{Response, Status};
        match request.path() {
            "/held" => {
                let text = cx.held_bytes().to_string();
                Reply::Respond(Response::text(Status::OK, text))
            }
            "/who" => {
                let shown = cx.peer_certificates(from).map_or(0, <[_]>::len);
                let text = format!("{} {shown}", cx.is_secure(from));
                Reply::Respond(Response::text(Status::OK, text))
            }
            "/large" => Reply::Respond(Response::text(Status::OK, "x".repeat(300_000)).closing()),
            _ => request.upgrade().map(|opening| opening.accept(None)).into(),
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}

/// A server that speaks TLS.
fn serve(options: Options, acceptor: Acceptor) -> Server<()> {
    let listen = Listen::tcp("127.0.0.1:0").unwrap().secured(acceptor);
    let builder = Server::<()>::builder(options).listen(listen);
    builder.start(|_| Echo).unwrap()
}

/// rustls' own connection, with buffers of its own.
type Tls = StreamOwned<ClientConnection, TcpStream>;

impl Stream for Tls {
    fn bound_reads(&mut self, time: Duration) {
        self.sock.bound_reads(time);
    }

    /// close_notify, then the end.
    fn end_writing(&mut self) {
        self.conn.send_close_notify();
        self.conn.complete_io(&mut self.sock).expect("sends");
        let _ = self.sock.shutdown(Shutdown::Write);
    }
}

fn tls_on(stream: TcpStream, config: Arc<ClientConfig>) -> Tls {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = "localhost".try_into().unwrap();
    StreamOwned::new(ClientConnection::new(config, name).unwrap(), stream)
}

fn connect(address: SocketAddr, version: &'static SupportedProtocolVersion) -> Client<Tls> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("connects");
    Client::on(tls_on(stream, client_config(&OURS, version, None)))
}

fn end(server: Server<()>) {
    server.stop();
    server.join().expect("no worker failed");
}

fn default_options() -> Options {
    options()
}

/// Closed as both sides agreed.
const NORMAL: Option<CloseCode> = Some(CloseCode::NORMAL);
