import { expect, test } from '@jest/globals';
import { systemClock } from '@authstack/http-service/clock';
import { startReplicaSet } from '../../../../test/support/mongod.ts';
import { openLink } from './link.ts';

interface Thing {
  readonly name: string;
}

test('what a majority has is read as it is stored, and nothing inside a transaction, which it would not see', async () => {
  await using database = await startReplicaSet(1);
  const link = await openLink(database.uri, systemClock);
  try {
    const things = link.reads<Thing>('things');
    await link.connection.collection('things').insertMany([{ name: 'a' }, { name: 'b' }]);
    expect(await things.one({ name: 'a' }, { projection: { _id: 0 } })).toEqual({ name: 'a' });
    expect(await things.one({ name: 'c' })).toBeNull();
    expect((await things.all({}, { sort: { name: -1 } })).map(({ name }) => name)).toEqual(['b', 'a']);

    await expect(link.transaction(() => things.one({}))).rejects.toThrow('a transaction is under way');
    expect(await things.one({ name: 'b' })).toMatchObject({ name: 'b' });
  } finally {
    await link.close();
  }
}, 60_000);
