import { mongo, Schema } from 'mongoose';
import type { Model, PipelineStage } from 'mongoose';
import { authContract } from '../api.ts';
import type { Link } from '../mongo/link.ts';
import { sharedReads } from '../mongo/shared-reads.ts';
import { asUser } from '../users/user.mongo.ts';
import type { StoredUser } from '../users/user.mongo.ts';
import { chainWhenShown } from './chain.ts';
import type {
  Delivery,
  EndReason,
  Held,
  Opening,
  Session,
  SessionStore,
  Shown,
  Step,
  Successor,
  TokenHash,
} from './session.ts';

/** One document holds all of a session, its chain of tokens included, so one update decides. */
interface SessionFields {
  _id: string;
  userId: string;
  ver: number;
  delivery: Delivery;
  openedAt: Date;
  lastUsedAt: Date;
  expiresAt: Date;
  idleExpiresAt: Date;
  endedAt?: Date;
  endReason?: EndReason;
  userAgent?: string;
  /** Absent in sessions of versions that kept their tokens elsewhere: those are not refreshed any more. */
  newest?: { hash: TokenHash; successor?: Successor };
  replaced?: { hash: TokenHash; keyId: string; at: Date }[];
}

type Read = SessionFields & { readonly asOf: Date };
type ReadWithUser = Read & { readonly users: readonly StoredUser[] };

const COLLECTION = 'sessions';

const schema = new Schema<SessionFields>(
  {
    _id: { type: String, required: true },
    userId: { type: String, required: true },
    ver: { type: Number, required: true },
    delivery: { type: String, required: true },
    openedAt: { type: Date, required: true },
    lastUsedAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    idleExpiresAt: { type: Date, required: true },
    endedAt: Date,
    endReason: String,
    userAgent: String,
    newest: Object,
    replaced: [Object],
  },
  { collection: COLLECTION, strict: 'throw', strictQuery: 'throw', versionKey: false },
);
// Sessions that have ended are stored until their absolute end; whoever lists the open ones never reads them.
const byUser = { userId: 1, endedAt: 1, openedAt: -1 } as const;
schema.index(byUser);
schema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const notEnded = { endedAt: { $exists: false } } as const;
const open = {
  ...notEnded,
  $expr: { $and: [{ $gt: ['$expiresAt', '$$NOW'] }, { $gt: ['$idleExpiresAt', '$$NOW'] }] },
} as const;
const asOfNow: PipelineStage = { $set: { asOf: '$$NOW' } };

/** `userId` is the text of the user's `_id`. */
const withUser: readonly PipelineStage[] = [
  { $set: { userKey: { $toObjectId: '$userId' } } },
  { $lookup: { from: authContract.usersCollection, localField: 'userKey', foreignField: '_id', as: 'users' } },
  { $unset: ['userKey', 'users.password'] },
];

export function createSessionStore(link: Link): SessionStore & { ensureIndexes(): Promise<void> } {
  const { run, patiently } = link;
  const sessions = link.reads<SessionFields>(COLLECTION);
  const Sessions: Model<SessionFields> = link.connection.model<SessionFields>('Session', schema);

  const read = (pipeline: readonly PipelineStage[]): Promise<readonly Read[]> =>
    run(() => Sessions.aggregate<Read>([...pipeline, asOfNow]).exec());

  return {
    ensureIndexes: () => patiently(() => Sessions.createIndexes()),

    open: (opening) =>
      run(async () => {
        // Through mongoose, which makes it part of the transaction under way.
        const opened = await Sessions.findOneAndUpdate({ _id: opening.id }, [{ $replaceWith: newSession(opening) }], {
          upsert: true,
          setDefaultsOnInsert: false,
          returnDocument: 'after',
          updatePipeline: true,
        }).lean();
        return asSession({ ...opened, asOf: opened.openedAt });
      }),

    // Every request of somebody who is signed in asks this.
    find: sharedReads(async (ids) => {
      const found = await read([{ $match: { _id: { $in: ids } } }, ...withUser]);
      return new Map(found.map((each) => [each._id, asHeld(each as ReadWithUser)]));
    }),

    show: (shown) =>
      run(async () => {
        const filter = { _id: shown.id, delivery: shown.delivery, ...open };
        const after = await Sessions.findOneAndUpdate(filter, chainWhenShown(shown), {
          returnDocument: 'after',
          updatePipeline: true,
        }).lean();
        return after ? asStep(after, shown) : undefined;
      }),

    end: (id, reason) =>
      run(async () => {
        const ending = [{ $set: { endedAt: '$$NOW', endReason: reason } }];
        const { modifiedCount } = await Sessions.updateOne({ _id: id, ...notEnded }, ending, { updatePipeline: true });
        return modifiedCount === 1;
      }),

    async openOf({ id, sessionsFrom }, limit) {
      const theirs = { userId: id, ver: { $gte: sessionsFrom }, ...open };
      const found = await read([{ $match: theirs }, { $sort: { openedAt: -1, _id: 1 } }, { $limit: limit }]);
      return found.map(asSession);
    },

    isBeyond: (userId, most) =>
      run(async () => {
        // An index holds null where the field is absent, but a filter for that reads each document; bounds of the index do not.
        const bounds = {
          projection: { _id: 0, openedAt: 1 },
          hint: byUser,
          skip: most,
          min: { userId, endedAt: null, openedAt: new mongo.MaxKey() },
          max: { userId, endedAt: null, openedAt: new mongo.MinKey() },
        };
        return (await sessions.one({}, bounds)) !== null;
      }),

    async leastUsedOf(userId, { keep, limit }) {
      const found = await read([
        { $match: { userId, ...notEnded } },
        { $sort: { lastUsedAt: -1, openedAt: -1, _id: 1 } },
        { $skip: keep },
        { $limit: limit },
      ]);
      return found.map(asSession);
    },
  };
}

/** As an expression, for the database's clock to fill in. What a client sent is a literal: `$` means nothing in it. */
function newSession({ id, first, ttl, idleTtl, ...given }: Opening): object {
  const { userAgent, ...rest } = given;
  const literal = {
    _id: id,
    ...rest,
    ...(userAgent !== undefined && { userAgent }),
    newest: { hash: first },
    replaced: [],
  };
  const times = {
    openedAt: '$$NOW',
    lastUsedAt: '$$NOW',
    expiresAt: { $add: ['$$NOW', ttl] },
    idleExpiresAt: { $add: ['$$NOW', Math.min(idleTtl, ttl)] },
  };
  return { $mergeObjects: [{ $literal: literal }, times] };
}

function asSession({ _id, ...stored }: Read): Session {
  return {
    id: _id,
    userId: stored.userId,
    ver: stored.ver,
    delivery: stored.delivery,
    openedAt: stored.openedAt.getTime(),
    lastUsedAt: stored.lastUsedAt.getTime(),
    expiresAt: stored.expiresAt.getTime(),
    idleExpiresAt: stored.idleExpiresAt.getTime(),
    ...(stored.endedAt && { endedAt: stored.endedAt.getTime() }),
    ...(stored.userAgent !== undefined && { userAgent: stored.userAgent }),
    asOf: stored.asOf.getTime(),
  };
}

function asHeld({ users: [user], ...found }: ReadWithUser): Held {
  return { session: asSession(found), user: user && asUser(user), newest: found.newest?.hash };
}

/** `after` was written at its last use, or at its end. */
function asStep(after: SessionFields, { hash }: Shown): Step {
  const session = asSession({ ...after, asOf: after.endedAt ?? after.lastUsedAt });
  if (after.endedAt) return { state: 'reused', session };
  const keyId =
    after.newest?.hash === hash
      ? after.newest.successor?.keyId
      : after.replaced?.find((replaced) => replaced.hash === hash)?.keyId;
  return { state: 'in-force', session, keyId };
}
