import { createHash } from 'node:crypto';
import type { Fault } from './fault.ts';
import { mayMeet } from './fault.ts';
import type { FaultPlan } from './gateway.ts';
import type { SeenRequest } from './request.ts';

interface FaultProfile {
  readonly faults: readonly Fault[];
  /** Of a hundred requests, or blocks of requests, that can meet one. */
  readonly percent: number;
  /** Requests of the same kind that meet it in a row. */
  readonly burst: number;
}

/** Faults that an API server, or the network to it, shows for a while. */
export const faultProfiles = {
  'watches break': { faults: ['breaks', 'closed at once'], percent: 60, burst: 2 },
  'watches fall silent': { faults: ['falls silent'], percent: 50, burst: 1 },
  'watches expire': { faults: ['answered 410', 'sent 410'], percent: 50, burst: 1 },
  'watches are garbled': { faults: ['garbled'], percent: 40, burst: 2 },
  'events are swallowed': { faults: ['swallows an event'], percent: 60, burst: 1 },
  'lists are stale': { faults: ['stale', 'sent 410'], percent: 60, burst: 1 },
  'lists are slow': { faults: ['slow', 'sent 410'], percent: 50, burst: 1 },
  'writes conflict': { faults: ['answered 409'], percent: 30, burst: 3 },
  'too many requests': { faults: ['answered 429'], percent: 20, burst: 3 },
  'server errors': { faults: ['answered 500', 'answered 503'], percent: 20, burst: 3 },
  'requests are slow': { faults: ['late'], percent: 30, burst: 2 },
  'answers are lost': { faults: ['answer lost'], percent: 25, burst: 2 },
} as const satisfies Readonly<Record<string, FaultProfile>>;

/** Only so many requests of one label can meet a fault, so that what needs many requests in a row completes, too. */
const LASTS = 10;

export type FaultProfileName = keyof typeof faultProfiles;

/**
 * What a request meets depends on the seed, on what the request is and on how many like it there were, and on nothing
 * else: the same client meets the same faults again, however its requests interleave.
 */
export function faultPlanOf(name: FaultProfileName, seed: number): FaultPlan {
  const profile: FaultProfile = faultProfiles[name];
  return (seen, earlier) =>
    earlier < LASTS ? faultOf(profile, { seen, block: Math.floor(earlier / profile.burst), seed }) : undefined;
}

interface Drawn {
  readonly seen: SeenRequest;
  readonly block: number;
  readonly seed: number;
}

function faultOf({ faults, percent }: FaultProfile, { seen, block, seed }: Drawn): Fault | undefined {
  const possible = faults.filter((fault) => mayMeet(seen, fault));
  const drawn = draw(`${seed} ${seen.label} ${block}`);
  return drawn % 100 < percent ? possible[Math.floor(drawn / 100) % possible.length] : undefined;
}

/** 32 bits that look random and are the same for the same text. */
export function draw(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE();
}
