// The live page on topics, which speaks wirebell.v1 with a real server, in a real browser. Start it
// with ./run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  WIREBELL, arrives, base, checkControls, end, fits, freePort, live, newest, port, reach, relay, serve, startServer,
  stopServer, texts, until,
} from './harness.mjs';

const shell = command => execFileSync('/bin/sh', ['-c', command], { timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] }).toString();
const address = (topic, at = base) => `${at}/topics/${encodeURIComponent(topic)}`;

/** Publishes and gives back the answer. */
async function publish(topic, body, type = 'text/plain') {
  const answer = await fetch(address(topic), {
    method: 'POST', body, headers: { 'Content-Type': type }, signal: AbortSignal.timeout(10_000),
  });
  assert.ok(answer.ok, `${answer.status}`);
  return answer.json();
}

/** Opens the page on a topic, or on all of them. */
async function open(page, topic, at = base) {
  await page.goto(topic ? address(topic, at) : `${at}/`);
  await reach(page, 'open');
}
const notes = page => page.evaluate(() => Array.from(document.querySelectorAll('#log .note'), e => e.textContent));
const noted = (page, wanted) => until(`a note ${wanted}`, async () => (await notes(page)).some(text => wanted.test(text)));
const count = (page, wanted) => until(`"${wanted}"`, async () => (await page.textContent('#count')) === wanted);

live('the page opens, clean, and talks to its own server only', async page => {
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', e => violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  const answer = await page.goto(`${base}/`);
  assert.equal(answer.status(), 200);
  assert.match(answer.headers()['content-security-policy'], /^default-src 'none'; .*form-action 'none'/);
  await reach(page, 'open');
  assert.equal(await page.textContent('#label'), 'Live');
  await page.click('#publish');
  await until('an answer', () => page.textContent('#published'));
  await page.click('#sign');
  await page.press('#bearer', 'Enter');
  await page.waitForLoadState('networkidle');
  assert.deepEqual(page.seen.errors, []);
  assert.deepEqual(await page.evaluate(() => violations), []);
  const outside = page.seen.addresses.filter(a => !a.startsWith('data:') && new URL(a).host !== `127.0.0.1:${port}`);
  assert.deepEqual(outside, []);
  assert.deepEqual(page.seen.addresses.filter(a => a.startsWith('ws:')), [`ws://127.0.0.1:${port}/topics`]);
});

live('the empty page says what to try, and what that publishes is seen', async (page, topic) => {
  await open(page, `${topic}.*`);
  assert.equal(await page.textContent('#empty-title'), 'No messages yet');
  const { id } = JSON.parse(shell(await page.textContent('#try')));
  await arrives(page, 'hello');
  assert.equal(await page.textContent('#log .meta b'), `${topic}.eu`);
  assert.equal(await page.textContent('#log .id'), id);
  assert.match(await page.textContent('#log time'), /^\d\d:\d\d:\d\d\.\d{3}$/);
  assert.equal(await page.isVisible('#empty'), false);
});

live('every control has a name, and the keyboard reaches it', async (page, topic) => {
  await open(page, topic);
  await page.click('#sign');
  await checkControls(page);
  assert.equal(await page.getAttribute('#label', 'aria-live'), 'polite');
});

for (const colorScheme of ['light', 'dark']) {
  live(`a phone needs no sideways scrolling, ${colorScheme}`, async (page, topic) => {
    await open(page, topic);
    await page.click('#sign');
    await publish(topic, 'x'.repeat(2000));
    await publish(topic, JSON.stringify({ ['k'.repeat(300)]: 'v'.repeat(300) }));
    await publish(topic, new Uint8Array(600), 'application/octet-stream');
    await count(page, '3 received');
    assert.ok(await fits(page));
  }, { viewport: { width: 360, height: 740 }, colorScheme });
}

live('text, JSON and binary payloads', async (page, topic) => {
  await open(page, topic);
  await publish(topic, '<img src=x onerror="document.title=\'broken\'"><b>bold</b>');
  await publish(topic, '{"a":12345678901234567890,"b":[1e3,"x\\u0041,{}"],"empty":{},"long":"0123456789012345678901234567890"}');
  await publish(topic, new Uint8Array([0, 255, 16]), 'application/octet-stream');
  await publish(topic, '[1,2,{"a":"b"}]');
  await publish(topic, '{not JSON');
  await count(page, '5 received');
  const pretty = '{\n  "a": 12345678901234567890,\n  "b": [\n    1e3,\n    "x\\u0041,{}"\n  ],\n  "empty": {},\n'
    + '  "long": "0123456789012345678901234567890"\n}';
  assert.deepEqual(await texts(page), [
    '{not JSON', '[1, 2, {"a": "b"}]', '00 ff 10', pretty, '<img src=x onerror="document.title=\'broken\'"><b>bold</b>',
  ]);
  assert.match(await page.textContent('#log li:nth-child(3) .meta'), /binary, 3 bytes$/);
  assert.equal(await page.locator('#log img, #log .text b').count(), 0);
  assert.deepEqual(page.seen.errors, []);
});

live('the form publishes and shows the answer', async (page, topic) => {
  await open(page, topic);
  assert.equal(await page.inputValue('#topic'), topic);
  await page.fill('#data', 'from the form');
  await page.click('#publish');
  await arrives(page, 'from the form');
  const id = await page.textContent('#log .id');
  await until('the answer', async () => (await page.textContent('#published')) === `To 1 subscriber · ${id}`);
  assert.equal(await page.getAttribute('#published', 'data-ok'), 'true');
  await page.fill('#data', 'not kept');
  await page.fill('#ttl', '0');
  await page.press('#data', 'Control+Enter');
  await arrives(page, 'not kept');
  await page.fill('#topic', 'not a topic');
  await page.click('#publish');
  await until('a refusal', async () => (await page.getAttribute('#published', 'data-ok')) === 'false');
  await page.reload();
  await arrives(page, 'from the form');
  assert.deepEqual(await texts(page), ['from the form']);
});

live('the curl line publishes what the form does', async (page, topic) => {
  const odd = 'it\'s "quoted" $HOME `id` \\n 100% !x\nsecond line \u202e\u009b\t bell 🔔';
  await open(page, topic);
  for (const text of ['@/etc/hostname', 'it\'s', odd, '{"a":1}x', '']) {
    await page.fill('#data', text);
    await page.fill('#ttl', text === odd ? '60' : '');
    const line = await page.textContent('#curl-publish');
    assert.doesNotMatch(line, /[\u202e\u009b]/);
    assert.equal(line.includes('TTL: 60'), text === odd);
    shell(line);
    await arrives(page, text);
  }
});

live('opened on a topic: its history; another one is a click or a form away', async (page, topic) => {
  const other = `${topic}.other-ü`;
  await publish(topic, 'before');
  await publish(other, 'elsewhere');
  await open(page, topic);
  await arrives(page, 'before');
  assert.equal(await page.inputValue('#patterns'), topic);
  await page.fill('#patterns', ` ${topic}, ${topic}.** `);
  await page.selectOption('#since', 'all');
  await page.press('#patterns', 'Enter');
  await count(page, '2 received');
  await publish(other, 'live');
  await arrives(page, 'live');
  assert.deepEqual(await texts(page), ['live', 'elsewhere', 'before']);
  assert.equal(page.url(), `${base}/topics/${topic},${topic}.**`);
  await page.fill('#patterns', 'a..b');
  await page.click('#subscribe .main');
  await until('a refusal', () => page.textContent('#refused'));
  await publish(topic, 'not subscribed to');
  await page.fill('#patterns', other);
  await page.selectOption('#since', 'new');
  await page.click('#subscribe .main');
  await count(page, '');
  await publish(other, 'new');
  await arrives(page, 'new');
  assert.deepEqual(await texts(page), ['new']);
  assert.equal(await page.textContent('#refused'), '');
});

live('the list is bounded, can be paused and filtered, and nothing else moves', async (page, topic) => {
  await open(page, topic);
  await page.evaluate(() => {
    window.shift = 0;
    const isOutside = ({ node }) => node && !document.getElementById('log').contains(node);
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) if (entry.sources.some(isOutside)) shift += entry.value;
    }).observe({ type: 'layout-shift' });
  });
  const lines = from => Array.from({ length: 250 }, (_, n) => JSON.stringify({ topic, data: `number ${from + n}` })).join('\n');
  const batch = from => fetch(`${base}/topics`, { method: 'POST', body: lines(from) }).then(r => r.text());
  await batch(0);
  await count(page, '250 received, last 200 shown');
  assert.equal((await texts(page)).length, 200);
  await page.click('#pause');
  await batch(250);
  await count(page, '500 received, 200 waiting');
  assert.equal(await newest(page), 'number 249');
  await page.click('#pause');
  await arrives(page, 'number 499');
  await page.fill('#filter', 'Number 42');
  const visible = () => page.locator('#log li:visible .text').allTextContents();
  assert.deepEqual(await visible(), Array.from({ length: 10 }, (_, n) => `number ${429 - n}`));
  await publish(topic, 'other');
  await publish(topic, 'number 420000');
  await arrives(page, 'number 420000');
  assert.equal((await visible()).length, 11);
  await page.click('#clear');
  assert.deepEqual(await texts(page), []);
  assert.ok(await page.evaluate(() => shift) < 0.0005, 'only the word on the button moves');
});

// The connection is lost.
live('a lost connection: recovered from its position, without doubles', async (page, topic) => {
  const between = await relay(port);
  try {
    await open(page, topic, between.base);
    const { id } = await publish(topic, 'before');
    await arrives(page, 'before');
    between.cut();
    await reach(page, 'waiting');
    assert.equal(await page.textContent('#why'), 'Closed 1006: connection lost');
    await noted(page, new RegExp(`^Connection lost at ${id}\\. Closed 1006: connection lost\\.$`));
    await until('a countdown', async () => /^Reconnecting in \d+ s$/.test(await page.textContent('#state')));
    await page.click('#publish');
    await until('the answer', async () => /^Not sent/.test(await page.textContent('#published')));
    await publish(topic, 'meanwhile 1');
    await publish(topic, 'meanwhile 2');
    between.mend();
    await reach(page, 'open', 20_000);
    await noted(page, new RegExp(`^Recovered from ${id}: 2 messages since then, nothing missed\\.$`));
    await publish(topic, 'after');
    await arrives(page, 'after');
    assert.deepEqual(await texts(page), ['after', 'meanwhile 2', 'meanwhile 1', 'before']);
  } finally {
    between.close();
  }
});

live('more than the history holds: a gap', async (page, topic) => {
  const between = await relay(port);
  try {
    await open(page, topic, between.base);
    await publish(topic, 'before');
    await arrives(page, 'before');
    between.cut();
    await reach(page, 'waiting');
    for (let n = 0; n < 120; n++) await publish(topic, `number ${n}`);
    between.mend();
    await reach(page, 'open', 20_000); // no click on "Connect now": a try of its own may begin first
    await noted(page, new RegExp(`^Gap: ${topic} between \\S+ and \\S+, messages are gone from its history\\.$`));
    await noted(page, /^Resumed from \S+ with a gap: 100 messages since then in the history, others may be missing\.$/);
    assert.equal((await texts(page)).length, 101);
    assert.equal(await page.getAttribute('#log .note', 'data-tone'), 'warn');
  } finally {
    between.close();
  }
});

live('a killed server has forgotten: a gap, and live again', async (page, topic) => {
  await open(page, topic);
  await publish(topic, 'before');
  await arrives(page, 'before');
  await stopServer('SIGKILL');
  await reach(page, 'waiting');
  await startServer();
  await publish(topic, 'of the new server');
  await reach(page, 'open', 20_000);
  await noted(page, new RegExp(`^Gap: ${topic} after \\S+, its history starts over\\.$`));
  await publish(topic, 'after');
  await arrives(page, 'after');
  assert.deepEqual(await texts(page), ['after', 'of the new server', 'before']);
});

live('a graceful stop is shown as 1001; disconnect and connect', async (page, topic) => {
  await open(page, topic);
  await stopServer('SIGTERM');
  await noted(page, /Closed 1001: server is going away/);
  await startServer();
  await reach(page, 'open', 20_000);
  await page.click('#connect');
  await reach(page, 'closed');
  await publish(topic, 'meanwhile');
  await page.click('#connect');
  await arrives(page, 'meanwhile');
});

// Tokens.
live('a server with tokens: asked for, used, kept out of addresses, revoked', async (page, topic) => {
  const folder = mkdtempSync(join(tmpdir(), 'wirebell-'));
  const file = join(folder, 'tokens.toml');
  const wirebell = (...args) => execFileSync(WIREBELL, ['token', ...args, '--tokens', file], { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  const token = wirebell('new', '--name', 'alice', '--publish', `${topic}.**`, '--subscribe', `${topic}.**`).trim().split(/\s+/).at(-1);
  const closed = await freePort(), at = `http://127.0.0.1:${closed}`;
  const server = await serve(closed, '--tokens', file);
  try {
    await page.goto(address(`${topic}.a`, at));
    await reach(page, 'closed');
    assert.equal(await page.textContent('#label'), 'Token needed');
    assert.equal(await page.textContent('#denied'), 'This server needs a token.');
    await page.fill('#bearer', 'wrong');
    await page.press('#bearer', 'Enter');
    await until('a refusal', async () => /unknown/.test(await page.textContent('#denied')));
    await page.fill('#bearer', token);
    await page.click('#use');
    await reach(page, 'open');
    assert.equal(await page.isVisible('#auth'), false);
    assert.equal(await page.textContent('#sign'), 'alice');
    assert.match(await page.textContent('#no-topics'), /admin/);
    assert.equal(await page.isVisible('#numbers'), false);
    await page.fill('#data', 'signed');
    await page.click('#publish');
    await arrives(page, 'signed');
    const line = await page.textContent('#curl-publish');
    assert.ok(!line.includes(token));
    shell(`TOKEN=${token}\n${line}`);
    await count(page, '2 received');
    await page.fill('#topic', 'elsewhere');
    await page.click('#publish');
    await until('a refusal', async () => /may not publish to elsewhere/.test(await page.textContent('#published')));
    assert.ok(!page.seen.addresses.concat(page.url()).some(a => a.includes(token)));
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    await page.reload();
    await count(page, '2 received');
    await page.click('#all');
    await until('a refusal', async () => /may not subscribe to \*\*/.test(await page.textContent('#refused')));
    wirebell('revoke', '--name', 'alice');
    await reach(page, 'closed');
    assert.match(await page.textContent('#denied'), /revoked/);
  } finally {
    await end(server, 'SIGKILL');
    rmSync(folder, { recursive: true });
  }
});

// The numbers of the server.
/** Opens the page and gives back what says something as `$stats`, in place of the server. */
async function withStats(page, topic) {
  let socket;
  await page.routeWebSocket('**/topics', it => {
    socket = it;
    it.connectToServer().onMessage(text => { if (JSON.parse(text).topic !== '$stats') it.send(text); });
  });
  await open(page, topic);
  return it => socket.send(JSON.stringify({
    type: 'message', topic: '$stats', time: new Date().toISOString(), data: typeof it === 'string' ? it : JSON.stringify(it),
  }));
}
const figure = (page, id) => page.textContent(`#${id} .value`);

live('the server says its numbers by itself', async (page, topic) => {
  await publish(`${topic}.kept`, 'one');
  await publish(`${topic}.kept`, 'two');
  await open(page);
  const row = page.locator('#rows tr').filter({ hasText: `${topic}.kept` });
  await until('the topic', async () => (await row.count()) && (await row.locator('td').last().textContent()) === '2');
  assert.ok(Number(await figure(page, 'connections')) >= 1);
  assert.match(await page.textContent('#connections .detail'), /up \d+ s$/);
  assert.match(await figure(page, 'memory'), /(bytes|iB)$/);
  assert.match(await page.textContent('#memory .detail'), /^of 256 MiB · histories /);
  assert.equal(await page.textContent('#drops .detail'), 'none since the start');
  await until('a chart', async () => /^M118 \S+L119 /.test(await page.getAttribute('#memory .line', 'd')));
});

live('the numbers of the server, with topics that can be opened', async (page, topic) => {
  const tell = await withStats(page, topic);
  const all = {
    connections: 1234, subscribers: 5, published: 3, delivered: 15.25, topics_total: 300, uptime: 7260,
    topics: [
      { topic: `${topic}.<b>`, published: 2.5, subscribers: 4, messages: 100, bytes: 2048 },
      { topic: `${topic}.quiet`, published: 0, subscribers: 1, messages: 7, bytes: 70 },
    ],
    dropped: { slow: 3, memory: 0, overflow: 0 }, memory: { used: 3 << 20, budget: 256 << 20, history: 1024 },
  };
  tell(all);
  tell({ ...all, dropped: { slow: 5, memory: 0, overflow: 1 } });
  await until('the drops', async () => (await figure(page, 'drops')) === '6');
  assert.equal(await figure(page, 'connections'), '1,234');
  assert.equal(await page.textContent('#connections .detail'), '5 subscribers · up 2 h 1 min');
  assert.equal(await figure(page, 'deliveries'), '15.3');
  assert.equal(await page.textContent('#drops .detail'), 'slow 5 · overflow 1');
  assert.equal(await page.textContent('#drops .peak'), 'peak 3/s');
  assert.equal(await figure(page, 'memory'), '3.0 MiB');
  assert.match(await page.getAttribute('#deliveries .line', 'd'), /^M118 \S+L119 \S+$/);
  assert.deepEqual(await page.locator('#rows td').allTextContents(),
    [`${topic}.<b>`, '2.5', '4', '100', `${topic}.quiet`, '0', '1', '7']);
  assert.equal(await page.textContent('#topics-count'), '2 busiest of 300');
  await page.click('#rows tr:last-child button');
  await until('the topic', async () => (await page.inputValue('#patterns')) === `${topic}.quiet`);
  await publish(`${topic}.quiet`, 'hello');
  await arrives(page, 'hello');
});

live('numbers that are missing are left out', async (page, topic) => {
  const tell = await withStats(page, topic);
  for (const it of ['', 'null', '7', '[]', { topics: {} }, { topics: [{ topic: 'a' }], memory: null, dropped: 'x' }, { connections: 2 }]) tell(it);
  await until('the connections', async () => (await figure(page, 'connections')) === '2');
  assert.equal(await figure(page, 'memory'), '–');
  assert.equal(await figure(page, 'drops'), '–');
  assert.match(await page.textContent('#no-topics'), /^None yet/);
  assert.deepEqual(page.seen.errors, []);
});

live('from topics to wserver and back', async (page, topic) => {
  await open(page, topic);
  await page.click('#mode-wserver');
  await reach(page, 'open');
  assert.equal(page.url(), `${base}/#wserver`);
  assert.equal(await page.isVisible('#numbers'), false);
  await page.fill('#token', topic);
  await page.click('#register');
  await page.click('#push');
  await until('the push', async () => /to 1 clients/.test(await page.textContent('#answer')));
  await arrives(page, 'Hello from Wirebell');
  await page.click('#mode-topics');
  await until('the topics', () => page.isVisible('#numbers'));
  await reach(page, 'open');
  await publish(topic, 'hello');
  await arrives(page, 'hello');
  assert.deepEqual(await texts(page), ['hello']);
});

live('the page confirms what it has read', async (page, topic) => {
  await open(page, topic);
  const answer = await fetch(`${address(topic)}?receipt=10s`, { method: 'POST', body: 'x' });
  const { matched, written, confirmed, unsupported } = await answer.json();
  assert.deepEqual({ matched, written, confirmed, unsupported }, { matched: 1, written: 1, confirmed: 1, unsupported: 0 });
  await arrives(page, 'x');
});
