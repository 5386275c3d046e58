import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { accentOf, contrastOf, themes } from './accent.ts';

test.each([
  ['#000000', '#ffffff', 21],
  ['#777777', '#ffffff', 4.48],
  ['#4f46e5', '#ffffff', 6.29],
])('the contrast of %s and %s is that of WCAG', (first, second, contrast) => {
  expect(contrastOf(first, second)).toBeCloseTo(contrast, 1);
  expect(contrastOf(second, first)).toBeCloseTo(contrast, 1);
});

test('a colour that can be read stays as it is', () => {
  expect(accentOf('#4338ca').onLight).toBe('#4338ca');
  expect(accentOf('#a5b4fc').onDark).toBe('#a5b4fc');
});

const colors = fc
  .array(fc.integer({ min: 0, max: 255 }), { minLength: 3, maxLength: 3 })
  .map((parts) => `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`);

test('whatever colour a stack has, its links and buttons can be read on both themes', () => {
  fc.assert(
    fc.property(fc.oneof(colors, fc.constantFrom('#ffffff', '#000000', '#ffff00', '#00ffff', '#ff0000')), (color) => {
      const { onLight, onDark } = accentOf(color);
      const pairs = [
        ...Object.values(themes.light).map((other) => contrastOf(onLight, other)),
        ...Object.values(themes.dark).map((other) => contrastOf(onDark, other)),
      ];
      expect(Math.min(...pairs)).toBeGreaterThanOrEqual(4.5);
    }),
  );
});
