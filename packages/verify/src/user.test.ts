import { expect, test } from '@jest/globals';
import { createVerifier, TokenExpired } from './index.ts';
import type { User } from './index.ts';
import { FakeClock } from './testing/fake-clock.ts';
import { claimsAt, signingKey, tokenOf } from './testing/issuer.ts';
import { consumerSecret, secretMount } from './testing/secret-mount.ts';

const key = signingKey('k1');
const clock = new FakeClock();
const claims = { ...claimsAt(clock), aud: ['shop'], tenant: { id: 't1', plans: [{ name: 'basic' }] } };

test('nothing that a handler does to a user is seen by the next request with the same token', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  using verifier = createVerifier({ directory: mount.directory, clock });
  const token = tokenOf(key, claims);
  const user = verifier.verify(token);

  for (const part of partsOf(user)) {
    for (const name of ['length', 'id', 'admin', ...Object.keys(part)]) {
      expect(() => Object.assign(part, { [name]: 'admin' })).toThrow(TypeError);
    }
  }

  expect(verifier.verify(token)).toBe(user);
  expect(user).toEqual({ id: 'user-1', roles: ['user'], sessionId: 'session-1', claims });
});

test('the claims that an expired token carries cannot be changed either', async () => {
  await using mount = await secretMount(consumerSecret([key]));
  using verifier = createVerifier({ directory: mount.directory, clock });
  const token = tokenOf(key, { ...claims, exp: clock.now() / 1000 - 100 });
  const refusal = refusalOf(() => verifier.verify(token));
  expect(refusal).toBeInstanceOf(TokenExpired);
  for (const part of partsOf((refusal as TokenExpired).claims)) expect(Object.isFrozen(part)).toBe(true);
});

test('the types say so too', () => {
  const change = (user: User): void => {
    // @ts-expect-error -- readonly
    user.id = 'other';
    // @ts-expect-error -- readonly
    user.roles[0] = 'admin';
    // @ts-expect-error -- readonly
    user.claims.sub = 'other';
    // @ts-expect-error -- readonly
    user.claims.roles[0] = 'admin';
    // @ts-expect-error -- readonly
    if (typeof user.claims.aud !== 'string') user.claims.aud[0] = 'admin';
  };
  expect(change).toBeDefined();
});

/** Every object and list in it, itself first. */
function partsOf(value: object): object[] {
  const inner = Object.values(value).filter((each) => typeof each === 'object' && each !== null) as object[];
  return [value, ...inner.flatMap(partsOf)];
}

function refusalOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
