//! A tap that keeps everything, by connection.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use wirebell::{ConnectionInfo, Tap};

/// Everything of one connection.
#[derive(Clone, Debug)]
pub struct Line {
    pub ends: ConnectionInfo,
    pub sent: Vec<u8>,
    pub received: Vec<u8>,
    pub closed: bool,
}

/// Keeps all that it is shown.
#[derive(Debug, Default)]
pub struct Lines(Mutex<HashMap<u64, Line>>);

impl Lines {
    pub fn all(&self) -> Vec<Line> {
        self.0.lock().unwrap().values().cloned().collect()
    }

    /// The connection with this other end.
    #[track_caller]
    pub fn of(&self, remote: SocketAddr) -> Line {
        let mut lines = self.all();
        lines.retain(|line| line.ends.remote == remote);
        assert_eq!(lines.len(), 1, "it was opened, once");
        lines.remove(0)
    }

    fn with(&self, connection: u64, act: impl FnOnce(&mut Line)) {
        let mut lines = self.0.lock().unwrap();
        let line = lines.get_mut(&connection).expect("it was opened");
        assert!(!line.closed, "nothing comes after the end");
        act(line);
    }
}

impl Tap for Lines {
    fn opened(&self, connection: u64, ends: &ConnectionInfo) {
        let line = Line {
            ends: *ends,
            sent: Vec::new(),
            received: Vec::new(),
            closed: false,
        };
        let before = self.0.lock().unwrap().insert(connection, line);
        assert!(before.is_none(), "numbers are used once");
    }

    fn sent(&self, connection: u64, bytes: &[u8]) {
        self.with(connection, |line| line.sent.extend_from_slice(bytes));
    }

    fn received(&self, connection: u64, bytes: &[u8]) {
        self.with(connection, |line| line.received.extend_from_slice(bytes));
    }

    fn closed(&self, connection: u64) {
        self.with(connection, |line| line.closed = true);
    }
}
