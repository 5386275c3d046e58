import axe from 'axe-core';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';

/** How a browser may show a page. */
export const looks = {
  light: { colorScheme: 'light', forcedColors: 'none' },
  dark: { colorScheme: 'dark', forcedColors: 'none' },
  'forced colours': { colorScheme: 'dark', forcedColors: 'active' },
} as const;

/** What axe complains of in each look, one line for each element. */
export async function violationsIn(page: Page): Promise<readonly string[]> {
  const lines: string[] = [];
  await page.evaluate(axe.source);
  // Half faded in, a text has another contrast.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const [look, media] of Object.entries(looks)) {
    await page.emulateMedia(media);
    for (const line of await violationsAsShown(page)) lines.push(`${look}: ${line}`);
  }
  return lines;
}

async function violationsAsShown(page: Page): Promise<readonly string[]> {
  // All rules of WCAG up to 2.2 AA and those of good practice; the size of targets is off unless asked for.
  const options = { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } };
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary.replaceAll(/\s+/g, ' ')}`),
  );
}

/** How wide the page is; wider than its window, it scrolls sideways. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}
