//! The server of one run, which may be killed and started again on the file that it has left.

use super::disk::{Disk, Rules};
use super::plan::Plan;
use super::spy::{Deliveries, Spy};
use super::{accounts, wserver};
use std::rc::Rc;
use std::sync::Arc;
use wirebell::net::testing::{Network, TestLoop};
use wirebell::push::{
    Auth, Clock, Digest, Gotify, Log, MemoryLog, MemoryStore, Passwords, PushKey,
};
use wirebell::push::{PushService, Settings, Shared, Store, Tokens};

pub struct Server {
    pub loops: Vec<TestLoop<Spy>>,
    pub shared: Shared,
    pub disk: Option<Arc<Disk>>,
    pub tokens: Tokens,
    pub deliveries: Deliveries,
    rules: Rules,
}

impl Server {
    /// With the tokens of this many subscribers.
    pub fn new(plan: &Plan, network: &Network, subscribers: usize, rules: Rules) -> Self {
        let disk = plan.disk.then(|| Disk::new(&rules));
        let tokens = Tokens::parse(&tokens(|_| false, subscribers)).expect("tokens");
        Self::start(plan, network, rules, tokens, disk)
    }

    fn start(
        plan: &Plan,
        network: &Network,
        rules: Rules,
        tokens: Tokens,
        disk: Option<Arc<Disk>>,
    ) -> Self {
        let store: Arc<dyn Store> = match &disk {
            Some(disk) => Arc::clone(disk) as _,
            None => Arc::new(MemoryStore::with(rules.values.clone())),
        };
        let gotify = Gotify::open(store, Passwords::immediate());
        let (gotify, _) = gotify.expect("a store that can be read");
        let auth = Auth::default().tokens(tokens.clone());
        let clock = Arc::clone(&rules.clock);
        let log: Arc<dyn Log> = match &disk {
            Some(disk) => Arc::clone(disk) as _,
            None => {
                // A random epoch has some letters more or less, and memory is counted.
                let epoch = "memory".parse().expect("an epoch");
                Arc::new(MemoryLog::new(epoch, plan.limits.keys))
            }
        };
        let settings = Settings::default()
            .auth(Some(auth.function(wserver::grant)))
            .push_key(PushKey::new(wserver::KEY))
            .gotify(Some(gotify))
            .log(Some(log))
            .history(rules.history.clone())
            .limits(plan.limits)
            .clock(Clock::new(move || clock()));
        let address = "127.0.0.1:80".parse().expect("an address");
        let shared = Shared::new(settings, &[address], plan.options.workers);
        let deliveries = Deliveries::default();
        let loops = network.serve_all(plan.options.clone(), |worker| Spy {
            inner: PushService::new(&shared, &worker.mailboxes),
            deliveries: Rc::clone(&deliveries),
        });
        Self {
            loops,
            shared,
            disk,
            tokens,
            deliveries,
            rules,
        }
    }

    /// It is gone at once, and another one begins with its file.
    pub fn kill(&mut self, plan: &Plan, network: &Network, is_written: bool) {
        let rules = self.rules.clone();
        let disk = self.disk.as_ref().map(|it| it.kill(is_written, &rules));
        *self = Self::start(plan, network, rules, self.tokens.clone(), disk);
    }

    /// Writes what waits for the disk; false if nothing does.
    pub fn commit(&self) -> bool {
        self.disk.as_ref().is_some_and(|disk| disk.commit())
    }

    /// Bytes that histories and the log hold.
    pub fn log_bytes(&self) -> usize {
        let of_disk = self.disk.as_ref().map_or(0, |disk| disk.held_bytes());
        self.shared.broker().history_bytes() + of_disk
    }
}

/// What is in the store of a new server.
pub fn values() -> Vec<(String, Vec<u8>)> {
    accounts::made().values.clone()
}

/// The file of tokens of this many subscribers and the publisher.
pub fn tokens(revoked: impl Fn(usize) -> bool, count: usize) -> String {
    let entry = |name: &str| {
        let digest = Digest::of(name.as_bytes());
        format!(
            "[[token]]\nname = '{name}'\nsha256 = '{digest}'\npublish = ['**']\n\
             subscribe = ['**']\n"
        )
    };
    let good = (0..count).filter(|who| !revoked(*who));
    let all = good.map(|who| entry(&format!("s{who}")));
    all.chain([entry("publisher")]).collect()
}
