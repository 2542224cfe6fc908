//! Mail between loops is bounded: a loop that falls behind slows down those who post to it, and
//! takes nobody's memory.

use crate::net_support::{Client, limits, wait_until};
use crate::support::frames::binary;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use wirebell::net::{Context, Options, PeerId, PostError, Reply, Request, Server, Service, Worker};
use wirebell::{Limits, Message, Role};

/// Hands each message on to the worker after its own, which tells how it came.
struct HandOn {
    worker: Worker<Mail>,
    told: Sender<Told>,
}

enum Mail {
    Message(Vec<u8>),
    Sleep(Duration),
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
            Mail::Sleep(time) => std::thread::sleep(time),
        }
    }
}

const BOUND: usize = 1 << 20;

/// How each message came: the worker that was told, and the message or why it was not taken.
type Told = (usize, Result<Vec<u8>, PostError>);

fn start(workers: usize) -> (Server<Mail>, Receiver<Told>) {
    let options = Options {
        workers,
        limits: Limits {
            mail_bytes: BOUND,
            ..limits()
        },
        ..Options::default()
    };
    let (told, tells) = channel();
    let make = move |worker: &Worker<Mail>| HandOn {
        worker: Worker {
            number: worker.number,
            mailboxes: worker.mailboxes.clone(),
        },
        told: told.clone(),
    };
    let server = Server::bind("127.0.0.1:0", options, make);
    (server.expect("a free port"), tells)
}

#[test]
fn publishers_wait_for_a_loop_that_falls_behind_and_nothing_is_lost() {
    let (server, tells) = start(2);
    let mut client = Client::open(server.local_addr());
    client.send_frame(&binary(b"who?"));
    let (behind, _) = tells.recv().expect("the other worker tells");
    let nap = Mail::Sleep(Duration::from_millis(500));
    server.mailboxes()[behind]
        .post(nap, 0)
        .expect("there is room");
    let mut writer = client.second_handle();
    let count = 20_000u32;
    let sender = std::thread::spawn(move || {
        for n in 0..count {
            let payload = [&n.to_be_bytes()[..], &[0; 996]].concat();
            writer.send(binary(&payload).to(Role::Server));
        }
    });
    for n in 0..count {
        let (worker, bytes) = tells.recv().expect("all arrive");
        let bytes = bytes.expect("there is room for every one");
        assert_eq!((worker, &bytes[..4]), (behind, &n.to_be_bytes()[..]));
    }
    sender.join().expect("all is sent");
}

/// A thread that is no loop cannot be slowed down by a loop: it is told.
#[test]
fn a_thread_that_posts_too_much_is_told_and_memory_is_bounded() {
    let (server, tells) = start(1);
    let mailbox = &server.mailboxes()[0];
    let nap = Mail::Sleep(Duration::from_millis(300));
    mailbox.post(nap, 0).expect("there is room");
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
    wait_until("there is room again", || !mailbox.is_full());
    assert_eq!(mailbox.post(Mail::Message(b"late".to_vec()), 4), Ok(()));
    let all: Vec<_> = (0..=taken)
        .map(|_| tells.recv().expect("all arrive").1)
        .collect();
    assert_eq!(all.last(), Some(&Ok(b"late".to_vec())));
}
