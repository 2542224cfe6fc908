//! The publishers of mode `fan-out`: few, one thread each.
//!
//! Input: a way to publish, HTTP or a WebSocket, and a schedule. Output: stamped messages. Without
//! a rate a publisher waits until all subscribers have its last publication.

use crate::cli::common::Failure;
use crate::cli::tools::bench::clock::{Nanos, Window, sleep_exactly};
use crate::cli::tools::bench::fanout::Flights;
use crate::cli::tools::bench::plan::Plan;
use crate::cli::tools::bench::stamp::Stamp;
use crate::cli::tools::bench::topic::TopicPublisher;
use crate::cli::tools::common::client::{failure, header_fields};
use crate::cli::tools::common::failure::{refused, timed_out, within};
use crate::cli::tools::common::http::{self, Answer};
use crate::cli::tools::common::tls::insecure;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use wirebell::Message;
use wirebell::client::{Client, Endpoint, Sender};

/// All publishers.
pub struct Publishers {
    threads: Vec<JoinHandle<Result<(), Failure>>>,
    until: Arc<AtomicU64>,
}

/// One publisher.
pub struct Publisher {
    plan: Arc<Plan>,
    flights: Arc<Flights>,
    number: u32,
    subscribers: u32,
    outlet: Outlet,
}

enum Outlet {
    Http {
        agent: ureq::Agent,
        url: String,
        fields: Vec<(String, String)>,
    },
    Socket(Sender),
    Topic(TopicPublisher),
}

impl Publishers {
    pub fn start(publishers: Vec<Publisher>, window: Window) -> Self {
        let until = Arc::new(AtomicU64::new(window.until));
        let start = |publisher: Publisher| {
            let until = Arc::clone(&until);
            std::thread::spawn(move || publisher.run(window, &until))
        };
        Self {
            threads: publishers.into_iter().map(start).collect(),
            until,
        }
    }

    /// Stops them, and returns the first failure.
    pub fn finish(self, at: Nanos) -> Option<Failure> {
        self.until.fetch_min(at, Ordering::Relaxed);
        let join = |thread: JoinHandle<Result<(), Failure>>| match thread.join() {
            Ok(result) => result.err(),
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let failures: Vec<_> = self.threads.into_iter().filter_map(join).collect();
        failures.into_iter().next()
    }
}

impl Publisher {
    pub fn new(
        plan: &Arc<Plan>,
        flights: &Arc<Flights>,
        number: u32,
        subscribers: u32,
    ) -> Result<Self, Failure> {
        let url = match &plan.args.publish_url {
            Some(url) => url.clone(),
            None => {
                let uri = plan.endpoint.uri();
                let scheme = if uri.is_secure() { "https" } else { "http" };
                format!("{scheme}://{}/push", uri.authority())
            }
        };
        let outlet = if let Some(topic) = &plan.args.topic {
            Outlet::Topic(TopicPublisher::connect(plan, topic.as_str())?)
        } else if url.starts_with("ws://") || url.starts_with("wss://") {
            socket(&url, plan)?
        } else if http::is_http(&url) {
            let agent = http::agent(&url, plan.timeout(), plan.tls.as_ref());
            let (agent, _) = agent.map_err(|why| within("--publish-url", why))?;
            Outlet::Http {
                agent,
                url,
                fields: header_fields(&plan.args.header)?,
            }
        } else {
            let text = format!("--publish-url {url}: write http(s)://… or ws(s)://…");
            return Err(Failure::usage(text));
        };
        Ok(Self {
            plan: Arc::clone(plan),
            flights: Arc::clone(flights),
            number,
            subscribers,
            outlet,
        })
    }

    /// Publishes until a publication reaches all subscribers: registrations are not answered.
    pub fn probe(&mut self) -> Result<(), Failure> {
        let clock = self.plan.clock;
        let deadline = clock.now() + self.plan.timeout().as_nanos() as Nanos;
        loop {
            self.publish(&[(clock.now(), false)])?;
            if self
                .flights
                .wait(self.number as u8, Duration::from_millis(100))
            {
                return Ok(());
            }
            if clock.now() > deadline {
                let left = self.flights.left(self.number as u8);
                let all = self.subscribers;
                return Err(Failure::failed(format!(
                    "a publication does not reach {left} of {all} subscribers; check \
                     --subscribe, --publish-url and --publish"
                )));
            }
        }
    }

    /// Publishes messages that are due at these times. All of them have arrived when the last one
    /// has: a topic keeps their order.
    fn publish(&mut self, due: &[(Nanos, bool)]) -> Result<(), Failure> {
        let payloads = due.iter().map(|(at, measured)| {
            let stamp = Stamp {
                publisher: self.number as u8,
                number: self.flights.number(*measured),
                at: *at,
            };
            self.flights.depart(stamp, self.subscribers);
            stamp.payload(self.plan.payload.len())
        });
        let payloads: Vec<String> = payloads.collect();
        let form = &self.plan.args.publish;
        let mut texts = payloads.iter().map(|it| form.replace("{message}", it));
        match &mut self.outlet {
            Outlet::Topic(topic) => topic.publish(&payloads),
            Outlet::Socket(sender) => {
                texts.try_for_each(|text| sender.send(Message::text(&text)).map_err(failure))
            }
            Outlet::Http { agent, url, fields } => {
                texts.try_for_each(|text| post(agent, url, fields, &text))
            }
        }
    }

    fn run(mut self, window: Window, until: &AtomicU64) -> Result<(), Failure> {
        sleep_exactly();
        let clock = self.plan.clock;
        let all = self.plan.whole_schedule(window.start);
        let schedule = all.map(|all| all.part(self.number, self.plan.args.publishers));
        let timeout = self.plan.timeout();
        let together = u64::from(self.plan.args.batch * self.plan.args.pipeline);
        for k in 0.. {
            let due = |n: u64| match schedule {
                None => clock.now(),
                Some(schedule) => schedule.due(k * together + n),
            };
            let all: Vec<Nanos> = (0..together).map(due).collect();
            let at = due(together - 1);
            let over = || at >= until.load(Ordering::Relaxed);
            if clock.sleep_until(at, over).is_none() {
                break;
            }
            let all: Vec<_> = all.iter().map(|at| (*at, window.counts(*at))).collect();
            self.publish(&all)?;
            if schedule.is_none() && !self.flights.wait(self.number as u8, timeout) {
                let text = "a publication did not reach all subscribers in time";
                return Err(timed_out(text.into()));
            }
        }
        Ok(())
    }
}

/// A connection that only sends; what arrives is read and discarded.
fn socket(url: &str, plan: &Plan) -> Result<Outlet, Failure> {
    let options = plan.client_options()?;
    let endpoint = Endpoint::resolve(url, options)
        .map_err(|error| within(&format!("--publish-url {url}"), failure(error)))?;
    let mut client = Client::open(&endpoint).map_err(failure)?;
    let sender = client.sender();
    std::thread::spawn(move || while let Ok(Some(_)) = client.receive() {});
    Ok(Outlet::Socket(sender))
}

fn post(
    agent: &ureq::Agent,
    url: &str,
    fields: &[(String, String)],
    text: &str,
) -> Result<(), Failure> {
    let mut request = agent.post(url).content_type("application/json");
    for (name, value) in fields {
        request = request.header(name, value);
    }
    // Read to the end, so that the connection can be reused.
    match request.send(text).map(Answer::read) {
        Ok(answer) if (200..=299).contains(&answer.status) => Ok(()),
        Ok(answer) => {
            let text = format!("{url} answers {}", answer.describe());
            Err(refused(text))
        }
        Err(ureq::Error::Timeout(what)) => Err(timed_out(format!("{url}: too slow: {what}"))),
        Err(error) => Err(match http::tls_error(&error) {
            Some(error) => within(url, insecure(error)),
            None => Failure::failed(format!("{url}: {error}")),
        }),
    }
}
