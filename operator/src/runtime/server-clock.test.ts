import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createRuntimeMetrics } from './metrics.ts';
import { ServerClock, certainOffset } from './server-clock.ts';

const START = Date.UTC(2030, 0, 1);

/** Our two clocks, and one of a server that is ahead by `ahead`. */
function clocks(ahead: number, monotonic = 5_000) {
  const state = { wall: START, monotonic, ahead };
  const clock = { now: () => state.wall, monotonic: () => state.monotonic };
  const server = new ServerClock(clock);
  const pass = (time: number): void => {
    state.wall += time;
    state.monotonic += time;
  };
  /** The server writes its header `out` after the request was sent; the answer is there `back` later. */
  const answer = (out: number, back: number): void => {
    pass(out);
    const date = new Date(Math.floor((state.wall + state.ahead) / 1000) * 1000).toUTCString();
    pass(back);
    server.hear({ date, took: out + back });
  };
  return { state, server, pass, answer };
}

test('one answer bounds the offset by its second and the time that it took', () => {
  const { server, answer } = clocks(90_000);
  answer(20, 30);
  expect(server.offset).toEqual({ least: 90_000 - 20 - 30, most: 90_000 + 1_000 - 20 + 20 });
});

test('the offset is within the bounds, whatever the answers took, and further answers only narrow them', () => {
  const times = fc.integer({ min: 0, max: 30_000 });
  const exchanges = fc.array(fc.record({ idle: times, out: times, back: times }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), exchanges, (ahead, history) => {
      const { server, pass, answer } = clocks(ahead);
      let width = Infinity;
      for (const { idle, out, back } of history) {
        pass(idle);
        answer(out, back);
        const { least, most } = server.offset ?? { least: NaN, most: NaN };
        expect(least).toBeLessThanOrEqual(ahead);
        expect(most).toBeGreaterThanOrEqual(ahead);
        expect(most - least).toBeLessThanOrEqual(Math.min(width, out + back + 1_000));
        width = most - least;
      }
    }),
  );
});

test('our wall clock is set: the offset says so before another answer comes', () => {
  const { state, server, answer } = clocks(0);
  answer(0, 0);
  state.wall -= 3_600_000;
  expect(server.offset).toEqual({ least: 3_600_000, most: 3_601_000 });
});

test("the server's clock is set: the first answer that contradicts the earlier ones replaces them", () => {
  const { state, server, answer, pass } = clocks(0);
  for (let second = 0; second < 10; second += 1) {
    answer(1, 1);
    pass(1_098);
  }
  state.ahead = -120_000;
  answer(10, 10);
  const { least, most } = server.offset ?? { least: NaN, most: NaN };
  expect([least <= -120_000, most >= -120_000, most - least]).toEqual([true, true, 1_020]);
});

test('a slow answer never makes a known offset less certain', () => {
  const { server, answer } = clocks(0);
  answer(1, 1);
  const { least, most } = server.offset ?? { least: NaN, most: NaN };
  answer(0, 30_000);
  expect(server.offset?.least).toBeGreaterThanOrEqual(least);
  expect(server.offset?.most).toBeLessThanOrEqual(most);
});

test.each([[undefined], [''], ['yesterday']])('an answer whose Date is %p says nothing', (date) => {
  const { server } = clocks(0);
  server.hear({ date, took: 1 });
  expect(server.offset).toBeUndefined();
});

test.each([
  [{ least: -400, most: 700 }, 0],
  [{ least: 0, most: 1_000 }, 0],
  [{ least: 29_500, most: 30_600 }, 29_500],
  [{ least: -31_200, most: -30_100 }, -30_100],
])('of %p is certain: %p', (offset, certain) => {
  expect(certainOffset(offset)).toBe(certain);
});

test('the metric has both bounds, and neither before the first answer', async () => {
  const { server, answer } = clocks(-90_000);
  const metrics = createRuntimeMetrics();
  metrics.followServerClock(server);
  const values = async (): Promise<readonly object[] | undefined> =>
    (await metrics.registry.getSingleMetric('api_server_clock_offset_seconds')?.get())?.values;
  expect(await values()).toEqual([]);
  answer(0, 0);
  expect(await values()).toEqual([
    { labels: { bound: 'least' }, value: -90 },
    { labels: { bound: 'most' }, value: -89 },
  ]);
});
