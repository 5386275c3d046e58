import { afterEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createVerifier } from './index.ts';
import type { Verifier } from './index.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const key = signingKey('k1');
const clock = new FakeClock();
const NINE_DAYS = 9 * 24 * 3600;

const opened: Verifier[] = [];
afterEach(() => {
  for (const verifier of opened.splice(0)) void verifier.close();
});

function open(options: object): Verifier {
  const verifier = createVerifier(options as Parameters<typeof createVerifier>[0]);
  opened.push(verifier);
  return verifier;
}

test.each<[string, object, string]>([
  ['text out of an environment variable', { clockSkewSeconds: '10' }, "option clockSkewSeconds is '10'; it must be"],
  ['no number', { clockSkewSeconds: NaN }, 'option clockSkewSeconds is NaN; it must be a whole number from 0 to 600'],
  ['a skew without bound', { clockSkewSeconds: Infinity }, 'clockSkewSeconds is Infinity'],
  ['a negative skew', { clockSkewSeconds: -5 }, 'clockSkewSeconds is -5'],
  ['milliseconds', { clockSkewSeconds: 10_000 }, 'clockSkewSeconds is 10000'],
  ['a fraction', { clockSkewSeconds: 0.5 }, 'clockSkewSeconds is 0.5'],
  ['null', { clockSkewSeconds: null }, 'clockSkewSeconds is null'],
  ['a list', { clockSkewSeconds: [10] }, 'clockSkewSeconds is [Array]'],
  ['an object that pretends', { clockSkewSeconds: { valueOf: () => 10 } }, 'clockSkewSeconds is [Object]'],
  ['a BigInt', { clockSkewSeconds: 10n }, 'clockSkewSeconds is 10n'],
  ['a cache that never evicts', { cacheSize: NaN }, 'cacheSize is NaN; it must be a whole number from 0 to 1000000'],
  ['a cache without bound', { cacheSize: Infinity }, 'cacheSize is Infinity'],
  ['a negative cache', { cacheSize: -1 }, 'cacheSize is -1'],
  ['a size as text', { cacheSize: '100' }, "cacheSize is '100'"],
  ['no directory', { directory: undefined }, 'option directory is undefined; it must be the path of a directory'],
  ['an empty directory', { directory: '' }, "directory is ''"],
  ['a list of directories', { directory: ['/etc/authstack'] }, 'directory is [Array]'],
  ['an empty path of a token', { tokenFile: '' }, "option tokenFile is ''; it must be the path of a file"],
  ['a feed as text', { feed: 'false' }, "option feed is 'false'; it must be true or false"],
  ['a report that cannot be called', { report: { log: true } }, 'option report is [Object]; it must be a function'],
  ['half a clock', { clock: { now: () => 0 } }, 'option clock is [Object]; it must be an object with'],
  [
    'a misspelt option',
    { clockSkew: 10 },
    "there is no option 'clockSkew', only directory, tokenFile, clockSkewSeconds",
  ],
])('an option that is not what it should be is named when the verifier is created: %s', (_what, changed, message) => {
  const create = () => open({ directory: '/nowhere', clock, ...changed });
  expect(create).toThrow(TypeError);
  expect(create).toThrow(message);
});

test.each([[undefined], [null], ['/etc/authstack'], [[]]])('options that are no object are refused: %p', (options) => {
  expect(() => createVerifier(options as never)).toThrow(/options must be an object, not/);
});

test('an option that is undefined is one that is absent', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  const absent = { tokenFile: undefined, clockSkewSeconds: undefined, cacheSize: undefined, report: undefined };
  const verifier = open({ directory: mount.directory, clock, ...absent });
  expect(verifier.verify(tokenOf(key, claimsAt(clock)))).toMatchObject({ id: 'user-1' });
});

test('whatever is passed as skew and size, no verifier accepts a token that expired nine days ago, or refuses a fresh one', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  const claims = claimsAt(clock);
  const now = claims['iat'] as number;
  const fresh = tokenOf(key, claims);
  const old = tokenOf(key, { ...claims, iat: now - NINE_DAYS - 60, exp: now - NINE_DAYS });
  const anything = fc.anything({ withBigInt: true, withDate: true, withObjectString: true });
  const option = fc.oneof(anything, fc.integer({ min: 0, max: 1000 }), fc.double());
  fc.assert(
    fc.property(option, option, (clockSkewSeconds, cacheSize) => {
      let verifier: Verifier;
      try {
        verifier = createVerifier({ directory: mount.directory, clock, clockSkewSeconds, cacheSize } as never);
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
        return;
      }
      try {
        expect(verifier.verify(fresh)).toMatchObject({ id: 'user-1' });
        expect(() => verifier.verify(old)).toThrow(expect.objectContaining({ code: 'TOKEN_EXPIRED' }));
      } finally {
        void verifier.close();
      }
    }),
    { numRuns: 200 },
  );
});

test('a clock that tells no time admits no token', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  const token = tokenOf(key, claimsAt(clock));
  const verifier = open({ directory: mount.directory, clock: { now: () => NaN, after: () => () => undefined } });
  expect(() => verifier.verify(token)).toThrow(expect.objectContaining({ code: 'TOKEN_NOT_YET_VALID' }));
});
