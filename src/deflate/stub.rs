//! In place of `deflate` where the feature is off: types without values, so nothing is ever
//! negotiated, and the layers above need no second version.

use crate::error::Violation;
use crate::handshake::{DeflatePolicy, DeflateTerms, Direction};
use crate::limits::Limits;
use crate::wire::MessageKind;
use core::convert::Infallible;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub policy: DeflatePolicy,
    pub min_bytes: usize,
    pub budget: usize,
    pub idle_ms: u32,
    never: Infallible,
}

#[derive(Clone, Debug)]
pub(crate) struct Budget(Infallible);

impl Budget {
    pub fn new(_: usize) -> Self {
        unreachable!("settings cannot exist")
    }

    pub fn left(&self) -> usize {
        match self.0 {}
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Params {
    pub send: Direction,
    pub receive: Direction,
    never: Infallible,
}

impl Params {
    pub fn server(_: &DeflateTerms) -> Self {
        unreachable!("a pool cannot exist")
    }

    pub fn client(_: &DeflateTerms) -> Self {
        unreachable!("a pool cannot exist")
    }
}

impl Params {
    pub fn new(_: Direction, _: Direction) -> Option<Self> {
        None
    }
}

pub(crate) struct Compressor;

impl Compressor {
    pub fn cost(_: u8) -> usize {
        0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Session {
    nothing: (),
}

impl Session {
    pub fn is_empty(&self) -> bool {
        true
    }

    pub fn reserve(&mut self, budget: &Budget, _: u8) -> bool {
        match budget.0 {}
    }

    pub fn holds_compressor(&self) -> bool {
        false
    }

    pub fn drop_compressor(&mut self) {}

    pub fn bypassed(&mut self) {}

    pub fn is_inflating(&self) -> bool {
        false
    }

    pub fn window_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    pub fn fill_window(&mut self, _: &[u8], _: u8) {}
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Compressed<'b> {
    pub kind: MessageKind,
    pub bytes: &'b [u8],
    pub first: bool,
    pub last: bool,
}

#[derive(Debug)]
pub(crate) struct Inflated(Infallible);

impl Inflated {
    pub fn bytes(&self) -> &[u8] {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(crate) struct InflatedPart(Infallible);

impl InflatedPart {
    pub fn bytes(&self) -> &[u8] {
        match self.0 {}
    }

    pub fn is_last(&self) -> bool {
        match self.0 {}
    }

    pub fn has_more(&self) -> bool {
        match self.0 {}
    }
}

#[derive(Debug)]
pub(crate) struct Pool(Infallible);

impl Pool {
    pub fn new(settings: Settings, _: Budget) -> Self {
        match settings.never {}
    }

    pub fn settings(&self) -> &Settings {
        match self.0 {}
    }

    pub fn budget(&self) -> &Budget {
        match self.0 {}
    }

    pub fn inflate(
        &mut self,
        _: &mut Session,
        _: &Params,
        _: Compressed<'_>,
        _: &Limits,
    ) -> Result<Option<Inflated>, Violation> {
        match self.0 {}
    }

    pub fn inflate_part(
        &mut self,
        _: &mut Session,
        _: &Params,
        _: &mut Compressed<'_>,
        _: &Limits,
    ) -> Result<Option<InflatedPart>, Violation> {
        match self.0 {}
    }

    pub fn hand_on(&mut self, _: &mut Session, part: InflatedPart) {
        match part.0 {}
    }

    pub fn compress(
        &mut self,
        _: &mut Session,
        _: &Params,
        _: &[u8],
        _: &mut Vec<u8>,
    ) -> Option<usize> {
        match self.0 {}
    }

    pub fn compress_alone(&mut self, _: u8, _: &[u8], _: &mut Vec<u8>) -> Option<usize> {
        match self.0 {}
    }

    pub fn recycle(&mut self, message: Inflated) {
        match message.0 {}
    }
}
