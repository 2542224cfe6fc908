//! The parts of a request that its response is compared with.

/// The parts of a request that its response is compared with.
#[derive(Clone, Debug, Default)]
pub struct RequestInfo {
    /// It asks for a WebSocket.
    pub upgrade: bool,
    pub connect: bool,
    /// The method is HEAD: the response has no body, whatever its Content-Length.
    pub head: bool,
    pub key: Option<String>,
    pub subprotocols: Vec<String>,
    /// The extensions that it offers.
    pub extensions: Vec<String>,
}
