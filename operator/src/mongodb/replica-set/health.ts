import type { Initiated } from '../../stored/identity.ts';
import { isVoter, nameOfHost } from '../members/member.ts';
import type { DatabaseReadyReason, MongodbObservation } from '../members/types.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { diagnosisOf, resyncHint } from '../objects/diagnosis.ts';
import { hasMajority, healthyVoters, topologyOf, unhealthyMembers } from './topology.ts';
import type { Topology } from './topology.ts';

/** What is to be said besides how the members are, although they serve. */
export interface Note {
  readonly reason: DatabaseReadyReason;
  readonly message: string;
}

interface HealthContext {
  readonly topology: Topology;
  /** What is being done about what is missing. */
  readonly doing: string | undefined;
  readonly notes: readonly Note[];
}

/** How a founded set stands. */
export function healthOf(
  seen: MongodbObservation,
  identity: Initiated,
  { topology, doing, notes }: HealthContext,
): DatabaseVerdict {
  const { members: wanted } = seen.stack.spec.mongodb;
  const missing = unhealthyMembers(seen, topology);
  if (missing.length === 0 && hasMajority(topology)) return allServe(seen, identity, { topology, doing, notes });

  const trouble = diagnosisOf(seen);
  const what = [
    ...missing,
    doing,
    trouble?.message,
    whoMayBeStuck(seen, topology),
    ...notes.map(({ message }) => message),
  ]
    .filter((text) => text !== undefined)
    .join('; ');
  if (!hasMajority(topology)) {
    const voters = topology.reporter.set.config.members.filter(isVoter);
    const healthy = healthyVoters(topology.reporter, voters);
    return verdict(
      'False',
      'NoPrimary',
      `only ${healthy} of ${voters.length} voting members are seen serving: ${what}`,
    );
  }
  const counts = `${wanted - missing.length} of ${wanted} members serve`;
  // From its founding on until it first was whole, a set is not offered to people who asked for three copies.
  if (!identity.formed) return verdict('False', trouble?.reason ?? 'Starting', `${counts}: ${what}`);
  return verdict('True', 'Degraded', `${counts}, writes go on: ${what}`);
}

function allServe(
  seen: MongodbObservation,
  { formed }: Initiated,
  { topology, doing, notes }: HealthContext,
): DatabaseVerdict {
  const { reporter, primaryHost } = topology;
  const primary = nameOfHost(primaryHost);
  const count = seen.stack.spec.mongodb.members;
  const serve = count === 1 ? 'its one member serves' : `all ${count} members serve`;
  if (reporter.host === primaryHost) {
    const reason = notes[0]?.reason ?? 'AllMembersHealthy';
    const more = [doing, ...notes.map(({ message }) => message)].filter((text) => text !== undefined);
    return verdict('True', reason, [`${serve}; ${primary} is primary`, ...more].join('; '));
  }
  const message = `${serve}; the agent of the primary ${primary} does not answer`;
  return formed ? verdict('True', 'Degraded', message) : verdict('False', 'Starting', message);
}

/** A member that fell behind what the others still remember stays so for ever, and says no more than one that catches up. */
function whoMayBeStuck({ stack, members }: MongodbObservation, { reporter: { set } }: Topology): string | undefined {
  const stuck = members.find(({ host }) =>
    set.members.some((member) => member.host === host && member.health === 1 && member.state === 'RECOVERING'),
  );
  return stuck && `if ${stuck.name} stays in RECOVERING, ${resyncHint(stack, stuck.ordinal)}`;
}

/** Whatever else is wrong: as long as a whole set takes writes, people are served, and the condition says so. */
export function asServed(seen: MongodbObservation, step: DatabaseVerdict): DatabaseVerdict {
  const { identity } = seen;
  if (step.status === 'True' || identity.state !== 'founded' || !identity.formed) return step;
  const topology = topologyOf(seen, identity);
  if (!topology || !hasMajority(topology)) return step;
  return { ...step, status: 'True', reason: 'Degraded', message: `writes go on; ${step.message}` };
}
