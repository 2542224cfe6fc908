// Clients that others wrote against the topics of `wirebell serve`. Start it with ./run.
//
// Each subscribes, loses its connection, and resumes with what it knows: an id of an event, or a
// position. What is published meanwhile arrives afterwards, once and in order. Everything that
// waits has a bound.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventSource } from 'eventsource';
import { WebSocket } from 'ws';

const { WIREBELL } = process.env;
assert.ok(WIREBELL, 'set WIREBELL, or start the test with ./run');

const LIMIT = 20_000; // milliseconds for everything that is waited for
const BOUND = { timeout: 60_000 }; // milliseconds for one test
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^WIREBELL_|_proxy$/i.test(name)),
);

const children = new Set();
process.on('exit', () => children.forEach(child => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

function start(command, ...args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], env: ENV });
  children.add(child);
  child.on('exit', () => children.delete(child));
  return child;
}

/** Waits until this is true. */
async function until(what, holds) {
  const end = performance.now() + LIMIT;
  while (!holds()) {
    assert.ok(performance.now() < end, `not within ${LIMIT} ms: ${what()}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** The lines that a command prints, as they come. */
class Lines {
  constructor(command, ...args) {
    this.all = [];
    this.child = start(command, ...args);
    createInterface({ input: this.child.stdout }).on('line', line => this.all.push(line));
  }

  async some(count) {
    await until(() => `${count} lines: ${this.all.join('\n')}`, () => this.all.length >= count);
    return this.all;
  }

  async kill() {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }
}

/** In front of the server: cuts connections, and for a while accepts none. */
class Cutter {
  constructor() {
    this.sockets = new Set();
    this.isOpen = true;
    this.server = createServer(socket => {
      if (!this.isOpen) return socket.destroy();
      const onward = connect(port, '127.0.0.1');
      for (const [from, to] of [[socket, onward], [onward, socket]]) {
        this.sockets.add(from);
        from.on('error', () => {}).on('close', () => to.destroy()).pipe(to);
      }
    });
  }

  async url(path) {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${this.server.address().port}${path}`;
  }

  cut() {
    this.isOpen = false;
    this.sockets.forEach(socket => socket.destroy());
    this.sockets.clear();
  }

  mend() { this.isOpen = true; }

  end() {
    this.cut();
    this.server.close();
  }
}

let server, port;

before(async () => {
  server = new Lines(WIREBELL, 'serve', '--listen', '127.0.0.1:0');
  const [line] = await server.some(1);
  port = Number(/:(\d+)\/$/.exec(line)[1]);
}, BOUND);
after(() => server.kill());

const topics = path => `http://127.0.0.1:${port}/topics/${path}`;

async function publish(topic, ...messages) {
  for (const body of messages) {
    const answer = await fetch(topics(topic), { method: 'POST', body });
    assert.ok([201, 202].includes(answer.status), `${answer.status}`);
  }
}

test('curl publishes, and reads a topic as server-sent events', BOUND, async () => {
  const path = 'curl.events';
  const sent = new Lines('curl', '-sS', '-d', 'one', topics(path));
  await until(() => 'an answer', () => sent.child.exitCode !== null);
  assert.equal(sent.child.exitCode, 0);
  const events = (...args) =>
    new Lines('curl', '-sSN', '-H', 'Accept: text/event-stream', ...args, topics(path));
  const first = events('-H', 'Last-Event-ID: nothing-known');
  await until(() => first.all.join('\n'), () => first.all.includes('data: one'));
  await first.kill();
  const lines = first.all;
  assert.match(lines[0], /^retry: \d+$/);
  assert.ok(lines.includes('event: gap'), lines.join('\n'));
  const id = lines[lines.indexOf('data: one') - 1].slice('id: '.length);
  await publish(path, 'two', 'three\nfour');
  const second = events('-H', `Last-Event-ID: ${id}`);
  await until(() => second.all.join('\n'), () => second.all.includes('data: four'));
  const data = second.all.filter(line => line.startsWith('data: '));
  assert.deepEqual(data, ['data: two', 'data: three', 'data: four']);
  assert.ok(!second.all.includes('event: gap'));
  await second.kill();
});

test('curl reads topics as NDJSON', BOUND, async () => {
  const lines = since =>
    new Lines('curl', '-sSN', `${topics('ndjson.*')}?format=ndjson&since=${since}`);
  const first = lines('new');
  const subscribed = JSON.parse((await first.some(1))[0]);
  assert.deepEqual(subscribed.topics, ['ndjson.*']);
  await publish('ndjson.a', 'one');
  const one = JSON.parse((await first.some(2))[1]);
  assert.deepEqual([one.type, one.topic, one.data], ['message', 'ndjson.a', 'one']);
  await first.kill();
  await publish('ndjson.b', 'two');
  await publish('ndjson.a', 'three');
  for (const [since, expected] of [
    [one.id, ['two', 'three']], [subscribed.position, ['one', 'two', 'three']],
  ]) {
    const again = lines(since);
    const [head, ...messages] = (await again.some(1 + expected.length)).map(line => JSON.parse(line));
    assert.equal(head.recovered, true);
    assert.deepEqual(messages.map(it => it.data), expected);
    await again.kill();
  }
});

/** Cut between messages, and while messages are published. */
async function survives(topic, cutter, seen) {
  const all = [...seen()];
  const expect = async (...messages) => {
    all.push(...messages);
    await until(() => `${seen()} is ${all}`, () => seen().length >= all.length);
    assert.deepEqual(seen(), all);
  };
  await publish(topic, 'live', 'with\nlines');
  await expect('live', 'with\nlines');
  for (let round = 0; round < 2; round++) {
    cutter.cut();
    await publish(topic, `missed ${round}`, `also ${round}`);
    cutter.mend();
    await expect(`missed ${round}`, `also ${round}`);
  }
  await publish(topic, 'end');
  await expect('end');
}

test('httpx-sse of Python', BOUND, async () => {
  const cutter = new Cutter();
  const url = await cutter.url('/topics/python.events');
  const subscriber = new Lines('.venv/bin/python', 'follow_sse.py', url);
  try {
    await subscriber.some(1);
    const events = () => subscriber.all.map(line => JSON.parse(line));
    const seen = () => events().filter(([kind]) => kind === 'message').map(([, , data]) => data);
    cutter.cut(); // before the first message: the stream began with an id
    await publish('python.events', 'first');
    cutter.mend();
    await until(seen, () => seen().length > 0);
    assert.deepEqual(seen(), ['first']);
    await survives('python.events', cutter, seen);
    assert.deepEqual(events().filter(([kind]) => kind === 'gap'), []);
  } finally {
    await subscriber.kill();
    cutter.end();
  }
});

// It passes over an id without data, against the HTML standard: it can only resume from a message.
test('eventsource of Node', BOUND, async () => {
  const cutter = new Cutter();
  const source = new EventSource(await cutter.url('/topics/node.events'));
  const messages = [], gaps = [];
  source.addEventListener('message', event => messages.push(event.data));
  source.addEventListener('gap', event => gaps.push(event.data));
  try {
    await until(() => 'it is open', () => source.readyState === EventSource.OPEN);
    await survives('node.events', cutter, () => messages);
    assert.deepEqual(gaps, []);
  } finally {
    source.close();
    cutter.end();
  }
});

/** Publishes and waits for receipts; gives back how many subscribers there were, and what they said. */
async function receipt(topic) {
  const answer = await fetch(topics(`${topic}?receipt=10s`), { method: 'POST', body: 'x' });
  assert.equal(answer.status, 201);
  const { matched, written, confirmed, unsupported } = await answer.json();
  return { matched, written, confirmed, unsupported };
}
const all = count => ({ matched: count, written: count, confirmed: count, unsupported: 0 });
const sockets = (path, at = port) => `ws://127.0.0.1:${at}/topics/${path}`;

/** Files of the proxies between a client and the server, as their documentations say for WebSockets. */
const PROXIES = {
  nginx: (folder, own) => `
    daemon off; pid ${folder}/pid; error_log stderr crit;
    events {}
    http {
      access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
      fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server {
        listen 127.0.0.1:${own};
        location / {
          proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
        }
      }
    }`,
  haproxy: (_, own) => `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
listen proxy
  bind 127.0.0.1:${own}
  server wirebell 127.0.0.1:${port}
`,
};

class Proxy {
  constructor(name) {
    this.name = name;
    this.folder = mkdtempSync(join(tmpdir(), `wirebell-${name}-`));
  }

  async port() {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port: own } = listener.address();
    listener.close();
    const file = join(this.folder, 'conf');
    writeFileSync(file, PROXIES[this.name](this.folder, own));
    this.child = this.name === 'nginx' ? start('nginx', '-p', this.folder, '-c', file) : start('haproxy', '-db', '-f', file);
    return own;
  }

  async end() {
    const ended = once(this.child, 'close');
    this.child.kill('SIGTERM');
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

for (const name of Object.keys(PROXIES)) {
  test(`ws of Node confirms, also through ${name}`, BOUND, async () => {
    const proxy = new Proxy(name);
    const own = await proxy.port();
    const topic = `receipt.${name}`;
    const clients = [new WebSocket(sockets(topic))];
    await once(clients[0], 'open');
    for (const end = performance.now() + LIMIT; clients.length < 2;) {
      assert.ok(performance.now() < end, `${name} does not start`);
      const client = new WebSocket(sockets(topic, own));
      const opened = await new Promise(resolve => client.on('open', () => resolve(true)).on('error', () => resolve(false)));
      if (opened) clients.push(client);
      else await new Promise(resolve => setTimeout(resolve, 50));
    }
    assert.deepEqual(await receipt(topic), all(clients.length));
    const answers = await Promise.all(Array.from({ length: 50 }, () => receipt(topic)));
    answers.forEach(answer => assert.deepEqual(answer, all(clients.length)));
    clients.forEach(client => client.terminate());
    await proxy.end();
  });
}

test('websockets of Python confirms', BOUND, async () => {
  const client = new Lines('.venv/bin/python', 'follow_ws.py', sockets('receipt.python'));
  await client.some(1);
  assert.deepEqual(await receipt('receipt.python'), all(1));
  await client.some(2);
  await client.kill();
});

test('server-sent events cannot confirm', BOUND, async () => {
  const client = new Lines('curl', '-sSN', '-H', 'Accept: text/event-stream', topics('receipt.curl'));
  await client.some(1);
  assert.deepEqual(await receipt('receipt.curl'), { matched: 1, written: 1, confirmed: 0, unsupported: 1 });
  await client.kill();
});
