import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { themes } from '../../web/page/src/accent.ts';

test('an accent is made readable on the colours that the style sheet has', async () => {
  const css = await readFile(join(import.meta.dirname, '../../web/page/src/styles.css'), 'utf8');
  const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)');
  expect({ light: coloursOf(light), dark: coloursOf(dark) }).toEqual(themes);
});

function coloursOf(theme: string): Record<string, string | undefined> {
  const colour = (name: string): string | undefined => new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(theme)?.[1];
  return { card: colour('card'), paper: colour('paper'), onAccent: colour('on-accent') };
}
