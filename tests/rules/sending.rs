//! What goes out: opcodes, FIN, masks and their keys, sections 5.1, 5.3 and 6.1.

use crate::support::driver::Driver;
use crate::support::frames::{Sent, ping, take_frames};
use std::collections::BTreeSet;
use wirebell::wire::Entropy;
use wirebell::{Limits, MessageKind, Role};

/// Sends one message in frames of these sizes.
fn send(driver: &mut Driver, kind: MessageKind, sizes: &[usize]) {
    for (i, &size) in sizes.iter().enumerate() {
        let last = i + 1 == sizes.len();
        let payload: Vec<u8> = (0..size).map(|byte| b'a' + (byte % 26) as u8).collect();
        let (connection, entropy) = (&mut driver.connection, &mut driver.entropy);
        let begun = connection.begin(kind, size as u64, last, entropy);
        let (header, mask) = begun.expect("open");
        let mut masked = payload;
        if let Some(mut mask) = mask {
            mask.apply(&mut masked);
        }
        driver.sent.extend_from_slice(&header);
        driver.sent.extend_from_slice(&masked);
    }
}

/// Text, binary, fragments, a Ping, a Pong and a Close, as this role sends them.
fn one_of_each(role: Role) -> Vec<Sent> {
    let mut driver = Driver::new(role, &Limits::default());
    send(&mut driver, MessageKind::Text, &[5]);
    send(&mut driver, MessageKind::Binary, &[200]);
    send(&mut driver, MessageKind::Text, &[3, 70_000, 0, 2]);
    assert_eq!(driver.connection.ping(b"ping", &mut driver.outbox), Ok(()));
    driver.feed(&ping(b"pong").to(role));
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.transmit();
    take_frames(&driver.sent)
}

#[test]
// req: 6455-5.2-02 6455-5.2-09 6455-5.2-10 6455-5.2-11 6455-6.1-01 6455-6.1-04 6455-6.1-06
// req: 6455-6.1-07 6455-5.4-02 6455-5.5-02 6455-5.8-01
fn first_bytes_as_they_are_sent() {
    for role in [Role::Client, Role::Server] {
        let first: Vec<u8> = one_of_each(role).iter().map(|sent| sent.first).collect();
        let expected = [
            0x81, // text in one frame
            0x82, // binary in one frame
            0x01, 0x00, 0x00, 0x80, // text in four frames
            0x8A, 0x89, // the answer, then our question
            0x88,
        ];
        assert_eq!(first, expected);
    }
}

#[test]
// req: 6455-5.1-01 6455-5.1-04 6455-5.3-01 6455-6.1-08
fn a_client_masks_every_frame_and_a_server_none() {
    assert!(
        one_of_each(Role::Client)
            .iter()
            .all(|sent| sent.key.is_some())
    );
    assert!(
        one_of_each(Role::Server)
            .iter()
            .all(|sent| sent.key.is_none())
    );
    for (client, server) in one_of_each(Role::Client)
        .iter()
        .zip(one_of_each(Role::Server))
    {
        assert_eq!(
            client.payload, server.payload,
            "the mask hides the same payload"
        );
    }
}

/// Counts what it is asked for.
struct Counting(u32);

impl Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) {
        assert_eq!(bytes.len(), 4, "a masking key");
        self.0 += 1;
        bytes.copy_from_slice(&self.0.to_be_bytes());
    }
}

#[test]
// req: 6455-5.3-02 6455-10.3-01
fn a_client_draws_a_fresh_key_for_each_frame_and_uses_it() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    let mut source = Counting(0);
    let mut keys = BTreeSet::new();
    for i in 0..1000u32 {
        if i % 3 == 0 {
            assert_eq!(driver.connection.ping(b"p", &mut driver.outbox), Ok(()));
            let mut out = [0; 200];
            let (connection, outbox) = (&mut driver.connection, &mut driver.outbox);
            let len = connection.transmit(outbox, &mut out, &mut source);
            keys.insert(take_frames(&out[..len])[0].key);
        } else {
            let last = i % 2 == 0;
            let begun = driver
                .connection
                .begin(MessageKind::Binary, 0, last, &mut source);
            let (header, _) = begun.expect("open");
            keys.insert(take_frames(&header)[0].key);
        }
        assert_eq!(source.0, i + 1, "four bytes for each frame");
        assert!(keys.contains(&Some((i + 1).to_be_bytes())));
    }
    assert_eq!(keys.len(), 1000);
}
