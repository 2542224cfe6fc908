//! What goes wrong.

use crate::programs::{Cluster, Server, wait_for};
use rustix::process::Signal;
use std::thread;
use std::time::Duration;

pub struct World {
    pub cluster: Cluster,
    pub servers: Vec<Server>,
}

#[derive(Clone, Copy)]
pub struct Fault {
    pub name: &'static str,
    pub run: fn(&mut World),
    /// Messages may be lost for good. Otherwise no subscriber may be told of a gap.
    pub loses: bool,
}

const fn fault(name: &'static str, loses: bool, run: fn(&mut World)) -> Fault {
    Fault { name, run, loses }
}

pub const FAULTS: &[Fault] = &[
    fault("crash", false, crash),
    fault("crash-without-disk", true, crash_without_disk),
    fault("orderly-failover", false, orderly_failover),
    fault("lossy-failover", true, lossy_failover),
    fault("unseen-loss", true, unseen_loss),
    fault("empty-primary", true, empty_primary),
    fault("flushed", true, flushed),
    fault("trimmed", true, trimmed),
    fault("stopped-redis", false, stopped_redis),
    fault("stopped-server", false, stopped_server),
    fault("killed-server", false, killed_server),
    fault("lost-connections", false, lost_connections),
];

fn pause(ms: u64) {
    thread::sleep(Duration::from_millis(ms));
}

/// The primary is killed and comes back with its file.
fn crash(world: &mut World) {
    let primary = world.cluster.primary();
    primary.kill();
    pause(700);
    primary.start(None);
    world.cluster.replica().wait_for_sync();
}

/// The same, and its disk has gone. The replica, which still has everything, follows it.
fn crash_without_disk(world: &mut World) {
    let primary = world.cluster.primary();
    primary.kill();
    primary.wipe();
    pause(300);
    primary.start(None);
    world.cluster.replica().wait_for_sync();
}

/// The replica takes over when it has everything.
fn orderly_failover(world: &mut World) {
    let cluster = &mut world.cluster;
    cluster.replica().wait_for_sync();
    let port = cluster.replica().port.to_string();
    let answer = cluster
        .primary()
        .ask(&["FAILOVER", "TO", "127.0.0.1", &port, "TIMEOUT", "10000"]);
    assert!(answer.contains("OK"), "{answer}");
    wait_for("the failover", || {
        let old = &cluster.all[cluster.primary];
        let new = &cluster.all[1 - cluster.primary];
        let role = |redis: &crate::programs::Redis| redis.ask(&["INFO", "replication"]);
        role(old).contains("role:slave") && role(new).contains("role:master")
    });
    cluster.primary = 1 - cluster.primary;
    cluster.replica().wait_for_sync();
}

/// The replica is cut off for a while and then takes over, because the primary has died.
fn lossy_failover(world: &mut World) {
    let cluster = &mut world.cluster;
    cluster.replica().signal(Signal::STOP);
    cluster
        .primary()
        .ask(&["CLIENT", "KILL", "TYPE", "replica"]);
    pause(600);
    cluster.primary().kill();
    cluster.replica().signal(Signal::CONT);
    pause(200);
    promote(cluster);
    let port = cluster.primary().port;
    cluster.replica().wipe();
    cluster.replica().start(Some(port));
    cluster.replica().wait_for_sync();
}

/// The same, and one server has not read what is lost.
fn unseen_loss(world: &mut World) {
    world.servers[1].signal(Signal::STOP);
    pause(300);
    lossy_failover(world);
    pause(500);
    world.servers[1].signal(Signal::CONT);
}

fn promote(cluster: &mut Cluster) {
    cluster.primary = 1 - cluster.primary;
    let answer = cluster.primary().ask(&["REPLICAOF", "NO", "ONE"]);
    assert!(answer.contains("OK"), "{answer}");
}

/// The primary dies, comes back empty and as a primary, and only later follows the replica that has
/// taken over.
fn empty_primary(world: &mut World) {
    let cluster = &mut world.cluster;
    cluster.primary().kill();
    cluster.primary().wipe();
    pause(100);
    cluster.primary().start(None);
    pause(500);
    promote(cluster);
    let port = cluster.primary().port.to_string();
    let answer = cluster.replica().ask(&["REPLICAOF", "127.0.0.1", &port]);
    assert!(answer.contains("OK"), "{answer}");
    cluster.replica().wait_for_sync();
}

/// Somebody empties it while it runs.
fn flushed(world: &mut World) {
    world.cluster.primary().ask(&["FLUSHALL"]);
    pause(500);
}

/// A server stands still for so long that what it has not read is no longer there.
fn trimmed(world: &mut World) {
    world.servers[1].signal(Signal::STOP);
    pause(1_000);
    let answer = world
        .cluster
        .primary()
        .ask(&["XTRIM", "{test}:log", "MAXLEN", "1"]);
    assert!(answer.starts_with(':'), "{answer}");
    world.servers[1].signal(Signal::CONT);
}

/// Nothing answers for a while.
fn stopped_redis(world: &mut World) {
    world.cluster.primary().signal(Signal::STOP);
    pause(6_000);
    world.cluster.primary().signal(Signal::CONT);
    pause(500);
}

fn stopped_server(world: &mut World) {
    world.servers[1].signal(Signal::STOP);
    pause(7_000);
    world.servers[1].signal(Signal::CONT);
}

fn killed_server(world: &mut World) {
    world.servers[2].kill();
    pause(500);
    world.servers[2].run();
}

/// All connections end, in the midst of whatever they do.
fn lost_connections(world: &mut World) {
    for _ in 0..5 {
        world
            .cluster
            .primary()
            .ask(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
        pause(150);
    }
}
