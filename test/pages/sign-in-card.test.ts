import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { looks } from './accessibility.ts';
import { openSite } from './site.ts';
import type { Site } from './site.ts';

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 240_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

async function card(form: 'sign-in' | 'sign-up'): Promise<Page> {
  const page = await site.visit();
  await page.goto(`${site.origin}/#${form}`);
  await page.getByRole('link', { name: form === 'sign-in' ? 'Sign up' : 'Sign in' }).waitFor();
  return page;
}

test('each form says what it does twice, as heading and as button, and names the other once, as the link to it', async () => {
  for (const [form, own, other] of [
    ['sign-in', 'Sign in', 'Sign up'],
    ['sign-up', 'Sign up', 'Sign in'],
  ] as const) {
    const page = await card(form);
    const words = (name: string): Locator => page.locator('main').getByText(name, { exact: true });
    const counts = [
      await words(own).count(),
      await page.getByRole('heading', { name: own, exact: true }).count(),
      await page.getByRole('button', { name: own, exact: true }).count(),
      await words(other).count(),
    ];
    expect([form, ...counts]).toEqual([form, 2, 1, 1, 1]);
    await page.context().close();
  }
}, 60_000);

test('a field without a note ends with its entry, and the next begins as far below it as any does', async () => {
  const page = await card('sign-in');
  const fields = page.locator('.field');
  const [email, password] = [fields.nth(0), fields.nth(1)];
  expect(await fields.count()).toBe(2);
  for (const field of [email, password]) expect(await bottomOf(field)).toBe(await bottomOf(field.locator('.entry')));
  const gaps = [
    (await topOf(password)) - (await bottomOf(email)),
    (await topOf(page.getByRole('button', { name: 'Sign in' }))) - (await bottomOf(password)),
  ];
  // About a line of text: a hole is where a note would be.
  for (const gap of gaps) expect(gap).toBeLessThanOrEqual(32);
  await page.context().close();
}, 60_000);

test('in forced colours the main action is told from the others, and fields and cards have an outline', async () => {
  const page = await card('sign-in');
  await page.emulateMedia(looks['forced colours']);
  const [main, reveal, link, surface] = await Promise.all(
    ['.primary', '.reveal', '.other-form a', '.card'].map((selector) => styleOf(page, selector)),
  );
  expect(main?.background).not.toBe(surface?.background);
  expect(main?.background).not.toBe(reveal?.background);
  expect(link?.line).toContain('underline');
  for (const selector of ['.card', '.entry input']) {
    const { border } = await styleOf(page, selector);
    expect([selector, border]).not.toEqual([selector, '0px']);
  }
  await page.context().close();
}, 60_000);

interface Style {
  readonly background: string;
  readonly border: string;
  readonly line: string;
}

function styleOf(page: Page, selector: string): Promise<Style> {
  return page.evaluate<Style>(`(() => {
    const style = getComputedStyle(document.querySelector(${JSON.stringify(selector)}));
    return { background: style.backgroundColor, border: style.borderTopWidth, line: style.textDecorationLine };
  })()`);
}

async function boxOf(element: Locator): Promise<{ readonly y: number; readonly height: number }> {
  const box = await element.boundingBox();
  if (!box) throw new Error('it is not shown');
  return box;
}

async function topOf(element: Locator): Promise<number> {
  return Math.round((await boxOf(element)).y);
}

async function bottomOf(element: Locator): Promise<number> {
  const { y, height } = await boxOf(element);
  return Math.round(y + height);
}
