import type { ContainerStatus, Pod } from '../../runtime/core-kinds.ts';
import { isHeldEmpty, isTerminating, isTerminatingClaim } from '../members/member.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { MONGOD_CONTAINER, isOutdated } from './pod-template.ts';

/** Nothing is on their volumes, and the volumes cannot be deleted and created again while a pod holds them. */
export function podsOnTerminatingVolumes({ members }: MongodbObservation): readonly Pod[] {
  return members
    .flatMap((member) =>
      !isTerminating(member) && isHeldEmpty(member) && isTerminatingClaim(member.claim) ? [member.pod] : [],
    )
    .filter((pod) => pod !== undefined);
}

/** Outdated pods whose mongod does not run: only a new pod gets what was corrected, and it takes nothing away. */
export function podsThatDoNotRun({ members, statefulSet }: MongodbObservation): readonly Pod[] {
  return members.flatMap((member) => {
    const { pod } = member;
    if (!pod || isTerminating(member)) return [];
    return isOutdated(pod, statefulSet) && !isRunning(pod) ? [pod] : [];
  });
}

function isRunning(pod: Pod): boolean {
  const mongod = mongodOf(pod);
  return mongod !== undefined && mongod.state?.waiting === undefined;
}

/** The container of mongod, which may not have come further than its gate. */
export function hasStarted(pod: Pod): boolean {
  return isRunning(pod) || (mongodOf(pod)?.restartCount ?? 0) > 0;
}

export function mongodOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === MONGOD_CONTAINER);
}
