import { bytesOf, sizeAtLeast, sizeAtMost } from '../api/quantity.ts';
import { persistentVolumeClaimKind, statefulSetKind } from '../runtime/core-kinds.ts';
import type { PersistentVolumeClaim } from '../runtime/core-kinds.ts';
import { claimName, isAnswering, isBeingDeleted, targetOf } from './members.ts';
import type { Change } from './situation.ts';
import type { Member, MongodbObservation } from './types.ts';

/** By automatic growth: half as much again each time, which a member fills only by growing for good. */
const GROWTH = 1.5;

/**
 * What each volume is to ask for: the spec's size, or more where volumes grew before or are filling up. Volumes never
 * shrink, so what a claim asks for already is the least.
 */
export function volumeSize({ stack, members }: MongodbObservation): string {
  const { size, autoGrow } = stack.spec.mongodb.storage;
  const asked = [size, ...members.flatMap(({ claim }) => (claim ? [requestOf(claim)] : []))].filter(
    (one) => one !== undefined,
  );
  const largest = asked.toSorted((a, b) => bytesOf(b) - bytesOf(a))[0] ?? size;
  if (!autoGrow || !members.some((member) => isFilling(member, autoGrow.atPercent))) return largest;
  return grown(largest, autoGrow.maxSize);
}

/** Never above `maxSize`, not by rounding either. */
export function grown(size: string, maxSize: string): string {
  const wanted = sizeAtLeast(bytesOf(size) * GROWTH);
  const next = bytesOf(wanted) <= bytesOf(maxSize) ? wanted : sizeAtMost(bytesOf(maxSize));
  return bytesOf(next) > bytesOf(size) ? next : size;
}

/** Filled to this percentage, with nothing under way that would give it room. */
function isFilling({ claim, ...member }: Member, atPercent: number): boolean {
  const used = usedPercent(member.agent);
  if (!claim || used === undefined || used < atPercent) return false;
  const { storage } = claim.status?.capacity ?? {};
  return storage !== undefined && bytesOf(storage) >= bytesOf(requestOf(claim) ?? '0');
}

/** Of the file system the volume carries; undefined where the agent does not say. */
export function usedPercent(agent: Member['agent']): number | undefined {
  if (agent === 'unknown') return undefined;
  const { capacityBytes, availableBytes } = agent.volume;
  if (capacityBytes === undefined || availableBytes === undefined || capacityBytes === 0) return undefined;
  return 100 * (1 - availableBytes / capacityBytes);
}

/** Claims are asked to grow; whether that works while mongod runs is the storage driver's to say. */
export function nextGrowth(seen: MongodbObservation): Change | undefined {
  const size = volumeSize(seen);
  const small = seen.members.flatMap(({ claim }) => (claim && isSmaller(claim, size) ? [claim] : []));
  if (small.length === 0) return undefined;
  const names = small.map(({ metadata }) => metadata.name).join(', ');
  if (seen.volumesCanGrow === false) {
    return { actions: [], why: `${names} cannot grow to ${size}: ${whyNot(small[0])}` };
  }
  return {
    actions: small.map((claim) => ({
      type: 'patch',
      kind: persistentVolumeClaimKind,
      target: targetOf(claim),
      patch: { spec: { resources: { requests: { storage: size } } } },
    })),
    why: `${names} ${small.length === 1 ? 'grows' : 'grow'} to ${size}`,
  };
}

/** Only a claim that has a volume can ask for a larger one (kubernetes.io/docs, "Expanding Persistent Volumes Claims"). */
function isSmaller(claim: PersistentVolumeClaim, size: string): boolean {
  const isBound = claim.status?.phase === 'Bound' && !isBeingDeleted(claim);
  return isBound && bytesOf(requestOf(claim) ?? size) < bytesOf(size);
}

function whyNot(claim: PersistentVolumeClaim | undefined): string {
  const name = claim?.spec?.storageClassName ?? 'of the claims';
  return (
    `StorageClass ${name} does not allow it; set its allowVolumeExpansion where its driver can, or give members new ` +
    `volumes one after the other with authstack.dev/replace-member`
  );
}

/**
 * A StatefulSet's claim templates cannot be changed, only made anew with it. Its pods are left where they are; the new
 * one takes them up.
 */
export function claimTemplateIsOlder(seen: MongodbObservation): Change | undefined {
  const { statefulSet } = seen;
  const [template] = statefulSet?.spec?.volumeClaimTemplates ?? [];
  const request = template && requestOf(template);
  const size = volumeSize(seen);
  if (!statefulSet || request === undefined || bytesOf(request) === bytesOf(size)) return undefined;
  return {
    actions:
      statefulSet.metadata.deletionTimestamp === undefined
        ? [{ type: 'delete', kind: statefulSetKind, target: { ...targetOf(statefulSet), propagation: 'Orphan' } }]
        : [],
    why: `the StatefulSet is made anew for volumes of ${size}; pods stay`,
  };
}

/** The fullest volume, once it is nearly full. */
export function aVolumeIsNearlyFull({ stack, members }: MongodbObservation): string | undefined {
  const [fullest] = members
    .filter(isAnswering)
    .map((member) => ({ member, used: usedPercent(member.agent) ?? 0 }))
    .toSorted((a, b) => b.used - a.used);
  if (!fullest || fullest.used < NEARLY_FULL_PERCENT) return undefined;
  const claim = claimName(stack, fullest.member.ordinal);
  return (
    `the volume of ${fullest.member.name} is ${Math.floor(fullest.used)} % full; raise spec.mongodb.storage.size ` +
    `(PersistentVolumeClaim ${claim} asks for ${requestOf(fullest.member.claim) ?? 'an unknown size'})`
  );
}

const NEARLY_FULL_PERCENT = 90;

function requestOf(claim: PersistentVolumeClaim | undefined): string | undefined {
  return claim?.spec?.resources?.requests?.storage;
}
