import { describe, expect, test } from '@jest/globals';
import type { Member, MongodbObservation } from '../members/observation.ts';
import { NOW, aStack, images, initiatedIdentity } from '../testing/seen.ts';
import type { InSet } from '../testing/seen.ts';
import { serving } from '../testing/sets.ts';
import { now, replaced } from '../testing/summary.ts';
import type { Case, Change } from '../testing/summary.ts';

describe('versions', () => {
  const of = (version: string): MongodbObservation['stack'] => aStack({ mongodb: { version } });
  const all = { ...images, mongodb: { '4.4': 'm:4', '5.0': 'm:5', '6.0': 'm:6', '7.0': 'm:7' } };
  const stored = (version: string, fcv: string, change = {}): Change => ({
    images: all,
    identity: initiatedIdentity({ version, featureCompatibilityVersion: fcv, ...change }),
  });
  const running = (version: string, fcv: string, states: InSet['states'] = {}): Member[] =>
    serving(3, { states }).map((one) => {
      if (one.agent === 'unknown') return one;
      const mongod = { state: 'answers', version: `${version}.9`, featureCompatibilityVersion: fcv } as const;
      return { ...one, agent: { ...one.agent, mongod } };
    });
  const MINUTE = 60_000;

  test.each<Case>([
    [
      'the next one is stored before any member runs it',
      { ...stored('5.0', '5.0'), stack: of('6.0'), members: running('5.0', '5.0') },
      'True/AllMembersHealthy',
      [replaced({ version: '6.0' })],
    ],
    [
      'none is skipped',
      { ...stored('5.0', '5.0'), stack: of('7.0'), members: running('5.0', '5.0') },
      'True/VersionRefused',
      [],
    ],
    [
      'the one after the next waits for the feature compatibility of the next',
      { ...stored('6.0', '5.0'), stack: of('7.0'), members: running('6.0', '5.0', { 1: 'RECOVERING' }) },
      'True/Degraded',
      [],
    ],
    [
      'there is no way below the feature compatibility',
      { ...stored('6.0', '6.0'), stack: of('5.0'), members: running('6.0', '6.0') },
      'True/VersionRefused',
      [],
    ],
    [
      'the way back to it is open, also when members do not come up',
      { ...stored('6.0', '5.0'), stack: of('5.0'), members: running('6.0', '5.0', { 2: 'DOWN' }) },
      'True/Degraded',
      [replaced({ version: '5.0' })],
    ],
    [
      'no upgrade begins while a member is missing',
      { ...stored('5.0', '5.0'), stack: of('6.0'), members: running('5.0', '5.0', { 2: 'DOWN' }) },
      'True/Degraded',
      [],
    ],
    [
      'when all run it is written down',
      { ...stored('6.0', '5.0'), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [replaced({ 'upgraded-at': new Date(NOW).toISOString() })],
    ],
    [
      'not before the last one does',
      {
        ...{ ...stored('6.0', '5.0'), stack: of('6.0') },
        members: [...running('6.0', '5.0').slice(0, 2), ...running('5.0', '5.0').slice(2)],
      },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'the time begins anew when one fails',
      {
        ...{ ...stored('6.0', '5.0', upgradedAgo(MINUTE)), stack: of('6.0') },
        members: running('6.0', '5.0', { 2: 'DOWN' }),
      },
      'True/Degraded',
      [replaced({ 'upgraded-at': '' })],
    ],
    [
      'feature compatibility waits a while',
      { ...stored('6.0', '5.0', upgradedAgo(MINUTE)), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [],
    ],
    [
      'and is then raised',
      { ...stored('6.0', '5.0', upgradedAgo(2 * MINUTE)), stack: of('6.0'), members: running('6.0', '5.0') },
      'True/AllMembersHealthy',
      [{ raiseCompatibility: 'shop-mongodb-0', version: '6.0' }],
    ],
    [
      'which is written down at last',
      { ...stored('6.0', '5.0', upgradedAgo(2 * MINUTE)), stack: of('6.0'), members: running('6.0', '6.0') },
      'True/AllMembersHealthy',
      [replaced({ 'feature-compatibility': '6.0', 'upgraded-at': '' })],
    ],
  ])('%s', (...[, change, ready, does]) => {
    expect(now(change)).toMatchObject({ ready, does });
  });

  test('a refusal names what can be set', () => {
    const skipping = { ...stored('5.0', '5.0'), stack: of('7.0'), members: running('5.0', '5.0') };
    expect(now(skipping).message).toContain('Set spec.mongodb.version to 5.0 or 6.0');
  });

  function upgradedAgo(millis: number): object {
    const data = {
      ...{ version: '6.0', members: '3', 'feature-compatibility': '5.0', formed: '3' },
      'upgraded-at': new Date(NOW - millis).toISOString(),
    };
    return { upgradedAt: NOW - millis, data };
  }
});
