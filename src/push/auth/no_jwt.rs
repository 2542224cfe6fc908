//! Stands in for `jwt`, in a build without the feature: there are no keys, so no token is a JWT.
//!
//! Input and output: none.

use crate::push::auth::grant::{Denied, Grant};

/// No key.
#[derive(Clone, Debug)]
pub enum JwtKey {}

impl JwtKey {
    pub fn reload(&self) {
        match *self {}
    }

    pub(super) fn generation(&self) -> u64 {
        match *self {}
    }

    pub(super) fn check(&self, _: &str, _: u64) -> Result<Grant, Denied> {
        match *self {}
    }
}
