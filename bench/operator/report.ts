/** One line of the table; without a budget there is nothing to keep. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly budget?: string;
  readonly kept?: boolean;
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

export function seconds(millis: number): string {
  return millis < 1_000 ? `${Math.round(millis)} ms` : `${(millis / 1_000).toFixed(millis < 10_000 ? 2 : 1)} s`;
}

export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ what, measured, budget = '', kept }) => {
    const report = kept === undefined ? '' : kept ? 'kept' : '**missed**';
    return `| ${[what, measured, budget, report].join(' | ')} |`;
  });
  return ['| what | measured | budget | |', '|---|---|---|---|', ...lines].join('\n');
}
