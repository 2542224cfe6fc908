//! A disk in memory, which loses power, fills up and fails.

use super::tables::File;
use super::writer::Opener;
use crate::push::position::Epoch;
use rand::RngExt as _;
use rand::rngs::SmallRng;
use redb::StorageBackend;
use std::io::{Error, ErrorKind, Result};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

/// A sector: what a disk writes whole.
const SECTOR: usize = 512;

/// What was written, and what of it is sure to survive.
#[derive(Debug, Default)]
pub(super) struct Plate {
    synced: Vec<u8>,
    pub(super) now: Vec<u8>,
    pending: Vec<Op>,
    /// Writes until the power goes; `None`: it stays.
    pub(super) power: Option<u64>,
    /// The next writes and syncs fail with this.
    pub(super) failing: Option<ErrorKind>,
}

#[derive(Clone, Debug)]
enum Op {
    Write(usize, Vec<u8>),
    Len(usize),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Disk(pub(super) Arc<Mutex<Plate>>);

impl Plate {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self {
            synced: bytes.clone(),
            now: bytes,
            ..Self::default()
        }
    }

    fn step(&mut self) -> Result<()> {
        if let Some(kind) = self.failing {
            return Err(kind.into());
        }
        match &mut self.power {
            Some(0) => Err(Error::other("no power")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn apply(bytes: &mut Vec<u8>, op: &Op) {
        match op {
            Op::Len(len) => bytes.resize(*len, 0),
            Op::Write(at, data) => {
                bytes.resize(bytes.len().max(at + data.len()), 0);
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
        }
    }

    /// The synced bytes and any part of what was not synced, sector by sector.
    pub(super) fn cut(&self, random: &mut SmallRng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let chance = [0.0, 0.5, 1.0][random.random_range(0..3)];
        for op in &self.pending {
            match op {
                Op::Len(_) if random.random_bool(chance) => Self::apply(&mut bytes, op),
                Op::Len(_) => {}
                Op::Write(at, data) => {
                    for (number, part) in data.chunks(SECTOR).enumerate() {
                        let at = at + number * SECTOR;
                        if random.random_bool(chance) && at + part.len() <= bytes.len() {
                            Self::apply(&mut bytes, &Op::Write(at, part.to_vec()));
                        }
                    }
                }
            }
        }
        bytes
    }
}

impl Disk {
    pub(super) fn lock(&self) -> MutexGuard<'_, Plate> {
        self.0.lock().unwrap()
    }

    pub(super) fn opener(&self) -> Opener {
        let disk = self.clone();
        Box::new(move || File::on(disk.clone(), epoch()))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64> {
        Ok(self.lock().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let plate = self.lock();
        let end = offset as usize + out.len();
        let bytes = plate.now.get(offset as usize..end);
        out.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut plate = self.lock();
        plate.step()?;
        let op = Op::Len(len as usize);
        Plate::apply(&mut plate.now, &op);
        plate.pending.push(op);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        let mut plate = self.lock();
        plate.step()?;
        let plate = &mut *plate;
        for op in plate.pending.drain(..) {
            Plate::apply(&mut plate.synced, &op);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut plate = self.lock();
        plate.step()?;
        let op = Op::Write(offset as usize, data.to_vec());
        Plate::apply(&mut plate.now, &op);
        plate.pending.push(op);
        Ok(())
    }

    fn try_lock_range(
        &self,
        _: Bound<u64>,
        _: Bound<u64>,
    ) -> std::result::Result<bool, redb::BackendError> {
        Ok(true)
    }
}

pub(super) fn epoch() -> Epoch {
    "e".parse().unwrap()
}
