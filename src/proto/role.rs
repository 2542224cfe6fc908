//! Client or server: RFC 6455 sections 5.1 and 7.1.1.

/// Which end of the connection this is: it decides who masks (RFC 6455 section 5.1) and who
/// closes TCP first (section 7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Sends masked frames and accepts unmasked ones.
    Client,
    /// Sends unmasked frames and accepts masked ones.
    Server,
}
