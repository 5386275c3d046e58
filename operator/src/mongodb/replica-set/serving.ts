import { listed } from '../../runtime/listed.ts';
import { namespaceOf } from '../../api/names.ts';
import { persistentVolumeClaimKind } from '../../runtime/core-kinds.ts';
import type { MongodbAction } from '../members/action.ts';
import { isTerminatingClaim, targetOf } from '../members/member.ts';
import { annotations, requestError } from '../members/requests.ts';
import type { DatabaseVerdict, Note } from '../members/verdict.ts';
import { membersTemplate } from '../objects/pod-template.ts';
import { nextCompatibility } from './compatibility.ts';
import { commandable } from './context.ts';
import type { CommandableSet, ReplicaSetContext } from './context.ts';
import { nextFencingStep } from './fencing.ts';
import { aVolumeIsNearlyFull, nextGrowth } from './growth.ts';
import { healthOf, sentences } from './health.ts';
import { keepRunning } from './keep-running.ts';
import { nextMembershipStep } from './membership.ts';
import { nextRebuildStep } from './rebuild.ts';
import { recordWhatIsSeen } from './record.ts';
import { membersToRestart, nextRestart } from './restart.ts';
import type { Step } from './step.ts';
import { foreignHosts } from './topology.ts';
import { refreshUri } from './users.ts';

/** What is to be done next with a set that serves; each waits until the one before has nothing to do. */
const steps: readonly ((set: CommandableSet) => Step | undefined)[] = [
  nextRebuildStep,
  nextFencingStep,
  nextMembershipStep,
  nextRestart,
  nextCompatibility,
];

/** The set has a primary: it is kept as the spec wants it, one step after the other. */
export function theSetServes(context: ReplicaSetContext): DatabaseVerdict | undefined {
  const { seen, topology } = context;
  if (!topology) return undefined;
  const set = commandable(context);
  const notes = notesOn(context);
  const record = set ? recordWhatIsSeen(set) : [];
  if (record.length > 0) {
    return healthOf(context, { topology, doing: undefined, notes, actions: [...record, ...keepRunning(context)] });
  }
  const step = set && nextStep(set);
  const actions = [...refreshUri(seen), ...(step?.actions ?? []), ...surplusVolumes(context)];
  return healthOf(context, { topology, doing: step?.message, notes, actions: keepRunning(context, actions) });
}

/** The first step that can be done; the messages of those that wait are reported as well. */
function nextStep(set: CommandableSet): Step | undefined {
  const all = steps.map((next) => next(set)).filter((step) => step !== undefined);
  const acting = all.find(({ actions }) => actions.length > 0);
  const waiting = all.filter(({ actions }) => actions.length === 0);
  const messages = [...waiting, ...(acting ? [acting] : [])].map(({ message }) => message);
  return messages.length === 0 ? undefined : { actions: acting?.actions ?? [], message: sentences(...messages) };
}

/** Under `Delete` a member that left takes its volume along, once no pod uses it. */
function surplusVolumes({ seen: { stack }, formerMembers }: ReplicaSetContext): readonly MongodbAction[] {
  if (stack.spec.deletionPolicy !== 'Delete') return [];
  return formerMembers.flatMap(({ claim, pod }) =>
    claim && !pod && !isTerminatingClaim(claim)
      ? [{ type: 'delete', kind: persistentVolumeClaimKind, target: targetOf(claim) } as const]
      : [],
  );
}

/** What is wrong, or waits for people, although the members serve; the first decides the reason. */
function notesOn(context: ReplicaSetContext): readonly Note[] {
  const { seen, target, identity } = context;
  const growth = nextGrowth(seen);
  const notes: readonly [Note['reason'], string | undefined][] = [
    ['RequestInvalid', requestError(seen, identity.rebuilt)],
    ['VolumeFull', aVolumeIsNearlyFull(seen)],
    ['VolumeCannotGrow', growth?.actions.length === 0 ? growth.message : undefined],
    ['UpgradePending', pendingTemplate(context)],
    ['UpgradePending', outdatedPods(context)],
    ['ForeignMembers', foreignMembers(context)],
  ];
  return [
    ...(target.refusal ? [target.refusal] : []),
    ...notes.flatMap(([reason, message]) => (message === undefined ? [] : [{ reason, message }])),
  ];
}

function pendingTemplate({ seen, target }: ReplicaSetContext): string | undefined {
  const { pending } = membersTemplate(seen, target.version);
  const { stack } = seen;
  return (
    pending &&
    `A pod template change is pending. Approve the rolling restart: kubectl -n ${namespaceOf(stack)} annotate ` +
      `--overwrite authstack ${stack.metadata.name} ${annotations.update}=${pending}`
  );
}

function outdatedPods({ seen }: ReplicaSetContext): string | undefined {
  const { length } = membersToRestart(seen);
  return length === 0
    ? undefined
    : `Rolling restart: ${length} of ${seen.stack.spec.mongodb.members} pods are outdated`;
}

function foreignMembers({ seen, topology }: ReplicaSetContext): string | undefined {
  const hosts = topology ? foreignHosts(seen, topology) : [];
  if (hosts.length === 0) return undefined;
  return (
    `The replica set has members that the operator did not add: ${listed(hosts)}. They are neither counted nor removed; ` +
    `remove them with rs.remove(), unless they are there on purpose`
  );
}
