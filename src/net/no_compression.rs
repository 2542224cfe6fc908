//! In place of `compression` where the feature `deflate` is off: nothing is ever agreed on.

use crate::handshake::Accepted;
use crate::net::context::Sent;
use crate::net::core::Core;
use crate::net::frame::SharedFrame;
use crate::net::options::Options;
use crate::net::service::Service;
use crate::net::slots::PeerId;
use crate::proto::{Message, Millis, Piece};
use std::convert::Infallible;

pub(super) type Terms = Option<Infallible>;
#[derive(Clone, Debug)]
pub(super) struct Shared;

pub(super) fn shared(_: &Options) -> Shared {
    Shared
}

#[derive(Debug, Default)]
pub(super) struct Compression;

#[derive(Debug, Default)]
pub(super) struct Kept;

impl Kept {
    pub(super) fn is_empty(&self) -> bool {
        true
    }
}

impl Compression {
    pub(super) fn new(_: &Options, _: Shared) -> Self {
        Self
    }

    pub(super) fn begin_turn(&mut self) {}

    pub(super) fn is_exhausted(&self) -> bool {
        false
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        None
    }
}

impl Core {
    pub(super) fn negotiate<'h>(
        &mut self,
        _: u32,
        accepted: Accepted<'h>,
    ) -> (Accepted<'h>, Terms) {
        (accepted.without_extensions(), None)
    }

    #[cfg(feature = "client")]
    pub(super) fn agree(
        &mut self,
        _: u32,
        _: &crate::client::Options,
        _: Option<crate::handshake::DeflateTerms>,
    ) -> Result<Terms, crate::client::Error> {
        Ok(None)
    }

    pub(super) fn send_compressed(&mut self, _: PeerId, _: Message<'_>, _: u32) -> Option<Sent> {
        None
    }

    pub(super) fn form(&mut self, _: u32, link: Infallible, _: &SharedFrame) -> SharedFrame {
        match link {}
    }

    pub(super) fn drop_idle_compressors(&mut self) {}
}

pub(super) fn inflate<S: Service>(_: &mut Core, _: &mut S, _: PeerId, _: Piece<'_>) {}
