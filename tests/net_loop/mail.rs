//! Mail between loops is bounded: a loop that falls behind slows down those who post to it, and
//! takes no memory from others.

use crate::net_support::{limits, wait_until};
use std::sync::mpsc::{Receiver, Sender, channel};
use wirebell::Message;
use wirebell::net::testing::{Network, TestLoop};
use wirebell::net::{Context, Options, PeerId, PostError, Reply, Request, Server, Service, Worker};

/// Hands each message on to the worker after its own, which tells how it came.
struct HandOn {
    worker: Worker<Mail>,
    told: Sender<Told>,
}

enum Mail {
    Message(Vec<u8>),
    /// Does nothing until the other end is dropped.
    HoldUp(Receiver<()>),
}

impl Service for HandOn {
    type Mail = Mail;

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        let next = (self.worker.number + 1) % self.worker.mailboxes.len();
        let mail = Mail::Message(message.bytes.to_vec());
        if let Err(error) = self.worker.mailboxes[next].post(mail, message.bytes.len()) {
            let _ = self.told.send((self.worker.number, Err(error)));
        }
    }

    fn mail(&mut self, _: &mut Context<'_>, mail: Mail) {
        match mail {
            Mail::Message(bytes) => drop(self.told.send((self.worker.number, Ok(bytes)))),
            Mail::HoldUp(end) => drop(end.recv()),
        }
    }
}

const BOUND: usize = 1 << 20;

/// How each message came: the worker that was told, and the message or why it was not taken.
type Told = (usize, Result<Vec<u8>, PostError>);

fn options(workers: usize) -> Options {
    Options::default()
        .workers(workers)
        .limits(limits().mail_bytes(BOUND))
}

impl HandOn {
    fn new(worker: &Worker<Mail>, told: &Sender<Told>) -> Self {
        Self {
            worker: Worker {
                number: worker.number,
                mailboxes: worker.mailboxes.clone(),
            },
            told: told.clone(),
        }
    }
}

#[test]
fn publishers_wait_for_a_loop_that_falls_behind_and_nothing_is_lost() {
    let (told, tells) = channel();
    let network = Network::new();
    let mut loops = network.serve_all(options(2), |worker| HandOn::new(worker, &told));
    let mut peer = network.connect(loops[0].address()).expect("they listen");
    peer.request_upgrade("/");
    loops.iter_mut().for_each(TestLoop::run);
    assert!(peer.upgrade());
    peer.message(Message::binary(b"who?"));
    loops.iter_mut().for_each(TestLoop::run);
    loops.iter_mut().for_each(TestLoop::run);
    let (behind, _) = tells.try_recv().expect("the other worker tells");
    let count = 5000u32;
    for n in 0..count {
        peer.message(Message::binary(&[&n.to_be_bytes()[..], &[0; 996]].concat()));
        loops[1 - behind].run();
    }
    loops[1 - behind].advance(1000);
    let waits = peer.unsent();
    assert!(waits > BOUND, "{waits} bytes wait");
    for n in 0..count {
        let (worker, bytes) = tells.try_recv().unwrap_or_else(|_| {
            peer.send(&[]);
            loops[1 - behind].advance(10);
            loops[behind].run();
            tells.try_recv().expect("all arrive")
        });
        let bytes = bytes.expect("there is room for every one");
        assert_eq!((worker, &bytes[..4]), (behind, &n.to_be_bytes()[..]));
    }
}

/// A thread that is not a loop cannot be slowed down by a loop: it gets an error.
#[test]
fn a_thread_that_posts_too_much_is_told_and_memory_is_bounded() {
    let (told, tells) = channel();
    let make = move |worker: &Worker<Mail>| HandOn::new(worker, &told);
    let server = Server::bind("127.0.0.1:0", options(1), make).expect("a free port");
    let mailbox = &server.mailboxes()[0];
    let (held_up, end) = channel();
    mailbox.post(Mail::HoldUp(end), 0).expect("there is room");
    let mut taken = 0;
    let refused = loop {
        match mailbox.post(Mail::Message(vec![0; 1000]), 1000) {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 100_000, "it is never full");
    };
    assert_eq!(refused, PostError::Full);
    assert!(taken * 1000 <= BOUND);
    drop(held_up);
    wait_until("there is room again", || !mailbox.is_full());
    assert_eq!(mailbox.post(Mail::Message(b"late".to_vec()), 4), Ok(()));
    let all: Vec<_> = (0..=taken)
        .map(|_| tells.recv().expect("all arrive").1)
        .collect();
    assert_eq!(all.last(), Some(&Ok(b"late".to_vec())));
}

/// One mail may be for thousands of slow peers, so what it has cost is looked at before the next.
#[test]
fn past_the_memory_budget_a_turn_takes_one_mail() {
    let (told, tells) = channel();
    let options = |memory| Options::default().limits(limits().memory_bytes(memory));
    for (memory, turns) in [(25_000, vec![1, 1, 1, 2]), (100_000, vec![5])] {
        let network = Network::new();
        let mut server = network.serve(options(memory), |worker| HandOn::new(worker, &told));
        server.run();
        for n in 0..5 {
            let mail = Mail::Message(vec![n]);
            let posted = server.handle().mailboxes()[0].post(mail, 10_000);
            assert_eq!(posted, Ok(()));
        }
        let mut taken = Vec::new();
        for count in turns {
            server.turn();
            let told: Vec<_> = tells.try_iter().collect();
            assert_eq!(told.len(), count, "{memory}: after {taken:?}");
            taken.extend(told.into_iter().map(|(_, bytes)| bytes.expect("mail")[0]));
        }
        assert_eq!(taken, [0, 1, 2, 3, 4]);
    }
}
