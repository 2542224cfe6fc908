//! Where the masking keys of the loop come from (RFC 6455 section 5.3): servers need none.

#[cfg(feature = "client")]
pub(crate) type Source = crate::client::Random;

#[cfg(not(feature = "client"))]
pub(crate) type Source = crate::wire::NoEntropy;
