//! Stands in for `gotify`, in a build without the feature: none of its paths exist.
//!
//! Input and output: none.

use crate::http::{Request, RequestHead, Response};
use crate::net::{Context, Mailbox, PeerId, Reply};
use crate::push::access::Admitted;
use crate::push::broker::{Broker, BrokerMail};
use crate::push::denial::Denial;
use crate::push::limits::Limits;
use crate::push::name::Pattern;
use crate::push::throttle::{Throttles, Wish};
use crate::push::tries::Tries;
use std::sync::Arc;

/// The tag that no peer has.
pub(super) const GOTIFY: u32 = 32;

/// None.
#[derive(Clone, Debug)]
pub enum Gotify {}

/// None.
#[derive(Clone, Debug)]
pub enum GotifyMail {}

/// None.
#[derive(Debug)]
pub(super) enum Dialect {}

/// None.
#[derive(Debug)]
pub(super) enum Asked {}

/// None.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reader {}

impl Asked {
    pub(super) fn wish(&self) -> Option<(Wish, Option<Arc<str>>)> {
        match *self {}
    }
}

impl Reader {
    pub(super) fn topics(&self) -> &Pattern {
        match *self {}
    }

    pub(super) fn counts_as(&self) -> Arc<str> {
        match *self {}
    }
}

impl Gotify {
    pub(super) fn reader(&self, _: &str) -> Option<Reader> {
        match *self {}
    }

    pub(super) fn has(&self, _: &Reader) -> bool {
        match *self {}
    }

    pub(super) fn generation(&self) -> u64 {
        match *self {}
    }

    pub(super) fn attach(&self, _: &Broker) {
        match *self {}
    }

    pub(super) fn connect<M>(&self, _: &[Mailbox<M>]) {
        match *self {}
    }
}

impl Dialect {
    pub(super) fn new(
        gotify: Gotify,
        _: Broker,
        _: Arc<Tries>,
        _: Arc<Throttles>,
        _: Limits,
    ) -> Self {
        match gotify {}
    }

    pub(super) fn gate(&self, _: &RequestHead<'_>) -> Result<Asked, Denial> {
        match *self {}
    }

    pub(super) fn body_bytes(
        &self,
        _: &Context<'_>,
        _: &RequestHead<'_>,
        _: &Asked,
    ) -> Result<usize, Response> {
        match *self {}
    }

    pub(super) fn request<'r>(
        &mut self,
        _: &mut Context<'_>,
        _: PeerId,
        _: &Request<'r>,
        _: Asked,
        _: &Admitted,
    ) -> Reply<'r> {
        match *self {}
    }

    pub(super) fn opened(&self, _: &mut Context<'_>, _: PeerId) {
        match *self {}
    }

    pub(super) fn broker_mail(&mut self, _: &mut Context<'_>, _: BrokerMail) -> Option<BrokerMail> {
        match *self {}
    }

    pub(super) fn mail(&mut self, _: &mut Context<'_>, _: GotifyMail) {
        match *self {}
    }

    pub(super) fn closed(&mut self, _: PeerId) {
        match *self {}
    }

    pub(super) fn timer(&mut self, _: &mut Context<'_>, _: PeerId) {
        match *self {}
    }
}

#[cfg(feature = "take-over")]
impl Reader {
    pub(super) fn client(&self) -> u64 {
        match *self {}
    }
}

#[cfg(feature = "take-over")]
impl Gotify {
    pub(super) fn reader_of(&self, _: u64) -> Option<Reader> {
        match *self {}
    }
}

#[cfg(feature = "take-over")]
impl Dialect {
    pub(super) fn export(&self, _: PeerId) -> crate::net::Export {
        match *self {}
    }

    pub(super) fn import(&mut self, _: PeerId, _: &[u8]) -> bool {
        match *self {}
    }
}

/// No path is.
pub(super) fn is_path(_: &str) -> bool {
    false
}

/// The same.
pub(super) fn restate(refused: Response) -> Response {
    refused
}
