//! The broker, as a log that several servers share sees it.
//!
//! Input: questions of the log, from its threads. Output: whether the workers keep up, and who
//! subscribes to what. Invariant: it does not keep the broker alive.

use crate::push::broker::turn::Shared;
use crate::push::log::{Here, Subscriptions};
use std::sync::Weak;

pub(super) struct OfBroker(pub(super) Weak<Shared>);

impl Here for OfBroker {
    fn is_busy(&self) -> bool {
        let shared = self.0.upgrade();
        shared.is_some_and(|it| it.workers().iter().any(|worker| worker.is_pressed()))
    }

    fn generation(&self) -> u64 {
        let shared = self.0.upgrade();
        shared.map_or(0, |it| it.lock().hub.generation())
    }

    fn subscriptions(&self) -> Vec<Subscriptions> {
        let shared = self.0.upgrade();
        shared.map_or_else(Vec::new, |it| {
            let groups = it.lock().hub.subscriptions();
            let of = |(patterns, presence)| Subscriptions { patterns, presence };
            groups.into_iter().map(of).collect()
        })
    }
}
