import type { Millis } from '@authstack/http-service/clock';
import type { Shown } from './session.ts';

/** Answers that were under way when the child was first shown may still arrive. */
export const GRACE: Millis = 30_000;

/**
 * So many replaced tokens are remembered in their grace. A session with as many keeps its newest token until one of them has
 * been forgotten, rather than forget one too early and take it for a copy.
 */
export const MOST_REPLACED = 20;

/** Stages of an aggregation pipeline that changes a document. */
export type Stage = { $set: Record<string, unknown> } | { $unset: string };

/** A token that was replaced a moment ago still yields its successor. */
const inGrace = {
  $filter: { input: '$replaced', cond: { $gte: ['$$this.at', { $subtract: ['$$NOW', GRACE] }] } },
};

/**
 * How the chain of a session's tokens moves when one of them is shown:
 * ```
 * newest      it stays so; asked for a successor, it is given one, once
 * successor   shown for the first time: it becomes the newest, and the newest is replaced as of now
 * replaced    at most GRACE ago: nothing moves
 * any other   was replaced before that, and somebody copied it: the session ends
 * ```
 * The database computes this in one step on one document, with its own clock: pods whose clocks differ cannot disagree, and of
 * two that show a token at once one is first. A token is replaced when its child is shown, not when the child is made: until
 * then nobody knows whether the child arrived.
 */
export function chainWhenShown({ hash, proposed, idleTtl }: Shown): Stage[] {
  const is = (state: string): object => ({ $eq: ['$state', state] });
  const state = {
    $switch: {
      branches: [
        { case: { $eq: ['$newest.hash', hash] }, then: 'newest' },
        { case: { $eq: ['$newest.successor.hash', hash] }, then: 'successor' },
        { case: { $in: [hash, '$replaced.hash'] }, then: 'replaced' },
      ],
      default: 'reused',
    },
  };
  const justReplaced = { hash: '$newest.hash', keyId: '$newest.successor.keyId', at: '$$NOW' };
  const idleExpiresAt = { $min: [{ $add: ['$$NOW', idleTtl] }, '$expiresAt'] };

  return [
    { $set: { replaced: inGrace } },
    { $set: { state } },
    {
      $set: {
        newest: { $cond: [is('successor'), { hash }, '$newest'] },
        replaced: { $cond: [is('successor'), { $concatArrays: ['$replaced', [justReplaced]] }, '$replaced'] },
        lastUsedAt: { $cond: [is('reused'), '$lastUsedAt', '$$NOW'] },
        idleExpiresAt: { $cond: [is('reused'), '$idleExpiresAt', idleExpiresAt] },
        endedAt: { $cond: [is('reused'), '$$NOW', '$$REMOVE'] },
        endReason: { $cond: [is('reused'), 'reuse', '$$REMOVE'] },
      },
    },
    ...(proposed ? [settling(hash, proposed)] : []),
    { $unset: 'state' },
  ];
}

/** The first proposal stays, so replicas that see different current refresh keys agree on one child. */
function settling(hash: Shown['hash'], proposed: NonNullable<Shown['proposed']>): Stage {
  const mayHaveOne = { $and: [{ $eq: ['$newest.hash', hash] }, { $lt: [{ $size: '$replaced' }, MOST_REPLACED] }] };
  const successor = { $ifNull: ['$newest.successor', proposed] };
  return { $set: { 'newest.successor': { $cond: [mayHaveOne, successor, '$newest.successor'] } } };
}
