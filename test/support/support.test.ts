import { expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { startApiServer } from './api-server.ts';
import { startReplicaSet } from './mongod.ts';

test('an API server keeps its objects through a crash', async () => {
  await using api = await startApiServer();
  await api.kubectl(['create', 'namespace', 'kept']);

  await api.crash();
  await expect(api.kubectl(['get', 'namespace', 'kept'])).rejects.toThrow(/refused/);
  await api.restart();

  expect(await api.kubectl(['get', 'namespace', 'kept', '-o', 'name'])).toBe('namespace/kept\n');
}, 60_000);

test('a replica set elects another primary when its own is killed', async () => {
  await using set = await startReplicaSet(3);
  const client = new MongoClient(set.uri);
  try {
    const names = client.db('test').collection('names');
    await names.insertOne({ name: 'kept' }, { writeConcern: { w: 'majority' } });
    const killed = await set.primary();
    await killed.kill();

    expect(await set.primary()).not.toBe(killed);
    expect(await names.countDocuments({ name: 'kept' })).toBe(1);
  } finally {
    await client.close();
  }
}, 60_000);
