//! One run of a plan: a server of one or two workers, a loop that dials, and bare clients.

use crate::checks;
use crate::client::Client;
use crate::layers::Inflating;
use crate::plan::{Answer, CLIENTS, Plan, Step, Wish};
use crate::record::{Record, Shared};
use crate::services::{Dialler, Mail, Server};
use crate::support::frames::{close, frame};
use crate::totals::Totals;
use crate::wire;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use wirebell::client::{Backoff, Endpoint, Options as Settings, ProxyChoice};
use wirebell::net::testing::{Network, TestLoop};
use wirebell::net::{Counters, Dial, Options, SharedFrame};
use wirebell::tls::Connector;
use wirebell::{Message, Role};

/// The time after which a run must have ended once it is stopped, far beyond every deadline.
const PATIENCE_MS: u64 = 30_000;

pub struct World<'p> {
    plan: &'p Plan,
    network: Network,
    connector: Connector,
    pub servers: Vec<TestLoop<Server>>,
    pub dialler: TestLoop<Dialler>,
    failures: Rc<RefCell<usize>>,
    /// All lives of the bare clients; the last of each is the one that acts.
    pub lives: Vec<Client>,
    current: [Option<usize>; CLIENTS],
    pub record: Shared,
    dials: u32,
    stopped: bool,
}

impl<'p> World<'p> {
    /// Runs the plan and holds the promises against what happened.
    pub fn run(plan: &'p Plan) -> Result<Totals, String> {
        let mut world = Self::new(plan);
        for step in &plan.steps {
            world.step(*step)?;
        }
        world.drain()?;
        checks::alive(&world)?;
        world.stop()?;
        checks::after(&world)?;
        Ok(world.totals())
    }

    fn new(plan: &'p Plan) -> Self {
        let network = plan.layers.network(plan.faults);
        let record: Shared = Rc::new(RefCell::new(Record::default()));
        let servers = network.serve_all(plan.options.clone(), |worker| Server {
            record: Rc::clone(&record),
            rooms: worker.mailboxes.clone(),
            overflow: plan.options.overflow,
            peers: Vec::new(),
            waiting: Vec::new(),
        });
        let failures = Rc::default();
        let options = Options::default()
            .limits(plan.options.limits)
            .receive_buffer(plan.options.receive_buffer);
        let dialler = network.clients(options, |_| Dialler {
            record: Rc::clone(&record),
            failures: Rc::clone(&failures),
            peers: Vec::new(),
        });
        Self {
            plan,
            network,
            connector: plan.layers.connector(),
            servers,
            dialler,
            failures,
            lives: Vec::new(),
            current: [None; CLIENTS],
            record,
            dials: 0,
            stopped: false,
        }
    }

    fn client(&mut self, client: usize) -> Option<&mut Client> {
        self.current[client].map(|at| &mut self.lives[at])
    }

    fn connect(&mut self, client: usize, how: &str) {
        let who = self.lives.len();
        let Ok(mut peer) = self.network.connect(self.servers[0].address()) else {
            return;
        };
        let fields = match how {
            "ws" => self.plan.layers.upgrade(),
            _ => String::new(),
        };
        let head = format!("GET /{how}/{who} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        peer.send(head.as_bytes());
        self.current[client] = Some(who);
        self.lives.push(Client {
            who,
            peer,
            socket: how == "ws",
            raw: Vec::new(),
            inflating: Inflating::default(),
            sent: Vec::new(),
            broke: false,
            began: false,
            half_closed: false,
            reset: false,
            closed: false,
            answered: false,
            ponged: 0,
        });
    }

    fn step(&mut self, step: Step) -> Result<(), String> {
        match step {
            Step::Open { client } => self.connect(client, "ws"),
            Step::Get { client, how } => self.connect(
                client,
                match how {
                    Answer::Now => "now",
                    Answer::Later => "later",
                    Answer::Stream => "stream",
                },
            ),
            Step::Dial { client } => self.dial(client),
            Step::Call {
                client,
                bytes,
                wish,
            } if !self.dialler.has_ended() => {
                let who = client as u32 + 1_000;
                self.dialler
                    .with(|service, context| service.call(context, who, bytes, wish));
            }
            Step::Call { .. } => {}
            Step::Post { bytes, key } => self.publish(bytes, key),
            Step::Answer { client } => self.mail_about(client, Mail::Answer),
            Step::Pause { client } => self.mail_about(client, |who| Mail::Pause(who, true)),
            Step::Resume { client } => self.mail_about(client, |who| Mail::Pause(who, false)),
            Step::Turn { of } => match of {
                0 => self.dialler.turn(),
                of => {
                    let of = of % self.servers.len();
                    self.servers[of].turn();
                }
            },
            Step::Run => self.run_all()?,
            Step::Advance { ms } => self.advance(ms)?,
            Step::Sleep { ms } => {
                self.network.advance(ms);
                self.run_all()?;
            }
            Step::Stop => self.begin_stop(),
            step => self.act(step),
        }
        Ok(())
    }

    /// What a bare client does.
    fn act(&mut self, step: Step) {
        let number = self.record.borrow_mut().number();
        let (Step::Say { client, .. }
        | Step::Break { client }
        | Step::Begin { client }
        | Step::Ping { client }
        | Step::Read { client, .. }
        | Step::Close { client }
        | Step::HalfClose { client }
        | Step::Reset { client }) = step
        else {
            return;
        };
        let Some(client) = self.client(client) else {
            return;
        };
        let mute = !client.is_open() || client.closed || client.half_closed || client.began;
        let mute = mute || client.broke || client.reset || client.answered;
        match step {
            Step::Read { most, .. } => {
                client.read(most);
                if most == usize::MAX {
                    client.be_polite();
                }
            }
            Step::Reset { .. } => {
                client.reset = true;
                client.peer.reset();
            }
            Step::HalfClose { .. } if client.peer.unsent() == 0 => {
                client.half_closed = true;
                client.peer.shutdown();
            }
            _ if mute => {}
            Step::Say {
                bytes,
                frames,
                wish,
                ..
            } => {
                client.say(number, &wire::message(number, wish, bytes), frames);
            }
            Step::Break { .. } => {
                client.broke = true;
                client.peer.send(&frame(0x83, b"").to(Role::Server));
            }
            Step::Begin { .. } => {
                client.began = true;
                client.peer.send(&frame(0x02, &[1; 20]).to(Role::Server));
            }
            Step::Ping { .. } => client.peer.send(&frame(0x89, b"ping").to(Role::Server)),
            Step::Close { .. } => {
                client.closed = true;
                client.peer.send(&close(1000, "bye").to(Role::Server));
            }
            _ => {}
        }
    }

    fn dial(&mut self, client: usize) {
        if self.dialler.has_ended() {
            return;
        }
        let tag = client as u32 + 1_000;
        self.dials += 1;
        let options = Settings::default()
            .proxy(ProxyChoice::Direct)
            .limits(wirebell::client::Limits::default().open_ms(400));
        let layers = self.plan.layers;
        let (scheme, options) = match layers.tls {
            true => ("wss", options.tls(Some(self.connector.clone()))),
            false => ("ws", options),
        };
        let options = options.deflate(layers.settings());
        let uri = format!("{scheme}://server/ws/{tag}");
        let endpoint = Endpoint::at(&uri, options, vec![self.servers[0].address()]);
        let dial = Dial {
            tag,
            reconnect: Some(Backoff::default().first_ms(0).most_ms(0).attempts(3)),
            ..Dial::new(Arc::new(endpoint.expect("a good URI")))
        };
        self.dialler.with(|service, context| {
            // One connection of each at a time, so that those of both sides can be paired.
            if !service.peers.iter().any(|(other, _)| *other == tag) {
                context.dial(dial);
            }
        });
    }

    fn publish(&mut self, bytes: usize, key: u32) {
        let number = self.record.borrow_mut().number();
        let bytes = wire::message(number, Wish::Nothing, bytes);
        let frame = SharedFrame::new(Message::binary(&bytes));
        for room in self.servers[0].handle().mailboxes() {
            if room
                .post(Mail::Publish(frame.clone(), number, key), bytes.len())
                .is_err()
            {
                self.record.borrow_mut().refused_mail += 1;
            }
        }
    }

    fn mail_about(&mut self, client: usize, mail: impl Fn(usize) -> Mail) {
        let Some(who) = self.client(client).map(|client| client.who) else {
            return;
        };
        self.mail(mail(who));
    }

    fn mail(&mut self, mail: Mail) {
        for room in self.servers[0].handle().mailboxes() {
            let _ = room.post(mail.clone(), 0);
        }
    }

    /// All loops run until none has anything to do.
    fn run_all(&mut self) -> Result<(), String> {
        for _ in 0..20_000 {
            let mut busy = false;
            for server in &mut self.servers {
                if server.is_due() {
                    server.turn();
                    busy = true;
                }
            }
            if self.dialler.is_due() {
                self.dialler.turn();
                busy = true;
            }
            if !busy {
                return Ok(());
            }
        }
        Err("the loops never rest".into())
    }

    fn advance(&mut self, ms: u64) -> Result<(), String> {
        let end = self.network.now() + ms;
        self.run_all()?;
        loop {
            let servers = self.servers.iter().map(TestLoop::deadline);
            let all = servers.chain([self.dialler.deadline()]);
            let now = self.network.now();
            let Some(at) = all.flatten().min().filter(|at| *at <= end) else {
                break;
            };
            self.network.advance(at.saturating_sub(now).max(1));
            self.run_all()?;
        }
        let now = self.network.now();
        self.network.advance(end.saturating_sub(now));
        self.run_all()
    }

    /// All clients read and answer until nothing more comes, without time passing.
    fn drain(&mut self) -> Result<(), String> {
        for who in 0..self.lives.len() {
            self.mail(Mail::Pause(who, false));
        }
        for _ in 0..10_000 {
            self.run_all()?;
            let mut moved = 0;
            for client in &mut self.lives {
                moved += client.read(usize::MAX);
                let unsent = client.peer.unsent();
                client.be_polite();
                client.peer.send(&[]);
                moved += unsent.abs_diff(client.peer.unsent());
            }
            if moved == 0 {
                return self.run_all();
            }
        }
        Err("there is no end to what comes".into())
    }

    fn begin_stop(&mut self) {
        self.stopped = true;
        self.servers[0].handle().stop();
        self.dialler.handle().stop();
    }

    fn stop(&mut self) -> Result<(), String> {
        self.begin_stop();
        for _ in 0..PATIENCE_MS / 50 {
            if self.servers.iter().all(TestLoop::has_ended) && self.dialler.has_ended() {
                self.drain()?;
                return Ok(());
            }
            self.drain()?;
            self.advance(50)?;
        }
        Err("the loops have not stopped".into())
    }

    pub fn counters(&self) -> Counters {
        self.servers[0].handle().counters().into_iter().sum()
    }

    pub fn plan(&self) -> &Plan {
        self.plan
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        let record = self.record.borrow();
        for seen in record.connections.values() {
            let cause = seen.cause.map(|cause| format!("{cause:?}"));
            let name = cause.unwrap_or_else(|| "answered".into());
            let name = name.split('(').next().unwrap_or_default().to_owned();
            *totals.counts.entry(name).or_default() += 1;
        }
        let counters = self.counters();
        let inflated = self.lives.iter().map(|life| life.inflating.inflated as u64);
        let opened = self.lives.iter().filter(|life| life.is_open());
        let encrypted = if self.plan.layers.tls {
            opened.count()
        } else {
            0
        };
        let more = [
            ("encrypted", encrypted as u64),
            ("inflated", inflated.sum()),
            ("messages", counters.messages),
            ("dropped", counters.dropped),
            ("shed", counters.shed),
            ("refused", counters.refused),
            ("turns", counters.turns),
            ("dialled", self.dialler.handle().counters()[0].dialled),
            ("not opened", *self.failures.borrow() as u64),
        ];
        for (name, count) in more {
            *totals.counts.entry(name.into()).or_default() += count;
        }
        totals
    }
}
