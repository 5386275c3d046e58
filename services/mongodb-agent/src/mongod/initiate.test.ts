import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { agentContract } from '../api.ts';
import { direct } from '../testing/direct.ts';
import { becomes, initiateSet, pvcUid, settings, startOnEmptyVolume } from '../testing/replica-set.ts';
import { eventually, startPod } from '../testing/pod.ts';
import type { Pod } from '../testing/pod.ts';
import type { Mongod } from './connection.ts';

const { paths } = agentContract;

const initiation = (pod: Pod): object => ({ pvcUid, host: pod.host, settings });
const root = { username: 'root', password: 'first password of root', roles: [{ role: 'root', db: 'admin' }] };

describe('initiation', () => {
  test('happens only on the volume that it was decided for', async () => {
    await using pod = await startPod();
    await startOnEmptyVolume(pod);

    await expect(pod.call(paths.initiate, { ...initiation(pod), pvcUid: 'pvc-1' })).resolves.toMatchObject({
      status: 409,
      body: { code: 'VOLUME_MISMATCH' },
    });
    await expect(pod.observe()).resolves.toMatchObject({ replicaSet: { state: 'notInitialized' } });
    await expect(pod.call(paths.users, root)).resolves.toMatchObject({ body: { code: 'NOT_PRIMARY' } });
    await expect(
      pod.call(paths.reconfig, { expectedVersion: 1, members: [{ _id: 0, host: pod.host, votes: 1, priority: 1 }] }),
    ).resolves.toMatchObject({
      body: { code: 'NOT_INITIALIZED' },
    });
  });

  test('answers the same set to requests at once, again, and after a kill -9 of mongod', async () => {
    await using pod = await startPod();
    await startOnEmptyVolume(pod);

    const replies = await Promise.all([1, 2, 3].map(() => pod.call(paths.initiate, initiation(pod))));
    await pod.endContainer('SIGKILL');
    await expect(pod.call(paths.initiate, initiation(pod))).resolves.toMatchObject({
      status: 503,
      body: { code: 'MONGOD_UNAVAILABLE' },
    });
    pod.startContainer();
    const later = await eventually(() => pod.call(paths.initiate, initiation(pod)), {
      holds: ({ status }) => status !== 503,
    });

    const { volume } = await pod.observe();
    expect(volume.replicaSetId).toMatch(/^[0-9a-f]{24}$/);
    for (const reply of [...replies, later]) {
      expect(reply).toEqual({ status: 200, body: { replicaSetId: volume.replicaSetId } });
    }
  });

  test('is observed as one voting primary with a committed configuration', async () => {
    await using pod = await startPod();
    const replicaSetId = await initiateSet(pod);

    const seen = await eventually(pod.observe, {
      holds: ({ replicaSet }) => replicaSet.state === 'initialized' && replicaSet.configCommitted,
    });
    expect(seen).toMatchObject({
      volume: { state: 'data', pvcUid, replicaSetId },
      mongod: { state: 'answers', featureCompatibilityVersion: expect.stringMatching(/^\d+\.\d+$/) },
      replicaSet: {
        ...{ replicaSetId, self: 'PRIMARY', selfHost: pod.host },
        config: { version: 1, members: [{ _id: 0, host: pod.host, votes: 1, priority: 1 }] },
        members: [{ _id: 0, host: pod.host, state: 'PRIMARY', health: 1, lagSeconds: 0 }],
      },
    });
    await expect(fetch(`${pod.probes}/readyz`)).resolves.toMatchObject({ status: 200 });
    const metrics = await (await fetch(`${pod.probes}/metrics`)).text();
    expect(metrics).toContain('authstack_mongodb_member_state{state="PRIMARY"} 1');
  });

  test('never happens again on a volume that lost a set’s data', async () => {
    await using pod = await startPod();
    await initiateSet(pod);
    await pod.endContainer('SIGKILL');
    await rm(join(pod.dataDir, 'db'), { recursive: true });
    await startOnEmptyVolume(pod);

    await expect(pod.call(paths.initiate, initiation(pod))).resolves.toMatchObject({
      status: 409,
      body: { code: 'VOLUME_OF_A_SET' },
    });
    await expect(pod.observe()).resolves.toMatchObject({ replicaSet: { state: 'notInitialized' } });
  });
});

describe('users', () => {
  test('are created, left alone and changed as requested, also when mongod is killed in between', async () => {
    await using pod = await startPod();
    await initiateSet(pod);
    await using mongod = direct(pod);
    const outcome = async (user: object): Promise<unknown> => (await pod.call(paths.users, user)).body;

    await expect(outcome(root)).resolves.toEqual({ outcome: 'created' });
    const stored = await storedUsers(mongod);
    await expect(outcome(root)).resolves.toEqual({ outcome: 'unchanged' });
    expect(await storedUsers(mongod)).toEqual(stored);

    await pod.endContainer('SIGKILL');
    pod.startContainer();
    await becomes(pod, 'PRIMARY');
    await expect(outcome(root)).resolves.toEqual({ outcome: 'unchanged' });
    await expect(outcome({ ...root, password: 'second password of root' })).resolves.toEqual({ outcome: 'updated' });
    await expect(outcome({ ...root, password: 'second password of root', roles: [] })).resolves.toEqual({
      outcome: 'updated',
    });
    await expect(outcome({ ...root, roles: [{ role: 'no-such-role', db: 'admin' }] })).resolves.toMatchObject({
      code: 'USER_REFUSED',
      detail: expect.stringContaining('no-such-role'),
    });
    expect(pod.log.join('')).not.toMatch(/password of root/);
  });

  test('cannot be created without a credential, not even from the pod’s own network', async () => {
    await using pod = await startPod();
    await initiateSet(pod);
    await using stranger = new MongoClient(`mongodb://${pod.host}/?directConnection=true`);

    await expect(stranger.db('admin').command({ createUser: 'eve', pwd: 'x', roles: ['root'] })).rejects.toMatchObject({
      codeName: 'Unauthorized',
    });
  });
});

test('a mongod with another keyfile is observed as answering, with the reason why nothing more is known', async () => {
  await using pod = await startPod();
  await startOnEmptyVolume(pod);
  await writeFile(join(pod.gateDir, 'keyfile'), 'c29tZXRoaW5nIGVsc2U=');

  await expect(pod.observe()).resolves.toMatchObject({
    mongod: { state: 'answers', problem: expect.stringContaining('keyfile differs') },
    replicaSet: { state: 'unknown' },
  });
  await expect(pod.call(paths.initiate, initiation(pod))).resolves.toMatchObject({
    status: 503,
    body: { code: 'KEYFILE_REFUSED' },
  });
});

async function storedUsers(mongod: Mongod): Promise<unknown> {
  const { cursor } = await mongod.command({ find: 'system.users' });
  return (cursor as { firstBatch: unknown }).firstBatch;
}
