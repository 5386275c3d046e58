import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { COOKIE_BYTES, roomForAddressed } from '../../services/auth/src/tokens/token-size.ts';
import { openBrowser, openSite } from './site.ts';

/** What a real browser keeps of a cookie, by which the size of tokens is reckoned. */
let browser: Browser;

beforeAll(async () => {
  browser = await openBrowser();
}, 60_000);

afterAll(() => browser.close());

/** Sets, one after the other, cookies whose name and value have so many bytes; answers the sizes of those that come back. */
async function kept(...sizes: readonly number[]): Promise<readonly number[]> {
  const server = createServer(({ url = '', headers: { cookie = '' } }, response) => {
    const size = Number(new URL(url, 'http://localhost').searchParams.get('size') ?? 0);
    const attributes = 'Max-Age=2592000; Path=/; HttpOnly; SameSite=Lax';
    if (size > 0) response.setHeader('set-cookie', `token=${'v'.repeat(size - 'token'.length)}; ${attributes}`);
    response.end(`${cookie.replace('token=', '').length + 'token'.length}`);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = `http://localhost:${(server.address() as AddressInfo).port}`;
  try {
    const answers: number[] = [];
    for (const size of sizes) {
      await using context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${origin}/?size=${size}`);
      await page.goto(`${origin}/`);
      answers.push(Number(await page.textContent('body')));
    }
    return answers;
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('a browser keeps a cookie of the size that tokens may have, and drops one of a byte more', async () => {
  const none = 'token'.length;
  expect(await kept(COOKIE_BYTES - 1, COOKIE_BYTES, COOKIE_BYTES + 1)).toEqual([COOKIE_BYTES - 1, COOKIE_BYTES, none]);
}, 60_000);

test('with post-quantum tokens of the largest size somebody signs in, buys a ticket and is signed in afterwards', async () => {
  const room = roomForAddressed({ algorithm: 'ML-DSA-44', kid: 'k1' });
  const audiencesOf = (issuer: string): readonly string[] => [
    'shop',
    'x'.repeat(room - JSON.stringify(issuer).length - JSON.stringify(['shop', '']).length),
  ];
  await using site = await openSite({ algorithm: 'ML-DSA-44', audiencesOf });
  const email = `${randomUUID()}@example.com`;
  await site.signUp(email);
  const page = await site.visitAs(email);

  const cookies = await page.context().cookies();
  const { value = '' } = cookies.find(({ name }) => name === 'token') ?? {};
  expect('token'.length + value.length).toBeGreaterThan(COOKIE_BYTES - 60);

  await page.goto(`${site.origin}/shop/`);
  await page.getByRole('button', { name: 'Buy' }).first().click();
  await page.getByText('Yours').waitFor();
  await page.goto(`${site.origin}/`);
  await page.getByText('This device').waitFor();
}, 300_000);
