import { randomBytes } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { NotDecidedYet } from './watched-file.ts';
import { keepingPeppers, PeppersNeeded } from './kept-peppers.ts';
import { parseSecrets } from '../secrets/secrets.ts';
import type { Secrets } from '../secrets/secrets.ts';

const bytes = new Map<string, string>();

/** A ring whose first pepper is the current one; the same id has the same bytes, but for `id!`. */
function ring(...peppers: readonly string[]): Secrets {
  const fresh = (): string => randomBytes(32).toString('base64');
  const keys = peppers.map((name) => {
    const id = name.replace('!', '');
    const kept = bytes.get(id) ?? fresh();
    bytes.set(id, kept);
    return [id, name.endsWith('!') ? fresh() : kept] as const;
  });
  const pepper = { current: keys[0]?.[0], keys: Object.fromEntries(keys) };
  const other = { current: 'x', keys: { x: fresh() } };
  return parseSecrets(JSON.stringify({ pepper, refresh: other, totp: other }));
}

test.each<[string, { from?: Secrets; to: Secrets; needed: readonly string[] | 'unknown'; answer: unknown }]>([
  ['a ring with all that is needed', { to: ring('p2', 'p1'), needed: ['p1', 'p2'], answer: 'used' }],
  ['a first ring for an empty database', { to: ring('p1'), needed: [], answer: 'used' }],
  ['a first ring that lacks one', { to: ring('p2'), needed: ['p1', 'p2'], answer: /than before: p1;/ }],
  ['a first ring while the database is down', { to: ring('p1'), needed: 'unknown', answer: NotDecidedYet }],
  ['one more pepper', { from: ring('p1'), to: ring('p2', 'p1'), needed: 'unknown', answer: 'used' }],
  ['a pepper dropped that nobody needs', { from: ring('p2', 'p1'), to: ring('p2'), needed: ['p2'], answer: 'used' }],
  ['a pepper dropped too early', { from: ring('p2', 'p1'), to: ring('p2'), needed: ['p1'], answer: PeppersNeeded }],
  ['a pepper dropped, unasked', { from: ring('p2', 'p1'), to: ring('p2'), needed: 'unknown', answer: NotDecidedYet }],
  ['other bytes under an id', { from: ring('p1'), to: ring('p1!'), needed: ['p1'], answer: PeppersNeeded }],
  ['other bytes that nobody needs', { from: ring('p1'), to: ring('p1!'), needed: [], answer: 'used' }],
  [
    'all peppers gone',
    { from: ring('p2', 'p1'), to: ring('p3'), needed: ['p1', 'p2'], answer: /than before: p1, p2;/ },
  ],
])('%s', async (_change, { from, to, needed, answer }) => {
  const inUse = () => (needed === 'unknown' ? Promise.reject(new Error('down')) : Promise.resolve(needed));
  const accepted = keepingPeppers(inUse)(to, from);
  if (answer === 'used') await expect(accepted).resolves.toBeUndefined();
  else await expect(accepted).rejects.toThrow(answer);
});
