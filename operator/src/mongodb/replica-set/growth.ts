import { listed } from '../../runtime/listed.ts';
import { bytesOf } from '../../api/quantity.ts';
import { persistentVolumeClaimKind } from '../../runtime/core-kinds.ts';
import type { PersistentVolumeClaim } from '../../runtime/core-kinds.ts';
import { claimName } from '../members/addresses.ts';
import { isAnswering, isTerminatingClaim, targetOf } from '../members/member.ts';
import type { MongodbObservation } from '../members/observation.ts';
import { requestOf, usedPercent, volumeSize } from '../objects/volume-size.ts';
import type { Step } from './step.ts';

/** Claims request the new size; whether that works while mongod runs depends on the storage driver. */
export function nextGrowth(seen: MongodbObservation): Step | undefined {
  const size = volumeSize(seen);
  const small = seen.members.flatMap(({ claim }) => (claim && isSmaller(claim, size) ? [claim] : []));
  if (small.length === 0) return undefined;
  const names = listed(small.map(({ metadata }) => metadata.name));
  if (seen.volumesCanGrow === false) {
    return { actions: [], message: `${names} cannot grow to ${size}: ${whyNot(small[0])}` };
  }
  return {
    actions: small.map((claim) => ({
      type: 'patch',
      kind: persistentVolumeClaimKind,
      target: targetOf(claim),
      patch: { spec: { resources: { requests: { storage: size } } } },
    })),
    message: `Growing ${names} to ${size}`,
  };
}

/** Only a claim that has a volume can request a larger one (kubernetes.io/docs, "Expanding Persistent Volumes Claims"). */
function isSmaller(claim: PersistentVolumeClaim, size: string): boolean {
  const isBound = claim.status?.phase === 'Bound' && !isTerminatingClaim(claim);
  return isBound && bytesOf(requestOf(claim) ?? size) < bytesOf(size);
}

function whyNot(claim: PersistentVolumeClaim | undefined): string {
  const name = claim?.spec?.storageClassName ?? 'of the claims';
  return (
    `StorageClass ${name} does not allow it. Set its allowVolumeExpansion where its driver can, or replace the members ` +
    `one by one with authstack.dev/replace-member`
  );
}

const NEARLY_FULL_PERCENT = 90;

/** The fullest volume, once it is nearly full. */
export function aVolumeIsNearlyFull({ stack, members }: MongodbObservation): string | undefined {
  const [fullest] = members
    .filter(isAnswering)
    .map((member) => ({ member, used: usedPercent(member.agent) ?? 0 }))
    .toSorted((a, b) => b.used - a.used);
  if (!fullest || fullest.used < NEARLY_FULL_PERCENT) return undefined;
  const claim = claimName(stack, fullest.member.ordinal);
  return (
    `The volume of ${fullest.member.name} is ${Math.floor(fullest.used)} % full. Raise spec.mongodb.storage.size ` +
    `(PersistentVolumeClaim ${claim} requests ${requestOf(fullest.member.claim) ?? 'an unknown size'})`
  );
}
