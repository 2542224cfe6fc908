// A client made with `ws`, for test_peers.py: sends messages of these sizes and expects each back.
//
//   client-ws.mjs URL AUTHORITIES DEFLATE SIZE...
//
// Prints what it saw as JSON; a failure is an exit status other than 0.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';

const [url, authorities, deflate, ...sizes] = process.argv.slice(2);
const ca = readFileSync(authorities);
const ws = new WebSocket(url, { ca, perMessageDeflate: deflate === 'on' });
await once(ws, 'open');
for (const size of sizes) {
  const sent = Buffer.alloc(Number(size), 'Zażółć');
  const answer = once(ws, 'message');
  const half = sent.length >> 1; // in two frames, with a Ping in between
  ws.send(sent.subarray(0, half), { fin: false, binary: true });
  const pong = once(ws, 'pong');
  ws.ping('between');
  ws.send(sent.subarray(half), { fin: true, binary: true });
  const [[data, isBinary], [payload]] = await Promise.all([answer, pong]);
  assert.ok(isBinary && data.equals(sent), `${size} bytes come back`);
  assert.equal(String(payload), 'between');
}
const socket = ws._socket;
const seen = { version: socket.getProtocol(), extensions: ws.extensions };
const ended = once(socket, 'end'); // close_notify or the end of the stream, and no reset
ws.close(1000, 'done');
const [code] = await once(ws, 'close');
await ended;
process.stdout.write(JSON.stringify({ ...seen, code }));
