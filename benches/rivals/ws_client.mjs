// The client of `ws`, in the version that tests/peers pins, in the loop of a client under test: see
// `wirebell verify --help`.
//
//   node ws_client.mjs ws://HOST:PORT
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../tests/peers/package.json', import.meta.url));
const WebSocket = require('ws');
const { version } = require('ws/package.json');

const server = process.argv[2];
if (!server) {
  console.error('usage: ws_client.mjs ws://HOST:PORT');
  process.exit(2);
}
const agent = `ws-${version}`;

// Resolves with the messages when the connection is over, however it ended.
function talk(path, answer) {
  return new Promise(done => {
    const messages = [];
    const ws = new WebSocket(server + path, { maxPayload: 64 << 20 });
    ws.on('message', (data, binary) => {
      messages.push(data.toString());
      if (answer) ws.send(data, { binary });
    });
    ws.on('error', () => {});
    ws.on('close', () => done(messages));
  });
}

const [count] = await talk('/getCaseCount', false);
for (let number = 1; number <= Number(count); number++) {
  await talk(`/runCase?case=${number}&agent=${agent}`, true);
}
await talk(`/updateReports?agent=${agent}`, false);
