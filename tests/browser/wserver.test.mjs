// The live page in the wserver dialect, and the WebSockets of a real server, in a real browser.
// Start it with ./run.
//
// One server and one browser serve all tests, in order: the later ones stop and restart the
// server on the same port.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  WIREBELL, arrives, base, checkControls, fits, freePort, live, newest, port, reach, startServer, state, stopServer, texts,
  until,
} from './harness.mjs';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
  + "connect-src 'self' ws: wss:; img-src data:";

async function push(userId, event, message) {
  const answer = await fetch(`${base}/push`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ userId, event, message }),
    signal: AbortSignal.timeout(10_000),
  });
  return `${answer.status} ${await answer.text()}`.trim();
}

/** Pushes until it reaches one client, so exactly once: a registration is never confirmed. */
const pushToOne = (userId, event, message) => until(`one client has ${event}`, async () => {
  const answer = await push(userId, event, message);
  if (answer === '200 message sent to 0 clients') return false;
  assert.equal(answer, '200 message sent to 1 clients');
  return true;
});
const nobodyHas = (userId, event) =>
  until(`no client has ${event}`, async () => (await push(userId, event, 'nobody')) === '200 message sent to 0 clients');

async function open(page, token, events = 'orders') {
  await page.goto(`${base}/?${new URLSearchParams({ token, event: events })}`);
  await reach(page, 'open');
}

live('the page opens, clean, and talks to its own server only', async page => {
  const answer = await page.goto(`${base}/#wserver`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-type'], /^text\/html/);
  await reach(page, 'open');
  assert.equal(await page.textContent('#label'), 'Live');
  await page.waitForLoadState('networkidle');
  assert.deepEqual(page.seen.errors, []);
  const outside = page.seen.addresses.filter(a => !a.startsWith('data:') && new URL(a).host !== `127.0.0.1:${port}`);
  assert.deepEqual(outside, []);
  assert.ok(page.seen.addresses.includes(`ws://127.0.0.1:${port}/ws`));
});

live('the page works under a strict content security policy', async (page, user) => {
  await page.route(`${base}/*`, async route => {
    if (route.request().resourceType() !== 'document') return route.continue();
    const response = await route.fetch();
    await route.fulfill({ response, headers: { ...response.headers(), 'content-security-policy': POLICY } });
  });
  await open(page, user);
  await pushToOne(user, 'orders', 'under a policy');
  await arrives(page, 'under a policy');
  await page.click('#push');
  await until('an answer', () => page.textContent('#answer'));
  assert.equal(await page.textContent('#answer'), '200 message sent to 1 clients');
  assert.deepEqual(page.seen.errors, []);
}, { permissions: ['local-network-access'] }); // a page that the test hands in counts as a foreign one

live('every control has a name, and the keyboard reaches it', async (page, user) => {
  await open(page, user);
  await checkControls(page);
});

live('a phone needs no sideways scrolling', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'x'.repeat(2000));
  await until('the message arrives', () => newest(page));
  assert.ok(await fits(page));
}, { viewport: { width: 320, height: 640 } });

live('a push by HTTP arrives', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'from Node');
  await arrives(page, 'from Node');
  assert.equal(await push(user, 'others', 'not for this page'), '200 message sent to 0 clients');
  assert.equal(await push('bob', 'orders', 'not for this user'), '200 message sent to 0 clients');
  assert.equal(await push(user, 'orders', 'the last'), '200 message sent to 1 clients');
  await arrives(page, 'the last');
  assert.deepEqual(await texts(page), ['the last', 'from Node']);
  assert.match(await page.textContent('#log li:first-child time'), /^\d\d:\d\d:\d\d\.\d{3}$/);
  assert.equal(await page.textContent('#count'), '2 received');
});

live('a push by the form arrives and shows the answer', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'ready');
  assert.equal(await page.inputValue('#push-user'), user);
  assert.equal(await page.inputValue('#push-event'), 'orders');
  await page.fill('#push-message', 'from the form');
  await page.click('#push');
  await arrives(page, 'from the form');
  await until('the answer', async () => (await page.textContent('#answer')) === '200 message sent to 1 clients');
  assert.equal(await page.getAttribute('#answer', 'data-ok'), 'true');
  await page.fill('#push-message', 'by the keyboard');
  await page.press('#push-message', 'Control+Enter');
  await arrives(page, 'by the keyboard');
  await page.fill('#push-event', 'nobody-listens');
  await page.click('#push');
  await until('the answer', async () => (await page.textContent('#answer')) === '200 message sent to 0 clients');
});

live('two events on one connection', async (page, user) => {
  await open(page, user, 'orders,news');
  await pushToOne(user, 'orders', 'an order');
  await pushToOne(user, 'news', 'some news');
  await arrives(page, 'some news');
  assert.deepEqual(await texts(page), ['some news', 'an order']);
  assert.equal(page.seen.addresses.filter(a => a.startsWith('ws:')).length, 1);
});

live('a new registration takes effect and is remembered', async (page, user) => {
  const other = `${user} & Zoë`;
  await open(page, user);
  await pushToOne(user, 'orders', 'first');
  await arrives(page, 'first');
  await page.fill('#token', other);
  await page.fill('#events', ' a b , news,, news ');
  await page.click('#register');
  await pushToOne(other, 'a b', 'second');
  await pushToOne(other, 'news', 'third');
  await arrives(page, 'third');
  await nobodyHas(user, 'orders');
  await page.goto('about:blank');
  await nobodyHas(other, 'news');
  await page.goto(`${base}/#wserver`);
  await reach(page, 'open');
  assert.equal(await page.inputValue('#token'), other);
  await pushToOne(other, 'news', 'fourth');
  await arrives(page, 'fourth');
  await page.goto(`${base}/?token=${user}&event=a&event=b`);
  await reach(page, 'open');
  assert.equal(await page.inputValue('#events'), 'a,b');
  await pushToOne(user, 'b', 'preset');
  await arrives(page, 'preset');
});

live('markup in a message is text', async (page, user) => {
  const message = '<img src=x onerror="document.title=\'broken\'"><b>bold</b><script>document.title="broken"</script>&amp;';
  await open(page, user);
  await pushToOne(user, 'orders', message);
  await arrives(page, message);
  assert.equal(await page.locator('#log img, #log b, #log script').count(), 0);
  assert.equal(await page.title(), 'Wirebell');
  assert.deepEqual(page.seen.errors, []);
});

live('a large message with non-ASCII text arrives whole', async (page, user) => {
  const message = 'Zażółć gęślą jaźń — 你好 — 🔔\n'.repeat(12_000);
  assert.ok(Buffer.byteLength(message) > 500_000 && Buffer.byteLength(message) < 1_000_000);
  await open(page, user);
  await pushToOne(user, 'orders', message);
  await until('the message arrives', () => newest(page));
  assert.ok((await newest(page)) === message, 'the text differs');
  assert.match(await page.textContent('#log li .meta'), /KiB$/);
});

live('the log is bounded', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'number 0');
  for (let i = 1; i <= 210; i++) await push(user, 'orders', `number ${i}`);
  await arrives(page, 'number 210');
  const all = await texts(page);
  assert.equal(all.length, 200);
  assert.equal(all.at(-1), 'number 11');
  assert.equal(await page.textContent('#count'), '211 received, last 200 shown');
  await page.click('#clear');
  assert.deepEqual(await texts(page), []);
});

live('the curl command survives a shell', async (page, user) => {
  const message = 'it\'s "quoted" $HOME `id` \\ !x\nsecond line \u202e\u009b bell 🔔';
  await open(page, user);
  await pushToOne(user, 'orders', 'ready');
  await page.fill('#push-message', message);
  await page.fill('#push-key', "k'ey");
  assert.ok(!(await page.textContent('#curl')).includes('ey\''), 'a hidden key is not shown');
  await page.click('#show-key');
  const command = await page.textContent('#curl');
  assert.doesNotMatch(command, /[\u202e\u009b]/);
  const output = execFileSync('/bin/sh', ['-c', `curl() { printf '%s\\0' "$@"; }\n${command}`], { timeout: 10_000 });
  const [url, ...options] = output.toString().split('\0').slice(0, -1);
  assert.equal(url, `${base}/push`);
  assert.deepEqual(options.slice(0, 5), ['-H', "Authorization: Bearer k'ey", '-H', 'Content-Type: application/json', '-d']);
  assert.deepEqual(JSON.parse(options[5]), { userId: user, event: 'orders', message });
  const answer = await fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: options[5] });
  assert.equal(await answer.text(), 'message sent to 1 clients');
  await arrives(page, message);
});

live('disconnect ends the connection, connect opens it', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'first');
  await arrives(page, 'first');
  await page.click('#connect');
  assert.equal(await state(page), 'closed');
  assert.equal(await page.getAttribute('#why', 'data-code'), '1000');
  await nobodyHas(user, 'orders');
  await page.click('#connect');
  await reach(page, 'open');
  await pushToOne(user, 'orders', 'second');
  await arrives(page, 'second');
  assert.deepEqual(await texts(page), ['second', 'first']);
});

// The browser's own WebSocket.
const blank = page => page.goto(`${base}/`); // its policy lets a WebSocket be opened

live('echo: text and binary, small and 1 MiB', async page => {
  await blank(page);
  const result = await page.evaluate(() => new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://${location.host}/echo`);
    ws.binaryType = 'arraybuffer';
    const random = new Uint8Array(1 << 20);
    for (let i = 0; i < random.length; i += 65536) crypto.getRandomValues(random.subarray(i, i + 65536));
    const sent = ['', 'text', 'zażółć 🔔', 'é'.repeat(1 << 19), new Uint8Array(0), new Uint8Array([0, 1, 254, 255]), random];
    const same = (a, b) => typeof a === 'string' ? a === b
      : b instanceof ArrayBuffer && a.length === b.byteLength && new Uint8Array(b).every((x, i) => x === a[i]);
    const outcome = [];
    setTimeout(() => reject(new Error(`only ${outcome.length} answers`)), 20_000);
    ws.onerror = () => reject(new Error('error event'));
    ws.onopen = () => sent.forEach(m => ws.send(m));
    ws.onmessage = m => {
      outcome.push(same(sent[outcome.length], m.data));
      if (outcome.length === sent.length) ws.close(1000);
    };
    ws.onclose = e => resolve({ outcome, code: e.code, clean: e.wasClean });
  }));
  assert.deepEqual(result, { outcome: Array(7).fill(true), code: 1000, clean: true });
});

live('compression: agreed on, and nothing is lost with takeover or without', async page => {
  const takeover = await freePort();
  const child = spawn(WIREBELL, ['echo', '--listen', `127.0.0.1:${takeover}`, '--origin', 'any', '--deflate', 'takeover'],
    { stdio: 'ignore' });
  try {
    await blank(page);
    const talk = url => page.evaluate(url => new Promise((resolve, reject) => {
      const ws = new WebSocket(url);
      const sent = Array.from({ length: 60 }, (_, n) => JSON.stringify(
        Array.from({ length: n * n }, (_, i) => ({ id: i * 7919 % 1009, user: `user${i % 31}`, round: n }))));
      let came = 0, same = true;
      setTimeout(() => reject(new Error(`only ${came} answers`)), 20_000);
      ws.onerror = () => reject(new Error('error event'));
      ws.onopen = () => sent.forEach(m => ws.send(m));
      ws.onmessage = m => {
        same &&= m.data === sent[came++];
        if (came === sent.length) ws.close(1000);
      };
      ws.onclose = e => resolve({ same, code: e.code, extensions: ws.extensions });
    }), url);
    const alone = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
    assert.deepEqual(await talk(`ws://127.0.0.1:${port}/echo`), { same: true, code: 1000, extensions: alone });
    await until('the second server listens', () => fetch(`http://127.0.0.1:${takeover}/`).catch(() => false));
    assert.deepEqual(await talk(`ws://127.0.0.1:${takeover}/`),
      { same: true, code: 1000, extensions: 'permessage-deflate' });
  } finally {
    child.kill();
  }
});

live('close: the code of the browser comes back', async page => {
  await blank(page);
  const close = (...given) => page.evaluate(given => new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://${location.host}/echo`);
    setTimeout(() => reject(new Error('no close event')), 10_000);
    ws.onopen = () => ws.close(...given);
    ws.onclose = e => resolve({ code: e.code, clean: e.wasClean });
  }), given);
  assert.deepEqual(await close(4001, 'bye'), { code: 4001, clean: true });
  assert.deepEqual(await close(1000), { code: 1000, clean: true });
  assert.deepEqual(await close(), { code: 1005, clean: true });
});

live('subprotocol: the echo confirms the first one; where none is confirmed, the browser fails', async page => {
  await blank(page);
  const offer = path => page.evaluate(path => new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://${location.host}${path}`, ['nobody-knows-this', 'nor-this']);
    const events = [];
    let protocol = '';
    setTimeout(() => reject(new Error(`no close event, but ${events}`)), 10_000);
    ws.onopen = () => { events.push('open'); protocol = ws.protocol; ws.close(1000); };
    ws.onerror = () => events.push('error');
    ws.onclose = e => resolve({ events, code: e.code, clean: e.wasClean, protocol });
  }), path);
  const confirmed = { events: ['open'], code: 1000, clean: true, protocol: 'nobody-knows-this' };
  assert.deepEqual(await offer('/echo'), confirmed);
  const failed = { events: ['error'], code: 1006, clean: false, protocol: '' };
  assert.deepEqual(await offer('/ws'), failed);
  assert.match(page.seen.errors.join('\n'), /Sec-WebSocket-Protocol/);
});

// From here on the server ends.
live('a killed server: closed, a countdown, and by itself open again', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'before');
  await arrives(page, 'before'); // it was sent, but a killed server may not have written it
  await stopServer('SIGKILL');
  await reach(page, 'waiting');
  assert.equal(await page.getAttribute('#why', 'data-code'), '1006');
  assert.equal(await page.textContent('#why'), 'Closed 1006: connection lost');
  assert.equal(await page.textContent('#connect'), 'Connect now');
  await until('a countdown', async () => /^Reconnecting in \d+ s$/.test(await page.textContent('#state')));
  await until('longer waits', async () => /in [2-9] s/.test(await page.textContent('#countdown')), 15_000);
  await page.click('#push');
  await until('the answer', async () => /^Not sent/.test(await page.textContent('#answer')));
  await startServer();
  await reach(page, 'open', 20_000);
  await pushToOne(user, 'orders', 'after');
  await arrives(page, 'after');
  assert.deepEqual(await texts(page), ['after', 'before']);
});

live('a graceful stop is shown as 1001, and "Connect now" does not wait', async (page, user) => {
  await open(page, user);
  await pushToOne(user, 'orders', 'before');
  await page.evaluate(() => {
    window.codes = [];
    new MutationObserver(() => codes.push(document.getElementById('why').dataset.code))
      .observe(document.getElementById('why'), { attributeFilter: ['data-code'] });
  });
  await stopServer('SIGTERM');
  await reach(page, 'waiting');
  // A later try meets a closed port and shows 1006: the first code counts.
  assert.equal((await page.evaluate(() => codes))[0], '1001');
  await until('a long wait', async () => /in [3-9] s/.test(await page.textContent('#countdown')), 20_000);
  await startServer();
  await page.click('#connect');
  await reach(page, 'open', 2000);
  await pushToOne(user, 'orders', 'after');
  await arrives(page, 'after');
});
