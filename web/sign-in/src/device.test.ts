import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deviceText } from './device.ts';

const webKit = 'AppleWebKit/537.36 (KHTML, like Gecko)';

test.each([
  ['Chrome on Linux', `Mozilla/5.0 (X11; Linux x86_64) ${webKit} Chrome/140.0.0.0 Safari/537.36`],
  [
    'Microsoft Edge on Windows',
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${webKit} Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0`,
  ],
  [
    'Safari on iPhone',
    `Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) ${webKit} Version/17.5 Mobile/15E148 Safari/604.1`,
  ],
  ['Safari on macOS', `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${webKit} Version/17.4 Safari/605.1.15`],
  ['Firefox on Android', 'Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0'],
  ['curl', 'curl/8.5.0'],
  ['node', 'node'],
  ['Unknown device', 'Mozilla/5.0'],
  ['Unknown device', ' '],
  ['Unknown device', undefined],
  ['Unknown device', '<script>'],
])('a person calls it %s', (name, userAgent) => {
  expect(deviceText(userAgent)).toBe(name);
});

test('whatever a client calls itself, its device has a name', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (userAgent) => {
      const name = deviceText(userAgent);
      expect(name.length).toBeGreaterThan(0);
      expect(name.length).toBeLessThan(100);
    }),
  );
});
