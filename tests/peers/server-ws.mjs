// A server made with `ws`, for peers.test.mjs: the path of the URL says what it does, see there.
//
// With the files of a certificate and its key as arguments, it speaks TLS. The first line on stdout
// has the port. Then follows one line for every connection that has
// ended, with what this side saw of it. The end of stdin ends the server.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import { WebSocketServer } from 'ws';

const print = value => process.stdout.write(`${JSON.stringify(value)}\n`);
const sleep = (ms, then) => setTimeout(then, ms).unref();

const pairs = list => list.flatMap((name, i) => (i % 2 ? [] : [[name.toLowerCase(), list[i + 1]]]));

/** What happens to the handshake; calls `answer` unless there is to be no answer. */
function verifyClient({ req }, answer) {
  const url = new URL(req.url, 'ws://localhost');
  const status = Number(url.searchParams.get('status'));
  const record = {
    id: url.searchParams.get('id'), headers: pairs(req.rawHeaders), extensions: '', protocol: '',
    messages: [], sha256: '', wire: 0, pings: 0, pongs: [], close: 1006,
  };
  const hash = createHash('sha256');
  const report = () => {
    print({ ...record, sha256: hash.digest('hex'), wire: req.socket.bytesRead });
  };
  Object.assign(req, { url, record, hash, report });
  req.socket.on('close', () => { if (!req.opened) report(); });
  if (url.pathname === '/silent') { // nobody else reads it, so nobody else sees its end
    req.socket.resume().on('end', () => req.socket.destroy());
    return;
  }
  if (url.pathname === '/hangup') {
    req.socket.destroy();
    return;
  }
  if (url.pathname !== '/refuse') return answer(true);
  const location = url.searchParams.get('location');
  answer(false, status, 'refused', location ? { Location: location } : {});
}

/** The last one that is offered, unless the URL has another idea. */
const handleProtocols = (offered, { url }) =>
  url.searchParams.get('protocol') ?? [...offered].at(-1);

const ACTIONS = {
  echo() {},
  late() {},
  close: (ws, query) => ws.close(Number(query.get('code')), query.get('reason') ?? ''),
  destroy: ws => ws.terminate(),
  burst(ws, query) {
    for (let i = 0; i < Number(query.get('n')); i++) ws.send(`message ${i}`);
    ws.close(1000);
  },
  tick(ws) {
    let n = 0;
    const timer = setInterval(() => ws.send(`tick ${n++}`), 20);
    ws.on('close', () => clearInterval(timer));
  },
  ping(ws) {
    ws.on('pong', data => {
      ws.send(`pong ${data}`);
      ws.close(1000);
    });
    ws.ping('are you there?');
  },
  pings(ws, query) {
    let left = Number(query.get('n'));
    ws.on('ping', () => { if (--left === 0) ws.close(1000); });
  },
  fragments(ws, query) {
    const bytes = Buffer.from(query.get('text'));
    for (let i = 0; i < bytes.length; i++) {
      ws.send(bytes.subarray(i, i + 1), { binary: false, fin: false });
      if (i % 3 === 0) ws.ping(`${i}`);
    }
    ws.send('', { binary: false, fin: true });
    ws.close(1000);
  },
  raw(ws, query, socket) {
    socket.write(Buffer.from(query.get('hex'), 'hex'));
    if (query.has('end')) socket.destroySoon();
  },
};

const [cert, key] = process.argv.slice(2).map(path => readFileSync(path));
const listener = cert ? https.createServer({ cert, key }) : http.createServer();
const server = new WebSocketServer({
  server: listener, verifyClient, handleProtocols, perMessageDeflate: { threshold: 0 },
});
server.on('headers', (lines, { record }) => {
  const line = lines.find(l => l.startsWith('Sec-WebSocket-Extensions: '));
  record.extensions = line?.slice(line.indexOf(' ') + 1) ?? '';
});
server.on('connection', (ws, req) => {
  const { url, record, hash } = req;
  const action = url.pathname.slice(1);
  record.protocol = ws.protocol;
  req.opened = true; // messages may still be inflated when the socket has closed
  ws.on('message', (data, binary) => {
    record.messages.push([binary ? 'binary' : 'text', data.length]);
    hash.update(data);
    if (action === 'echo') ws.send(data, { binary });
    if (action === 'late') sleep(300, () => ws.send(data, { binary }));
  });
  ws.on('ping', () => { record.pings++; });
  ws.on('pong', data => record.pongs.push(String(data)));
  ws.on('close', code => {
    record.close = code;
    req.report();
  });
  ws.on('error', () => {}); // a connection that breaks is what some tests are about
  ACTIONS[action](ws, url.searchParams, req.socket);
});
listener.listen(0, '127.0.0.1', () => print({ port: listener.address().port }));
process.stdin.resume().on('end', () => process.exit(0));
