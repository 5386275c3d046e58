import { expect, test } from '@jest/globals';
import { mongo } from 'mongoose';
import { systemClock } from '@authstack/http-service/clock';
import { startReplicaSet } from '../../../../test/support/mongod.ts';
import { until } from '../testing/world.ts';
import { appName, openLink } from './link.ts';

/** One that looks whether the member lives, and one that measures how far it is. */
const MONITORS = 2;

test('the next primary is written to over a connection that stood while it was a secondary', async () => {
  await using database = await startReplicaSet(3);
  const old = await database.primary();
  const others = database.members.filter((member) => member !== old);
  const link = await openLink(database.uri.replace('/?', '/auth?'), systemClock);
  try {
    const write = (): Promise<unknown> => link.patiently(() => link.connection.collection('kept').insertOne({}));
    await write();
    for (const { uri } of others) {
      await until(async () => (await connectionsTo(uri)) > MONITORS, 'there is a connection to each secondary');
    }
    const late = new Set<string>();
    const used: string[] = [];
    const client = link.connection.getClient();
    client.on('connectionCreated', (made) => late.add(nameOf(made)));
    client.on('connectionCheckedOut', (taken) => used.push(nameOf(taken)));

    await old.kill();
    const written = write();
    await standForElection(others[0]?.uri ?? '');
    await written;

    const [first] = used.filter((name) => !name.startsWith(`127.0.0.1:${old.port} `));
    expect(first).toBeDefined();
    expect(late).not.toContain(first);
  } finally {
    await link.close();
  }
}, 60_000);

function nameOf({ address, connectionId }: mongo.ConnectionCheckedOutEvent | mongo.ConnectionCreatedEvent): string {
  return `${address} ${connectionId}`;
}

/** Of the auth service, idle ones too. */
async function connectionsTo(uri: string): Promise<number> {
  const direct = await new mongo.MongoClient(uri).connect();
  try {
    const pipeline = [{ $currentOp: { idleConnections: true } }, { $match: { appName } }];
    return (await direct.db('admin').aggregate(pipeline).toArray()).length;
  } finally {
    await direct.close();
  }
}

/** As its agent has it do. Where another one was faster that is no matter here. */
async function standForElection(uri: string): Promise<void> {
  const direct = await new mongo.MongoClient(uri).connect();
  await direct
    .db('admin')
    .command({ replSetStepUp: 1 })
    .catch(() => undefined);
  await direct.close();
}
