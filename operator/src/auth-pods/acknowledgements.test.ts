import { expect, test } from '@jest/globals';
import type { AuthStack } from '../api/auth-stack.ts';
import { FakeClock } from '../runtime/fake-clock.ts';
import { ASK_EVERY, ASK_URGENTLY_EVERY, AcknowledgementPoll, awaitsConfirmations } from './acknowledgements.ts';
import type { AuthPodAddress } from './ask.ts';
import { PRESENT } from './verifiers.ts';
import type { Verifier } from './verifiers.ts';

const stack = { namespace: 'auth', name: 'shop' };

function verifier(client: string, kids: readonly string[], change: Partial<Verifier> = {}): Verifier {
  return { client, instance: `of ${client}`, name: 'pod', kids: [...kids], heardMillisAgo: 1_000, ...change };
}

/** Auth pods that answer what a test has them answer. */
function aPoll(answers: Record<string, readonly Verifier[] | 'unknown'>) {
  const clock = new FakeClock();
  const changed: string[] = [];
  const stop = new AbortController();
  let pods: readonly AuthPodAddress[] = Object.keys(answers).map((name) => ({ stack, name, ip: '10.0.0.1' }));
  const urgent = new Set<string>();
  const poll = new AcknowledgementPoll({
    clock,
    pods: () => pods,
    urgentPods: () => pods.filter(({ name }) => urgent.has(name)),
    ask: ({ name }) => {
      const answer = answers[name] ?? 'unknown';
      return Promise.resolve(answer === 'unknown' ? answer : [...answer]);
    },
    onChange: (consumer) => changed.push(consumer),
  });
  const running = poll.run(stop.signal);
  return {
    poll,
    changed,
    answers,
    urgent,
    keep: (...names: readonly string[]) => {
      pods = pods.filter(({ name }) => names.includes(name));
    },
    passes: (time: number) => clock.advance(time),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

const kidsOf = ({ poll }: ReturnType<typeof aPoll>, client: string): unknown =>
  poll.verifiersOf(client).map(({ kids }) => kids);

test('the services of all pods are known, each change of an AuthConsumer is told once', async () => {
  await using asked = aPoll({
    one: [verifier('shop/orders', ['k1'])],
    two: [verifier('web/front', ['k1'])],
  });
  await asked.passes(0);
  expect(asked.changed.splice(0).toSorted()).toEqual(['shop/orders', 'web/front']);
  expect(kidsOf(asked, 'shop/orders')).toEqual([['k1']]);

  await asked.passes(ASK_EVERY);
  expect(asked.changed.splice(0)).toEqual([]);
  asked.answers['one'] = [verifier('shop/orders', ['k2', 'k1'])];
  await asked.passes(ASK_EVERY);
  expect(asked.changed.splice(0)).toEqual(['shop/orders']);
  expect(kidsOf(asked, 'shop/orders')).toEqual([['k2', 'k1']]);
});

test('a service that vanishes, or whose pod does, is no longer connected', async () => {
  await using asked = aPoll({ one: [verifier('shop/orders', ['k1'])], two: [verifier('web/front', ['k1'])] });
  await asked.passes(0);
  asked.changed.splice(0);

  asked.answers['one'] = [verifier('shop/orders', ['k1'], { heardMillisAgo: PRESENT })];
  asked.keep('one');
  await asked.passes(ASK_EVERY);
  expect(asked.changed.toSorted()).toEqual(['shop/orders', 'web/front']);
  expect([kidsOf(asked, 'shop/orders'), kidsOf(asked, 'web/front')]).toEqual([[], []]);
});

test('what a pod said before it fell silent counts only as long as its services count as connected', async () => {
  await using asked = aPoll({ one: [verifier('shop/orders', ['k1'])] });
  await asked.passes(0);
  asked.answers['one'] = 'unknown';
  await asked.passes(ASK_EVERY);
  expect(kidsOf(asked, 'shop/orders')).toEqual([['k1']]);
  await asked.passes(ASK_EVERY);
  expect(kidsOf(asked, 'shop/orders')).toEqual([]);
  expect(asked.changed).toEqual(['shop/orders', 'shop/orders']);
});

test('a pod whose answer somebody waits for is asked every second, and what others have said stays', async () => {
  await using asked = aPoll({ one: [verifier('shop/orders', ['k1'])], two: [verifier('web/front', ['k1'])] });
  await asked.passes(0);
  asked.changed.splice(0);
  asked.urgent.add('one');
  asked.answers['one'] = [verifier('shop/orders', [])];
  asked.answers['two'] = [verifier('web/front', [])];
  await asked.passes(ASK_URGENTLY_EVERY);
  expect(asked.changed.splice(0)).toEqual(['shop/orders']);
  expect([kidsOf(asked, 'shop/orders'), kidsOf(asked, 'web/front')]).toEqual([[[]], [['k1']]]);
  await asked.passes(ASK_EVERY);
  expect(asked.changed).toEqual(['web/front']);
});

test('services are to confirm what was revoked until all have, or until mounts are fresh', () => {
  const until = Date.UTC(2030, 0, 1);
  const time = '2030-01-01T00:00:00Z';
  const stackWith = (change: object): AuthStack =>
    ({ status: { signingKeys: { revoked: [{ kid: 'k1', mountsUntil: time, ...change }] } } }) as unknown as AuthStack;
  const consumers = { total: 2, reached: 1 };
  expect(awaitsConfirmations(stackWith({ consumers }), until - 1)).toBe(true);
  expect(awaitsConfirmations(stackWith({ consumers }), until)).toBe(false);
  expect(awaitsConfirmations(stackWith({ consumers, reachedTime: time }), until - 1)).toBe(false);
  expect(awaitsConfirmations(stackWith({}), until - 1)).toBe(false);
  expect(awaitsConfirmations({} as AuthStack, until)).toBe(false);
});
