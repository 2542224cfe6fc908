// The live page and its WebSocket over TLS, in a real browser that knows the certificate by its
// public key alone. Start it with ./run.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { X509Certificate, createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { WIREBELL, arrives, freePort, launch, reach, until } from './harness.mjs';

const BOUND = { timeout: 60_000 }; // milliseconds for one test

const folder = mkdtempSync(join(tmpdir(), 'wirebell-tls-'));
const [cert, key] = ['cert.pem', 'key.pem'].map(name => join(folder, name));
execFileSync(WIREBELL, ['certificate', '--output', folder], { timeout: 10_000 });
const ca = readFileSync(cert);
const spki = new X509Certificate(ca).publicKey.export({ type: 'spki', format: 'der' });
const pin = createHash('sha256').update(spki).digest('base64');

let child, base, port;

/** Sends a request; the status of the answer, or 0. */
const request = (path, method = 'GET', body = '') => new Promise(resolve => {
  const sent = https.request({ host: '127.0.0.1', port, path, method, ca, timeout: 5000 }, answer => {
    answer.resume().on('end', () => resolve(answer.statusCode));
  });
  sent.on('error', () => resolve(0)).end(body);
});

before(async () => {
  port = await freePort();
  base = `https://127.0.0.1:${port}`;
  const args = ['serve', '--listen', `127.0.0.1:${port}`, '--tls-cert', cert, '--tls-key', key];
  child = spawn(WIREBELL, args, { stdio: 'ignore' });
  await until('the server answers', async () => (await request('/healthz')) === 200);
}, BOUND);

after(async () => {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  rmSync(folder, { recursive: true });
}, BOUND);

/** Runs `body` with a page of a browser of its own. */
async function browse(args, body) {
  const browser = await launch(...args);
  try {
    await body(await browser.newPage());
  } finally {
    await browser.close();
  }
}

test('page and socket over TLS', BOUND, () =>
  browse([`--ignore-certificate-errors-spki-list=${pin}`], async page => {
    const sockets = [];
    page.on('websocket', socket => sockets.push(socket.url()));
    const answer = await page.goto(`${base}/topics/secure`);
    assert.equal(answer.status(), 200);
    assert.equal((await answer.securityDetails()).protocol, 'TLS 1.3');
    await reach(page, 'open');
    assert.equal(await request('/topics/secure', 'POST', 'over TLS'), 201);
    await arrives(page, 'over TLS');
    assert.ok(sockets.length > 0 && sockets.every(url => url.startsWith(`wss://127.0.0.1:${port}/`)));
  }));

test('a certificate that nobody has signed is refused', BOUND, () =>
  browse([], page => assert.rejects(page.goto(`${base}/`), /ERR_CERT_AUTHORITY_INVALID/)));
