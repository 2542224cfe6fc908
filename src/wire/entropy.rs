//! Where unpredictable bytes come from: RFC 6455 sections 5.3 and 10.3.
//!
//! The core draws no random numbers; the caller hands a source to a client.

/// Unpredictable bytes: a client needs a fresh key for each frame (RFC 6455 section 5.3) and one
/// for its handshake (section 4.1). A server never needs any.
pub trait Entropy {
    /// Fills `bytes` from a source that neither a peer nor a script in a page can predict
    /// (section 10.3).
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The [`Entropy`] of a server, which needs none.
///
/// # Panics
///
/// [`Entropy::fill`] panics: a client that was given this would mask with a publicly known key. No
/// input of a peer can cause it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&mut self, _: &mut [u8]) {
        panic!("a client needs a source of entropy for its masking keys");
    }
}
