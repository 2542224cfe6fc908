// Clients that others wrote for gotify against `wirebell serve --gotify`. Start it with ./run.
//
// Everything that waits has a bound.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import * as package_ from 'gotify-client';

const { GotifyClient } = package_.default ?? package_;
const { WIREBELL, GOTIFY_CRATE } = process.env;
assert.ok(WIREBELL && GOTIFY_CRATE, 'start the test with ./run');

const LIMIT = 20_000; // milliseconds for everything that is waited for
const BOUND = { timeout: 120_000 }; // milliseconds for one test
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^WIREBELL_|_proxy$/i.test(name)),
);
const run = promisify(execFile);

const children = new Set();
process.on('exit', () => children.forEach(child => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** A command, and the lines that it prints. */
function start(command, ...args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: ENV });
  children.add(child);
  child.on('exit', () => children.delete(child));
  child.lines = [];
  createInterface({ input: child.stdout }).on('line', line => child.lines.push(line));
  return child;
}

async function until(what, holds) {
  const end = performance.now() + LIMIT;
  while (!holds()) {
    assert.ok(performance.now() < end, `not within ${LIMIT} ms: ${what()}`);
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

let server, url, password, login;

before(async () => {
  server = start(WIREBELL, 'serve', '--gotify', '--listen', '127.0.0.1:0', '--log', 'warn');
  const text = () => server.lines.join('\n');
  await until(text, () => /Stop:/.test(text()));
  url = text().match(/http:\/\/[0-9.:]+/)[0];
  password = text().match(/with the password (\S+)/)[1];
  login = 'Basic ' + Buffer.from(`admin:${password}`).toString('base64');
});

after(async () => {
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  assert.equal((await ended)[0], 0);
});

/** Makes an application or client; returns it. */
async function make(path, name) {
  const headers = { Authorization: login };
  const body = new URLSearchParams({ name });
  const answer = await fetch(url + path, { method: 'POST', headers, body });
  assert.equal(answer.status, 200);
  return answer.json();
}

async function curl(...args) {
  const { stdout } = await run('curl', ['-sS', '-m', '10', '-w', '\n%{http_code}', ...args], { env: ENV });
  const at = stdout.lastIndexOf('\n');
  return [Number(stdout.slice(at + 1)), stdout.slice(0, at)];
}

test('curl publishes in four ways', BOUND, async () => {
  const { token } = await make('/application', 'curl');
  const json = ['-H', 'Content-Type: application/json'];
  for (const args of [
    [`${url}/message?token=${token}`, '-F', 'message=m', '-F', 'priority=5'],
    [`${url}/message`, '-H', `X-Gotify-Key: ${token}`, ...json, '-d', '{"message":"m","priority":5}'],
    [`${url}//message`, '-H', `Authorization: Bearer ${token}`, '-d', 'message=m&priority=5'],
    ['-X', 'POST', `${url}/message?token=${token}&message=m&priority=5`],
  ]) {
    const [status, body] = await curl(...args);
    assert.equal(status, 200, body);
    const { message, title, priority } = JSON.parse(body);
    assert.deepEqual([message, title, priority], ['m', 'curl', 5]);
  }
  const [status, body] = await curl('-u', 'admin:wrong', `${url}/current/user`);
  assert.deepEqual([status, JSON.parse(body).errorCode], [401, 401]);
});

test('wscat follows a stream until its client is deleted', BOUND, async () => {
  const { token } = await make('/application', 'wscat');
  const client = await make('/client', 'wscat');
  const stream = `${url.replace('http', 'ws')}/stream`;
  const wscat = start('node', 'node_modules/wscat/bin/wscat', '-H', `Authorization:Bearer ${client.token}`, '-c', stream);
  const ended = once(wscat, 'exit');
  const has = text => wscat.lines.some(line => line.includes(text));
  let n = 0;
  while (!has('"m')) {
    await curl(`${url}/message?token=${token}`, '-d', `message=m${n++}`);
    assert.ok(n < 400, 'it arrives');
  }
  await curl(`${url}/message?token=${token}`, '-d', 'message=last');
  await curl('-X', 'DELETE', '-H', `X-Gotify-Key: ${client.token}`, `${url}/client/${client.id}`);
  await ended;
  assert.ok(has('"last"'), wscat.lines.join('\n'));
});

test('gotify-client of npm', BOUND, async () => {
  const [app, client] = [await make('/application', 'npm'), await make('/client', 'npm')];
  const gotify = new GotifyClient(url, { app: app.token, client: client.token });
  assert.equal((await gotify.health.getHealth()).health, 'green');
  const sent = await gotify.message.createMessage({ message: 'from npm', title: 't', priority: 2 });
  assert.equal(sent.appid, app.id);
  const page = await gotify.message.getMessages({ limit: 1 });
  assert.equal(page.messages[0].id, sent.id);
  await gotify.message.deleteMessage(sent.id);
  assert.ok((await gotify.application.getApps()).some(it => it.token === app.token));
  assert.ok((await gotify.client.getClients()).some(it => it.token === client.token));
});

test('clients of Python', BOUND, async () => {
  const { stdout } = await run('.venv/bin/python', ['clients.py', url, 'admin', password], { env: ENV });
  assert.match(stdout, /done\s*$/);
});

test('the crate gotify', BOUND, async () => {
  const [app, client] = [await make('/application', 'rust'), await make('/client', 'rust')];
  await run(GOTIFY_CRATE, [url, app.token, client.token], { env: ENV });
});
