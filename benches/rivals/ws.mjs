// An echo server made with `ws`, in the version that tests/peers pins and installs.
//
//   node ws.mjs [--listen ADDR:PORT] [--threads 1] [--deflate]
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(new URL('../../tests/peers/package.json', import.meta.url));
const { WebSocketServer } = require('ws');
const { version } = require('ws/package.json');

function fail(problem) {
  console.error(`ws: ${problem}`);
  console.error('usage: ws.mjs [--listen ADDR:PORT] [--threads 1] [--deflate]');
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        listen: { type: 'string', default: '127.0.0.1:0' },
        threads: { type: 'string', default: '1' },
        deflate: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail(error.message);
  }
}

const { listen, threads, deflate } = options();
const [, host, port] = /^\[?(.+?)\]?:(\d+)$/.exec(listen) ?? fail(`not ADDR:PORT: ${listen}`);
if (threads !== '1') fail('a process of Node.js has one thread');

const server = new WebSocketServer({
  host,
  port: Number(port),
  backlog: 4096,
  maxPayload: 64 << 20,
  perMessageDeflate: deflate,
});
// It switches TCP_NODELAY on by itself.
server.on('connection', ws => {
  ws.on('message', (data, binary) => ws.send(data, { binary }));
  ws.on('error', error => console.error(`ws: ${error.message}`));
});
server.on('error', error => {
  console.error(`ws: ${error.message}`);
  process.exit(1);
});
server.on('listening', () => {
  const { address, family, port } = server.address();
  const name = family === 'IPv6' ? `[${address}]` : address;
  process.stdout.write(`ws ${version} listens on ws://${name}:${port}/\n`);
});
