import { persistentVolumeClaimKind } from '../../runtime/core-kinds.ts';
import { changeIdentity } from '../../stored/identity.ts';
import { isTerminatingClaim, targetOf } from '../members/member.ts';
import { annotations, requestError } from '../members/requests.ts';
import type { MongodbAction, MongodbObservation } from '../members/types.ts';
import { verdict } from '../members/verdict.ts';
import type { DatabaseVerdict } from '../members/verdict.ts';
import { membersTemplate } from '../objects/pod-template.ts';
import type { Step } from './change.ts';
import { nextCompatibility } from './compatibility.ts';
import { commandable } from './context.ts';
import type { CommandableSet, ReplicaSetContext } from './context.ts';
import { desiredMembers } from './desired-members.ts';
import { aMemberIsFenced } from './fencing.ts';
import { aVolumeIsNearlyFull, nextGrowth } from './growth.ts';
import { healthOf } from './health.ts';
import type { Note } from './health.ts';
import { nextMembershipChange } from './membership.ts';
import { nextRebuildStep } from './rebuild.ts';
import { recordToMake } from './record.ts';
import { membersToRestart, nextRestart } from './restart.ts';

/** What is to be done next with a set that serves; each waits until the one before has nothing to do. */
const steps: readonly ((set: CommandableSet) => Step | undefined)[] = [
  nextRebuildStep,
  aMemberIsFenced,
  nextMembershipChange,
  nextRestart,
  nextCompatibility,
];

export function planServing(context: ReplicaSetContext): DatabaseVerdict {
  const { seen, identity, topology } = context;
  // The rules before have answered already where there is none.
  if (!topology) return verdict('False', 'NoPrimary', 'no member is primary');
  const set = commandable(context);
  const record = set ? recordToMake(set, versionOf(context)) : {};
  const notes = notesOn(context);
  if (Object.keys(record).length > 0) {
    const health = healthOf(seen, identity, { topology, doing: undefined, notes });
    return { ...health, actions: [changeIdentity(seen.stack, identity, record), ...desiredMembers(context)] };
  }
  const change = set && nextChange(set);
  return {
    ...healthOf(seen, identity, { topology, doing: change?.why, notes }),
    actions: [...desiredMembers(context), ...(change?.actions ?? []), ...volumesThatMayGo(context)],
    events: change?.event ? [change.event] : [],
  };
}

/** The first step that can be done; the reasons of those that wait are told as well. */
function nextChange(set: CommandableSet): Step | undefined {
  const changes = steps.map((next) => next(set)).filter((change) => change !== undefined);
  const acting = changes.find(({ actions }) => actions.length > 0);
  const told = [...changes.filter(({ actions }) => actions.length === 0), ...(acting ? [acting] : [])];
  if (told.length === 0) return undefined;
  return { actions: [], ...acting, why: told.map(({ why }) => why).join('; ') };
}

/** Under `Delete` a member that left takes its volume along, once no pod uses it. */
function volumesThatMayGo({ seen: { stack }, formerMembers }: ReplicaSetContext): readonly MongodbAction[] {
  if (stack.spec.deletionPolicy !== 'Delete') return [];
  return formerMembers.flatMap(({ claim, pod }) =>
    claim && !pod && !isTerminatingClaim(claim)
      ? [{ type: 'delete', kind: persistentVolumeClaimKind, target: targetOf(claim) } as const]
      : [],
  );
}

function notesOn(context: ReplicaSetContext): readonly Note[] {
  const { seen, target } = context;
  const { stack } = seen;
  const error = requestError(seen, context.identity.rebuilt);
  const full = aVolumeIsNearlyFull(seen);
  const growth = nextGrowth(seen);
  const { pending } = membersTemplate(seen, target.version);
  const restarts = membersToRestart(seen).length;
  return [
    ...(target.refusal ? [target.refusal] : []),
    ...(error === undefined ? [] : [{ reason: 'RequestInvalid', message: error } as const]),
    ...(full === undefined ? [] : [{ reason: 'VolumeFull', message: full } as const]),
    ...(growth?.actions.length === 0 ? [{ reason: 'VolumeCannotGrow', message: growth.why } as const] : []),
    ...(pending === undefined ? [] : [{ reason: 'UpgradePending', message: waitingFor(stack, pending) } as const]),
    ...(restarts === 0
      ? []
      : [{ reason: 'UpgradePending', message: `${restarts} of them run an older template` } as const]),
  ];
}

function waitingFor({ metadata: { name, namespace = '' } }: MongodbObservation['stack'], pending: string): string {
  return (
    `a new template waits for your word, and restarts the members one by one: kubectl -n ${namespace} annotate ` +
    `--overwrite authstack ${name} ${annotations.update}=${pending}`
  );
}

/** Recorded first, so that what a pod may have started with is never unknown. */
function versionOf({ seen, identity, target }: ReplicaSetContext): string {
  return membersTemplate(seen, target.version).pending === undefined ? target.version : identity.version;
}
