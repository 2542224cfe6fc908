// Writes a picture of the live page, after some pushes, to the file that is its argument. Start it
// with ./screenshot. The clock of the page stands still, so that the picture changes with the page.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const { WIREBELL, CHROMIUM } = process.env;
const [file] = process.argv.slice(2);
assert.ok(WIREBELL && CHROMIUM && file, 'start it with ./screenshot');

const SHOWN = '127.0.0.1:8080'; // the address in the picture, whichever port is free
const WIDTH = 1120; // of the window; GitHub shows the picture a quarter smaller
const MESSAGES = [
  'order 41 received',
  'order 41 paid',
  '{"order":41,"state":"packed","items":["bell-7","bell-7","wire-3"]}',
  'order 42 received',
  'order 41 handed over to the carrier',
  'order 42 paid',
  '{"order":42,"state":"packed","items":["bell-2"]}',
  'order 43 received',
  'order 43 cancelled',
  'order 41 shipped',
];

const server = spawn(WIREBELL, ['serve', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'ignore'] });
process.on('exit', () => server.kill());
const [line] = await once(createInterface(server.stdout), 'line');
const { host } = new URL(line.match(/http:\S+/)[0]);

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-lcd-text', `--host-resolver-rules=MAP ${SHOWN} ${host}`],
});
const page = await browser.newPage({
  viewport: { width: WIDTH, height: 900 }, deviceScaleFactor: 1.25, timezoneId: 'UTC', reducedMotion: 'reduce', colorScheme: 'light',
});
const time = new Date('2026-11-28T09:41:07Z');
await page.clock.setFixedTime(time);
await page.goto(`http://${SHOWN}/?token=alice&event=orders`);
await page.waitForSelector('#state[data-state=open]');
await page.addStyleTag({ content: 'body { font-family: "Liberation Sans", sans-serif }' }); // not this system's

/** Pushes with the form, so that the page also shows the answer. */
for (const [at, message] of MESSAGES.entries()) {
  await page.fill('#push-message', message);
  do { // a registration is never confirmed: the first push may come before it
    await page.clock.setFixedTime(time.getTime() + at * 11_000);
    await page.click('#push');
    await page.waitForFunction(() => document.querySelector('#answer').textContent);
  } while (at === 0 && !/to 1 /.test(await page.textContent('#answer')));
  await page.waitForFunction(count => document.querySelectorAll('#log li').length === count, at + 1);
}
await page.mouse.move(0, 0);
await page.evaluate(() => document.activeElement.blur());
await page.evaluate(() => scrollTo(0, 0));
const form = await page.locator('#push-form').boundingBox();
await page.screenshot({ path: file, clip: { x: 0, y: 0, width: WIDTH, height: Math.round(form.y + form.height + 12) } });
await browser.close();
server.kill();
