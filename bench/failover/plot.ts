import type { Acknowledged } from '../../test/world/recording-client.ts';

const WIDTH = 1_000;
const HEIGHT = 320;
const MARGIN = { left: 60, bottom: 40, top: 10, right: 10 };
/** Points of a second are drawn as the slowest of them. */
const BUCKET = 1_000;

/** An SVG: the slowest acknowledged write of each second over time, on a logarithmic scale, and the kills as lines. */
export function latencyPlot(history: readonly Acknowledged[], kills: readonly number[]): string {
  const start = Math.min(...history.map(({ at }) => at));
  const end = Math.max(...history.map(({ at }) => at));
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const x = (time: number): number => MARGIN.left + ((time - start) / (end - start)) * inner.width;
  // From 1 ms to 100 s.
  const y = (millis: number): number =>
    MARGIN.top + inner.height * (1 - Math.log10(Math.min(Math.max(millis, 1), 100_000)) / 5);
  const slowest = new Map<number, number>();
  for (const { at, took } of history) {
    const bucket = Math.floor((at - start) / BUCKET);
    slowest.set(bucket, Math.max(slowest.get(bucket) ?? 0, took));
  }
  const dots = [...slowest].map(
    ([bucket, took]) =>
      `<circle cx="${x(start + bucket * BUCKET).toFixed(1)}" cy="${y(took).toFixed(1)}" r="1.5" fill="#1f6feb"/>`,
  );
  const lines = kills.map((at) => {
    const where = x(at).toFixed(1);
    return `<line x1="${where}" x2="${where}" y1="${MARGIN.top}" y2="${HEIGHT - MARGIN.bottom}" stroke="#d1242f" stroke-width="1" opacity="0.4"/>`;
  });
  const scale = [1, 10, 100, 1_000, 10_000].map(
    (millis) =>
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(millis)}" y2="${y(millis)}" stroke="#d0d7de"/>` +
      `<text x="${MARGIN.left - 6}" y="${y(millis) + 4}" text-anchor="end">${millis < 1_000 ? `${millis} ms` : `${millis / 1_000} s`}</text>`,
  );
  const minutes = Array.from({ length: Math.floor((end - start) / 60_000) + 1 }, (_, minute) => minute).filter(
    (minute) => minute % 5 === 0,
  );
  const times = minutes.map(
    (minute) =>
      `<text x="${x(start + minute * 60_000)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${minute} min</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...scale,
    ...lines,
    ...dots,
    ...times,
    '</svg>',
    '',
  ].join('\n');
}
