import { authContract, databaseNamed, usersMarker } from '@authstack/auth-service/api';
import type { Db, MongoClientOptions } from 'mongodb';
import type { Millis } from '../runtime/objects.ts';

/** Whether a database has users, whose passwords need the pepper that they were hashed with. */
export type DatabaseUsers =
  | { readonly state: 'none' }
  | { readonly state: 'some'; readonly evidence: string }
  /** In the driver's words, without anything of the connection string but its hosts. */
  | { readonly state: 'unknown'; readonly problem: string };

export interface DatabaseClient {
  /** One try, bounded in time; never throws. */
  usersIn(uri: string, call: { readonly signal: AbortSignal }): Promise<DatabaseUsers>;
}

const ANSWERS_WITHIN: Millis = 3_000;

// The driver's `timeoutMS` has had no effect since 7.x, so each wait is bounded by itself.
const options: MongoClientOptions = {
  appName: 'authstack-operator',
  serverSelectionTimeoutMS: ANSWERS_WITHIN,
  connectTimeoutMS: ANSWERS_WITHIN,
  socketTimeoutMS: ANSWERS_WITHIN,
  waitQueueTimeoutMS: ANSWERS_WITHIN,
  maxPoolSize: 1,
  retryReads: false,
  // A secondary may not have the first user yet, and a user that can be rolled back counts as well.
  readPreference: 'primary',
  readConcern: { level: 'local' },
};

/** The driver is loaded with the first call: an operator without external databases never holds it in memory. */
export const databaseClient: DatabaseClient = {
  async usersIn(uri, { signal }) {
    try {
      // The default export: of a module in CommonJS that is imported late, a bundle has no other.
      const { MongoClient } = (await import('mongodb')).default;
      await using client = new MongoClient(uri, { ...options, ...databaseNamed(uri) });
      const abort = (): void => void client.close(true);
      signal.addEventListener('abort', abort, { once: true });
      try {
        return await usersOf(client.db());
      } finally {
        signal.removeEventListener('abort', abort);
      }
    } catch (error) {
      return { state: 'unknown', problem: withoutCredentials(error, uri) };
    }
  },
};

async function usersOf(database: Db): Promise<DatabaseUsers> {
  const { collection, id, schema } = usersMarker;
  const marker = await database.collection<{ _id: string }>(collection).findOne({ _id: id });
  if (marker) {
    const { data } = schema.safeParse(marker);
    const since = data ? ` since ${data.since.toISOString()}` : '';
    return { state: 'some', evidence: `database ${database.databaseName} has had users${since}` };
  }
  // Of a database from before there was a marker.
  const user = await database.collection(authContract.usersCollection).findOne({}, { projection: { _id: 1 } });
  return user
    ? {
        state: 'some',
        evidence: `collection ${authContract.usersCollection} of database ${database.databaseName} has users`,
      }
    : { state: 'none' };
}

/** Drivers and resolvers quote what they were given. */
function withoutCredentials(error: unknown, uri: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, authority = ''] = /^[a-z+]+:\/\/([^/?]*)@/i.exec(uri) ?? [];
  const written = [uri, authority, ...authority.split(':').slice(1)].filter((part) => part !== '');
  const secrets = [...written, ...written.map(decoded)].sort((a, b) => b.length - a.length);
  return secrets.reduce((text, secret) => text.replaceAll(secret, '…'), message).slice(0, MOST);
}

const MOST = 300;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
