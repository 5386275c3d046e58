/** One event: every gap that was measured, and the longest that is promised, in milliseconds. */
export interface Gaps {
  readonly name: string;
  readonly gaps: readonly number[];
  readonly max: number;
}

const WIDTH = 1_000;
const ROW = 36;
const MARGIN = { left: 150, bottom: 34, top: 12, right: 20 };
/** From 10 ms to 100 s, on a logarithmic scale. */
const DECADES = [10, 100, 1_000, 10_000, 100_000];

/** An SVG with a row for each event: a dot for each gap, and the longest that is promised as a line. */
export function gapsPlot(events: readonly Gaps[]): string {
  const height = MARGIN.top + events.length * ROW + MARGIN.bottom;
  const inner = WIDTH - MARGIN.left - MARGIN.right;
  const x = (millis: number): string =>
    (MARGIN.left + (inner * (Math.log10(Math.min(Math.max(millis, 10), 100_000)) - 1)) / 4).toFixed(1);
  const scale = DECADES.flatMap((millis) => [
    `<line x1="${x(millis)}" x2="${x(millis)}" y1="${MARGIN.top}" y2="${height - MARGIN.bottom}" stroke="#d0d7de"/>`,
    `<text x="${x(millis)}" y="${height - MARGIN.bottom + 18}" text-anchor="middle">${millis < 1_000 ? `${millis} ms` : `${millis / 1_000} s`}</text>`,
  ]);
  const rows = events.flatMap(({ name, gaps, max }, row) => {
    const top = MARGIN.top + row * ROW;
    const middle = top + ROW / 2;
    return [
      `<text x="${MARGIN.left - 10}" y="${middle + 4}" text-anchor="end">${name}</text>`,
      `<line x1="${x(max)}" x2="${x(max)}" y1="${top + 4}" y2="${top + ROW - 4}" stroke="#d1242f" stroke-width="2"/>`,
      ...gaps.map((gap) => `<circle cx="${x(gap)}" cy="${middle}" r="4" fill="#1f6feb" opacity="0.45"/>`),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="#fff"/>',
    ...scale,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}
