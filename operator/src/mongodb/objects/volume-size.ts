import { bytesOf, sizeAtLeast, sizeAtMost } from '../../api/quantity.ts';
import { statefulSetKind } from '../../runtime/core-kinds.ts';
import type { PersistentVolumeClaim } from '../../runtime/core-kinds.ts';
import type { MongodbAction } from '../members/action.ts';
import { targetOf } from '../members/member.ts';
import type { Member, MongodbObservation } from '../members/observation.ts';

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

export function requestOf(claim: PersistentVolumeClaim | undefined): string | undefined {
  return claim?.spec?.resources?.requests?.storage;
}

/** Claim templates of a StatefulSet cannot be changed: it is deleted, its pods stay, and a new one adopts them. */
export function replaceOlderStatefulSet(seen: MongodbObservation): readonly MongodbAction[] | undefined {
  const { statefulSet } = seen;
  const [template] = statefulSet?.spec?.volumeClaimTemplates ?? [];
  const request = template && requestOf(template);
  if (!statefulSet || request === undefined || bytesOf(request) === bytesOf(volumeSize(seen))) return undefined;
  if (statefulSet.metadata.deletionTimestamp !== undefined) return [];
  return [{ type: 'delete', kind: statefulSetKind, target: { ...targetOf(statefulSet), propagation: 'Orphan' } }];
}
