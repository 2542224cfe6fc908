// The live page on gotify: the dialect of a real server with a file, in a real browser. Start it
// with ./run.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { base as plain, checkControls, end, fits, freePort, live, reach, relay, serve, until } from './harness.mjs';

const PIXEL = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==', 'base64');
const shell = command => execFileSync('/bin/sh', ['-c', command], { timeout: 10_000, stdio: ['ignore', 'pipe', 'ignore'] }).toString();

// One server for all tests, with a user of its own for each.
let base, port, server, folder, admin;
const start = async () => { server = await serve(port, '--data', join(folder, 'push.db')); };
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wirebell-'));
  port = await freePort();
  base = `http://127.0.0.1:${port}`;
  await start();
  admin = /admin.*?([\w-]{12,})\s*$/m.exec(server.said())[1];
}, { timeout: 60_000 });
after(async () => {
  await end(server, 'SIGKILL');
  rmSync(folder, { recursive: true });
}, { timeout: 30_000 });

/** What the server says to a user, or to a token. */
async function ask(method, path, body, who = `admin:${admin}`) {
  const key = who.includes(':') ? { Authorization: `Basic ${btoa(who)}` } : { 'X-Gotify-Key': who };
  const answer = await fetch(`${base}/${path}`, {
    method, body: body && JSON.stringify(body), headers: { ...key, 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(10_000),
  });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
  return answer.json().catch(() => {});
}
/** A user with an application, and what sends with it. */
async function someone(name) {
  await ask('POST', 'user', { name, pass: 'secret', admin: false });
  const app = await ask('POST', 'application', { name: 'backup', defaultPriority: 5 }, `${name}:secret`);
  const send = (message, more) => ask('POST', 'message', { message, ...more }, app.token);
  return { who: `${name}:secret`, app, send };
}
async function logIn(page, name, pass = 'secret', at = base) {
  await page.goto(`${at}/#gotify`);
  await page.fill('#login-name', name);
  await page.fill('#login-pass', pass);
  await page.press('#login-pass', 'Enter');
  await reach(page, 'open');
}
const shown = page => page.evaluate(() => Array.from(document.querySelectorAll('#inbox .text:not(a)'), e => e.textContent));
const shows = (page, ...wanted) => until(`messages ${wanted}`, async () => (await shown(page)).join() === wanted.join());
const press = async (page, what) => { await page.click(what); await page.click(what); };
const problem = (page, where, wanted) => until(`${wanted}`, async () => wanted.test(await page.textContent(`${where} .problem`)));

live('a server without gotify has no such mode', async page => {
  await page.goto(`${plain}/#gotify`);
  await reach(page, 'open');
  assert.equal(await page.locator('#mode-gotify, .gotify').count(), 0);
  assert.deepEqual(page.seen.errors, []);
});

live('in with a password, and out again', async (page, name) => {
  const { who, send } = await someone(name);
  await page.goto(`${base}/`);
  await reach(page, 'open');
  await page.click('#mode-gotify');
  assert.deepEqual(page.seen.errors, []);
  assert.equal(await page.isVisible('#state'), false);
  await page.click('#login');
  await problem(page, '#login-form', /^Enter a name and a password/);
  await page.fill('#login-name', name);
  await page.fill('#login-pass', 'wrong');
  await page.click('#login');
  await problem(page, '#login-form', /^Wrong name or password\.$/);
  await page.fill('#login-pass', 'secret');
  await page.click('#login');
  await reach(page, 'open');
  assert.equal(await page.textContent('#log-out'), `Log out ${name}`);
  assert.equal(await page.isVisible('#users-title'), false);
  assert.deepEqual((await ask('GET', 'client', undefined, who)).map(it => it.name), ['Live page of Wirebell']);
  await send('hello');
  await shows(page, 'hello');
  await page.reload();
  await reach(page, 'open');
  await shows(page, 'hello');
  await page.click('#log-out');
  await until('the log-in', () => page.isVisible('#login-form'));
  assert.deepEqual(await ask('GET', 'client', undefined, who), []);
  assert.deepEqual(await shown(page), []);
  await page.reload();
  await until('the log-in', () => page.isVisible('#login-form'));
});

live('in with a client token; a token that is revoked ends the session', async (page, name) => {
  const { who, app } = await someone(name);
  const { id, token } = await ask('POST', 'client', { name: 'phone' }, who);
  await page.goto(`${base}/#gotify`);
  await page.fill('#login-token', app.token);
  await page.click('#login');
  await problem(page, '#login-form', /does not know this client token/);
  await page.fill('#login-token', token);
  await page.click('#login');
  await reach(page, 'open');
  await page.click('#log-out');
  assert.equal((await ask('GET', 'client', undefined, who)).length, 1, 'a pasted token stays');
  await page.fill('#login-token', token);
  await page.click('#login');
  await reach(page, 'open');
  await ask('DELETE', `client/${id}`, undefined, who);
  await problem(page, '#login-form', /no longer known/);
});

live('an application: made, used by its curl line, changed, deleted', async (page, name) => {
  await someone(name);
  await logIn(page, name);
  await page.fill('#app-name', "it's <b>mine</b>");
  await page.fill('#app-description', 'says hello');
  await page.setInputFiles('#app-image', { name: 'a.png', mimeType: 'image/png', buffer: PIXEL });
  await page.click('#app-save');
  await until('the token', () => page.isVisible('#app-made pre'));
  const line = await page.textContent('#app-made pre');
  assert.ok(line.includes(await page.textContent('#app-made code')));
  shell(line);
  await shows(page, 'It works');
  assert.equal(await page.textContent('#inbox .push > b'), 'Hello');
  assert.equal(await page.textContent('#inbox .about b'), "it's <b>mine</b>");
  assert.match(await page.textContent('#inbox .about'), /just now.*priority 5/);
  await until('its image', () => page.evaluate(() => /\/image\//.test(document.querySelector('#inbox img').src)));
  const row = page.locator('#apps li').last();
  await row.getByText('Edit', { exact: true }).click();
  await page.click('#app-plain');
  await until('the image of all', () => page.evaluate(() => /defaultapp/.test(document.querySelector('#inbox img').src)));
  await page.fill('#app-name', 'renamed');
  await page.setInputFiles('#app-image', { name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('no image') });
  await page.click('#app-save');
  await problem(page, '#app-form', /./);
  await page.click('#app-cancel');
  await until('the new name', async () => (await page.textContent('#inbox .about b')) === 'renamed');
  await row.getByText('Delete', { exact: true }).click();
  await row.getByText('Sure?').click();
  await until('one application', async () => (await page.textContent('#apps-count')) === '1');
  await shows(page);
  assert.equal(await page.locator('#inbox b b, #apps b b').count(), 0);
});

live('the form sends, and its curl line does the same', async (page, name) => {
  await someone(name);
  await page.addInitScript(() => {
    navigator.clipboard.writeText = async text => { window.copied = text; };
  });
  await logIn(page, name);
  const odd = 'it\'s "quoted" $HOME `id` \\n 100% !x\nsecond line \u202e 🔔';
  await page.fill('#send-title', '<i>title</i>');
  await page.fill('#send-text', odd);
  await page.fill('#send-priority', '8');
  await page.press('#send-text', 'Control+Enter');
  await shows(page, odd);
  await until('the answer', async () => /^Sent as \d+$/.test(await page.textContent('#send-form .answer')));
  assert.doesNotMatch(await page.textContent('#curl-send'), /\u202e|Key: A/);
  await page.click('#copy-send');
  shell(await page.evaluate(() => copied));
  await shows(page, odd, odd);
  assert.deepEqual(await page.locator('#inbox .push > b').allTextContents(), ['<i>title</i>', '<i>title</i>']);
  assert.equal(await page.locator('#inbox .chip[data-tone=bad]').count(), 2);
});

live('what is shown: Markdown as text, links to pages only', async (page, name) => {
  const { send } = await someone(name);
  await logIn(page, name);
  const click = url => ({ extras: { 'client::notification': { click: { url } }, 'client::display': { contentType: 'text/markdown' } } });
  await send('# <img src=x onerror=alert(1)>', click('https://example.org/d/1'));
  await send('**bold**', click('javascript:alert(1)'));
  await shows(page, '**bold**', '# <img src=x onerror=alert(1)>');
  assert.deepEqual(await page.locator('#inbox a').evaluateAll(all => all.map(a => a.href)), ['https://example.org/d/1']);
  assert.equal(await page.locator('#inbox .text img').count(), 0);
  assert.deepEqual(page.seen.errors, []);
});

live('one application, older messages, deletes', async (page, name) => {
  const { who, send } = await someone(name);
  const other = await ask('POST', 'application', { name: 'other' }, who);
  for (let n = 0; n < 120; n++) await send(`number ${n}`);
  await ask('POST', 'message', { message: 'of the other' }, other.token);
  await logIn(page, name);
  await until('a page', async () => (await page.textContent('#inbox-count')) === '100 shown');
  await page.click('#older');
  await until('all', async () => (await page.textContent('#inbox-count')) === '121');
  assert.equal((await shown(page)).at(-1), 'number 0');
  await page.selectOption('#inbox-app', { label: 'other' });
  await shows(page, 'of the other');
  await send('not of the other');
  await ask('POST', 'message', { message: 'second' }, other.token);
  await shows(page, 'second', 'of the other');
  await press(page, '#inbox li:first-child button');
  await shows(page, 'of the other');
  await press(page, '#inbox-delete');
  await shows(page);
  await page.selectOption('#inbox-app', { label: 'All applications' });
  await until('the rest', async () => (await shown(page))[0] === 'not of the other');
  await press(page, '#inbox-delete');
  await shows(page);
  assert.deepEqual((await ask('GET', 'message', undefined, who)).messages, []);
});

live('a lost connection: nothing lost, nothing twice, deletes are seen', async (page, name) => {
  const { who, send } = await someone(name);
  const between = await relay(port);
  try {
    await logIn(page, name, 'secret', between.base);
    const first = await send('first');
    await send('second');
    await shows(page, 'second', 'first');
    between.cut();
    await reach(page, 'waiting');
    await ask('DELETE', `message/${first.id}`, undefined, who);
    for (let n = 0; n < 150; n++) await send(`number ${n}`);
    // One message arrives before the catch-up begins, and the first try of that fails half way.
    let isEarly = true, isWell = false;
    await page.route('**/current/user', async route => {
      if (isEarly) { isEarly = false; await send('early'); }
      await route.continue();
    });
    await page.route(/message\?.*since=[1-9]/, route => {
      const fails = !isWell;
      isWell = true;
      return fails ? route.abort() : route.continue();
    });
    between.mend();
    await reach(page, 'open', 20_000);
    await send('after');
    const wanted = ['after', 'early', ...Array.from({ length: 150 }, (_, n) => `number ${149 - n}`), 'second'];
    await shows(page, ...wanted);
  } finally {
    between.close();
  }
});

live('the server is killed and comes back with everything', async (page, name) => {
  const { send } = await someone(name);
  await logIn(page, name);
  await send('before');
  await shows(page, 'before');
  await end(server, 'SIGKILL');
  await reach(page, 'waiting');
  await start();
  await send('meanwhile');
  await reach(page, 'open', 20_000);
  await send('after');
  await shows(page, 'after', 'meanwhile', 'before');
});

live('clients, users and the own password', async (page, name) => {
  await logIn(page, 'admin', admin);
  await page.click('summary:has(#clients-title)');
  await page.fill('#client-name', `phone of ${name}`);
  await page.click('#client-save');
  await until('the token', () => page.isVisible('#client-made code'));
  assert.ok('messages' in JSON.parse(shell(await page.textContent('#client-made pre'))));
  const client = page.locator('#clients li').filter({ hasText: `phone of ${name}` });
  await client.getByText('Delete', { exact: true }).click();
  await client.getByText('Sure?').click();
  await until('it is gone', async () => (await client.count()) === 0);
  await page.click('summary:has(#users-title)');
  for (let n = 0; n < 2; n++) {
    await page.fill('#user-name', name);
    await page.fill('#user-pass', 'first');
    await page.click('#user-save');
    if (n) await problem(page, '#user-form', /^Username already exists\.$/);
    else await until('the user', () => page.locator('#users li').filter({ hasText: name }).count());
  }
  await page.click('#log-out');
  await logIn(page, name, 'first');
  await page.click('summary:has-text("Your password")');
  await page.fill('#pass-new', 'second');
  await page.press('#pass-new', 'Enter');
  await problem(page, '#pass-form', /^Changed/);
  await page.click('#log-out');
  await logIn(page, name, 'second');
  await page.click('#log-out');
  await logIn(page, 'admin', admin);
  await page.click('summary:has(#users-title)');
  const row = page.locator('#users li').filter({ hasText: name });
  await row.getByText('Delete', { exact: true }).click();
  await row.getByText('Sure?').click();
  await until('it is gone', async () => (await row.count()) === 0);
});

live('every control has a name, and the keyboard reaches it', async (page, name) => {
  const { send } = await someone(name);
  await page.goto(`${base}/#gotify`);
  await checkControls(page);
  await logIn(page, name);
  await send('hello');
  await shows(page, 'hello');
  for (const summary of await page.locator('summary:visible').all()) await summary.click();
  await page.fill('#app-name', 'second');
  await page.click('#app-save');
  await until('the token', () => page.isVisible('#app-made pre'));
  await checkControls(page);
});

for (const colorScheme of ['light', 'dark']) {
  live(`a phone needs no sideways scrolling, ${colorScheme}`, async (page, name) => {
    const { who, send } = await someone(name);
    await ask('POST', 'application', { name: 'n'.repeat(100), description: 'd'.repeat(200) }, who);
    await page.goto(`${base}/#gotify`);
    assert.ok(await fits(page));
    await logIn(page, name);
    await send('x'.repeat(2000), { title: 't'.repeat(300) });
    await until('the message', async () => (await shown(page)).length === 1);
    for (const summary of await page.locator('summary:visible').all()) await summary.click();
    assert.ok(await fits(page));
  }, { viewport: { width: 360, height: 740 }, colorScheme });
}
