import { beforeEach, expect, test } from '@jest/globals';
import { verifiersReport } from '../api.ts';
import { verifierLimits, Verifiers } from './verifiers.ts';

let now: number;
let verifiers: Verifiers;

beforeEach(() => {
  now = 0;
  verifiers = new Verifiers({ podName: 'shop-auth-1', clock: { monotonic: () => now } });
});

function hear(client: string, instance: string, kids: readonly string[] = ['k1']): void {
  verifiers.acknowledge(client, { instance, name: 'orders-7d9f', kids: [...kids] });
}

test('the report has what each said last, and how long ago', () => {
  hear('shop/orders', 'instance-1', ['k1']);
  now = 4_000;
  hear('shop/orders', 'instance-2', ['k1', 'k2', 'k2']);
  now = 5_000;
  hear('shop/orders', 'instance-1', ['k2']);
  now = 6_500;

  const report = verifiers.report();

  expect(verifiersReport.parse(report)).toEqual(report);
  expect(report.pod).toBe('shop-auth-1');
  const name = 'orders-7d9f';
  expect(report.verifiers.toSorted((a, b) => a.heardMillisAgo - b.heardMillisAgo)).toEqual([
    { client: 'shop/orders', instance: 'instance-1', name, kids: ['k2'], heardMillisAgo: 1_500 },
    { client: 'shop/orders', instance: 'instance-2', name, kids: ['k1', 'k2'], heardMillisAgo: 2_500 },
  ]);
  expect([verifiers.heardWithin(2_000), verifiers.heardWithin(15_000)]).toEqual([1, 2]);
});

test('what one client says changes nothing of another, not even under the same instance', () => {
  hear('shop/orders', 'instance-1', ['k1']);
  hear('evil/orders', 'instance-1', ['k1', 'k2']);
  const of = (client: string) => verifiers.report().verifiers.filter((verifier) => verifier.client === client);
  expect(of('shop/orders')).toMatchObject([{ kids: ['k1'] }]);
  expect(of('evil/orders')).toMatchObject([{ kids: ['k1', 'k2'] }]);
});

test('one that vanished is told of for a day', () => {
  hear('shop/orders', 'instance-1');
  now = verifierLimits.REMEMBERED_FOR;
  expect(verifiers.report().verifiers).toHaveLength(1);
  now += 1;
  expect(verifiers.report().verifiers).toEqual([]);
  expect(verifiers.heardWithin(Infinity)).toBe(0);
});

test('one that says goodbye is told of as one that left, also where it was never heard before', () => {
  hear('shop/orders', 'instance-1');
  hear('shop/orders', 'instance-2');
  now = 1_000;
  verifiers.goodbye('shop/orders', { instance: 'instance-1' });
  verifiers.goodbye('shop/orders', { instance: 'instance-3' });
  now = 3_000;

  const report = verifiers.report();
  expect(verifiersReport.parse(report)).toEqual(report);
  expect(report.verifiers).toMatchObject([{ instance: 'instance-2' }]);
  expect(report.left).toEqual([
    { client: 'shop/orders', instance: 'instance-1', leftMillisAgo: 2_000 },
    { client: 'shop/orders', instance: 'instance-3', leftMillisAgo: 2_000 },
  ]);
  expect(verifiers.heardWithin(Infinity)).toBe(1);

  now = 1_001 + verifierLimits.REMEMBERED_FOR;
  expect(verifiers.report().left).toEqual([]);
});

test('a goodbye is for an instance of that client alone, and until it is heard again', () => {
  hear('shop/orders', 'instance-1');
  verifiers.goodbye('evil/orders', { instance: 'instance-1' });
  expect(verifiers.report()).toMatchObject({
    verifiers: [{ client: 'shop/orders' }],
    left: [{ client: 'evil/orders' }],
  });

  verifiers.goodbye('shop/orders', { instance: 'instance-1' });
  hear('shop/orders', 'instance-1');
  expect(verifiers.report()).toMatchObject({
    verifiers: [{ client: 'shop/orders' }],
    left: [{ client: 'evil/orders' }],
  });
});

const manyKids = Array.from({ length: 256 }, (_, index) => `${index}`.padEnd(128, 'x'));

test('a client that invents instances pushes out its own oldest and nobody of another', () => {
  hear('shop/orders', 'instance-1');
  for (let count = 0; count < 1_000; count += 1) {
    now += 1;
    hear('evil/liar', `instance-${count}`, manyKids);
  }
  const { verifiers: told } = verifiers.report();
  expect(told.filter(({ client }) => client === 'shop/orders')).toHaveLength(1);
  const liars = told.filter(({ client }) => client === 'evil/liar');
  expect(JSON.stringify(liars).length).toBeLessThanOrEqual(verifierLimits.BYTES_PER_CLIENT);
  expect(liars.map(({ instance }) => instance)).toContain('instance-999');
  expect(liars.map(({ instance }) => instance)).not.toContain('instance-0');
});

test('of all clients the one that was heard longest ago goes first, and is back once it is heard', () => {
  hear('shop/vanished', 'instance-1');
  for (let count = 0; count < 1_000; count += 1) {
    now += 1;
    hear(`evil/liar-${count % 50}`, `instance-${count}`, manyKids);
    if (count % 100 === 0) hear('shop/orders', 'instance-1');
  }
  const { verifiers: told } = verifiers.report();
  expect(JSON.stringify(told).length).toBeLessThanOrEqual(verifierLimits.BYTES_IN_ALL);
  const clients = new Set(told.map(({ client }) => client));
  expect([clients.has('shop/vanished'), clients.has('shop/orders')]).toEqual([false, true]);
});

test('five hundred consumers with ten verifiers each are all told of', () => {
  for (let count = 0; count < 5_000; count += 1) {
    hear(
      `namespace-${count % 500}/consumer`,
      `01234567-89ab-cdef-${count}`,
      ['a', 'b', 'c'].map((kid) => kid.repeat(43)),
    );
  }
  expect(verifiers.report().verifiers).toHaveLength(5_000);
});
