import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mongo } from 'mongoose';
import { startMongod, writeKeyFile } from '../../../../test/support/mongod.ts';
import { authContract } from '../api.ts';

/** A real replica set of one member that demands a user and a password. */
export interface GuardedDatabase extends AsyncDisposable {
  /** Makes a user of the service's database; answers its connection string. */
  addUser(name: string, as?: { readonly password?: string; readonly roles?: readonly string[] }): Promise<string>;
  /** How many connections are open in the name of that user. */
  connectionsOf(name: string): Promise<number>;
}

export async function startGuardedDatabase(): Promise<GuardedDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'guarded-'));
  const keyFile = await writeKeyFile(folder);
  const mongod = await startMongod({ replicaSet: 'rs0', initiate: true, keyFile });
  // The first user is made by the localhost exception.
  const password = 'of the root';
  await commanding(mongod.uri, { createUser: 'root', pwd: password, roles: ['root'] });
  const root = await new mongo.MongoClient(mongod.uri, {
    auth: { username: 'root', password },
    authSource: 'admin',
  }).connect();

  return {
    async addUser(name, { password: pwd = `of ${name}`, roles = ['readWrite'] } = {}) {
      await root.db(authContract.defaultDatabase).command({ createUser: name, pwd, roles });
      return `mongodb://${name}:${encodeURIComponent(pwd)}@127.0.0.1:${mongod.port}/${authContract.defaultDatabase}?replicaSet=rs0`;
    },
    async connectionsOf(name) {
      const connections = await root
        .db('admin')
        .aggregate([{ $currentOp: { allUsers: true, idleConnections: true, idleSessions: false } }])
        .toArray();
      return connections.filter(({ effectiveUsers }) =>
        (effectiveUsers as { user: string }[] | undefined)?.some(({ user }) => user === name),
      ).length;
    },
    async [Symbol.asyncDispose]() {
      await root.close();
      await mongod[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function commanding(uri: string, command: mongo.Document): Promise<void> {
  const client = new mongo.MongoClient(uri);
  try {
    await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}
