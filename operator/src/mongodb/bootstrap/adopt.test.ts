import { expect, test } from '@jest/globals';
import { identityTexts } from '../../stored/identity.ts';
import { aStack, initiatedIdentity, noMember } from '../testing/seen.ts';
import { now, replaced } from '../testing/summary.ts';

test('a stack that is created again adopts what is stored, once', () => {
  const identity = initiatedIdentity({ adoptedBy: 'stack-0' });
  expect(now({ identity, members: [0, 1, 2].map(noMember) })).toMatchObject({
    ready: 'False/Starting',
    does: [replaced({ 'adopted-by': 'stack-1' })],
  });
});

test('a stack that is created again may request the next version, which comes once all members are healthy', () => {
  const identity = initiatedIdentity({ adoptedBy: 'stack-0', version: '6.0', featureCompatibilityVersion: '6.0' });
  const asking = (version: string): ReturnType<typeof now> =>
    now({ identity, stack: aStack({ mongodb: { version } }), members: [0, 1, 2].map(noMember) });
  expect(asking('7.0').does).toEqual([replaced({ ...identityTexts(identity), 'adopted-by': 'stack-1' })]);
  expect(asking('8.0').ready).toBe('False/AdoptionRefused');
  expect(asking('5.0').ready).toBe('False/AdoptionRefused');
});
