// `wirebell connect` against servers that others wrote. Start it with ./run.
//
// Each server runs in a process of its own, once in clear and once over TLS, and does what the path
// of the URL says:
//
//   /echo, /late              sends each message back, /late 300 ms later
//   /close?code&reason        closes at once
//   /burst?n, /tick           sends n messages and closes 1000; sends one every 20 ms
//   /ping, /pings?n           pings, sends what the pong had, closes; closes at the n-th ping
//   /fragments?text           sends the text in fragments of one byte, with pings in between
//   /raw?hex&end              writes these bytes beside the library; `end`: and then hangs up
//   /destroy                  hangs up without a Close
//   /refuse?status&location, /silent, /hangup    instead of the handshake
//
// With `protocol` in the query, the server selects that subprotocol, whatever was offered. When a
// connection with an `id` has ended, the server prints a record of it. Everything that waits has
// a bound.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const { WIREBELL } = process.env;
assert.ok(WIREBELL, 'set WIREBELL, or start the test with ./run');

const HERE = dirname(fileURLToPath(import.meta.url));
const RUN_LIMIT = 20_000; // milliseconds for one run of the command
const LIMIT = 10_000; // milliseconds for everything else
const BOUND = { timeout: 60_000 }; // milliseconds for one test

const children = new Set();
process.on('exit', () => children.forEach(child => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

function start(command, args, stderr) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', stderr] });
  children.add(child);
  child.on('exit', () => children.delete(child));
  child.stdin.on('error', () => {}); // the child may end before it has read everything
  return child;
}

/** Waits for a promise; when that takes too long, `why` makes the message. */
async function within(ms, promise, why) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${why()}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The certificate of the servers that speak TLS. */
const SECRETS = mkdtempSync(join(tmpdir(), 'wirebell-peers-'));
after(() => rmSync(SECRETS, { recursive: true }));
const [CERTIFICATE, KEY] = ['cert.pem', 'key.pem'].map(name => join(SECRETS, name));
execFileSync(WIREBELL, ['certificate', '--output', SECRETS], { timeout: LIMIT });

/** A server of another library. */
class Peer {
  constructor(name, ...command) {
    this.name = name;
    this.command = command;
    this.records = new Map();
    this.scheme = 'ws';
    this.trust = [];
  }

  /** The same over TLS. */
  secured() {
    const peer = new Peer(`${this.name} over TLS`, ...this.command, CERTIFICATE, KEY);
    return Object.assign(peer, { scheme: 'wss', trust: ['--ca-file', CERTIFICATE] });
  }

  /** What the server saw of a connection, a promise. */
  record(id) {
    if (!this.records.has(id)) {
      let resolve;
      const record = new Promise(r => { resolve = r; });
      this.records.set(id, Object.assign(record, { resolve }));
    }
    return this.records.get(id);
  }

  async start() {
    const [command, ...args] = this.command;
    this.child = start(command, args, 'inherit');
    const port = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('exit', code => reject(new Error(`the server has ended: ${code}`)));
      createInterface({ input: this.child.stdout }).on('line', line => {
        const value = JSON.parse(line);
        if (value.port) resolve(value.port);
        else this.record(value.id).resolve(value);
      });
    });
    this.port = await within(LIMIT, port, () => 'the server prints its port');
  }

  async stop() {
    if (!this.child || !children.has(this.child)) return;
    const ended = once(this.child, 'exit');
    this.child.stdin.end();
    try {
      await within(LIMIT, ended, () => 'the server ends');
    } finally {
      this.child.kill('SIGKILL');
    }
  }
}

/**
 * Runs `wirebell connect`. Stdin ends after `input`; with `hold` it first waits until that many
 * bytes have come on stdout, and `Infinity` leaves it open.
 */
async function connect(args, { input = '', hold = 0 } = {}) {
  const child = start(WIREBELL, ['connect', ...args], 'pipe');
  const out = [];
  let came = 0, stderr = '';
  const holding = () => { if (came >= hold) child.stdin.end(); };
  child.stdout.on('data', chunk => {
    out.push(chunk);
    came += chunk.length;
    holding();
  });
  child.stderr.on('data', chunk => { stderr += chunk; });
  const began = performance.now();
  const ended = once(child, 'close');
  child.stdin.write(input);
  holding();
  try {
    const seen = () => `${args.join(' ')} ends, with ${came} bytes on stdout; ${stderr}`;
    const [status] = await within(RUN_LIMIT, ended, seen);
    return { status, stdout: Buffer.concat(out), stderr, ms: performance.now() - began };
  } finally {
    child.kill('SIGKILL');
  }
}

// Inputs.
const lines = list => list.map(line => `${line}\n`).join('');
const count = (n, word) => Array.from({ length: n }, (_, i) => `${word} ${i}`);
const SOME = ['plain', '', 'Zażółć gęślą jaźń', '你好 🔔', '  spaces  and\ttab ', '', '"quoted\\"'];
const BYTES = ['00', 'deadbeef', '', 'c3280aff', '81'.repeat(70_000)];
const MIB = randomBytes(1 << 19).toString('hex');
const RAW = randomBytes(3 << 20);
// The repetition is further away than a window of 12 bits reaches, and nearer than one of 15.
const FAR = randomBytes(3000).toString('hex');
const COMPRESSIBLE = [
  FAR.repeat(4),
  ...Array.from({ length: 60 }, (_, n) => JSON.stringify(Array.from(
    { length: 100 + n }, (_, i) => ({ id: i * 7919 % 1009, user: `user${i % 31}`, round: n })))),
];

// Checks of a record.
const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');
const closed = code => record => assert.equal(record.close, code);
const field = (record, name) => record.headers.filter(h => h[0] === name).map(h => h[1]);

function received(kind, list) {
  const payloads = list.map(item => Buffer.from(item, kind === 'text' ? 'utf8' : 'hex'));
  return record => {
    assert.deepEqual(record.messages, payloads.map(payload => [kind, payload.length]));
    assert.equal(record.sha256, sha256(Buffer.concat(payloads)));
    closed(1000)(record);
  };
}

function compressed(mode) {
  const size = Buffer.byteLength(COMPRESSIBLE.join(''));
  return record => {
    received('text', COMPRESSIBLE)(record);
    const offered = field(record, 'sec-websocket-extensions').join();
    if (mode === 'off') {
      assert.deepEqual([offered, record.extensions], ['', '']);
      assert.ok(record.wire > size, `${record.wire} bytes for ${size}`);
      return;
    }
    assert.match(offered, /^permessage-deflate\b/);
    assert.match(record.extensions, /^permessage-deflate\b/);
    for (const name of ['server_no_context_takeover', 'client_no_context_takeover'])
      assert.equal(record.extensions.includes(name), mode === 'on', record.extensions);
    assert.ok(record.wire < size / 3, `${record.wire} bytes for ${size}`);
  };
}

/**
 * Each row: name, path, arguments, and what is expected: `out` on stdout, the exit `status`, a
 * pattern for `stderr`, checks of the server's record in `seen`. Stdin has `input`, and ends
 * after as many bytes came as `out` has: a server need not answer what precedes a Close. `hold`
 * overrides that.
 */
const echo = (name, list, args = []) => ({
  name, path: '/echo', args, input: lines(list), out: lines(list), seen: received('text', list),
});

const MESSAGES = [
  echo('text comes back, also non-ASCII and empty lines', SOME),
  echo('1000 lines come back in order', count(1000, 'line')),
  echo('a line of 1 MiB', [MIB]),
  echo('a line of 1 MiB, not compressed', [MIB], ['--deflate', 'off']),
  {
    name: 'binary messages as lines of hex', path: '/echo', args: ['--binary', 'hex'],
    input: lines(BYTES), out: lines(BYTES), seen: received('binary', BYTES),
  },
  {
    name: 'hex is read in both cases and printed in lower case',
    path: '/echo', args: ['--binary', 'hex'], input: 'DEADbeef\n', out: 'deadbeef\n',
    seen: received('binary', ['deadbeef']),
  },
  {
    name: '3 MiB of raw bytes', path: '/echo', args: ['--binary', 'raw'], input: RAW, out: RAW,
    seen(record) {
      assert.ok(record.messages.every(([kind]) => kind === 'binary'));
      assert.equal(record.sha256, sha256(RAW));
      closed(1000)(record);
    },
  },
  ...['on', 'takeover', 'off'].map(mode => ({
    ...echo(`--deflate ${mode}: agreed on as wanted, and nothing is lost`, COMPRESSIBLE),
    args: ['--deflate', mode], seen: compressed(mode),
  })),
  {
    name: 'a fragmented message with pings in between',
    path: '/fragments?text=Za%C5%BC%F0%9F%94%94',
    out: 'Zaż🔔\n', hold: Infinity,
    seen: record => assert.deepEqual(record.pongs, ['0', '3', '6']),
  },
  {
    name: '100 messages and a Close while stdin is open', path: '/burst?n=100',
    out: lines(count(100, 'message')), hold: Infinity, seen: closed(1000),
  },
];

const OPTIONS = [
  {
    name: '--wait: what comes after the end of stdin', path: '/late', args: ['--wait', '2s'],
    input: 'late\n', out: 'late\n', hold: 0, seen: received('text', ['late']),
  },
  {
    name: '--wait and --max-messages: the last line needs no end', path: '/late',
    args: ['--wait', '15s', '--max-messages', '2'], input: 'one\ntwo', out: 'one\ntwo\n', hold: 0,
    seen: received('text', ['one', 'two']),
  },
  {
    name: '--max-messages: no more than that is printed', path: '/tick',
    args: ['--max-messages', '5'], out: lines(count(5, 'tick')), hold: Infinity,
    seen: closed(1000),
  },
  {
    name: '--no-input: stdin is not read', path: '/burst?n=3', args: ['--no-input'],
    input: 'not sent\n', out: lines(count(3, 'message')), hold: 0,
    seen: record => assert.deepEqual(record.messages, []),
  },
  {
    name: 'a ping of the server is answered', path: '/ping', out: 'pong are you there?\n',
    hold: Infinity, seen: record => assert.deepEqual(record.pongs, ['are you there?']),
  },
  {
    name: '--ping: the server answers', path: '/pings?n=3', args: ['--ping', '1'], hold: Infinity,
    seen(record) {
      assert.equal(record.pings, 3);
      closed(1000)(record);
    },
  },
  {
    name: '--subprotocol: the server selects', path: '/echo',
    args: ['--subprotocol', 'v1.chat', '--subprotocol', 'v2.chat'],
    seen(record) {
      const offered = field(record, 'sec-websocket-protocol').join();
      assert.equal(offered.replaceAll(' ', ''), 'v1.chat,v2.chat');
      assert.equal(record.protocol, 'v2.chat');
    },
  },
  {
    name: 'fields of the request', path: '/echo',
    args: ['-H', 'X-One: 1', '-H', 'X-Two: a: b, c', '-H', 'X-One: 2', '--origin',
      'https://example.test', '--auth', 'user:pa:ss'],
    seen(record, peer) {
      assert.deepEqual(field(record, 'x-one'), ['1', '2']);
      assert.deepEqual(field(record, 'x-two'), ['a: b, c']);
      assert.deepEqual(field(record, 'host'), [`127.0.0.1:${peer.port}`]);
      assert.deepEqual(field(record, 'origin'), ['https://example.test']);
      const basic = Buffer.from('user:pa:ss').toString('base64');
      assert.deepEqual(field(record, 'authorization'), [`Basic ${basic}`]);
    },
  },
  {
    name: '--token; without --origin there is none', path: '/echo', args: ['--token', 'abc.123'],
    seen(record) {
      assert.deepEqual(field(record, 'authorization'), ['Bearer abc.123']);
      assert.deepEqual(field(record, 'origin'), []);
    },
  },
];

const ENDS = [
  { name: 'the server closes with 1000', path: '/close?code=1000', status: 0, seen: closed(1000) },
  { name: 'the server closes with 1001', path: '/close?code=1001', status: 0 },
  { name: 'the server closes without a code', path: '/raw?hex=8800', status: 0 },
  {
    name: 'the server closes with 1011 and a reason', path: '/close?code=1011&reason=out+of+tea',
    status: 1, stderr: /1011.*out of tea/, seen: closed(1011),
  },
  {
    name: 'the server closes with a code of its own', path: '/close?code=4321&reason=caf%C3%A9',
    status: 1, stderr: /4321.*café/, seen: closed(4321),
  },
  { name: 'the server hangs up', path: '/destroy', status: 1, seen: closed(1006) },
  { name: 'the server hangs up inside of a frame', path: '/raw?hex=81054865&end=1', status: 1 },
  { name: 'the server hangs up inside of the handshake', path: '/hangup', status: 1 },
  { name: 'no answer', path: '/silent', args: ['--timeout', '1s'], status: 4, from: 900 },
  { name: 'the answer is 401', path: '/refuse?status=401', status: 3, stderr: /401/ },
  { name: 'the answer is 503', path: '/refuse?status=503', status: 3, stderr: /503/ },
  { name: 'the answer is 200', path: '/refuse?status=200', status: 3, stderr: /200/ },
  {
    name: 'the answer is 302, which is not followed', path: '/refuse?status=302&location=/echo',
    status: 3, stderr: /302/,
  },
  {
    name: 'a subprotocol that was not offered', path: '/echo?protocol=other', status: 1,
    args: ['--subprotocol', 'v1.chat'], stderr: /protocol/i,
  },
];

/** Broken frames: name, bytes, the code of the command's Close, what it prints. */
const BROKEN = [
  ['a masked frame', '818537fa213d7f9f4d5158', 1002, /server frame with mask/],
  ['a reserved opcode', '8300', 1002, /reserved opcode/],
  ['a reserved bit', 'c10161', 1002, /reserved bit/],
  ['another protocol', Buffer.from('HTTP/1.1 400 Bad Request').toString('hex'), 1002, /reserved/],
  ['text that is not UTF-8', '8102c328', 1007, /text is not UTF-8/],
  ['a continuation of nothing', '800161', 1002, /continuation without a message/],
  ['a message inside of another', '010161810162', 1002, /new message inside a fragmented/],
  ['a ping in fragments', '0900', 1002, /fragmented control frame/],
  ['a ping of 126 bytes', `897e007e${'00'.repeat(126)}`, 1002, /control frame over 125/],
  ['a length that is not the shortest', '817e000161', 1002, /not in its shortest form/],
  ['a Close with 1005', '880203ed', 1002, /close code that may not be sent/],
  ['a Close of one byte', '880103', 1002, /close body of one byte/],
];
const brokenRow = ([name, bytes, code, stderr]) => ({
  name: `broken: ${name}`, path: `/raw?hex=${bytes}`, stderr, status: 1,
  args: ['--deflate', 'off'], seen: closed(code),
});

let connections = 0;

async function check(peer, row) {
  const { path, args = [], input, out = '', status = 0, stderr, seen, from = 0 } = row;
  const expected = Buffer.from(out);
  const id = String(++connections);
  const query = `${path.includes('?') ? '&' : '?'}id=${id}`;
  const url = `${peer.scheme}://127.0.0.1:${peer.port}${path}${query}`;
  const hold = row.hold ?? expected.length;
  const result = await connect([...peer.trust, ...args, url], { input, hold });
  const { stdout } = result;
  const start = Buffer.from(stdout.subarray(0, 200)).toString();
  assert.equal(result.status, status, `exit status; stderr: ${result.stderr}`);
  assert.ok(stdout.equals(expected), `${stdout.length} bytes, not ${expected.length}: ${start}`);
  if (status === 0) assert.equal(result.stderr, '');
  else assert.match(result.stderr, /^[^\n]+\n$/, 'one line on stderr');
  if (stderr) assert.match(result.stderr, stderr);
  assert.ok(result.ms >= from, `after ${result.ms} ms`);
  const record = await within(LIMIT, peer.record(id), () => 'the server has a record');
  await seen?.(record, peer);
}

const NODE = new Peer('ws', process.execPath, join(HERE, 'server-ws.mjs'));
const PYTHON = new Peer(
  'websockets', join(HERE, '.venv/bin/python'), join(HERE, 'server_websockets.py'));

for (const peer of [NODE, PYTHON, NODE.secured(), PYTHON.secured()]) {
  describe(peer.name, () => {
    before(() => peer.start());
    after(() => peer.stop());
    const rows = [...MESSAGES, ...OPTIONS];
    // What the server does must end these, and not the end of stdin.
    for (const row of [...ENDS, ...BROKEN.map(brokenRow)]) rows.push({ ...row, hold: Infinity });
    // Only `ws` answers all that precedes a Close; `websockets` drops what it has not read.
    if (peer.name.startsWith('ws')) {
      const row = echo('1000 lines come back when stdin ends at once', count(1000, 'piped'));
      rows.push({ ...row, hold: 0 });
    }
    for (const row of rows) test(row.name, BOUND, () => check(peer, row));
  });
}

test('nobody listens', BOUND, async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  const result = await connect([`ws://127.0.0.1:${port}/`], { hold: Infinity });
  assert.equal(result.status, 3, result.stderr);
  assert.match(result.stderr, /^[^\n]+\n$/);
});

test('wrong usage', BOUND, async () => {
  const result = await connect([]);
  assert.equal(result.status, 2, result.stderr);
});
