import { describe, expect, test } from '@jest/globals';
import { planMongodb } from '../plan.ts';
import { aStack, claim, noMember, seen } from '../testing/seen.ts';
import { now, summary } from '../testing/summary.ts';

describe('hibernation', () => {
  const asleep = aStack({ mongodb: { hibernate: true } });

  test('no member runs, and the volumes stay', () => {
    const plan = planMongodb(seen({ stack: asleep }));
    expect(summary(plan)).toMatchObject({ ready: 'False/Hibernated', does: [] });
    expect(JSON.stringify(plan.actions)).toContain('"replicas":0');
    expect(
      now({ stack: asleep, members: [0, 1, 2].map((ordinal) => ({ ...noMember(ordinal), claim: claim(ordinal) })) }),
    ).toMatchObject({
      ready: 'False/Hibernated',
      message: expect.stringContaining('spec.mongodb.hibernate: false'),
    });
  });
});
