//! What a request asks for, which its answer is compared with.

/// What a request asks for, to compare the answer with.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// It wants a WebSocket.
    pub upgrade: bool,
    pub connect: bool,
    /// The method is HEAD: the response has no body, whatever its length says.
    pub head: bool,
    pub key: Option<String>,
    pub subprotocols: Vec<String>,
    /// The extensions that it offers.
    pub extensions: Vec<String>,
}
