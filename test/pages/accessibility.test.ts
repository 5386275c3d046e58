import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { looks, violationsIn, widthOf } from './accessibility.ts';
import { shopStates } from './shop-states.ts';
import { signInStates } from './sign-in-states.ts';
import { openSite } from './site.ts';
import type { Site } from './site.ts';

/** A folder to see what was checked: `SCREENSHOTS=/tmp/pages make unit TEST=test/pages/accessibility`. */
const screenshots = process.env['SCREENSHOTS'];
/** As narrow as pages must still work (WCAG 2.2, success criterion 1.4.10). */
const NARROW = 320;

let site: Site;

beforeAll(async () => {
  site = await openSite();
}, 240_000);

afterAll(async () => {
  await site[Symbol.asyncDispose]();
});

const pages = { 'sign-in': signInStates, shop: shopStates } as const;

describe.each(Object.entries(pages))(
  'the %s page has no violation of axe in any look, nor scrolls sideways',
  (name, states) => {
    test.each(states)(
      '$name',
      async (state) => {
        const page = await site.visit();
        await state.reach(page, site);
        if (screenshots !== undefined) await shoot(page, join(screenshots, name, state.name.replaceAll(/\W+/g, '-')));
        expect(await violationsIn(page)).toEqual([]);
        await page.setViewportSize({ width: NARROW, height: 700 });
        expect(await widthOf(page)).toBeLessThanOrEqual(NARROW);
        await page.context().close();
      },
      120_000,
    );
  },
);

test.each([
  ['a button without a name', '<button></button>', 3, 'button-name'],
  ['a field without a label', '<input>', 3, 'label'],
  ['a text that can hardly be read', '<p style="color: #888; background: #777">Hardly</p>', 2, 'color-contrast'],
])(
  'the check finds %s',
  async (...[, html, looksAtFault, rule]) => {
    const page = await site.visit();
    await page.goto(`${site.origin}/`);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await page.evaluate(`document.querySelector('form').insertAdjacentHTML('beforeend', ${JSON.stringify(html)});
      for (const element of document.querySelectorAll('form [style]')) element.style.cssText = element.getAttribute('style')`);
    const found = await violationsIn(page);
    expect(found.filter((line) => line.includes(`: ${rule}: `))).toHaveLength(looksAtFault);
    await page.context().close();
  },
  60_000,
);

async function shoot(page: Page, path: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  for (const [look, media] of Object.entries(looks)) {
    await page.emulateMedia(media);
    await page.screenshot({ path: `${path}.${look.replace(' ', '-')}.png`, fullPage: true });
  }
  await page.emulateMedia(looks.light);
  await page.setViewportSize({ width: NARROW, height: 700 });
  await page.screenshot({ path: `${path}.narrow.png`, fullPage: true });
}
