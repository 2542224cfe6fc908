//! What all workers of a push server have in common.
//!
//! Input: the settings. Output: one value, cloned for each worker. Invariant: a topic, a wrong key
//! and a refused origin are the same for all workers.

use crate::net::Mailbox;
use crate::push::access::Access;
use crate::push::broker::Broker;
use crate::push::hosts::HostPolicy;
use crate::push::log::MemoryLog;
use crate::push::mail::PushMail;
use crate::push::position::Epoch;
use crate::push::settings::Settings;
use crate::push::stats::Board;
use crate::push::throttle::Throttles;
use crate::push::tries::Tries;
use std::net::SocketAddr;
use std::sync::Arc;

/// The topics of a push server and its policies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shared {
    pub(super) settings: Arc<Settings>,
    pub(super) broker: Broker,
    pub(super) access: Access,
    pub(super) tries: Arc<Tries>,
    pub(super) throttles: Arc<Throttles>,
    pub(super) board: Arc<Board>,
}

impl Shared {
    /// For this many workers, which listen on these addresses: see [`HostPolicy::new`].
    pub fn new(settings: Settings, addresses: &[SocketAddr], workers: usize) -> Self {
        let log = settings.log.clone().unwrap_or_else(|| {
            let log = MemoryLog::new(Epoch::random(), settings.limits.keys);
            Arc::new(log)
        });
        let throttles = Throttles::new(
            settings.handshake_rate,
            settings.publish_rate,
            settings.connections_per_token,
        );
        let clock = settings.clock.clone();
        let (rules, limits) = (settings.history.clone(), settings.limits.hub);
        let hosts = HostPolicy::new(addresses, &settings.hosts);
        let broker = Broker::new(log, workers, rules, limits, move || clock.now());
        if let Some(gotify) = &settings.gotify {
            gotify.attach(&broker);
        }
        Self {
            broker,
            access: Access::new(settings.origin.clone(), hosts),
            tries: Arc::default(),
            throttles: Arc::new(throttles),
            board: Arc::new(Board::new(workers, settings.clock.now())),
            settings: Arc::new(settings),
        }
    }

    /// Gives the topics their workers. Only the first call counts, so every worker may make it.
    pub(super) fn connect(&self, mailboxes: &[Mailbox<PushMail>]) {
        self.broker.connect(mailboxes);
        if let Some(gotify) = &self.settings.gotify {
            gotify.connect(mailboxes);
        }
    }

    /// The topics, for the program itself.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// From now on nothing is published and no connection can subscribe. Call it before the workers
    /// are stopped.
    pub fn stop(&self) {
        self.broker.stop();
    }
}
