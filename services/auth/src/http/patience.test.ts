import { expect, test } from '@jest/globals';
import { TestClock } from '../testing/test-clock.ts';
import { CLIENT_WAITS, forOneClient, notCounted, patienceLeft } from './patience.ts';

test('all that is asked for one client is waited for as long as a part of it', async () => {
  const clock = new TestClock();
  await forOneClient(clock, async () => {
    expect(patienceLeft()).toBe(CLIENT_WAITS);
    await clock.passes(1_000);
    expect(patienceLeft()).toBe(CLIENT_WAITS - 1_000);
    await clock.passes(CLIENT_WAITS);
    expect(patienceLeft()).toBe(0);
  });
});

test('what is waited for besides does not count, whatever comes of it', async () => {
  const clock = new TestClock();
  await forOneClient(clock, async () => {
    await clock.passes(1_000);
    await notCounted(() => clock.passes(CLIENT_WAITS));
    const failing = notCounted(async () => {
      await clock.passes(CLIENT_WAITS);
      throw new RangeError('no memory');
    });
    await expect(failing).rejects.toThrow(RangeError);
    expect(patienceLeft()).toBe(CLIENT_WAITS - 1_000);
  });
});

test('clients wait apart from each other, and without one there is no end', async () => {
  const clock = new TestClock();
  const first = forOneClient(clock, async () => {
    await clock.passes(1_000);
    return patienceLeft();
  });
  expect(await first).toBe(CLIENT_WAITS - 1_000);
  expect(forOneClient(clock, patienceLeft)).toBe(CLIENT_WAITS);
  expect(patienceLeft()).toBe(Infinity);
  expect(await notCounted(() => Promise.resolve('done'))).toBe('done');
});
