import { randomBytes } from 'node:crypto';
import { mongo } from 'mongoose';
import type { Millis } from '@authstack/http-service/clock';
import { authContract } from '../api.ts';
import { feedCollection } from '../events/feed-position.mongo.ts';
import { appName } from '../mongo/link.ts';

/** Work on the stack's database, past the service. */
async function onDatabase<T>(uri: string, work: (database: mongo.Db) => Promise<T>): Promise<T> {
  const client = new mongo.MongoClient(uri, { appName: 'test' });
  try {
    return await work(client.db(authContract.defaultDatabase));
  } finally {
    await client.close();
  }
}

/** The clock of a database cannot be moved; what it has stored of sessions and throttles can, the other way. */
export async function ageStored(uri: string, by: Millis): Promise<void> {
  const earlier = (time: string): object => ({ $subtract: [time, by] });
  const times = ['openedAt', 'lastUsedAt', 'expiresAt', 'idleExpiresAt'];
  const replaced = { $map: { input: '$replaced', in: { $mergeObjects: ['$$this', { at: earlier('$$this.at') }] } } };
  const aged = {
    ...Object.fromEntries(times.map((time) => [time, earlier(`$${time}`)])),
    endedAt: { $ifNull: [earlier('$endedAt'), '$$REMOVE'] },
    replaced,
  };
  await onDatabase(uri, async (database) => {
    await database.collection('sessions').updateMany({}, [{ $set: aged }]);
    await database.collection('throttles').updateMany({}, [{ $set: { expire: earlier('$expire') } }]);
  });
}

export interface StoredSession extends mongo.Document {
  readonly _id: string;
  readonly userId: string;
  readonly endReason?: string;
  readonly replaced: readonly unknown[];
}

export function storedSessions(uri: string, filter: object): Promise<readonly StoredSession[]> {
  return onDatabase(uri, (database) => database.collection<StoredSession>('sessions').find(filter).toArray());
}

/** As many copies of a stored session as there are changes, each with an id and some fields of its own. */
export async function addSessions(uri: string, like: StoredSession, changes: readonly object[]): Promise<void> {
  const copies = changes.map((change) => ({
    ...like,
    _id: randomBytes(16).toString('base64url'),
    ...change,
  }));
  await onDatabase(uri, (database) => database.collection<StoredSession>('sessions').insertMany(copies));
}

/** What the pods asked the database meanwhile, by name of command, as the database itself saw it. */
export async function commandsDuring(uri: string, work: () => Promise<unknown>): Promise<readonly string[]> {
  return (await profileOf(uri, work)).map(commandOf);
}

/** The same with the collection of each, and the fields by which it was searched. */
export async function stepsDuring(uri: string, work: () => Promise<unknown>): Promise<readonly string[]> {
  const seen = await profileOf(uri, work);
  return seen.map((each) => {
    const { filter, query } = each['command'] as { filter?: object; query?: object };
    return `${commandOf(each)} ${String(each['ns'])} by ${Object.keys(filter ?? query ?? {}).join(', ')}`;
  });
}

function commandOf({ op, command }: mongo.Document): string {
  // The profiler shows statements of an update, not the command that brought them.
  return op === 'update' ? 'update' : String(Object.keys(command as object)[0]);
}

/** How many stored sessions the pods' reads looked at meanwhile; what an index alone answers is none. */
export async function sessionsReadDuring(uri: string, work: () => Promise<unknown>): Promise<number> {
  const seen = await profileOf(uri, work);
  const reads = seen.filter(({ op, ns }) => op !== 'update' && String(ns).endsWith('.sessions'));
  return reads.reduce((sum, { docsExamined }) => sum + Number(docsExamined ?? 0), 0);
}

/** What a pod asks by its own clock, whoever visits it: whether the primary answers, and the position of the feed. */
const byItsOwnClock: mongo.Filter<mongo.Document>[] = [
  { 'command.ping': { $exists: true } },
  { ns: `${authContract.defaultDatabase}.${feedCollection}` },
];

function profileOf(uri: string, work: () => Promise<unknown>): Promise<readonly mongo.Document[]> {
  return onDatabase(uri, async (database) => {
    await database.setProfilingLevel('all');
    try {
      await work();
    } finally {
      await database.setProfilingLevel('off');
    }
    const seen = await database
      .collection('system.profile')
      .find({ appName, $nor: byItsOwnClock })
      .sort({ ts: 1 })
      .toArray();
    await database.collection('system.profile').drop();
    return seen;
  });
}
