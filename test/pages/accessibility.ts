import axe from 'axe-core';
import type { AxeResults, NodeResult, Result } from 'axe-core';
import type { Page } from 'playwright-core';

/** How a browser may show a page. */
export const looks = {
  light: { colorScheme: 'light', forcedColors: 'none' },
  dark: { colorScheme: 'dark', forcedColors: 'none' },
  'forced colours': { colorScheme: 'dark', forcedColors: 'active' },
} as const;

/**
 * What the ground of the page is mixed of. Axe does not judge text on a gradient; on each of its ends, it does. Any mix is as light
 * as one end, the other, or something between, and so is the contrast of a text that is darker than both, or lighter.
 */
const grounds = ['var(--paper)', 'var(--accent-tint)'];

/** What axe cannot decide, and why it is right all the same. */
const reviewed: readonly Reviewed[] = [
  {
    rule: 'color-contrast',
    because: /overlapped by another element/,
    html: /^<button [^>]*class="secondary wide"/,
    reason:
      'The note that somebody is signed in lies over the button for some seconds; the button has one ground in every state.',
  },
];

interface Reviewed {
  readonly rule: string;
  /** Why axe could not decide, in its own words. */
  readonly because: RegExp;
  /** Of the element. */
  readonly html: RegExp;
  readonly reason: string;
}

/** What axe complains of in each look, or cannot decide and nobody has reviewed; one line for each element. */
export async function violationsIn(page: Page): Promise<readonly string[]> {
  const lines = new Set<string>();
  await page.evaluate(axe.source);
  // Half faded in, a text has another contrast.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  for (const [look, media] of Object.entries(looks)) {
    await page.emulateMedia(media);
    for (const ground of grounds) {
      await page.evaluate(`document.body.style.background = ${JSON.stringify(ground)}`);
      for (const line of await violationsAsShown(page)) lines.add(`${look}: ${line}`);
    }
  }
  await page.evaluate(`document.body.style.background = ''`);
  return [...lines];
}

async function violationsAsShown(page: Page): Promise<readonly string[]> {
  // All rules of WCAG up to 2.2 AA and those of good practice; the size of targets is off unless asked for.
  const options = { resultTypes: ['violations', 'incomplete'], rules: { 'target-size': { enabled: true } } };
  const { violations, incomplete } = await page.evaluate<AxeResults>(`axe.run(document, ${JSON.stringify(options)})`);
  const found = (results: readonly Result[], isFault: (rule: string, node: NodeResult) => boolean): readonly string[] =>
    results.flatMap(({ id, nodes }) => nodes.filter((node) => isFault(id, node)).map((node) => lineOf(id, node)));
  return [
    ...found(violations, () => true),
    ...found(incomplete, (rule, node) => !isReviewed(rule, node)).map((line) => `undecided: ${line}`),
  ];
}

function isReviewed(rule: string, node: NodeResult): boolean {
  const line = lineOf(rule, node);
  return reviewed.some((each) => each.rule === rule && each.because.test(line) && each.html.test(node.html));
}

function lineOf(rule: string, { html, failureSummary = '' }: NodeResult): string {
  return `${rule}: ${html} ${failureSummary.replaceAll(/\s+/g, ' ')}`;
}

/** How wide the page is; wider than its window, it scrolls sideways. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth');
}
