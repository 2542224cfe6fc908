// Writes a picture of the live page to the file that is its argument. Start it with ./screenshot.
// Server and messages are real. Times, positions and the numbers of `$stats` are replaced by fixed
// ones on their way to the page, so that the picture changes only when the page does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const { WIREBELL, CHROMIUM } = process.env;
const [file] = process.argv.slice(2);
assert.ok(WIREBELL && CHROMIUM && file, 'start it with ./screenshot');

const SHOWN = '127.0.0.1:8080'; // the address in the picture, whichever port is free
const WIDTH = 1180; // of the window; GitHub shows the picture a quarter smaller
const START = new Date('2026-11-28T09:41:07.118Z');
const MESSAGES = [
  ['chat.general', 'Is order 41 out yet?'],
  ['orders.us', '{"order":42,"state":"paid"}'],
  ['news.sport', 'Half time: 1 to 1'],
  ['orders.eu', '{"order":41,"state":"packed","items":["bell-7","bell-7","wire-3"],"weight":1.250}'],
  ['images.thumb', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
  ['orders.us', '{"order":43,"state":"received"}'],
  ['chat.general', 'Just now. Thank you!'],
];
const wave = (at, slow, fast) => Math.sin(at / slow) + Math.sin(at / fast) / 4;

/** The numbers of one second. */
function numbers(at) {
  const topics = [
    ['orders.eu', 21.4, 812, 100], ['orders.us', 14, 301, 100], ['metrics.cpu', 8, 12, 100], ['news.sport', 2.5, 220, 64],
    ['chat.general', 0.2, 45, 31], ['images.thumb', 0, 5, 12],
  ];
  return {
    connections: Math.round(1240 + 60 * wave(at, 21, 4)), subscribers: 1395, published: 46, delivered: Math.round(5400 + 900 * wave(at, 9, 1.3)),
    topics: topics.map(([topic, published, subscribers, messages]) => ({ topic, published, subscribers, messages })), topics_total: topics.length,
    dropped: { slow: at > 76 ? 3 : 0, memory: 0, overflow: 0 },
    memory: { used: (44 + 9 * wave(at, 26, 5)) * 2 ** 20, budget: 256 * 2 ** 20, history: 12.5 * 2 ** 20 }, uptime: 273_000 + at,
  };
}

const server = spawn(WIREBELL, ['serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
process.on('exit', () => server.kill());
const [line] = await once(createInterface(server.stdout), 'line');
const { host } = new URL(line.match(/http:\S+/)[0]);

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-lcd-text', `--host-resolver-rules=MAP ${SHOWN} ${host}`],
});
const page = await browser.newPage({
  viewport: { width: WIDTH, height: 1100 }, deviceScaleFactor: 1.25, timezoneId: 'UTC', locale: 'en-GB', reducedMotion: 'reduce', colorScheme: 'light',
});

/** Every position of the same log, and its time by its number. */
function fixed(text) {
  const said = JSON.parse(text, (name, value) =>
    ['id', 'position'].includes(name) && typeof value === 'string' ? value.replace(/^.*-/, 'q7c2m4-') : value);
  for (const it of said.messages ?? [said]) {
    if (it.time) it.time = new Date(START.getTime() + Number(it.id?.split('-')[1] ?? 0) * 3_347).toISOString();
  }
  return JSON.stringify(said);
}
const isStatistics = text => JSON.parse(text).topic === '$stats';
let toPage;
await page.routeWebSocket('**/topics', socket => {
  const toServer = socket.connectToServer();
  toPage = socket;
  toServer.onMessage(text => { if (!isStatistics(text)) socket.send(fixed(text)); });
});
await page.goto(`http://${SHOWN}/`);
await page.waitForSelector('#state[data-state=open]');
await page.addStyleTag({ content: 'body { font-family: "Liberation Sans", sans-serif }' }); // not this system's

for (let at = 0; at < 130; at++) {
  toPage.send(JSON.stringify({ type: 'message', topic: '$stats', time: START.toISOString(), data: JSON.stringify(numbers(at)) }));
}
for (const [at, [topic, body]] of MESSAGES.entries()) {
  const type = typeof body === 'string' ? 'text/plain' : 'application/octet-stream';
  await fetch(`http://${host}/topics/${topic}`, { method: 'POST', body, headers: { 'Content-Type': type } });
  await page.waitForFunction(count => document.querySelectorAll('#log li').length === count, at + 1);
}
await page.click('#publish');
await page.waitForFunction(count => document.querySelectorAll('#log li').length === count, MESSAGES.length + 1);
await page.mouse.move(0, 0);
await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0); });
const form = await page.locator('#publish-form').boundingBox();
await page.screenshot({ path: file, clip: { x: 0, y: 0, width: WIDTH, height: Math.round(form.y + form.height + 20) } });
await browser.close();
server.kill();
