//! Who may do what: tokens, what each of them grants, and where a request carries one.
//!
//! Input: a token as a client sent it, and the time. Output: a [`Grant`], or why there is none.
//! Invariant: tokens are known by their SHA-256 alone, so that neither a file nor the time of a
//! look-up discloses one; none is ever logged. What a route needs is left to the route.
//!
//! Reading order: `digest`, `wserver`, `grant`, `elsewhere`, `tokens`, `revocations`, `jwt`,
//! `no_jwt`, `function`, `authenticator`, `bearer`, `moving`.

mod authenticator;
mod bearer;
mod digest;
mod elsewhere;
mod function;
mod grant;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(not(feature = "jwt"))]
#[path = "no_jwt.rs"]
mod jwt;
#[cfg(feature = "take-over")]
mod moving;
mod revocations;
mod tokens;
mod wserver;

pub use authenticator::{Auth, Verdict};
pub use bearer::{BadToken, mask_token, token_of};
pub use digest::Digest;
pub use function::MayPublish;
pub use grant::{Denied, Grant};
#[cfg(feature = "jwt")]
pub use jwt::JwtKey;
pub use revocations::Revocations;
pub use tokens::Tokens;
pub use wserver::{PushKey, TokenFile};
