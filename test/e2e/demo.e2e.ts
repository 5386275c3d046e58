import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { tool } from '../support/tools.ts';
import type { Person } from '../world/visitor.ts';
import { aPerson, expect, kubectl, scenario } from './world.ts';

const address = `http://localhost:${process.env['PORT'] ?? '8080'}`;
const screenshots = join(import.meta.dirname, '../../artifacts/screenshots');

scenario('what make up leaves behind is ready', { minutes: 2, suite: 'core' }, async () => {
  await kubectl(['-n', 'auth', 'wait', '--for=condition=Ready', 'authstack/demo', '--timeout=120s']);
  await kubectl(['-n', 'shop', 'wait', '--for=condition=InSync', 'authconsumer/orders', '--timeout=120s']);
});

scenario(
  'a visitor signs up in a browser, buys a ticket in the shop, signs out and in again',
  { minutes: 2, suite: 'core' },
  async () => {
    await using browser = await openBrowser();
    const { page, complaints } = browser;
    const person = aPerson();
    await page.goto(`${address}/shop/`);
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).waitFor();
    await shoot(page, 'shop');

    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Sign up' }).click();
    await shoot(page, 'sign-up');
    await fillIn(page, person);
    await page.waitForURL(`${address}/shop/`);

    await page.getByRole('button', { name: 'Buy' }).first().click();
    await page.getByText('Yours').first().waitFor();
    await shoot(page, 'bought');

    await page.getByRole('link', { name: 'Account' }).click();
    await page.getByText(person.email).waitFor();
    await shoot(page, 'account');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await fillIn(page, { ...person, password: 'not the password' });
    await page.getByText('The email address or the password is wrong.').waitFor();
    await shoot(page, 'refused');
    await fillIn(page, person);
    await page.waitForURL(`${address}/shop/`);
    await page.getByText('Yours').first().waitFor();

    // A visitor without orders and a refused sign-in are 401s, which browsers report; nothing else may go wrong.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  },
);

/** Fills in the form that the sign-in page shows, and sends it. */
async function fillIn(page: Page, { email, password }: Person): Promise<void> {
  await page.getByLabel('Email').fill(email);
  await page.getByLabel(/^Password/).fill(password);
  await page
    .locator('form')
    .getByRole('button', { name: /^Sign (in|up)$/ })
    .click();
}

async function openBrowser(): Promise<AsyncDisposable & { page: Page; complaints: string[] }> {
  const browser = await chromium.launch({
    executablePath: await tool('chromium'),
    // Chromium refuses its own sandbox to root, which is who runs this in most containers.
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  return { page, complaints, [Symbol.asyncDispose]: () => browser.close() };
}

async function shoot(page: Page, name: string): Promise<void> {
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}
