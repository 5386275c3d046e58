import { Schema } from 'mongoose';
import type { Connection, Model } from 'mongoose';
import type { Database } from '../mongo/database.ts';
import type { Delivery, EndReason, Session, SessionStore, StoredToken, Successor, TokenHash } from './session.ts';

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
}

interface TokenFields {
  _id: string;
  sessionId: string;
  presentedAt?: Date;
  successor?: Successor;
  expiresAt: Date;
}

const strictly = { strict: 'throw', strictQuery: 'throw', versionKey: false } as const;

const sessionSchema = new Schema<SessionFields>(
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
  },
  { collection: 'sessions', ...strictly },
);
sessionSchema.index({ userId: 1, openedAt: 1 });
// The database forgets a session at its absolute end, so a reused token is recognised until then.
sessionSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

const tokenSchema = new Schema<TokenFields>(
  {
    _id: { type: String, required: true },
    sessionId: { type: String, required: true },
    presentedAt: Date,
    successor: new Schema<Successor>(
      { hash: { type: String, required: true }, keyId: { type: String, required: true } },
      { _id: false },
    ),
    expiresAt: { type: Date, required: true },
  },
  { collection: 'session-tokens', ...strictly },
);
tokenSchema.index({ expiresAt: 1 }, { expireAfterSeconds: 0 });

export function createSessionStore(database: Database): SessionStore & { ensureIndexes(): Promise<void> } {
  const { run } = database;
  const { Sessions, Tokens } = models(database.connection);

  return {
    async ensureIndexes() {
      await Sessions.createIndexes();
      await Tokens.createIndexes();
    },

    // The token last: without its session it is void, and a session without a token is harmless and expires.
    open: ({ id, ...session }, first) =>
      run(async () => {
        await new Sessions({ _id: id, ...session }).save();
        const { openedAt, expiresAt } = session;
        await new Tokens({ _id: first, sessionId: id, presentedAt: new Date(openedAt), expiresAt }).save();
      }),

    find: (id) =>
      run(async () => {
        const found = await Sessions.findById(id).lean();
        return found ? asSession(found) : undefined;
      }),

    findToken: (hash) =>
      run(async () => {
        const found = await Tokens.findById(hash).lean();
        return found ? asToken(found) : undefined;
      }),

    markPresented: (hash, at) =>
      run(async () => {
        await Tokens.updateOne({ _id: hash, presentedAt: { $exists: false } }, { $set: { presentedAt: new Date(at) } });
      }),

    settleSuccessor: (parent, proposed) =>
      run(async () => {
        // Read and set in one step on the primary; of two replicas that ask at once both get the first one's.
        const settled = await Tokens.findOneAndUpdate(
          { _id: parent },
          [{ $set: { successor: { $ifNull: ['$successor', proposed] } } }],
          { returnDocument: 'after', updatePipeline: true },
        ).lean();
        return settled?.successor;
      }),

    addToken: (hash, { id, expiresAt }) =>
      run(async () => {
        await Tokens.updateOne(
          { _id: hash },
          { $setOnInsert: { sessionId: id, expiresAt: new Date(expiresAt) } },
          { upsert: true },
        );
      }),

    touch: (id, { at, idleExpiresAt }) =>
      run(async () => {
        const { matchedCount } = await Sessions.updateOne(
          { _id: id, endedAt: { $exists: false } },
          { $set: { lastUsedAt: new Date(at), idleExpiresAt: new Date(idleExpiresAt) } },
        );
        return matchedCount === 1;
      }),

    end: (id, { at, reason }) =>
      run(async () => {
        const { modifiedCount } = await Sessions.updateOne(
          { _id: id, endedAt: { $exists: false } },
          { $set: { endedAt: new Date(at), endReason: reason } },
        );
        return modifiedCount === 1;
      }),

    listOf: (userId) =>
      run(async () => {
        const found = await Sessions.find({ userId }).sort({ openedAt: 1 }).limit(1000).lean();
        return found.map(asSession);
      }),
  };
}

function models(connection: Connection): { Sessions: Model<SessionFields>; Tokens: Model<TokenFields> } {
  return {
    Sessions: connection.model<SessionFields>('Session', sessionSchema),
    Tokens: connection.model<TokenFields>('SessionToken', tokenSchema),
  };
}

function asSession({ _id, endReason: _, ...stored }: SessionFields): Session {
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
  };
}

function asToken({ _id, sessionId, presentedAt, successor }: TokenFields): StoredToken {
  return {
    hash: _id as TokenHash,
    sessionId,
    ...(presentedAt && { presentedAt: presentedAt.getTime() }),
    ...(successor && { successor: { hash: successor.hash, keyId: successor.keyId } }),
  };
}
