import { draw } from '../faults/weather.ts';
import { climates } from '../faults/weather.ts';
import type { ClimateName } from '../faults/weather.ts';
import { nameOf } from './sweep.ts';
import type { CleanRun, Trouble } from './sweep.ts';

/** Everything that a full sweep tries: the end of the operator after each of its writes, and each kind of weather. */
export function allTroubles({ writes }: CleanRun, seed: number): readonly Trouble[] {
  return [
    ...writes.map((after): Trouble => ({ type: 'crash', after })),
    ...(Object.keys(climates) as ClimateName[]).map((climate): Trouble => ({ type: 'weather', climate, seed })),
  ];
}

export interface SampleSize {
  readonly crashes: number;
  readonly climates: number;
}

/** Some of them, the same for the same seed. Of writes to a status, which come in any number, one at most. */
export function sampleOf(troubles: readonly Trouble[], size: SampleSize, seed: number): readonly Trouble[] {
  const drawn = troubles
    .map((trouble) => ({ trouble, rank: draw(`${seed} ${nameOf(trouble)}`) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ trouble }) => trouble);
  const isStatus = (trouble: Trouble): boolean => trouble.type === 'crash' && trouble.after.label.endsWith(' status');
  const [status] = drawn.filter(isStatus);
  const crashes = drawn.filter((trouble) => trouble.type === 'crash' && (trouble === status || !isStatus(trouble)));
  const weather = drawn.filter(({ type }) => type === 'weather');
  return [...crashes.slice(0, size.crashes), ...weather.slice(0, size.climates)];
}
