import { draw } from '../faults/fault-profiles.ts';
import { faultProfiles } from '../faults/fault-profiles.ts';
import type { FaultProfileName } from '../faults/fault-profiles.ts';
import { networkFaults } from './network-faults.ts';
import type { NetworkFaultName } from './network-faults.ts';
import { nameOf } from './sweep.ts';
import type { CleanRun, Disturbance } from './sweep.ts';

/** Everything that a full sweep tries: the end of the operator after each of its writes, each fault profile, and each network fault. */
export function allDisturbances({ writes }: CleanRun, seed: number): readonly Disturbance[] {
  return [
    ...writes.map((after): Disturbance => ({ type: 'crash', after })),
    ...(Object.keys(faultProfiles) as FaultProfileName[]).map((profile): Disturbance => ({
      type: 'faults',
      profile,
      seed,
    })),
    ...(Object.keys(networkFaults) as NetworkFaultName[]).map((fault): Disturbance => ({ type: 'network', fault })),
  ];
}

export interface SampleSize {
  readonly crashes: number;
  readonly faultProfiles: number;
  /** Default: none. */
  readonly networkFaults?: number;
}

/** Some of them, the same for the same seed. Of writes to a status, which come in any number, one at most. */
export function sampleOf(disturbances: readonly Disturbance[], size: SampleSize, seed: number): readonly Disturbance[] {
  const drawn = disturbances
    .map((disturbance) => ({ disturbance, rank: draw(`${seed} ${nameOf(disturbance)}`) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ disturbance }) => disturbance);
  const isStatus = (disturbance: Disturbance): boolean =>
    disturbance.type === 'crash' && disturbance.after.label.endsWith(' status');
  const [status] = drawn.filter(isStatus);
  const crashes = drawn.filter(
    (disturbance) => disturbance.type === 'crash' && (disturbance === status || !isStatus(disturbance)),
  );
  const profiles = drawn.filter(({ type }) => type === 'faults');
  const networks = drawn.filter(({ type }) => type === 'network');
  return [
    ...crashes.slice(0, size.crashes),
    ...profiles.slice(0, size.faultProfiles),
    ...networks.slice(0, size.networkFaults ?? 0),
  ];
}
