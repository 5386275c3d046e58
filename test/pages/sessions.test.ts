import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { openSite, page as settings, PASSWORD, PASSWORD_MIN_LENGTH } from './site.ts';
import type { Site } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 240_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

async function somebody(): Promise<string> {
  const email = `${randomUUID()}@example.com`;
  await site.signUp(email);
  return email;
}

/** Somebody looks at the page again: it gets the focus. */
const lookAt = (page: Page): Promise<void> => page.evaluate('dispatchEvent(new Event("focus"))');

test('a session that is ended on one device is noticed on the other as soon as somebody looks at it', async () => {
  const email = await somebody();
  const phone = await site.visitAs(email);
  const laptop = await site.visitAs(email);
  await laptop.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await laptop.getByRole('button', { name: /^Sign out Chrome/ }).waitFor({ state: 'detached' });
  // The button that had the focus is gone with its row.
  expect(await laptop.evaluate('document.activeElement.textContent')).toBe('Where you are signed in');

  await lookAt(phone);
  await phone.getByText('Your session has ended.').waitFor();
  expect(await phone.getByRole('status').first().getAttribute('class')).toContain('notice');
  await lookAt(laptop);
  await laptop.getByText('This device').waitFor();
}, 120_000);

test('signing out everywhere ends the session of every device, and of the shop', async () => {
  const email = await somebody();
  const phone = await site.visitAs(email);
  await phone.goto(`${site.origin}/shop/`);
  await phone.getByText('Nothing yet.').waitFor();
  const laptop = await site.visitAs(email);
  await laptop.getByRole('button', { name: 'Sign out everywhere' }).click();
  await laptop.getByText('You are signed out on every device.').waitFor();
  expect(await laptop.getByRole('status').first().getAttribute('class')).toContain('success');

  await phone.goto(`${site.origin}/`);
  await phone.getByRole('button', { name: 'Sign in' }).waitFor();
}, 120_000);

test('the page says what the stack says of it, before anything is refused', async () => {
  const page = await site.visit();
  await page.goto(`${site.origin}/#sign-up`);
  await page.getByText(`At least ${PASSWORD_MIN_LENGTH} characters.`).waitFor();
  expect(await page.title()).toBe(`Sign up · ${settings.title}`);
  await page.goto(`${site.origin}/#sign-in`);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.getByText('At least').count()).toBe(0);
}, 60_000);

test('who is banned can start over with another account', async () => {
  const email = await somebody();
  await site.change(email, { banned: true });
  const page = await site.visit();
  await page.goto(`${site.origin}/`);
  await page.getByLabel('Email').fill(email);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.keyboard.press('Enter');
  expect(await page.getByRole('link', { name: 'Contact support' }).getAttribute('href')).toBe(settings.supportUrl);
  await page.getByRole('button', { name: 'Use another account' }).click();
  expect(await page.evaluate('document.activeElement.name')).toBe('email');
  expect(await page.getByLabel('Email').inputValue()).toBe('');
  expect(await page.getByRole('alert').count()).toBe(0);
}, 60_000);

test('a shown password is told by the name of its button alone', async () => {
  const page = await site.visit();
  await page.goto(`${site.origin}/`);
  await page.getByLabel(/^Password/).fill(PASSWORD);
  await page.getByRole('button', { name: 'Show password' }).click();
  const hide = page.getByRole('button', { name: 'Hide password' });
  expect(await hide.getAttribute('aria-pressed')).toBeNull();
  expect(await page.getByLabel(/^Password/).getAttribute('type')).toBe('text');
  await hide.click();
  expect(await page.getByLabel(/^Password/).getAttribute('type')).toBe('password');
}, 60_000);
