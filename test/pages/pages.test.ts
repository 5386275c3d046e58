import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { openSite, PASSWORD } from './site.ts';
import type { Site } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 120_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

const newcomer = () => ({ email: `${randomUUID()}@example.com`, password: PASSWORD });

test('a visitor signs up, buys a ticket and signs out with the keyboard alone', async () => {
  const page = await site.visit();
  const failures = failuresOf(page);
  await page.goto(`${site.origin}/shop/`);
  await tabTo(page, 'Sign in');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${site.origin}/?return_to=%2Fshop%2F`);
  await tabTo(page, 'Sign up');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Sign up' }).waitFor();

  await tabTo(page, 'Sign up');
  await page.keyboard.press('Enter');
  await page.getByText('Enter your email address.').waitFor();
  expect(await focused(page)).toBe('Email');
  const { email, password } = newcomer();
  await page.keyboard.type(email);
  await tabTo(page, 'Password');
  await page.keyboard.type(password);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${site.origin}/shop/`);
  await page.getByRole('button', { name: 'Buy' }).first().waitFor();

  await tabTo(page, 'Buy');
  await page.keyboard.press('Enter');
  await page.getByText('Yours').waitFor();
  // The button is gone; the focus is on the ticket, not lost.
  await page.getByRole('status').getByText('Bought').waitFor();
  expect(await focused(page)).toBe('Plenty');
  await page.keyboard.press('Shift+Tab');
  expect(await focused(page)).toBe('Account');
  await page.keyboard.press('Enter');
  await page.getByText(email).waitFor();
  await tabTo(page, 'Sign out');
  await page.keyboard.press('Enter');
  await page.getByText('You are signed out.').waitFor();
  expect(await focused(page)).toBe('Sign in');
  expect(failures()).toEqual([]);
}, 120_000);

test.each([
  ['a path', '/shop/', '/shop/'],
  ['another host', '//evil.example/', '/'],
  ['another host, behind a backslash', '/\\evil.example/', '/'],
  ['another host, behind a tab', '/\t/evil.example/', '/'],
  ['another host, behind a dot', '/.//evil.example/', '//evil.example/'],
  ['another host without slashes', 'https:evil.example', '/'],
  ['another port', 'http://localhost:1/', '/'],
  ['a script', 'javascript:document.title="evil"', '/'],
])(
  'a browser that signs in ends on a page of this origin, where return_to asks for %s',
  async (...[, path, ends]) => {
    const page = await site.visit();
    await page.goto(`${site.origin}/?return_to=${encodeURIComponent(path)}#sign-up`);
    const { email, password } = newcomer();
    const signedUp = page.waitForResponse((response) => response.url().endsWith('/api/users/signup'));
    await page.getByLabel('Email').fill(email);
    await page.getByLabel(/^Password/).fill(password);
    await page.locator('form').getByRole('button', { name: 'Sign up' }).click();
    expect((await signedUp).status()).toBe(201);
    if (ends === '/') await page.getByText('Your account is ready.').waitFor();
    else await page.waitForURL(site.origin + ends);
    const { origin, pathname } = new URL(page.url());
    expect([origin, pathname]).toEqual([site.origin, ends]);
    expect(await page.title()).not.toBe('evil');
  },
  60_000,
);

test('no page is wider than a phone', async () => {
  const page = await site.visit({ width: 390, height: 780 });
  await page.goto(`${site.origin}/?return_to=%2Fshop%2F#sign-up`);
  await page.getByRole('heading', { name: 'Sign up' }).waitFor();
  expect(await widthOf(page)).toBe(390);
  const { email, password } = newcomer();
  await page.getByLabel('Email').fill(email);
  await page.getByLabel(/^Password/).fill(password);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Buy' }).first().waitFor();
  expect(await widthOf(page)).toBe(390);
  await page.getByRole('link', { name: 'Account' }).click();
  await page.getByText(email).waitFor();
  expect(await widthOf(page)).toBe(390);
}, 60_000);

/** Presses Tab until the control of that name has the focus; always once. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press('Tab');
    if ((await focused(page)) === name) return;
  }
  throw new Error(`no ${name} within twelve presses of Tab`);
}

/** The label or the text of what has the focus. */
function focused(page: Page): Promise<string> {
  return page.evaluate('(document.activeElement.labels?.[0] ?? document.activeElement).textContent.trim()');
}

function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}

/** What the browser complains of: scripts that fail, and what the security policy forbids. A 401 is an answer. */
function failuresOf(page: Page): () => readonly string[] {
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('401')) failures.push(message.text());
  });
  return () => failures;
}
