// What the browser tests share: a server, a browser, and pages in it. Everything that waits has a
// bound.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';

export const { WIREBELL, CHROMIUM } = process.env;
assert.ok(WIREBELL && CHROMIUM, 'set WIREBELL and CHROMIUM, or start the test with ./run');

const BOUND = { timeout: 60_000 }; // milliseconds for one test

/** Waits until `probe` gives a true value, and gives it back. */
export async function until(what, probe, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) assert.fail(`${what}: not within ${ms} ms`);
    await sleep(25);
  }
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const free = probe.address().port;
  probe.close();
  await once(probe, 'close');
  return free;
}

// Servers.
const children = new Set();
const running = child => child.pid !== undefined && child.exitCode === null && child.signalCode === null;
process.on('exit', () => { for (const child of children) if (running(child)) child.kill('SIGKILL'); });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Starts a server and waits until it answers; `said` is the end of what it has printed. */
export async function serve(port, ...args) {
  const child = spawn(WIREBELL, ['serve', '--listen', `127.0.0.1:${port}`, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '', problem;
  const keep = chunk => { output = (output + chunk).slice(-4000); };
  child.said = () => output;
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', error => { problem = error; });
  await until('the server answers', async () => {
    if (problem) throw problem;
    assert.ok(running(child), `the server has ended (${child.exitCode ?? child.signalCode}):\n${output}`);
    try {
      return (await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(1000) })).ok;
    } catch {
      return false;
    }
  });
  return child;
}

/** Ends a server. */
export async function end(child, signal) {
  if (!child || !running(child)) return;
  child.kill(signal);
  try {
    await until(`the server ends after ${signal}`, () => !running(child), 15_000);
  } finally {
    if (running(child)) child.kill('SIGKILL');
    children.delete(child);
  }
}

/** The server of all tests of a file, which some of them stop and start again. */
export let port, base;
let server;
export const startServer = async () => { server = await serve(port); };
export const stopServer = signal => end(server, signal);

/** Forwards connections to a port, until they are cut. */
export async function relay(to) {
  const sockets = new Set();
  let isOpen = true;
  const listener = createServer(near => {
    if (!isOpen) return near.destroy();
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('close', () => { sockets.delete(one); other.destroy(); });
      one.pipe(other);
    }
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    base: `http://127.0.0.1:${listener.address().port}`,
    cut() { isOpen = false; for (const socket of sockets) socket.destroy(); },
    mend() { isOpen = true; },
    close() { this.cut(); listener.close(); },
  };
}

// The browser.
let browser, users = 0;

/** Starts a browser, with a profile directory of its own. */
export const launch = (...args) => chromium.launch({
  executablePath: CHROMIUM,
  headless: true,
  timeout: 30_000,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', ...args,
  ],
});

before(async () => {
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  await startServer();
  browser = await launch();
}, { timeout: 60_000 });

after(async () => {
  try {
    await browser?.close();
  } finally {
    await stopServer('SIGKILL');
  }
}, { timeout: 30_000 });

/**
 * Runs `body` with a fresh page of a fresh context and a name of its own, of a user or a topic.
 * `page.seen` holds what went wrong and where it went.
 */
async function withPage(body, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  page.seen = { errors: [], addresses: [] };
  page.on('console', m => { if (m.type() === 'error' || m.type() === 'warning') page.seen.errors.push(m.text()); });
  page.on('pageerror', error => page.seen.errors.push(String(error)));
  page.on('request', request => page.seen.addresses.push(request.url()));
  page.on('websocket', socket => page.seen.addresses.push(socket.url()));
  try {
    await body(page, `user-${++users}`);
  } finally {
    await context.close();
  }
}

export const live = (name, body, options) => test(name, BOUND, async () => {
  if (!running(server)) await startServer(); // a failed test may have left none
  await withPage(body, options);
});
export const state = page => page.getAttribute('#state', 'data-state');
export const reach = (page, wanted, ms) => until(`state ${wanted}`, async () => (await state(page)) === wanted, ms);
export const newest = page => page.evaluate(() => document.querySelector('#log li .text')?.textContent);
export const arrives = (page, message) => until('the message arrives', async () => (await newest(page)) === message);
export const texts = page => page.evaluate(() => Array.from(document.querySelectorAll('#log .text'), e => e.textContent));
export const fits = page => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);

/** Every visible control has a name, the keyboard reaches it, and its focus shows. */
export async function checkControls(page) {
  const { unnamed, all } = await page.evaluate(() => {
    const all = [...document.querySelectorAll('input, textarea, select, button')].filter(e => e.checkVisibility());
    const isNamed = e => e.labels?.length || e.ariaLabel || e.textContent.trim();
    return { unnamed: all.filter(e => !isNamed(e)).map(e => e.id), all: all.map(e => e.id) };
  });
  assert.deepEqual(unnamed, []);
  const reached = new Set();
  for (let i = 0; i < all.length + 8; i++) {
    await page.keyboard.press('Tab');
    const { id, outline } = await page.evaluate(() => {
      const e = document.activeElement;
      return { id: e.id, outline: e === document.body ? '' : getComputedStyle(e).outlineStyle };
    });
    assert.notEqual(outline, 'none', `the focus of ${id} is seen`);
    reached.add(id);
  }
  assert.deepEqual(all.filter(id => !reached.has(id)), []);
}
