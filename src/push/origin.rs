//! Which web pages may connect: RFC 6455 section 10.2.
//!
//! A browser tells the origin of the page that opens a WebSocket, and lets every page try. Without
//! a check, any page could use the network position of its visitor. Programs send no origin, and
//! could send any; they are not what this is about.

use crate::error::Refusal;
use crate::handshake::{Ask, is_same_host};

/// Which values of Origin are accepted. A request without the field always is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OriginPolicy {
    /// The origin's host and port are those of the Host field.
    #[default]
    SameHost,
    /// Exactly these, such as `https://example.org`; compared without case.
    Listed(Vec<String>),
    /// Every page of the world.
    Any,
}

impl OriginPolicy {
    /// Checks a handshake; a refusal is logged with the values that were compared.
    ///
    /// # Errors
    ///
    /// [`Refusal::Origin`], which is answered with 403.
    // req: 6455-4.2.2-05
    pub fn check(&self, ask: &Ask<'_>) -> Result<(), Refusal> {
        let Some(origin) = ask.origin else {
            return Ok(());
        };
        let (allowed, against) = match self {
            Self::Any => return Ok(()),
            Self::SameHost => (is_same_host(origin, ask.host), ask.host.to_owned()),
            Self::Listed(list) => {
                let listed = list
                    .iter()
                    .any(|listed| listed.eq_ignore_ascii_case(origin));
                (listed, list.join(" "))
            }
        };
        if allowed {
            return Ok(());
        }
        log::warn!("refused origin {origin:?}: compared with {against:?}");
        Err(Refusal::Origin)
    }
}
