import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Millis } from '@authstack/http-service/clock';
import { startStack } from '../testing/stack.ts';
import type { TestStack } from '../testing/stack.ts';
import { newcomer } from '../testing/visitor.ts';
import type { Visitor } from '../testing/visitor.ts';
import type { Pod } from '../testing/world.ts';
import { GRACE } from './chain.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startStack({ pods: 3 });
}, 60_000);

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
});

/** What a browser does next, and at which pod. `late`: by a tab that still has the cookies from before the last refresh. */
type Act =
  | {
      readonly does: 'refreshes' | 'loses the answer to a refresh' | 'uses the session' | 'refreshes late';
      readonly at: number;
    }
  | { readonly does: 'waits'; readonly for: Millis };

const MINUTE: Millis = 60_000;
const pod = fc.nat({ max: 2 });
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      does: fc.constantFrom(
        'refreshes' as const,
        'loses the answer to a refresh' as const,
        'uses the session' as const,
        'refreshes late' as const,
      ),
      at: pod,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('waits' as const), for: fc.constantFrom(5_000, MINUTE, 60 * MINUTE) }),
  },
);
const history = fc.record({
  skews: fc.array(fc.integer({ min: -10 * MINUTE, max: 10 * MINUTE }), { minLength: 3, maxLength: 3 }),
  acts: fc.array(act, { minLength: 3, maxLength: 10 }),
});

/** A browser, what a slow tab of it still holds, and for how long that has been replaced. */
class Browser {
  readonly visitor: Visitor;
  private before: Visitor | undefined;
  private replacedFor: Millis | undefined;

  constructor(visitor: Visitor) {
    this.visitor = visitor;
  }

  /** Answers the statuses that it got. */
  async perform(next: Act): Promise<readonly number[]> {
    if (next.does === 'waits') {
      await stack.timePasses(next.for);
      if (this.replacedFor !== undefined) this.replacedFor += next.for;
      return [];
    }
    const at = podAt(next.at);
    switch (next.does) {
      case 'refreshes': {
        this.showsNewest();
        this.before = this.visitor.copy();
        const { status } = await this.visitor.refresh(at);
        this.replacedFor = undefined;
        return [status];
      }
      case 'loses the answer to a refresh':
        this.showsNewest();
        return [(await this.visitor.copy().refresh(at)).status];
      case 'uses the session':
        this.showsNewest();
        return [(await this.visitor.isSignedIn(at)) ? 200 : 401];
      case 'refreshes late':
        // After the grace it would be a thief; half of it is left to a slow machine.
        if (!this.before || (this.replacedFor ?? 0) > GRACE / 2) return [];
        return [(await this.before.copy().refresh(at)).status];
    }
  }

  private showsNewest(): void {
    if (this.before) this.replacedFor ??= 0;
  }
}

function podAt(index: number): Pod {
  const [first] = stack.pods;
  return stack.pods[index] ?? first;
}

/** The pods' clocks for as long as `work` lasts. */
async function skewed<T>(skews: readonly Millis[], work: () => Promise<T>): Promise<T> {
  const move = (sign: 1 | -1): void => {
    for (const [index, skew] of skews.entries()) podAt(index).clock.skew(sign * skew);
  };
  move(1);
  try {
    return await work();
  } finally {
    move(-1);
  }
}

test('no difference between the clocks of replicas signs an honest browser out', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.tuple(pod, pod, pod), ({ skews, acts }, [one, another, third]) =>
      skewed(skews, async () => {
        const browser = new Browser(await newcomer(podAt(0)));
        // Each history ends in the case that a clock can decide: the child is shown at one pod, the parent at another.
        const end: readonly Act[] = [
          { does: 'refreshes', at: one },
          { does: 'uses the session', at: another },
          { does: 'refreshes late', at: third },
        ];
        for (const next of [...acts, ...end]) {
          for (const status of await browser.perform(next)) expect(status).toBe(200);
        }
      }),
    ),
    { numRuns: 25 },
  );
}, 120_000);

test('no difference between the clocks of replicas spares a token that was copied', async () => {
  await fc.assert(
    fc.asyncProperty(history, pod, ({ skews, acts }, where) =>
      skewed(skews, async () => {
        const browser = new Browser(await newcomer(podAt(0)));
        const thief = browser.visitor.copy();
        for (const next of acts) await browser.perform(next);
        // The thief's token has a child, and the child is shown.
        await browser.perform({ does: 'refreshes', at: 0 });
        await browser.perform({ does: 'uses the session', at: 1 });
        await stack.timePasses(GRACE + 1);
        expect(await thief.refresh(podAt(where))).toMatchObject({ status: 401, body: { code: 'SESSION_REUSED' } });
        expect(await browser.visitor.isSignedIn(podAt(2))).toBe(false);
      }),
    ),
    { numRuns: 15 },
  );
}, 120_000);
