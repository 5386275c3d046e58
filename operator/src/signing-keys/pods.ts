import { LOOK_AGAIN } from '../planning.ts';
import { listed } from '../runtime/listed.ts';
import type { Millis } from '../runtime/objects.ts';
import type { RetiringKey } from '../stored/key-ring.ts';
import { editing } from './editing.ts';
import { mayForgetAt, mountsAreFreshAt, verifiersCountFrom } from './horizons.ts';
import type { Kid } from '../stored/jwks.ts';
import type { Ring } from './ring.ts';
import type { KeyHolder, KeysVerdict } from './types.ts';
import { isWrappingAwaited } from './wrapping.ts';

/*
 * What the auth pods have in their memory. Every pod counts whose containers have started, ready or not; of one that cannot be
 * asked the worst is assumed: it lacks the next key, and signs with the old one.
 */

/** Whether the plan depends on what they report: at any other time nobody is asked, and never for what would not be done. */
export function dependsOnPods(ring: Ring): boolean {
  return (
    isPromotionNear(ring) ||
    isWrappingAwaited(ring) ||
    ring.retiring.some((key) => mayBeForgottenBut(key, ring)) ||
    // One that starts, or comes back, may be shown a mount of before.
    ring.revoked.length > 0
  );
}

const STARTS_WITHIN: Millis = 60_000;
const STARTING_RECHECK: Millis = 2_000;

/** One that has just started cannot be asked yet, and serves as soon as it is ready, maybe by a mount of before. */
export function startingPodsAskedAt({ revoked, pods, now }: Ring): readonly Millis[] {
  const isStarting = ({ report, startedAt = -Infinity }: KeyHolder): boolean =>
    report === 'unknown' && Math.abs(now - startedAt) < STARTS_WITHIN;
  return revoked.length > 0 && pods.some(isStarting) ? [now + STARTING_RECHECK] : [];
}

/** Everything but the pods, and the services that are connected to them, allows it; or will, a moment from now. */
export function isPromotionNear(ring: Ring): boolean {
  const { active, next, now, stack } = ring;
  if (stack.spec.suspend || !active || !next) return false;
  return now >= (verifiersCountFrom({ active, next }, ring) ?? Infinity);
}

/** The pods are to be asked of it: after they should have left it, and once more before it goes. */
function mayBeForgottenBut(key: RetiringKey, ring: Ring): boolean {
  if (ring.stack.spec.suspend || !ring.active) return false;
  const at = mayForgetAt(key, ring);
  return ring.now >= (at ?? mountsAreFreshAt(key, ring));
}

export function podsWithout(kid: Kid, { pods }: Pick<Ring, 'pods'>): readonly KeyHolder[] {
  return pods.filter(({ report }) => typeof report === 'string' || !report.kids.includes(kid));
}

/** Those that may sign with that key, although another one is active. */
export function signersOf(kid: Kid, { pods }: Pick<Ring, 'pods'>): readonly KeyHolder[] {
  return pods.filter(({ report }) => typeof report === 'string' || report.signingKid === kid);
}

export function theSignersChanged(ring: Ring): KeysVerdict | undefined {
  const asked = ring.retiring.filter((key) => mayBeForgottenBut(key, ring));
  const left = asked.filter(
    ({ kid, signersGoneAt }) => signersGoneAt === undefined && signersOf(kid, ring).length === 0,
  );
  if (left.length > 0) {
    const kids = left.map(({ kid }) => kid);
    return editing(ring, { type: 'noteSignersGone', kids }, `No auth pod signs with ${listed(kids)} any more`);
  }
  const back = asked.filter(({ kid, signersGoneAt }) => signersGoneAt !== undefined && signersOf(kid, ring).length > 0);
  if (back.length === 0) return undefined;
  const kids = back.map(({ kid }) => kid);
  return editing(ring, { type: 'noteSignersBack', kids }, `An auth pod may sign with ${listed(kids)} again`);
}

/** Nothing is wrong with the keys that sign; it only tells why an old one stays. */
export function aPodMaySignWithARetiredKey(ring: Ring): KeysVerdict | undefined {
  const key = ring.retiring.find((one) => mayBeForgottenBut(one, ring) && one.signersGoneAt === undefined);
  const [pod] = key ? signersOf(key.kid, ring) : [];
  if (!key || !pod) return undefined;
  const does = typeof pod.report === 'string' ? 'cannot be asked, so it may still sign with it' : 'still signs with it';
  return {
    status: 'True',
    reason: 'UpToDate',
    message:
      `One key signs, and the next key is published. ${key.kid} stays published as well: Pod ${pod.name} ${does}. ` +
      wayOn(ring, pod),
    recheckAt: ring.now + LOOK_AGAIN,
  };
}

/** The next key is due, and not every pod has it. */
export function podsLackTheNextKey(ring: Ring, kid: Kid): KeysVerdict | undefined {
  const behind = ring.stack.spec.suspend ? [] : podsWithout(kid, ring);
  const [first] = behind.toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || a.name.localeCompare(b.name));
  if (!first) return undefined;
  const { active, policy, now } = ring;
  const others = behind.length > 1 ? ` and ${behind.length - 1} more` : '';
  const which = `Pod ${first.name}${others} ${has(first)}, so ${active?.kid ?? ''} continues to sign`;
  // kubelet mounts what it has; a pod that has just started gets the rest when its kubelet looks again.
  const isStarting = behind.every(({ startedAt }) => startedAt !== undefined && now < startedAt + policy.volumeRefresh);
  const recheckAt = now + LOOK_AGAIN;
  if (isStarting) {
    const message = `${which}: it has just started and must load ${kid} first`;
    return { status: 'True', reason: 'RotationDelayed', message, recheckAt };
  }
  return {
    status: 'False',
    reason: 'RotationBlocked',
    message: `${which}. It must load ${kid} first. ${wayOn(ring, first)}, or promote knowingly: ${forcedPromotion(ring, kid)}`,
    recheckAt,
  };
}

function has({ report }: KeyHolder): string {
  if (typeof report === 'string') return 'does not say which keys it has';
  return report.kids.length === 0 ? 'has loaded no key' : `has loaded ${listed(report.kids)}`;
}

export function wayOn({ stack }: Ring, { name, isTerminating }: KeyHolder): string {
  const { namespace = '' } = stack.metadata;
  const command = `kubectl -n ${namespace} delete pod ${name}`;
  // Its kubelet should have ended it by now.
  return isTerminating
    ? `Once its node is known to be off: ${command} --force --grace-period=0`
    : `If that stays so, delete it: ${command}`;
}

/** The command that promotes a key whoever lacks it. */
export function forcedPromotion({ stack }: Ring, kid: Kid): string {
  const { namespace = '', name } = stack.metadata;
  return `kubectl -n ${namespace} annotate --overwrite authstack ${name} ${PROMOTE_KEY_ANNOTATION}=${kid}`;
}

/** Of an AuthStack: the next key that is to sign at once, whoever lacks it. */
export const PROMOTE_KEY_ANNOTATION = 'authstack.dev/promote-key';
