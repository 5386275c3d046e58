import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { Page } from 'playwright-core';
import { tool } from '../support/tools.ts';
import { aPerson, expect, kubectl, scenario } from './world.ts';

const address = `http://localhost:${process.env['PORT'] ?? '8080'}`;
const screenshots = join(import.meta.dirname, '../../artifacts/screenshots');

scenario('what make up leaves behind is ready', { minutes: 2, suite: 'core' }, async () => {
  await kubectl(['-n', 'auth', 'wait', '--for=condition=Ready', 'authstack/demo', '--timeout=120s']);
  await kubectl(['-n', 'shop', 'wait', '--for=condition=InSync', 'authconsumer/orders', '--timeout=120s']);
});

scenario(
  'somebody signs up in a browser, buys a ticket, signs out and in again',
  { minutes: 2, suite: 'core' },
  async () => {
    await using browser = await openBrowser();
    const { page, complaints } = browser;
    const person = aPerson();
    await page.goto(address);
    await shoot(page, 'sign-in');

    await page
      .getByRole('link', { name: /sign up|create/i })
      .or(page.getByRole('tab', { name: /sign up|create/i }))
      .or(page.getByRole('button', { name: /sign up|create/i }))
      .first()
      .click();
    await page.getByLabel(/e-?mail/i).fill(person.email);
    await page.getByLabel(/^password/i).fill(person.password);
    await page
      .locator('form')
      .getByRole('button', { name: /sign up|create/i })
      .click();
    await page.getByText(person.email).first().waitFor();
    await shoot(page, 'signed-up');

    await page.getByRole('button', { name: /buy/i }).first().click();
    await page
      .getByText(/bought|yours|your ticket/i)
      .first()
      .waitFor();
    await shoot(page, 'bought');

    await page.getByRole('button', { name: /sign out/i }).click();
    await page.getByLabel(/e-?mail/i).fill(person.email);
    await page.getByLabel(/^password/i).fill('not the password');
    await page
      .locator('form')
      .getByRole('button', { name: /sign in/i })
      .click();
    await page
      .getByText(/wrong|incorrect|do not match|don.t match|does not match/i)
      .first()
      .waitFor();
    await shoot(page, 'refused');
    await page.getByLabel(/^password/i).fill(person.password);
    await page
      .locator('form')
      .getByRole('button', { name: /sign in/i })
      .click();
    await page.getByText(person.email).first().waitFor();

    // The refused sign-in is a 401, which browsers report; nothing else may go wrong.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  },
);

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
